"""Writes what in `docs/` can be read off the program: the reference of configuration keys, and the pictures."""
