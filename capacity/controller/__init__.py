"""The fleet controller: keeps warm instances, warm nodes and TURN nodes ready, one leader at a time."""
