"""Asking other servers something: whom that may be, and how much of an answer is read."""
