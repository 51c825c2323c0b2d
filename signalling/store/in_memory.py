"""The store of a single matchmaker: its own memory."""

import asyncio
import time
from bisect import bisect_left, insort
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from itertools import islice
from typing import Final, Generic, TypeVar

from signalling.store.interface import Claimant, Heard, Lease, Place, Waiting

Value = TypeVar("Value")


class _Ending(Generic[Value]):
    """Values that end: a mapping which knows for how long."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock: Final = clock
        self._held: Final[dict[str, tuple[Value, float]]] = {}
        self._swept = 0

    def get(self, key: str) -> Value | None:
        found = self._held.get(key)
        if found is None:
            return None
        if found[1] <= self._clock():
            del self._held[key]
            return None
        return found[0]

    def put(self, key: str, value: Value, seconds: float) -> None:
        self._held[key] = (value, self._clock() + seconds)
        # Nobody asks for most keys again: what has ended goes when there are twice as many as after the last time.
        if len(self._held) > 2 * self._swept + 1000:
            for each in list(self._held):
                self.get(each)
            self._swept = len(self._held)

    def pop(self, key: str) -> None:
        self._held.pop(key, None)

    def living(self) -> frozenset[str]:
        return frozenset(key for key in list(self._held) if self.get(key) is not None)


class _Queue:
    """One application's."""

    def __init__(self) -> None:
        self.order: Final[list[tuple[int, int, str]]] = []
        self.waiting: Final[dict[str, tuple[Claimant, str, float]]] = {}
        """By session: who, on which replica, until when."""

    def put(self, claimant: Claimant, replica: str, until: float) -> None:
        self.remove(claimant.place.session)
        insort(self.order, claimant.place.order)
        self.waiting[claimant.place.session] = (claimant, replica, until)

    def remove(self, session: str) -> None:
        if found := self.waiting.pop(session, None):
            del self.order[bisect_left(self.order, found[0].place.order)]

    def prune(self, now: float) -> None:
        for session, (_, _, until) in list(self.waiting.items()):
            if until <= now:
                self.remove(session)


class MemoryStore:
    """See Store. One process holds it all, and so it is never unavailable."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock: Final = clock
        self._began: Final = clock()
        self._queues: Final[dict[str, _Queue]] = {}
        self._kept: Final[_Ending[Place]] = _Ending(clock)
        self._leases: Final[_Ending[Lease]] = _Ending(clock)
        self._values: Final[_Ending[str]] = _Ending(clock)
        self._groups: Final[dict[str, _Ending[str]]] = {}
        self._listeners: Final[set[tuple[tuple[str, ...], asyncio.Queue[Heard]]]] = set()
        self._pruned = 0.0

    async def wait(
        self, application: str, replica: str, claimants: Sequence[Claimant], seconds: float
    ) -> frozenset[str]:
        """See Store."""
        queue, taken = self._queue(application), set()
        for claimant in claimants:
            session = claimant.place.session
            found = queue.waiting.get(session)
            if found is not None and found[0].epoch > claimant.epoch:
                taken.add(session)
            else:
                queue.put(claimant, replica, self._clock() + seconds)
                self._kept.pop(f"{application} {session}")
        return frozenset(taken)

    async def leave(self, application: str, epochs: Mapping[str, int], keep: float = 0) -> None:
        """See Store."""
        queue = self._queue(application)
        for session, epoch in epochs.items():
            found = queue.waiting.get(session)
            if found is None or found[0].epoch > epoch:
                continue
            queue.remove(session)
            if keep > 0:
                self._kept.put(f"{application} {session}", found[0].place, keep)

    async def keep(self, application: str, place: Place, seconds: float) -> None:
        """See Store."""
        key = f"{application} {place.session}"
        if seconds > 0:
            self._kept.put(key, place, seconds)
        else:
            self._kept.pop(key)

    async def head(self, application: str, start: int, count: int) -> Sequence[Waiting]:
        """See Store."""
        queue = self._queue(application)
        first = islice(queue.order, start, start + count)
        return [Waiting(session, queue.waiting[session][1]) for _, _, session in first]

    async def length(self, application: str) -> int:
        """See Store."""
        return len(self._queue(application).order)

    async def place(self, application: str, session: str) -> Place | None:
        """See Store."""
        found = self._queue(application).waiting.get(session)
        return found[0].place if found else self._kept.get(f"{application} {session}")

    async def lease(self, player: str, replica: str, seconds: float) -> tuple[Lease, Lease | None]:
        """See Store."""
        before = self._leases.get(player)
        lease = Lease(replica, max(int(self._clock() * 1e6), before.epoch + 1 if before else 0))
        self._leases.put(player, lease, seconds)
        return lease, before

    async def hold(self, replica: str, epochs: Mapping[str, int], seconds: float) -> frozenset[str]:
        """See Store."""
        taken = set()
        for player, epoch in epochs.items():
            found = self._leases.get(player)
            if found is not None and found.epoch > epoch:
                taken.add(player)
            else:
                self._leases.put(player, Lease(replica, epoch), seconds)
        return frozenset(taken)

    async def leased(self, player: str) -> Lease | None:
        """See Store."""
        return self._leases.get(player)

    async def release(self, epochs: Mapping[str, int]) -> None:
        """See Store."""
        for player, epoch in epochs.items():
            found = self._leases.get(player)
            if found is not None and found.epoch == epoch:
                self._leases.pop(player)

    async def publish(self, channel: str, said: bytes) -> None:
        """See Store."""
        for channels, heard in self._listeners:
            if channel in channels:
                heard.put_nowait(Heard(channel, said))

    async def listen(self, *channels: str) -> AsyncGenerator[Heard | None, None]:
        """See Store."""
        heard: asyncio.Queue[Heard] = asyncio.Queue()
        listener = (channels, heard)
        self._listeners.add(listener)
        try:
            yield None
            while True:
                yield await heard.get()
        finally:
            self._listeners.discard(listener)

    async def began(self) -> float:
        """See Store."""
        return self._began

    async def put(self, key: str, value: str, seconds: float) -> None:
        """See Store."""
        self._values.put(key, value, seconds)

    async def get(self, key: str) -> str | None:
        """See Store."""
        return self._values.get(key)

    async def forget(self, key: str) -> None:
        """See Store."""
        self._values.pop(key)

    async def register(self, key: str, member: str, seconds: float) -> None:
        """See Store."""
        self._groups.setdefault(key, _Ending(self._clock)).put(member, "", seconds)

    async def members(self, key: str) -> frozenset[str]:
        """See Store."""
        group = self._groups.get(key)
        living = group.living() if group is not None else frozenset()
        if not living:
            self._groups.pop(key, None)
        return living

    async def unregister(self, key: str, member: str) -> None:
        """See Store."""
        if group := self._groups.get(key):
            group.pop(member)

    async def close(self) -> None:
        """See Store."""

    def _queue(self, application: str) -> _Queue:
        queue = self._queues.setdefault(application, _Queue())
        now = self._clock()
        # Once a second at most: looking through ten thousand players for each of them would be their square.
        if now - self._pruned >= 1 or now < self._pruned:
            for each in self._queues.values():
                each.prune(now)
            self._pruned = now
        return queue
