"""Erlang's formulas (A. K. Erlang, 1917): what a pool without a buffer's own waits comes to, known in closed form."""


def erlang_b(servers: int, load: float) -> float:
    """The chance to find all servers busy where nobody waits; `load` is arrivals during one service."""
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked


def erlang_c(servers: int, load: float) -> float:
    """The chance to wait where everybody does."""
    blocked = erlang_b(servers, load)
    return servers * blocked / (servers - load * (1 - blocked))


def mean_wait(servers: int, rate: float, service: float) -> float:
    """Seconds, where everybody waits and services are memoryless."""
    load = rate * service
    return erlang_c(servers, load) * service / (servers - load)
