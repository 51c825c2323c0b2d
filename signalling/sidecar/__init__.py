"""The server that stands beside each streamer, in its pod."""
