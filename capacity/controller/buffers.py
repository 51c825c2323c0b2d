"""How much an application wants ready: instances of each version, and free slots on nodes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from capacity.controller.cluster import Fleet
from capacity.controller.settings import Buffer, ServiceLevel
from capacity.planning.base_stock import buffer_for

_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Demand:
    """What players want of an application now."""

    sessions: int
    waiting: int


def spread(total: int, shares: Mapping[str, int]) -> dict[str, int]:
    """A number of things over some by their shares, whole ones: who is owed most after its whole part gets the rest."""
    whole = sum(shares.values())
    if not whole:
        return dict.fromkeys(shares, 0)
    owed = {name: total * share / whole for name, share in shares.items()}
    given = {name: math.floor(part) for name, part in owed.items()}
    behind = sorted(shares, key=lambda name: (given[name] - owed[name], -shares[name], name))
    for name in behind[: total - sum(given.values())]:
        given[name] += 1
    return given


@dataclass(frozen=True, slots=True)
class Want:
    """What is wanted of one fleet."""

    waiting: int = 0
    """For players who wait."""
    buffer: int = 0
    """For players to come."""


def instances_wanted(buffer: Buffer, fleets: Sequence[Fleet], demand: Demand) -> dict[str, Want]:
    """By fleet, for the fleets of one application.

    A version that gets no sessions keeps none ready. What is counted for the whole application goes to its versions by
    their shares, since so do its players. A minimum counts instances of all kinds, so it is used up, not refilled.
    """
    shares = {fleet.name: fleet.share for fleet in fleets if fleet.share > 0}
    whole = sum(shares.values())
    ready = {
        fleet.name: _instances(buffer, fleet, shares[fleet.name] / whole, demand)
        for fleet in fleets
        if fleet.name in shares
    }
    missing = max(0, buffer.minimum - demand.sessions - sum(ready.values()))
    more, waiting = spread(missing, shares), spread(demand.waiting, shares)
    return {
        fleet.name: Want(waiting[fleet.name], ready[fleet.name] + more[fleet.name]) if fleet.name in shares else Want()
        for fleet in fleets
    }


def _instances(buffer: Buffer, fleet: Fleet, part: float, demand: Demand) -> int:
    if fleet.buffer_override is not None:
        return fleet.buffer_override
    level = buffer.service_level
    promised = _promised(level, part, level.start_seconds) if level else 0
    return max(buffer.instances, _percent(buffer.percent, part * demand.sessions), promised)


def slots_wanted(buffer: Buffer, slots_per_node: int, demand: Demand) -> int:
    """Free slots on nodes."""
    level = buffer.service_level
    promised = _promised(level, 1.0, level.provision_seconds) if level else 0
    return max(buffer.nodes * slots_per_node, _percent(buffer.nodes_percent, demand.sessions), promised)


def _promised(level: ServiceLevel, part: float, lead: float) -> int:
    """What a service level needs where a part of the players comes and one place takes ``lead`` seconds to replace."""
    rate = part * level.arrivals_per_hour / _HOUR
    return buffer_for(level.chance, rate, lead) if rate else 0


def _percent(percent: float, of: float) -> int:
    # What floating point adds must not make one more.
    return math.ceil(percent * of / 100 - 1e-9)
