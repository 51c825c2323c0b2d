"""Which TURN nodes a session is sent to: more often those that are less loaded. Pure."""

import hashlib
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

NODES_PER_PLAYER: Final = 2
"""One, and one to spare."""
_STEPS: Final = ((0.25, 4), (0.5, 3), (0.75, 2), (0.9, 1))
"""Shares of new sessions by load, in steps: a load that wavers within one moves no session to another node."""


@dataclass(frozen=True, slots=True)
class TurnNode:
    """One node of the TURN pool that takes players."""

    name: str
    address: str
    """Where players reach it."""
    internal: str
    """Where the cluster reaches it: its companion says its load there."""


def rank(
    session: str,
    nodes: Collection[TurnNode],
    loads: Mapping[str, float],
    count: int = NODES_PER_PLAYER,
) -> list[TurnNode]:
    """The nodes for a session, best first.

    ``loads`` says by name how much of a node is used, from 0 to 1; of one that is not in it nobody knows, and it counts
    as half used. The same session gets the same nodes for as long as those are there and their loads stay in their
    steps, whichever matchmaker asks; nodes that come and go move no session between the others (weighted rendezvous
    hashing). The zone has no say: a player is told its servers before anybody knows which instance it gets.
    """

    def order(node: TurnNode) -> tuple[bool, float]:
        load = loads.get(node.name, 0.5 - 1e-9)
        share = next((share for below, share in _STEPS if load < below), 0)
        return share == 0, _draw(session, node.name) / max(share, 1)

    return sorted(nodes, key=order)[:count]


def _draw(session: str, node: str) -> float:
    """A number that depends on both and on nothing else, exponentially distributed: the smallest of a few wins."""
    digest = hashlib.sha256(f"{session} {node}".encode()).digest()
    return -math.log((int.from_bytes(digest[:8]) + 1) / (2**64 + 1))
