"""What the runtime reads from Kubernetes objects and asks of its API."""
