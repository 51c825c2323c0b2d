"""Which connection is a player's: the latest. Each replica holds the leases of the connections it has."""

import asyncio
import time
from collections.abc import Callable
from enum import Enum
from typing import Final

from signalling.matchmaker.neighbours import Challenge, Neighbours, TakenOver
from signalling.store.interface import Store, StoreUnavailable

LEASE_SECONDS: Final = 60.0
CHALLENGE_SECONDS: Final = 1.5
"""How long a browser has to answer whether it is there."""
TOGETHER: Final = 0.002
"""Seconds in which connections that end are told of at once."""
_ON_ITS_WAY: Final = 0.5
"""Question and answer between replicas."""


class Presence(Enum):
    """Whether a player's connection is still there, wherever that is."""

    THERE = "there"
    GONE = "gone"
    UNKNOWN = "unknown"
    """The store knows of no connection, or is away."""


class Leases:
    """Those of one replica."""

    def __init__(self, store: Store, neighbours: Neighbours) -> None:
        self._store: Final = store
        self._neighbours: Final = neighbours
        self._epochs: Final[dict[str, int]] = {}
        self._releasing: dict[str, int] = {}
        self._asked: Final[dict[str, asyncio.Event]] = {}

    async def take(self, player: str) -> int:
        """A connection of this player is here now: its epoch. Whoever had an earlier one is told."""
        epoch = int(time.time() * 1e6)
        try:
            lease, before = await self._store.lease(player, self._neighbours.replica, LEASE_SECONDS)
            epoch = lease.epoch
            if before is not None and before.replica != self._neighbours.replica:
                await self._neighbours.say(TakenOver(player, epoch), before.replica)
        except StoreUnavailable as error:
            self._neighbours.lost(error)
        self._epochs[player] = epoch
        return epoch

    async def release(self, player: str, epoch: int) -> None:
        """The connection with this epoch is gone. The store may be told by another call, a moment later."""
        if self._epochs.get(player) == epoch:
            del self._epochs[player]
        self._releasing[player] = max(epoch, self._releasing.get(player, 0))
        await asyncio.sleep(TOGETHER)
        if self._releasing:
            releasing, self._releasing = self._releasing, {}
            try:
                await self._store.release(releasing)
            except StoreUnavailable as error:
                self._neighbours.lost(error)

    async def renew(self) -> dict[str, int]:
        """The connections here are still here; returns the epochs, by player, of those that a later one has followed.

        That may be one of this replica's, which came while the answer was on its way.
        """
        epochs = dict(self._epochs)
        try:
            followed = await self._store.hold(self._neighbours.replica, epochs, LEASE_SECONDS)
        except StoreUnavailable as error:
            self._neighbours.lost(error)
            return {}
        return {player: epochs[player] for player in followed}

    def lost(self, player: str, epoch: int) -> None:
        """A later connection has followed the one with this epoch."""
        if self._epochs.get(player) == epoch:
            del self._epochs[player]

    async def current(self, player: str, epoch: int) -> bool:
        """Whether the connection with this epoch is still the player's, as far as anybody knows."""
        try:
            lease = await self._store.leased(player)
        except StoreUnavailable as error:
            self._neighbours.lost(error)
            return True
        return lease is None or lease.epoch <= epoch

    async def presence(self, player: str, challenge: Callable[[Challenge], None]) -> Presence:
        """Whether a player has a connection; ``challenge`` is for one of this replica's.

        Whoever holds it asks the browser, and says so if that answers: one whose network has changed comes again long
        before its old connection is known to be dead, and the holder itself may be.
        """
        try:
            lease = await self._store.leased(player)
        except StoreUnavailable as error:
            self._neighbours.lost(error)
            return Presence.UNKNOWN
        if lease is None:
            return Presence.UNKNOWN
        if lease.replica not in self._neighbours.live:
            return Presence.GONE
        asked = Challenge(player, self._neighbours.replica)
        waiting = self._asked.setdefault(player, asyncio.Event())
        try:
            if lease.replica == self._neighbours.replica:
                challenge(asked)
            else:
                await self._neighbours.say(asked, lease.replica)
            async with asyncio.timeout(CHALLENGE_SECONDS + _ON_ITS_WAY):
                await waiting.wait()
        except TimeoutError:
            return Presence.GONE
        finally:
            self._asked.pop(player, None)
        return Presence.THERE

    def alive(self, player: str) -> None:
        """The holder of a player's connection says that it is alive."""
        if waiting := self._asked.get(player):
            waiting.set()
