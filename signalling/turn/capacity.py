"""How many TURN nodes there should be, from how full those are that there are.

Whoever decides sizes reads `pixel:turn_load:nodes` from Prometheus, for bandwidth and for allocations, and the greater
of the two is what this takes. `pixel:turn_nodes:wanted` is the same decision, but for the wait before it shrinks.
"""

import math
from dataclasses import dataclass
from typing import Final

TARGET: Final = 0.6
"""How full each node should be at most: a pool of three then bears the loss of one."""
SHRINK_BELOW: Final = 0.45
"""How full each of one node fewer would have to be before it goes: a pool that swings drains for nothing."""


@dataclass(frozen=True, slots=True)
class TurnPool:
    """The pool as it is."""

    nodes: int
    """Those that take players."""
    full_nodes: float
    """Their load, in nodes used to their limit: the greater of bandwidth and allocations."""
    minimum: int
    maximum: int


def wanted_nodes(pool: TurnPool) -> int:
    """How many nodes there should be; a node that is to go drains first, and there is no hurry about it."""
    enough = max(math.ceil(pool.full_nodes / TARGET), pool.minimum)
    standing = min(pool.nodes, pool.maximum)
    if enough < standing:
        # Those without which each of the rest would be fuller than that.
        enough = max(enough, min(standing, math.ceil(pool.full_nodes / SHRINK_BELOW)))
    return min(enough, pool.maximum)
