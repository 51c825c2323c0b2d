"""TURN on one node: coturn's configuration, and what stands beside it."""
