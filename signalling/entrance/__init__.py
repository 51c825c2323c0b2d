"""What stands between a request for a connection and the queue: rate, origin, login, limits."""
