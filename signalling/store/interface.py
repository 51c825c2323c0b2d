"""The store as an interface, and what is in it. Both stores keep to ``tests/unit/signalling/test_store.py``.

Nothing in the store is the only copy of what a session needs: Kubernetes holds the sessions, tickets hold the places in
the queue. So a store that has lost everything is filled again by those who know.
"""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

HIGHEST_PRIORITY: Final = 1000
"""Anything above counts as this, and as far below 0 likewise: places must fit into the 53 bits of Redis's scores."""


class StoreUnavailable(Exception):
    """The store cannot be reached, or does not answer in time; nobody knows whether it did what it was asked."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a queue. The first of the queue has the highest priority, then the earliest ``joined``."""

    session: str
    joined: int
    """Milliseconds since 1970."""
    priority: int = 0

    @property
    def order(self) -> tuple[int, int, str]:
        """Smaller is served earlier."""
        return -max(-HIGHEST_PRIORITY, min(self.priority, HIGHEST_PRIORITY)), self.joined, self.session


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who waits, and the replica that holds the connection."""

    session: str
    replica: str


@dataclass(frozen=True, slots=True)
class Claimant:
    """A connection's right to a place: the highest epoch counts."""

    place: Place
    epoch: int


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a player's connection."""

    replica: str
    epoch: int
    """Grows with each lease of the same player, also where the store has lost its data: it is a time."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A word on a channel."""

    channel: str
    said: bytes


class Store(Protocol):
    """Every method may raise StoreUnavailable. Times are seconds; whatever is kept ends by itself."""

    # Queues, one for each application.

    async def wait(
        self, application: str, replica: str, claimants: Sequence[Claimant], seconds: float
    ) -> frozenset[str]:
        """These wait, on connections of this replica: they are in the queue for so long, unless said again.

        Returns the sessions whose place another connection has taken over since; those are left as they are.
        """
        ...

    async def leave(self, application: str, epochs: Mapping[str, int], keep: float = 0) -> None:
        """These sessions, whose connections have these epochs, are out of the queue.

        One whose place another connection has stays. ``place`` still knows the others for ``keep`` seconds.
        """
        ...

    async def keep(self, application: str, place: Place, seconds: float) -> None:
        """``place`` knows this place for so long, of somebody who does not wait; not any more, for 0 seconds."""
        ...

    async def head(self, application: str, start: int, count: int) -> Sequence[Waiting]:
        """``count`` of the queue from position ``start`` (from 0) on; fewer are returned at its end only."""
        ...

    async def length(self, application: str) -> int:
        """How many wait."""
        ...

    async def place(self, application: str, session: str) -> Place | None:
        """The place of somebody who waits, or whose place is kept."""
        ...

    # Leases, presence, and words between replicas.

    async def lease(self, player: str, replica: str, seconds: float) -> tuple[Lease, Lease | None]:
        """This replica has the player's connection from now on; with the lease that this ends, if there was one."""
        ...

    async def hold(self, replica: str, epochs: Mapping[str, int], seconds: float) -> frozenset[str]:
        """These leases of this replica, by player, go on for so long, also where the store has lost them.

        Returns the players that another connection has been leased since.
        """
        ...

    async def leased(self, player: str) -> Lease | None:
        """Who has the player's connection."""
        ...

    async def release(self, epochs: Mapping[str, int]) -> None:
        """The connections of these players, with these epochs, are gone; later leases are left alone."""
        ...

    async def publish(self, channel: str, said: bytes) -> None:
        """A word to whoever listens now; nobody else will hear of it."""
        ...

    def listen(self, *channels: str) -> AsyncGenerator[Heard | None, None]:
        """What is said on these channels, until the store fails; None once listening has begun."""
        ...

    # Small things under keys of the caller's own.

    async def began(self) -> float:
        """When the data that is here began (Unix time): later than what it does not know if that was lost."""
        ...

    async def put(self, key: str, value: str, seconds: float) -> None:
        """A value for so long."""
        ...

    async def get(self, key: str) -> str | None:
        """The value of a key."""
        ...

    async def forget(self, key: str) -> None:
        """No value any more, whatever it was."""
        ...

    async def register(self, key: str, member: str, seconds: float) -> None:
        """A member of a group, for so long unless said again."""
        ...

    async def members(self, key: str) -> frozenset[str]:
        """The members of a group."""
        ...

    async def unregister(self, key: str, member: str) -> None:
        """No member any more."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...
