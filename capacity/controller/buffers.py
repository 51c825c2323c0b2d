"""How many instances of each version an application wants ready."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from capacity.buffer import Buffer, instances_of
from capacity.controller.cluster import Fleet


@dataclass(frozen=True, slots=True)
class Demand:
    """What players want of an application now."""

    sessions: int
    waiting: int
    """Players for whom there is no warm instance."""
    taking: int = 0
    """Players who are about to have a warm one."""


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
    staying: int = 0
    """What is there beyond both and not taken away yet: the next moment may show that it takes a taken one's place."""


def instances_wanted(buffer: Buffer, fleets: Sequence[Fleet], demand: Demand) -> dict[str, Want]:
    """By fleet, for the fleets of one application.

    A version that gets no sessions keeps none ready. What is counted for the whole application goes to its versions by
    their shares, since so do its players. A minimum counts instances of all kinds, so it is used up, not refilled.

    Who waits and which instances are claimed is heard of at different times. So a warm instance counts for a player who
    waits when more would be started, and does not when some would be ended: otherwise the one that starts to refill the
    buffer would be ended just before the claim that it is started for.
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
    wanted, taking = dict[str, Want](), demand.taking
    for fleet in fleets:
        if fleet.name not in shares:
            wanted[fleet.name] = Want()
            continue
        waited_for, kept = waiting[fleet.name], ready[fleet.name] + more[fleet.name]
        staying = min(taking, max(0, fleet.replicas - waited_for - kept))
        wanted[fleet.name] = Want(waited_for, kept, staying)
        taking -= staying
    return wanted


def _instances(buffer: Buffer, fleet: Fleet, part: float, demand: Demand) -> int:
    if fleet.buffer_override is not None:
        return fleet.buffer_override
    return instances_of(buffer, part, demand.sessions)
