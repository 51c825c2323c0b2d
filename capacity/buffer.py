"""What an application keeps ready, and how much that is: for the fleet controller that keeps it, and for plans and
simulations of it."""

import math
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from capacity.planning.base_stock import buffer_for

Count = Annotated[int, Meta(ge=0)]

_HOUR: Final = 3600.0


class ServiceLevel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A buffer by what it is to promise."""

    chance: Annotated[float, Meta(gt=0, lt=1)]
    """That a player finds something ready."""
    arrivals_per_hour: Annotated[float, Meta(ge=0)]
    start_seconds: Annotated[float, Meta(gt=0)]
    """Of an instance on a node that is there."""
    provision_seconds: Annotated[float, Meta(gt=0)]
    """Of a node."""


class Buffer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an application keeps ready. Of the ways to say how much the one that asks for most counts."""

    instances: Count = 0
    """Warm instances of each version."""
    percent: Annotated[float, Meta(ge=0)] = 0
    """The same in percent of the application's sessions."""
    service_level: ServiceLevel | None = None
    minimum: Count = 0
    """Instances at least, sessions among them. No buffer: it is not refilled."""
    maximum: Count | None = None
    """Instances at most, sessions among them."""
    nodes: Count = 0
    """Nodes' worth of free slots."""
    nodes_percent: Annotated[float, Meta(ge=0)] = 0
    """Free slots in percent of the application's sessions."""


class Change(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a schedule puts in place of the same keys of a buffer; what it leaves out stays."""

    instances: Count | None = None
    percent: Annotated[float, Meta(ge=0)] | None = None
    arrivals_per_hour: Annotated[float, Meta(ge=0)] | None = None
    minimum: Count | None = None
    maximum: Count | None = None
    nodes: Count | None = None
    nodes_percent: Annotated[float, Meta(ge=0)] | None = None


def instances_of(buffer: Buffer, part: float, sessions: float) -> int:
    """Warm instances of a version that gets a part of the application's players, while so many sessions run."""
    level = buffer.service_level
    promised = _promised(level, part, level.start_seconds) if level else 0
    return max(buffer.instances, _percent(buffer.percent, part * sessions), promised)


def slots_of(buffer: Buffer, slots_per_node: int, sessions: float) -> int:
    """Free slots on nodes, while so many sessions run."""
    level = buffer.service_level
    promised = _promised(level, 1.0, level.provision_seconds) if level else 0
    return max(buffer.nodes * slots_per_node, _percent(buffer.nodes_percent, sessions), promised)


def _promised(level: ServiceLevel, part: float, lead: float) -> int:
    """What a service level needs where a part of the players comes and one place takes ``lead`` seconds to replace."""
    rate = part * level.arrivals_per_hour / _HOUR
    return buffer_for(level.chance, rate, lead) if rate else 0


def _percent(percent: float, of: float) -> int:
    # What floating point adds must not make one more.
    return math.ceil(percent * of / 100 - 1e-9)
