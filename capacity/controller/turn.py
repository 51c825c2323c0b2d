"""How many TURN nodes there are to be, and which of them goes: by what they carry. Pure.

A node goes in steps, each of which the next decision finds done: cordoned (matchmakers send nobody there any more),
empty (its last allocation has ended), released (its placeholder is gone, so that the autoscaler removes it).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from capacity.controller.cluster import Node, Relay
from capacity.controller.settings import TurnPool

FULL: Final = 0.7
"""What nodes carry of what they may, when another is wanted: it takes minutes to come."""
SPARE: Final = 0.5
"""What those that stay would carry at most, when one may go."""


@dataclass(frozen=True, slots=True)
class TurnPlan:
    """What is to become of the pool."""

    wanted: int
    """Nodes that take players."""
    placeholders: int
    """One for each of these, and for each other node that still carries something."""
    leave: tuple[str, ...] = ()
    """Nodes to cordon."""
    stay: tuple[str, ...] = ()
    """Nodes that were to leave, and are needed after all."""
    release: tuple[str, ...] = ()
    """Nodes whose placeholder may go: they carry nothing any more."""
    cut: int = 0
    """How many more the load asks for than the pool may have."""


def load_of(relays: Mapping[str, Relay], pool: TurnPool) -> float:
    """What the pool carries, in nodes that carry all they may; the scarcer of ports and bandwidth counts."""
    return max(
        sum(relay.allocations for relay in relays.values()) / pool.allocations,
        sum(relay.bits_per_second for relay in relays.values()) / pool.bits_per_second,
    )


def planned(nodes: Sequence[Node], relays: Mapping[str, Relay], pool: TurnPool) -> TurnPlan:
    """The plan.

    While a node does not say what it carries none is let go; and none is added for its silence.
    """
    load = load_of(relays, pool)
    open_ = [node for node in nodes if not node.cordoned]
    asked = max(pool.min_nodes, math.ceil(load / FULL - 1e-9))
    if asked < len(open_) <= pool.max_nodes:
        # Down only so far that what stays has room: and so one that was just added does not go at once.
        silent = any(node.name not in relays for node in open_)
        asked = len(open_) if silent else min(len(open_), max(asked, math.ceil(load / SPARE - 1e-9)))
    wanted = min(asked, pool.max_nodes)
    # What an operator cordons is the operator's: it neither comes back by itself, nor goes but when asked to.
    leaving = [node for node in nodes if node.cordoned and (node.leaving or node.draining)]
    stay = _busiest([node for node in leaving if not node.draining], relays)[: max(0, wanted - len(open_))]
    leave = _busiest(open_, relays)[wanted:]
    empty = [node for node in leaving if node not in stay and _empty(node, relays)]
    closed = len(nodes) - len(open_) + len(leave) - len(stay)
    return TurnPlan(
        wanted,
        wanted + closed - len(empty),
        leave=tuple(node.name for node in leave),
        stay=tuple(node.name for node in stay),
        release=tuple(node.name for node in empty),
        cut=asked - wanted,
    )


def _busiest(nodes: Sequence[Node], relays: Mapping[str, Relay]) -> list[Node]:
    """The busiest first; of a silent one nobody knows, so it stays."""
    return sorted(nodes, key=lambda node: (-_allocations(node, relays), node.created, node.name))


def _allocations(node: Node, relays: Mapping[str, Relay]) -> float:
    return relays[node.name].allocations if node.name in relays else math.inf


def _empty(node: Node, relays: Mapping[str, Relay]) -> bool:
    return node.name in relays and relays[node.name].allocations == 0
