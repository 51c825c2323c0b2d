"""The interface of records; in memory for one replica, in Redis for several, with the same contract tests.

Times are Unix seconds and come from the caller. Every method of the shared one raises StoreUnavailable when nobody
knows whether it was carried out; all but ``put`` and ``append`` can then be repeated without harm.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """How often something may happen: ``burst`` times at once, and once more each ``interval`` seconds."""

    interval: float
    burst: int


@dataclass(frozen=True, slots=True)
class Amount:
    """What a session adds to one hour: its time within it, and 1 in the hour of its end."""

    bucket: str
    """Names the hour, and whose it is."""
    field: str
    milliseconds: int
    sessions: int


@dataclass(frozen=True, slots=True)
class Total:
    """What a field of a bucket has come to."""

    milliseconds: int = 0
    sessions: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of a log, with the id that orders it."""

    id: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Pending:
    """Something to deliver, taken for a while."""

    id: str
    content: bytes


class Records(Protocol):
    """See the module."""

    async def take(self, key: str, rate: Rate, now: float) -> float:
        """Count one more; 0 if it fits the rate, else the seconds after which one would, and nothing is counted."""
        ...

    async def hold(self, key: str, member: str, most: int, now: float, seconds: float) -> bool:
        """Whether ``member`` is among the ``most`` at once of ``key``, and holds its place until ``now + seconds``.

        One that holds a place keeps it, also where there are too many. ``most`` of 0 lets anybody in.
        """
        ...

    async def release(self, key: str, member: str) -> None:
        """Give a place back."""
        ...

    async def first(self, key: str, value: str, seconds: float) -> str:
        """The value that came first under ``key``: this one, if there is none that is younger than ``seconds``."""
        ...

    async def touch(self, sessions: Mapping[str, bytes]) -> None:
        """Remember these sessions as going on; one that was closed stays closed."""
        ...

    async def going_on(self) -> dict[str, bytes]:
        """The sessions that were touched and never closed, with what was last said of each."""
        ...

    async def close(self, session: str, amounts: Sequence[Amount]) -> bool:
        """Count a session that has ended; False for one that has been counted, and nothing is added."""
        ...

    async def totals(self, buckets: Sequence[str]) -> list[dict[str, Total]]:
        """What has been counted in each bucket, by field."""
        ...

    async def append(self, log: str, content: bytes, most: int) -> None:
        """Write to a log that keeps about the ``most`` newest."""
        ...

    async def page(self, log: str, before: str, count: int) -> list[Entry]:
        """The ``count`` newest entries older than the one with the id ``before`` (empty: of all), newest first."""
        ...

    async def put(self, box: str, id: str, content: bytes, due: float, most: int) -> bool:
        """Have something delivered from ``due`` on; False if the box has ``most`` already, and it is dropped."""
        ...

    async def due(self, box: str, now: float, lease: float, count: int) -> list[Pending]:
        """Take what is to be delivered now; it comes again after ``lease`` seconds unless ``done`` or ``later``."""
        ...

    async def later(self, box: str, id: str, content: bytes, due: float) -> None:
        """Deliver again at ``due``."""
        ...

    async def done(self, box: str, id: str) -> None:
        """Delivered, or given up."""
        ...

    async def pending(self, box: str) -> int:
        """How many a box has."""
        ...
