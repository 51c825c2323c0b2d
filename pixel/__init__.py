"""``pixel``: what the operator's page does, on a command line."""
