"""Simulation of players, instances and nodes, event by event: what theory leaves out, and recorded days again."""
