"""The ledger of sessions: what goes on is written down again and again, what ends is counted once.

Every replica sees every instance, and so every session that has one to itself; one that shares its instance is seen by
those that relay to it, and by the one that looks after the instance. All of them may say the same of it: the store
counts a session at its first end. A replica that dies loses nothing, since others see the same pods. When all of them
were away while a session ended, or none of those left had seen it yet, it counts until it was last seen.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from signalling.records.interface import Records, Total
from signalling.store.interface import StoreUnavailable
from signalling.usage.hours import amounts, bucket, hours

LOG: Final = logging.getLogger("usage")
SEEN_SECONDS: Final = 30.0
"""How often ``going_on`` is to be said."""
GONE_SECONDS: Final = 120.0
"""A session that no replica has seen for so long has ended, whoever may have seen it end."""
MOST_ENDS: Final = 10_000
"""Ends that wait for a store that is away."""
_BUCKETS_AT_ONCE: Final = 500


class OpenSession(msgspec.Struct, frozen=True):
    """A session that goes on, as the ledger has it."""

    application: str
    subject: str
    started: int
    """Milliseconds since 1970."""
    version: str = ""


class _Seen(msgspec.Struct, frozen=True):
    session: OpenSession
    seen: int


@dataclass(frozen=True, slots=True)
class Ended:
    """A session that has been counted."""

    id: str
    session: OpenSession
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Row:
    """What a subject used of an application."""

    application: str
    subject: str
    total: Total


class Ledger:
    """One replica's hand in the ledger. Times are Unix seconds."""

    def __init__(self, records: Records, counted: Callable[[Ended], Awaitable[None]]) -> None:
        """``counted`` hears of each session that is counted, once over all replicas.

        Where the store left it open whether it had counted one, it may hear of it twice.
        """
        self._records: Final = records
        self._counted: Final = counted
        self._waiting: Final[dict[str, tuple[OpenSession, int]]] = {}
        """Ends that the store has not heard of, or nobody knows."""

    @property
    def waiting(self) -> int:
        """Ends that wait for the store."""
        return len(self._waiting)

    async def going_on(self, sessions: Mapping[str, OpenSession], now: float) -> None:
        """These sessions go on; what others said of sessions that are gone is closed. To be said every SEEN_SECONDS."""
        for id, (session, ended) in list(self._waiting.items()):
            await self._close(id, session, ended)
        encode, seen = msgspec.json.encode, int(now * 1000)
        try:
            await self._records.touch({id: encode(_Seen(session, seen)) for id, session in sessions.items()})
            known = await self._records.going_on()
        except StoreUnavailable as error:
            LOG.warning("usage is not written down", extra={"error": str(error)})
            return
        for id, said in known.items():
            last = msgspec.json.decode(said, type=_Seen)
            if id not in sessions and seen - last.seen > GONE_SECONDS * 1000:
                LOG.warning("session ended unseen", extra={"session": id, "application": last.session.application})
                await self._close(id, last.session, last.seen)

    def waits(self, id: str) -> bool:
        """Whether the end of this session waits for the store."""
        return id in self._waiting

    async def began(self, id: str, session: OpenSession, now: float) -> None:
        """A session goes on from now: also one that ends before anybody says again that it does is counted."""
        try:
            await self._records.touch({id: msgspec.json.encode(_Seen(session, int(now * 1000)))})
        except StoreUnavailable as error:
            LOG.warning("session not written down", extra={"session": id, "error": str(error)})

    async def ended(self, id: str, session: OpenSession, now: float) -> None:
        """A session has ended; to be said by whoever sees it, as often as it is seen."""
        await self._close(id, session, int(now * 1000))

    async def dropped(self, id: str) -> None:
        """A session came to nothing: it counts for nothing."""
        try:
            await self._records.close(id, ())
        except StoreUnavailable as error:
            # It counts until it was last seen, which is about no time.
            LOG.warning("session not dropped", extra={"session": id, "error": str(error)})

    async def _close(self, id: str, session: OpenSession, ended: int) -> None:
        unclear = id in self._waiting
        entries = amounts(session.application, session.subject, session.started, ended)
        try:
            counted = await self._records.close(id, entries)
        except StoreUnavailable:
            self._wait(id, session, ended)
            return
        self._waiting.pop(id, None)
        if counted or unclear:
            await self._counted(Ended(id, session, max(0, ended - session.started)))

    def _wait(self, id: str, session: OpenSession, ended: int) -> None:
        self._waiting.setdefault(id, (session, ended))
        while len(self._waiting) > MOST_ENDS:
            lost = next(iter(self._waiting))
            del self._waiting[lost]
            LOG.error("session not counted", extra={"session": lost, "why": "the store is away for too long"})

    async def report(self, applications: list[str], start: int, end: int) -> list[Row]:
        """What was used of these applications in the hours from ``start`` to ``end`` (milliseconds since 1970).

        Raises:
            StoreUnavailable: nobody knows now.
        """
        names = [(application, bucket(application, hour)) for application in applications for hour in hours(start, end)]
        sums: dict[tuple[str, str], Total] = {}
        for at in range(0, len(names), _BUCKETS_AT_ONCE):
            part = names[at : at + _BUCKETS_AT_ONCE]
            found = await self._records.totals([name for _, name in part])
            for (application, _), fields in zip(part, found, strict=True):
                for subject, total in fields.items():
                    before = sums.get((application, subject), Total())
                    sums[application, subject] = Total(
                        before.milliseconds + total.milliseconds, before.sessions + total.sessions
                    )
        return [Row(application, subject, total) for (application, subject), total in sorted(sums.items())]
