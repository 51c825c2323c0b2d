"""Who gets which instance: one computation that every replica does alike, without I/O.

A replica reads as many of an application's queue as there are instances, works out who would get which, and claims for
those whose connection it holds. All replicas work from (nearly) the same queue and the same instances, so they rarely
want the same one; where they do, the API server lets one claim through and the other replica tries again.

First come, first served within an application, and between its versions by weight. A player costs O(log n) for n
instances.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, TypeAlias

from signalling.kubernetes.instances import Instance, Pool

Slot: TypeAlias = tuple[int, str]
"""An instance on its ring: position and name."""
_WHOLE: Final = 2**64


@dataclass(frozen=True, slots=True)
class Share:
    """A version's label and its weight among those of the application."""

    version: str
    weight: int


def position(name: str) -> int:
    """Where a name falls on the ring: the same everywhere, and evenly spread."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest())


def preference(shares: Sequence[Share], session: str) -> list[str]:
    """The versions in the order a session gets them (weighted rendezvous hashing).

    Over all sessions the first is each version as often as its weight says, and a session's order is always the same:
    whoever is given the canary stays with it, and a changed weight moves no more sessions than it must. The others
    follow, so that nobody waits while any version has room. Versions of weight 0 are left out.
    """
    open_ = [share for share in shares if share.weight > 0]
    if len(open_) == 1:
        return [open_[0].version]
    ranked = sorted((_distance(share, session), share.version) for share in open_)
    return [version for _, version in ranked]


def _distance(share: Share, session: str) -> float:
    # Exponentially distributed with the weight as its rate: the smallest of several is each as often as its share.
    return -math.log((position(f"{session} {share.version}") + 1) / (_WHOLE + 1)) / share.weight


class _Free:
    """A ring of instances of which some are taken; the next free one is found in nearly constant time."""

    def __init__(self, ring: Sequence[Slot]) -> None:
        self._ring: Final = ring
        self._after: Final[dict[int, int]] = {}
        """Of a taken slot, one behind it that may be free."""
        self._left = len(ring)

    def take(self, at: int) -> str | None:
        """The first free one from a position on, around the ring."""
        if not self._left:
            return None
        index = self._find(bisect_left(self._ring, (at, "")))
        if index == len(self._ring):
            index = self._find(0)
        self._remove(index)
        return self._ring[index][1]

    def reserve(self, name: str) -> None:
        """Take one by its name, if it is here and free."""
        index = bisect_left(self._ring, (position(name), name))
        if index < len(self._ring) and self._ring[index][1] == name and index not in self._after:
            self._remove(index)

    def _remove(self, index: int) -> None:
        self._after[index] = index + 1
        self._left -= 1

    def _find(self, index: int) -> int:
        passed = []
        while (after := self._after.get(index)) is not None:
            passed.append(index)
            index = after
        for each in passed:
            self._after[each] = index
        return index


def assign(
    queue: Iterable[str],
    rings: Mapping[str, Sequence[Slot]],
    shares: Sequence[Share],
    claiming: Mapping[str, str],
) -> Iterator[tuple[str, str]]:
    """Pairs of session and instance, in the order of the queue, until the instances are used up.

    ``rings`` hold the idle instances of each version, sorted; ``claiming`` what is being claimed here already, by
    session: those instances go to nobody else, and those sessions get nothing more.

    From its own position on the ring a session gets the next free instance. So a replica that does not know of an
    instance yet comes to another answer for a few sessions only, not for everybody behind the first one.
    """
    free = {version: _Free(ring) for version, ring in rings.items()}
    for taken in claiming.values():
        for ring in free.values():
            ring.reserve(taken)
    for session in queue:
        if session in claiming:
            continue
        at = position(session)
        for version in preference(shares, session):
            if version in free and (name := free[version].take(at)) is not None:
                yield session, name
                break
        else:
            return


def ready_count(instances: Iterable[Instance]) -> int:
    """The instances with a streamer, idle or in a session."""
    return sum(instance.usable and instance.pool is not Pool.ENDED for instance in instances)


def in_session(instances: Iterable[Instance]) -> list[Instance]:
    """The instances that have a session, also those that are to go when it is over."""
    return [instance for instance in instances if instance.pool is Pool.SESSION]


def demand_ratio(players: int, ready: int) -> float:
    """Players per ready instance; with none ready, one more than the players: it still says how many are needed."""
    if ready:
        return players / ready
    return float(players + 1) if players else 0.0
