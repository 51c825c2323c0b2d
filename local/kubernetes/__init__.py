"""The project's own Kubernetes provider plugin, over server-side apply, for where the official one cannot be had."""
