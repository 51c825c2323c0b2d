"""Capacity: what keeps instances and nodes ready, and what tells how many that should be."""
