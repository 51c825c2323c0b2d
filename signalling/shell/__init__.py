"""What both servers need around their state machines: sockets, start and stop, settings, logs. It decides nothing."""
