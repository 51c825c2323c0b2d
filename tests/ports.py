"""Ports for servers that a test starts as processes of their own."""

import random
import socket

# Below the range from which the kernel gives connections their own end: a port there could be taken by a connection
# between the moment it is chosen and the moment the server listens on it.
_CANDIDATES = range(20_000, 32_000)


def free_port() -> int:
    """A TCP port that nothing listens on, on any address of this machine."""
    for port in random.sample(_CANDIDATES, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port
    raise OSError(f"none of 100 ports tried in {_CANDIDATES} is free")
