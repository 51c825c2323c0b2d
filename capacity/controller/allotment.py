"""Who gets a slot where there are not enough: by priority, then players who wait, then buffers, all in turn."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from capacity.controller.buffers import Want


class Cap(Enum):
    """What may cut a wish off."""

    APPLICATION = "application"
    """The application's maximum."""
    POOL = "pool"
    """The size that the GPU pool may have."""
    BUDGET = "budget"
    """The day's GPU hours."""


class Purpose(Enum):
    """What an idle instance is wanted for, as in `Want`."""

    WAITING = "waiting"
    BUFFER = "buffer"
    STAYING = "staying"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of one fleet."""

    fleet: str
    application: str
    priority: int
    want: Want


@dataclass(frozen=True, slots=True)
class Allotment:
    """What one fleet gets: the idle instances that it is to have."""

    instances: int = 0
    buffer: int = 0
    """Those of them that are for players to come."""
    cut: Mapping[Cap, int] = field(default_factory=dict)
    """How many were wanted beyond it, by what cut them off."""


def allot(wishes: Sequence[Wish], room_of: Mapping[str, int], room: int) -> dict[str, Allotment]:
    """By fleet: so many idle instances that none of the two bounds is passed.

    ``room_of`` is what each application may still have, ``room`` what all may. An application of a higher priority gets
    what it wants before any of a lower one gets anything: a warm instance of the one goes before a waiting player of
    the other. Among equals a player who waits goes before a buffer, a buffer before what only stays, and everybody gets
    one in turn.
    """
    given: dict[str, Counter[Purpose]] = {wish.fleet: Counter() for wish in wishes}
    cut: dict[str, Counter[Cap]] = {wish.fleet: Counter() for wish in wishes}
    left_of = dict(room_of)
    for rank in _ranks(wishes):
        for wish, purpose in _in_turn(rank):
            cap = _cap(left_of[wish.application], room)
            if cap is not None:
                if purpose is not Purpose.STAYING:
                    cut[wish.fleet][cap] += 1
                continue
            given[wish.fleet][purpose] += 1
            left_of[wish.application] -= 1
            room -= 1
    return {fleet: Allotment(its.total(), its[Purpose.BUFFER], dict(cut[fleet])) for fleet, its in given.items()}


def _cap(room_of_application: int, room: int) -> Cap | None:
    if room_of_application <= 0:
        return Cap.APPLICATION
    return Cap.POOL if room <= 0 else None


def _ranks(wishes: Iterable[Wish]) -> Iterator[list[tuple[Wish, Purpose, int]]]:
    """Wishes, what for, and how many; the most important first."""
    for priority in sorted({wish.priority for wish in wishes}, reverse=True):
        equals = [wish for wish in wishes if wish.priority == priority]
        yield [(wish, Purpose.WAITING, wish.want.waiting) for wish in equals]
        yield [(wish, Purpose.BUFFER, wish.want.buffer) for wish in equals]
        yield [(wish, Purpose.STAYING, wish.want.staying) for wish in equals]


def _in_turn(rank: Sequence[tuple[Wish, Purpose, int]]) -> Iterator[tuple[Wish, Purpose]]:
    for turn in range(max((number for _, _, number in rank), default=0)):
        for wish, purpose, number in rank:
            if turn < number:
                yield wish, purpose
