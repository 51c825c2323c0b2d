"""The applications' queues, as one replica takes part in them.

The store holds the order of everybody; here is who waits on this replica's own connections. Those are said to the store
again and again, so that it fills up again when it has lost them, and forgets those of a replica that died. While the
store is away for long, these are all there is.
"""

import asyncio
import time
from bisect import bisect_left, insort
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from signalling.matchmaker.identity import renewed
from signalling.matchmaker.neighbours import Neighbours, Reach
from signalling.store.interface import Claimant, Place, Store, StoreUnavailable, Waiting
from signalling.tickets.claims import PlayerTicket

PAGE: Final = 256
"""Of the queue that is read at once."""
TOGETHER: Final = 0.002
"""Seconds in which those who leave are told of at once."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Seconds."""

    grace: float
    """How long somebody lost keeps the place."""
    renewal: float
    """Between two times that the store is told who waits."""
    tickets: float
    """The life of a player's ticket."""

    @property
    def lasting(self) -> float:
        """What the store is told: a replica that dies has its players stay for the grace time at least."""
        return self.grace + self.renewal


@dataclass(frozen=True, slots=True)
class Returned:
    """Who somebody is that comes back."""

    ticket: PlayerTicket
    kept: bool
    """It comes back to something. Else it begins, at the end of the queue, if it may."""


def returned(
    ticket: PlayerTicket, known: Place | None, *, over: bool, began: float, now: float, grace: float
) -> Returned | None:
    """Who somebody is that comes back to the queue: at the place of before, as long as that is kept.

    ``known`` is the store's; its data ``began`` at some Unix time, like ``now``. A ticket older than the data is
    believed for the grace time: whatever was known of it is lost. Afterwards, and where the grace time is over, the
    player has to begin at the end, or a ticket kept in a drawer would lead past everybody. A session that is ``over``
    is not begun again: where its place is kept all the same, the player gets another session.
    """
    if over:
        return None if known is None else Returned(renewed(ticket, joined=ticket.joined), kept=True)
    lost = ticket.joined / 1000 < began and now - began < grace
    if known is not None or lost:
        return Returned(ticket, kept=True)
    return Returned(replace(ticket, joined=int(now * 1000)), kept=False)


class _Own:
    """Who waits here for one application."""

    def __init__(self) -> None:
        self.order: Final[list[tuple[int, int, str]]] = []
        self.claimants: Final[dict[str, Claimant]] = {}
        self.saying: Final[set[asyncio.Future[None]]] = set()
        """What the store is being told of who waits."""

    def put(self, claimant: Claimant) -> None:
        self.pop(claimant.place.session)
        self.claimants[claimant.place.session] = claimant
        insort(self.order, claimant.place.order)

    def pop(self, session: str) -> Claimant | None:
        if found := self.claimants.pop(session, None):
            del self.order[bisect_left(self.order, found.place.order)]
        return found


class Queues:
    """All of them. What cannot be told to the store is told to it later."""

    def __init__(self, applications: Iterable[str], store: Store, neighbours: Neighbours, keeping: Keeping) -> None:
        self._store: Final = store
        self._neighbours: Final = neighbours
        self._keeping: Final = keeping
        self._own: Final = {name: _Own() for name in applications}
        self._leaving: Final[dict[tuple[str, bool], dict[str, int]]] = {}
        self._untold: Final[dict[tuple[str, bool], dict[str, int]]] = {}
        """Who has left while the store was away. There they stand before others until it is told, or their end."""

    def waiting(self, application: str) -> int:
        """The players who wait here."""
        return len(self._own[application].order)

    def has(self, application: str, session: str) -> bool:
        """Whether a session waits here."""
        return session in self._own[application].claimants

    async def join(self, application: str, place: Place, epoch: int) -> None:
        """A player waits from now on, at this place."""
        claimant = Claimant(place, epoch)
        self._own[application].put(claimant)
        await self._say(application, [claimant])

    def leave(self, application: str, session: str, epoch: int) -> Claimant | None:
        """A player waits no more; None if it has not waited on this connection. ``forget`` tells the store."""
        own = self._own[application]
        found = own.claimants.get(session)
        return own.pop(session) if found is not None and found.epoch == epoch else None

    async def forget(self, application: str, claimant: Claimant, *, keep: bool) -> None:
        """Tell the store that somebody waits no more; ``keep`` the place for the grace time.

        Those who are served at the same time are told of together.
        """
        leaving = self._leaving.setdefault((application, keep), {})
        leaving[claimant.place.session] = claimant.epoch
        await asyncio.sleep(TOGETHER)
        if self._leaving.get((application, keep)) is leaving:
            del self._leaving[application, keep]
            await self._tell(application, leaving, keep=keep)

    async def length(self, application: str) -> int:
        """How many wait, on all replicas; here only, where the store is away."""
        try:
            return await self._store.length(application)
        except StoreUnavailable as error:
            self._neighbours.lost(error)
            return self.waiting(application)

    async def keep(self, application: str, place: Place) -> None:
        """Somebody who does not wait keeps a place for the grace time."""
        try:
            await self._store.keep(application, place, self._keeping.grace)
        except StoreUnavailable as error:
            self._neighbours.lost(error)

    async def renew(self) -> dict[str, int]:
        """Tell the store who waits here, and who does not; returns the epochs, by session, of those that a later
        connection has followed, which may be one of this replica's."""
        for application, keep in list(self._untold):
            untold = self._untold.pop((application, keep))
            leaving = {session: epoch for session, epoch in untold.items() if not self.has(application, session)}
            await self._tell(application, leaving, keep=keep)
        followed: dict[str, int] = {}
        for application, own in self._own.items():
            if own.claimants:
                said = dict(own.claimants)
                taken = await self._say(application, list(said.values()))
                followed.update((session, said[session].epoch) for session in taken)
        return followed

    async def head(self, application: str, wanted: int, own_wanted: int) -> list[str] | None:
        """The first ``wanted`` of those who can be served, as far as that many are needed to find ``own_wanted`` here.

        Those who are lost, or whose replica is, are passed over: they keep the place and take no instance. None while
        nobody may be served, since the order is not known.
        """
        own, reach = self._own[application], self._neighbours.reach()
        if reach is Reach.ALONE:
            return [session for _, _, session in own.order[: min(wanted, own_wanted)]]
        if reach is Reach.AWAY:
            return None
        found: list[str] = []
        start, mine = 0, 0
        while len(found) < wanted and mine < own_wanted:
            try:
                page = await self._store.head(application, start, PAGE)
            except StoreUnavailable as error:
                self._neighbours.lost(error)
                return None
            present = [each.session for each in page if self._present(own, each)]
            mine += sum(session in own.claimants for session in present)
            found += present
            start += len(page)
            if len(page) < PAGE:
                break
        return found[:wanted]

    async def returning(self, ticket: PlayerTicket, *, lost: bool = False) -> Returned | None:
        """Who somebody is that shows a ticket and has no instance, or has ``lost`` it; None when nothing is left."""
        try:
            known = await self._store.place(ticket.app, ticket.session)
            over = lost or await self._store.get(_over_key(ticket.session)) is not None
        except StoreUnavailable as error:
            self._neighbours.lost(error)
            return Returned(renewed(ticket, joined=ticket.joined) if lost else ticket, kept=True)
        its, now = self._neighbours, time.time()
        return returned(ticket, known, over=over, began=its.began, now=now, grace=self._keeping.grace)

    async def used_up(self, application: str, place: Place) -> None:
        """A player has seen its stream: its ticket is good for no place any more."""
        try:
            await self._store.keep(application, place, 0)
        except StoreUnavailable as error:
            self._neighbours.lost(error)
        await self.over(place.session)

    async def over(self, session: str) -> None:
        """A session has had its instance: it is not begun again."""
        try:
            await self._store.put(_over_key(session), "1", self._keeping.tickets)
        except StoreUnavailable as error:
            self._neighbours.lost(error)

    def _present(self, own: _Own, each: Waiting) -> bool:
        if each.replica == self._neighbours.replica:
            return each.session in own.claimants
        return each.replica in self._neighbours.live

    async def _tell(self, application: str, leaving: dict[str, int], *, keep: bool) -> None:
        if saying := self._own[application].saying:
            # Those who leave may be among them: if that arrived last, they would stand there before others.
            await asyncio.wait(list(saying))
        try:
            await self._store.leave(application, leaving, self._keeping.grace if keep else 0)
        except StoreUnavailable as error:
            self._neighbours.lost(error)
            self._untold.setdefault((application, keep), {}).update(leaving)

    async def _say(self, application: str, claimants: list[Claimant]) -> frozenset[str]:
        saying, said = self._own[application].saying, asyncio.get_running_loop().create_future()
        saying.add(said)
        try:
            return await self._store.wait(application, self._neighbours.replica, claimants, self._keeping.lasting)
        except StoreUnavailable as error:
            self._neighbours.lost(error)
            return frozenset()
        finally:
            saying.discard(said)
            said.set_result(None)


def _over_key(session: str) -> str:
    return f"over:{session}"
