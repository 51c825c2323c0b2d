"""The server players connect to: it queues them, claims instances for them, and relays between the two."""
