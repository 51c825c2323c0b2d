"""The sidecar beside Epic's own server: the same scripts, and what each makes of them."""
