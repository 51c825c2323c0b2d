"""Drawing the scene, straight into the planes that the video encoder reads."""
