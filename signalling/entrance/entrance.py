"""What a matchmaker asks of each player that comes. The cheap and the anonymous comes first: refusing costs little.

A refusal says what both kinds of player are told: a stock player gets its status at the upgrade, an opted-in one its
reason after it.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from signalling.limits.addresses import Network, client_address, counted_under
from signalling.limits.limits import RENEW_SECONDS, Claimant, Limits
from signalling.limits.origins import admitted as admitted_from
from signalling.login.grants import Grant, Refusal
from signalling.login.login import Login
from signalling.login.presented import Presented, presented
from signalling.matchmaker.admission import Admitted, Redirected, Refused
from signalling.protocol.session_messages import Reason
from signalling.records.interface import Records
from signalling.records.memory import MemoryRecords
from signalling.shell.handshake import UpgradeRequest
from signalling.store.interface import StoreUnavailable
from signalling.tickets.claims import InvitationTicket

LOG: Final = logging.getLogger("entrance")

WRONG_ORIGIN: Final = Refusal(Reason.FORBIDDEN, "This page may not connect here.")
NOT_COVERED: Final = Refusal(Reason.FORBIDDEN, "Your login does not cover this application.")
USED: Final = Refusal(Reason.LOGIN_REFUSED, "This link was used already. Ask for a new one.")


@dataclass(frozen=True, slots=True)
class Granted(Admitted):
    """A player that was let in, with all that its login says."""

    grant: Grant = field(default=Grant())
    opted_in: bool = False


class Surroundings(Protocol):
    """What the entrance asks of the rest of the replica."""

    def room(self, application: str) -> int:
        """Sessions that could begin at once, less those who wait for them."""
        ...

    def going_on(self, session: str) -> bool:
        """Whether a session waits here, or has an instance anywhere."""
        ...

    def has_instance(self, session: str) -> bool:
        """Whether a session has an instance, anywhere."""
        ...

    def elsewhere(self, application: str, grant: Grant) -> Redirected | None:
        """Where a player goes that has no room here; None if it stays."""
        ...

    def queued(self, session: str, application: str, subject: str) -> None:
        """A player has to wait for its instance."""
        ...


class Entrance:
    """One replica's; see Admission."""

    def __init__(
        self,
        login: Login,
        limits: Limits,
        records: Records,
        *,
        origins: Collection[str] = (),
        proxies: Sequence[Network] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``records`` remember what was used up; ``clock`` is Unix time."""
        self._login: Final = login
        self._limits: Final = limits
        self._records: Final = records
        self._local: Final = MemoryRecords(clock)
        self._origins: Final = origins
        self._proxies: Final = proxies
        self._clock: Final = clock
        self._inside: Final[dict[str, Claimant]] = {}
        """Whose places this replica renews."""
        self._around: Surroundings

    def attach(self, around: Surroundings) -> None:
        """The rest of the replica; to be said before anybody comes."""
        self._around = around

    async def arrive(self, application: str, request: UpgradeRequest) -> Admitted | Refused:
        """See Admission. Nothing is begun yet, and nothing used up but a token of a rate."""
        now = self._clock()
        forwarded = request.headers.getall("X-Forwarded-For", [])
        address = counted_under(client_address(request.address, forwarded, self._proxies))
        shown = presented(request)
        if refusal := await self._limits.upgrade(address, now, self._own_session(shown, application, now)):
            return _refused(refusal, address)
        if not admitted_from(request.headers.get("Origin"), request.headers.get("Host", ""), self._origins):
            return _refused(WRONG_ORIGIN, address)
        grant = await self._login.decide(shown, now)
        if isinstance(grant, Refusal):
            return _refused(grant, address)
        if not grant.covers(application):
            return _refused(NOT_COVERED, address)
        return self._granted(application, grant, address, opted_in=shown.opted_in)

    def _own_session(self, shown: Presented, application: str, now: float) -> str:
        """The session of its own that a player comes back to; empty for one that proves none that has an instance."""
        own = self._login.leads_back(shown, now)
        if own is None or own.app != application or own.session != own.player:
            return ""
        return own.session if self._around.has_instance(own.session) else ""

    def _granted(self, application: str, grant: Grant, address: str, *, opted_in: bool) -> Granted:
        own = grant.returning
        if own is not None and own.app != application:
            grant = replace(grant, returning=None)
        elif own is not None and own.session == own.player and self._around.going_on(own.session):
            # Its place was this player's at another replica; from here on it is renewed here.
            self._inside[own.session] = Claimant(own.session, grant.subject, address)
        invited = InvitationTicket(grant.session, application, grant.role) if grant.session else None
        return Granted(
            subject=grant.subject,
            priority=grant.priority,
            max_seconds=grant.max_seconds,
            address=address,
            invited=invited,
            returning=grant.returning,
            resume_only=grant.resume_only,
            grant=grant,
            opted_in=opted_in,
        )

    async def enter(
        self, session: str, application: str, admitted: Admitted, waiting: int, *, returns: bool = False
    ) -> Refused | Redirected | None:
        """See Admission."""
        grant = admitted.grant if isinstance(admitted, Granted) else Grant(subject=admitted.subject)
        full = self._around.room(application) <= 0
        told = isinstance(admitted, Granted) and admitted.opted_in
        if full and told and not returns and (elsewhere := self._around.elsewhere(application, grant)):
            return elsewhere
        if not returns and (refusal := self._limits.queue(waiting)):
            return _refused(refusal, admitted.address)
        claimant = Claimant(session, admitted.subject, admitted.address)
        if refusal := await self._limits.enter(claimant, self._clock()):
            return _refused(refusal, admitted.address)
        if grant.once and not await self._first(grant, session):
            await self._limits.leave(claimant)
            return _refused(USED, admitted.address)
        self._inside[session] = claimant
        if full:
            self._around.queued(session, application, admitted.subject)
        return None

    async def leave(self, session: str) -> None:
        """See Admission."""
        claimant = self._inside.pop(session, None)
        if claimant is not None:
            await self._limits.leave(claimant)

    async def over(self, session: str, subject: str) -> None:
        """A session has ended, of whichever replica's player it was."""
        claimant = self._inside.pop(session, None)
        await self._limits.leave(Claimant(session, subject, "") if claimant is None else claimant)

    async def run(self) -> None:
        """Renew the places of those who are inside; returns only when it is cancelled."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            await self.renew()

    async def renew(self) -> None:
        """Renew them now. Who is gone is not renewed: its place ends by itself, unless another replica renews it."""
        for session, claimant in list(self._inside.items()):
            if self._around.going_on(session):
                await self._limits.renew(claimant, self._clock())
            else:
                self._inside.pop(session, None)

    async def _first(self, grant: Grant, session: str) -> bool:
        """Whether this session, or the one that the player comes back from, is the one its ticket began."""
        try:
            began = await self._records.first(grant.once, session, grant.once_seconds)
        except StoreUnavailable as error:
            LOG.warning("used tickets are known to each replica only", extra={"error": str(error)})
            began = await self._local.first(grant.once, session, grant.once_seconds)
        own = grant.returning.session if grant.returning is not None else session
        return began in (session, own)


def _refused(refusal: Refusal, address: str) -> Refused:
    LOG.info("refused", extra={"reason": refusal.reason.value, "address": address})
    return Refused(
        refusal.reason, refusal.message, refusal.status.value, retry=refusal.retry, retry_after=refusal.retry_after
    )
