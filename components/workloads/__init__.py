"""What the program itself runs in the cluster, and the names that these parts share."""

PLATFORM_NAMESPACE = "pixel"
"""Matchmaker and TURN."""
INSTANCES_NAMESPACE = "pixel-instances"
"""Every instance of every application."""

TURN_SECRET = "turn-secret"  # noqa: S105 - the name of the object
TURN_REALM = "pixel"

USER = 10001
"""User and group of every container of ours and of every application."""
