"""A session's time cut into hours, as pure functions. Times are whole milliseconds since 1970."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from signalling.records.interface import Amount

HOUR: Final = 3_600_000


def bucket(application: str, hour: int) -> str:
    """The name of an application's hour, the one that begins at ``hour``."""
    return f"{application}:{datetime.fromtimestamp(hour / 1000, UTC):%Y-%m-%dT%H}"


def amounts(application: str, subject: str, started: int, ended: int) -> list[Amount]:
    """What a session adds: to each hour its time within it, and itself to the hour of its end.

    Whoever sums any hours therefore gets the time that was used in them, and no session twice. A clock that went
    backwards makes a session of no length.
    """
    ended = max(started, ended)
    last = _begin(max(started, ended - 1))
    return [
        Amount(bucket(application, hour), subject, min(ended, hour + HOUR) - max(started, hour), int(hour == last))
        for hour in range(_begin(started), last + 1, HOUR)
    ]


def hours(start: int, end: int) -> Iterator[int]:
    """The hours that begin in ``start`` up to ``end``, which is not included."""
    first = _begin(start)
    yield from range(first if first == start else first + HOUR, end, HOUR)


def _begin(time: int) -> int:
    return time - time % HOUR
