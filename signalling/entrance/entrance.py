"""The order in which a player is looked at. The cheap and the anonymous comes first, so that refusing costs little.

A refusal says what both kinds of player are told: a stock player gets its status at the upgrade, an opted-in one its
reason after it.
"""

import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final, Protocol

from multidict import MultiMapping

from signalling.limits.addresses import Network, client_address, counted_under
from signalling.limits.limits import Claimant, Limits
from signalling.limits.origins import admitted
from signalling.login.grants import Grant, Refusal
from signalling.login.login import Login
from signalling.login.presented import Presented, UnreadableTarget, presented
from signalling.protocol.session_messages import Reason
from signalling.records.interface import Records
from signalling.records.memory import MemoryRecords
from signalling.store.interface import StoreUnavailable

LOG: Final = logging.getLogger("entrance")

UNREADABLE: Final = Refusal(Reason.LOGIN_REFUSED, "This address cannot be read.")
WRONG_ORIGIN: Final = Refusal(Reason.FORBIDDEN, "This page may not connect here.")
NOT_COVERED: Final = Refusal(Reason.FORBIDDEN, "Your login does not cover this application.")
UNKNOWN: Final = Refusal(Reason.UNKNOWN_APPLICATION, "There is no such application.")
PAUSED: Final = Refusal(Reason.PAUSED, "The application is paused. Try again later.", True, 30.0)
USED: Final = Refusal(Reason.LOGIN_REFUSED, "This link was used already. Ask for a new one.")
NOTHING_LEFT: Final = Refusal(Reason.LOGIN_REQUIRED, "Your session is over. Log in to begin another.")
"""Of one who shows nothing but its own ticket, and has nothing to come back to."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a connection, as it came."""

    target: str
    """What stands on its request line."""
    headers: MultiMapping[str]
    peer: str
    """The address at the other end of the connection."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A player that may ask for something."""

    application: str
    grant: Grant
    address: str
    """As it is counted."""
    opted_in: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A player that may not, and how it is told."""

    refusal: Refusal
    opted_in: bool

    @property
    def at_upgrade(self) -> bool:
        """By a status instead of a connection: nobody who was not let in, or comes too often, is kept connected."""
        return (
            not self.opted_in
            or self.refusal.reason is Reason.RATE_LIMITED
            or self.refusal in (UNREADABLE, WRONG_ORIGIN)
        )

    @property
    def headers(self) -> dict[str, str]:
        """Of the answer to the upgrade."""
        found = {"Cache-Control": "no-store"}
        if self.refusal.status is HTTPStatus.UNAUTHORIZED:
            found["WWW-Authenticate"] = "Bearer"
        if self.refusal.retry:
            found["Retry-After"] = str(max(1, round(self.refusal.retry_after)))
        return found


class Applications(Protocol):
    """What the entrance asks of the applications."""

    def known(self) -> Sequence[str]:
        """Their names; the first is the default."""
        ...

    def paused(self, application: str) -> bool:
        """An operator lets nobody new in."""
        ...


class Entrance:
    """One replica's."""

    def __init__(
        self,
        applications: Applications,
        login: Login,
        limits: Limits,
        records: Records,
        *,
        origins: Collection[str] = (),
        proxies: Sequence[Network] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``records`` remember what was used up; ``clock`` is Unix time."""
        self._applications: Final = applications
        self._login: Final = login
        self.limits: Final = limits
        self._records: Final = records
        self._local: Final = MemoryRecords(clock)
        self._origins: Final = origins
        self._proxies: Final = proxies
        self._clock: Final = clock

    async def ask(self, request: Request) -> Admitted | Refused:
        """Who may ask for what; nothing is begun yet, and nothing used up but a token of the address's rate."""
        now = self._clock()
        forwarded = request.headers.getall("X-Forwarded-For", [])
        address = counted_under(client_address(request.peer, forwarded, self._proxies))
        if refusal := await self.limits.upgrade(address, now):
            return self._refused(refusal, address)
        if not admitted(request.headers.get("Origin"), request.headers.get("Host", ""), self._origins):
            return self._refused(WRONG_ORIGIN, address)
        try:
            shown = presented(request.target, request.headers)
        except UnreadableTarget:
            return self._refused(UNREADABLE, address)
        answer = self._for_application(shown, await self._login.decide(shown, now), address)
        return answer if isinstance(answer, Admitted) else self._refused(answer, address, shown.opted_in)

    def _for_application(self, shown: Presented, grant: Grant | Refusal, address: str) -> Admitted | Refusal:
        if isinstance(grant, Refusal):
            return grant
        known = self._applications.known()
        application = shown.application or _only(grant.applications) or known[0]
        if not grant.covers(application):
            # Nobody learns which applications there are by asking for others than its own.
            return NOT_COVERED
        if application not in known:
            return UNKNOWN
        if grant.returning is not None and grant.returning.app != application:
            grant = replace(grant, returning=None)
        if self._applications.paused(application) and grant.returning is None and not grant.session:
            return PAUSED
        return Admitted(application, grant, address, shown.opted_in)

    async def begin(self, who: Admitted, session: str, waiting: int) -> Refusal | None:
        """Begin a session of one's own; why it cannot be. ``waiting`` is how many wait for the application.

        For one who comes back to nothing as for one who is new; not for one who comes back to something.
        """
        grant = who.grant
        if grant.resume_only:
            return NOTHING_LEFT
        if refusal := self.limits.queue(waiting):
            return refusal
        claimant = self.claimant(who, session)
        if refusal := await self.limits.enter(claimant, self._clock()):
            return refusal
        if grant.once and not await self._first(grant, session):
            await self.limits.leave(claimant)
            return USED
        return None

    def claimant(self, who: Admitted, session: str) -> Claimant:
        """For whom a session counts, to be renewed and given back at ``limits``."""
        return Claimant(session, who.grant.subject, who.address)

    async def _first(self, grant: Grant, session: str) -> bool:
        """Whether this session, or the one that the player comes back from, is the one its ticket began."""
        try:
            began = await self._records.first(grant.once, session, grant.once_seconds)
        except StoreUnavailable as error:
            LOG.warning("used tickets are known to each replica only", extra={"error": str(error)})
            began = await self._local.first(grant.once, session, grant.once_seconds)
        own = grant.returning.session if grant.returning is not None else session
        return began in (session, own)

    def _refused(self, refusal: Refusal, address: str, opted_in: bool = False) -> Refused:
        LOG.info("refused", extra={"reason": refusal.reason.value, "address": address})
        return Refused(refusal, opted_in)


def _only(applications: frozenset[str] | None) -> str | None:
    """The one application that a grant is for, if it is for one."""
    return next(iter(applications)) if applications is not None and len(applications) == 1 else None
