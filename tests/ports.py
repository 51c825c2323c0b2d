"""Ports for servers that a test starts as processes of their own."""

import os
import random
import socket
from collections import deque

# Below the range from which the kernel gives connections their own end: a port there could be taken by a connection
# between the moment it is chosen and the moment the server listens on it. Each of the processes that share the tests
# has its own, or one could take what another has just chosen.
_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_CANDIDATES = range(20_000 + _PROCESS, 32_000, _PROCESSES)

_given: deque[int] = deque(maxlen=500)
"""Chosen lately; perhaps nobody listens there yet."""


def free_port() -> int:
    """A TCP port that nothing listens on, on any address of this machine."""
    for port in random.sample(_CANDIDATES, 100):
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            _given.append(port)
            return port
    raise OSError(f"none of 100 ports tried in {_CANDIDATES} is free")
