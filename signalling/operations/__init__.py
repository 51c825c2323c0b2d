"""The session API: what goes on, for people and programs that operate the service, and what they may do about it."""
