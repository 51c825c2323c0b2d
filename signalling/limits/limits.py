"""The limits of the stack: over all replicas while the shared store answers, else of this replica alone."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from signalling.limits.settings import LimitsSettings
from signalling.login.grants import Refusal
from signalling.protocol.session_messages import Reason
from signalling.records.interface import Rate, Records
from signalling.records.memory import MemoryRecords
from signalling.store.interface import StoreUnavailable

LOG: Final = logging.getLogger("limits")
PLACE_SECONDS: Final = 120.0
"""How long a place is held without being renewed: the places of a replica that died are free after that."""
RENEW_SECONDS: Final = 40.0
RETURNS: Final = Rate(5.0, 6)
"""Of a session that has an instance, before they count for the address: what a page tries within a grace time."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Claimant:
    """For whom a session counts."""

    session: str
    subject: str
    """Empty for nobody in particular, who is not limited by subject."""
    address: str
    """As it is counted."""


class Limits:
    """What is asked of each player that comes. Times are Unix seconds."""

    def __init__(self, settings: LimitsSettings, shared: Records | None = None) -> None:
        self._settings: Final = settings
        self._shared: Final = shared
        self._local: Final = MemoryRecords()
        """Kept up in any case, so that it knows this replica's own when it is needed."""
        self.degraded = False
        """The shared store is away: limits hold for each replica by itself."""

    async def upgrade(self, address: str, now: float, own: str = "") -> Refusal | None:
        """Count a connection that an address asks for; why it is refused, if it is.

        ``own`` is the session that the player has proved to come back to: a whole office that has lost its connections
        at once does not keep itself out.
        """
        its = self._settings
        if not its.upgrades_per_minute or (own and not await self._take(f"session:{own}", RETURNS, now)):
            return None
        wait = await self._take(address, Rate(60 / its.upgrades_per_minute, its.upgrades_burst), now)
        return (
            Refusal(Reason.RATE_LIMITED, "Too many connections at once. Wait a moment.", True, wait) if wait else None
        )

    async def _take(self, whose: str, rate: Rate, now: float) -> float:
        # What this replica alone has seen too much of is no work for the store.
        return await self._local.take(whose, rate, now) or await self._ask(
            lambda records: records.take(f"upgrade:{whose}", rate, now), 0.0
        )

    def queue(self, waiting: int) -> Refusal | None:
        """Why a player cannot join a queue in which so many wait."""
        most = self._settings.queue_length
        if most and waiting >= most:
            return Refusal(Reason.QUEUE_FULL, "Too many are waiting already. Try again later.", True, 30.0)
        return None

    async def enter(self, claimant: Claimant, now: float) -> Refusal | None:
        """Take a place for a session; why there is none. A session that has one keeps it."""
        taken: list[str] = []
        for key, most in self._places(claimant):
            if not await self._hold(key, claimant.session, most, now):
                for each in taken:
                    await self._release(each, claimant.session)
                return Refusal(Reason.TOO_MANY, "You have as many sessions as are allowed. End one first.", True)
            taken.append(key)
        return None

    async def renew(self, claimant: Claimant, now: float) -> None:
        """The session goes on; to be said every RENEW_SECONDS. It is not asked whether there are too many."""
        for key, _ in self._places(claimant):
            await self._hold(key, claimant.session, 0, now)

    async def leave(self, claimant: Claimant) -> None:
        """The session is over."""
        for key, _ in self._places(claimant):
            await self._release(key, claimant.session)

    def _places(self, claimant: Claimant) -> list[tuple[str, int]]:
        its = self._settings
        places = [
            (f"subject:{claimant.subject}", its.sessions_per_subject if claimant.subject else 0),
            (f"address:{claimant.address}", its.sessions_per_address),
        ]
        return [(key, most) for key, most in places if most]

    async def _hold(self, key: str, session: str, most: int, now: float) -> bool:
        if not await self._local.hold(key, session, most, now, PLACE_SECONDS):
            return False
        held = await self._ask(lambda records: records.hold(key, session, most, now, PLACE_SECONDS), True)
        if not held:
            await self._local.release(key, session)
        return held

    async def _release(self, key: str, session: str) -> None:
        await self._local.release(key, session)
        await self._ask(lambda records: records.release(key, session), None)

    async def _ask(self, question: Callable[[Records], Awaitable[Answer]], otherwise: Answer) -> Answer:
        """The shared store's answer; ``otherwise`` while it is away, or where there is none."""
        if self._shared is None:
            return otherwise
        try:
            answer = await question(self._shared)
        except StoreUnavailable as error:
            self._say(degraded=True, why=str(error))
            return otherwise
        self._say(degraded=False, why="")
        return answer

    def _say(self, *, degraded: bool, why: str) -> None:
        if degraded != self.degraded:
            self.degraded = degraded
            if degraded:
                LOG.warning("limits hold for each replica only", extra={"error": why})
            else:
                LOG.info("limits hold over all replicas again")
