"""Records of one replica, in its memory: gone when it ends."""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from time import time
from typing import Final

from signalling.records.interface import Amount, Entry, Pending, Rate, Total
from signalling.records.rates import admit

FEWEST_TO_SWEEP: Final = 1024
"""Keys before it is worth looking for those that hold nothing any more."""
CLOSED_KEPT: Final = 100_000
"""Ended sessions that are remembered, lest one be counted twice."""


class MemoryRecords:
    """See Records."""

    def __init__(self, clock: Callable[[], float] = time) -> None:
        """``clock`` is for what is asked without a time."""
        self._clock: Final = clock
        self._rates: dict[str, float] = {}
        self._rates_swept_at = FEWEST_TO_SWEEP
        self._held: Final[dict[str, dict[str, float]]] = {}
        self._first: Final[dict[str, tuple[str, float]]] = {}
        self._open: Final[dict[str, bytes]] = {}
        self._closed: Final[dict[str, None]] = {}
        self._buckets: Final[dict[str, dict[str, Total]]] = {}
        self._logs: Final[dict[str, deque[Entry]]] = {}
        self._numbers: Final = itertools.count(1)
        self._boxes: Final[dict[str, dict[str, tuple[float, bytes]]]] = {}

    async def take(self, key: str, rate: Rate, now: float) -> float:
        """See Records."""
        wait, free_at = admit(self._rates.get(key, 0.0), rate, now)
        self._rates[key] = free_at
        if len(self._rates) >= self._rates_swept_at:
            self._rates = {each: at for each, at in self._rates.items() if at > now}
            self._rates_swept_at = max(FEWEST_TO_SWEEP, 2 * len(self._rates))
        return wait

    async def hold(self, key: str, member: str, most: int, now: float, seconds: float) -> bool:
        """See Records."""
        held = {each: until for each, until in self._held.get(key, {}).items() if until > now}
        if member in held or most == 0 or len(held) < most:
            self._held[key] = {**held, member: now + seconds}
            return True
        self._held[key] = held
        return False

    async def release(self, key: str, member: str) -> None:
        """See Records."""
        held = self._held.get(key, {})
        held.pop(member, None)
        if not held:
            self._held.pop(key, None)

    async def first(self, key: str, value: str, seconds: float) -> str:
        """See Records."""
        now = self._clock()
        if len(self._first) >= FEWEST_TO_SWEEP:
            for each in [each for each, (_, until) in self._first.items() if until <= now]:
                del self._first[each]
        found, until = self._first.get(key, ("", 0.0))
        if until > now:
            return found
        self._first[key] = (value, now + seconds)
        return value

    async def touch(self, sessions: Mapping[str, bytes]) -> None:
        """See Records."""
        self._open.update({session: said for session, said in sessions.items() if session not in self._closed})

    async def going_on(self) -> dict[str, bytes]:
        """See Records."""
        return dict(self._open)

    async def close(self, session: str, amounts: Sequence[Amount]) -> bool:
        """See Records."""
        self._open.pop(session, None)
        if session in self._closed:
            return False
        self._closed[session] = None
        if len(self._closed) > CLOSED_KEPT:
            del self._closed[next(iter(self._closed))]
        for amount in amounts:
            fields = self._buckets.setdefault(amount.bucket, {})
            before = fields.get(amount.field, Total())
            fields[amount.field] = Total(before.milliseconds + amount.milliseconds, before.sessions + amount.sessions)
        return True

    async def totals(self, buckets: Sequence[str]) -> list[dict[str, Total]]:
        """See Records."""
        return [dict(self._buckets.get(bucket, {})) for bucket in buckets]

    async def append(self, log: str, content: bytes, most: int) -> None:
        """See Records."""
        entries = self._logs.setdefault(log, deque(maxlen=most))
        entries.append(Entry(f"{next(self._numbers)}-0", content))

    async def page(self, log: str, before: str, count: int) -> list[Entry]:
        """See Records."""
        newest_first = reversed(self._logs.get(log, ()))
        older = (entry for entry in newest_first if not before or _number(entry.id) < _number(before))
        return list(itertools.islice(older, count))

    async def put(self, box: str, id: str, content: bytes, due: float, most: int) -> bool:
        """See Records."""
        kept = self._boxes.setdefault(box, {})
        if len(kept) >= most:
            return False
        kept[id] = (due, content)
        return True

    async def due(self, box: str, now: float, lease: float, count: int) -> list[Pending]:
        """See Records."""
        kept = self._boxes.get(box, {})
        ready = ((due, id) for id, (due, _) in kept.items() if due <= now)
        taken = [Pending(id, kept[id][1]) for _, id in heapq.nsmallest(count, ready)]
        for each in taken:
            kept[each.id] = (now + lease, each.content)
        return taken

    async def later(self, box: str, id: str, content: bytes, due: float) -> None:
        """See Records."""
        kept = self._boxes.get(box, {})
        if id in kept:
            kept[id] = (due, content)

    async def done(self, box: str, id: str) -> None:
        """See Records."""
        self._boxes.get(box, {}).pop(id, None)

    async def pending(self, box: str) -> int:
        """See Records."""
        return len(self._boxes.get(box, {}))


def _number(id: str) -> tuple[int, int]:
    """What orders an id; one that is none comes before all."""
    first, _, second = id.partition("-")
    return (int(first), int(second or 0)) if first.isdecimal() and (second or "0").isdecimal() else (0, 0)
