"""What Prometheus knows of a stack's players, instances and nodes, as a demand to plan with, and as buffers."""
