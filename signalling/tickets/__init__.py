"""Tickets: signed rights to a session, and the keys that sign and prove them."""
