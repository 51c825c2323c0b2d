"""The other replicas, as the store shows them: who is there, what they say, and whether the store is there at all."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

import msgspec

from signalling.protocol.session_messages import Reason
from signalling.store.interface import Store, StoreUnavailable

LOG: Final = logging.getLogger("matchmaker.neighbours")
EVERYBODY: Final = "all"
PRESENT: Final = "replicas"
SOON: Final = 0.01
"""Seconds in which the same is said once."""


class Reach(Enum):
    """What of the others can be known."""

    THERE = "there"
    """The store answers."""
    AWAY = "away"
    """It does not, or not everybody has told it again what it lost: the order of the queue is kept by waiting."""
    ALONE = "alone"
    """It has not for so long that this replica goes on with what it holds itself."""


class StoreHealth:
    """Whether the store answers, as one pure little clock. Times are seconds."""

    def __init__(self, patience: float) -> None:
        self._patience: Final = patience
        self._lost: float | None = None
        self.failures = 0
        """Since the start."""

    def failed(self, now: float) -> bool:
        """The store did not answer; whether that is new."""
        self.failures += 1
        new = self._lost is None
        self._lost = now if self._lost is None else self._lost
        return new

    def answered(self) -> bool:
        """The store is there; whether that is new."""
        new, self._lost = self._lost is not None, None
        return new

    def reach(self, now: float) -> Reach:
        """What follows."""
        if self._lost is None:
            return Reach.THERE
        return Reach.ALONE if now - self._lost >= self._patience else Reach.AWAY


class Here(msgspec.Struct, frozen=True, tag=True):
    """A replica has come, or has gone: nobody has to wait for its signs of life to know."""

    replica: str
    here: bool = True


class Wake(msgspec.Struct, frozen=True, tag=True):
    """An application's queue has moved by what another replica did."""

    application: str


class TakenOver(msgspec.Struct, frozen=True, tag=True):
    """A later connection has a player's place."""

    player: str
    epoch: int


class Challenge(msgspec.Struct, frozen=True, tag=True):
    """Is this player's connection alive? One that is not is to be ended."""

    player: str
    asks: str
    """The replica that gets the answer."""


class Alive(msgspec.Struct, frozen=True, tag=True):
    """It is."""

    player: str


class Dismiss(msgspec.Struct, frozen=True, tag=True):
    """An operator ends the wait of this session."""

    session: str
    reason: Reason


Word: TypeAlias = Here | Wake | TakenOver | Challenge | Alive | Dismiss
_WORDS: Final = msgspec.json.Decoder(Word)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds."""

    presence: float
    """Between two signs of life; a replica without one for three times as long is gone."""
    patience: float
    """Without the store, until a replica goes on alone."""
    settling: float
    """From the beginning of the store's data until every replica has said who waits there."""


class Neighbours:
    """One replica's view of them all. ``follow`` keeps it up."""

    def __init__(self, store: Store, replica: str, rhythm: Rhythm) -> None:
        self.replica: Final = replica
        self.health: Final = StoreHealth(rhythm.patience)
        self.began = 0.0
        """When the store's data began (Unix time)."""
        self._store: Final = store
        self._rhythm: Final = rhythm
        self._live: frozenset[str] = frozenset({replica})
        self._soon: Final[set[Wake]] = set()
        self._saying: Final[set[asyncio.Future[None]]] = set()
        self._hear: Callable[[Word], None] = lambda word: None
        self._returned: Callable[[], None] = lambda: None

    def notify(self, hear: Callable[[Word], None], returned: Callable[[], None]) -> None:
        """``hear`` gets what others say; ``returned`` is called when the store is there again, or has lost its data."""
        self._hear, self._returned = hear, returned

    @property
    def live(self) -> frozenset[str]:
        """The replicas that give signs of life, this one included; for itself only where it is alone."""
        return frozenset({self.replica}) if self.reach() is Reach.ALONE else self._live

    @property
    def store_answers(self) -> bool:
        """Whether the store is there, whatever it holds."""
        return self.health.reach(_now()) is Reach.THERE

    def reach(self) -> Reach:
        """What of the others can be known now."""
        found = self.health.reach(_now())
        young = time.time() < self.began + self._rhythm.settling
        return Reach.AWAY if found is Reach.THERE and young and len(self._live) > 1 else found

    def lost(self, error: StoreUnavailable) -> None:
        """Somebody has found the store unavailable."""
        if self.health.failed(_now()):
            LOG.warning("store unavailable", extra={"error": str(error), "patience": self._rhythm.patience})

    async def say(self, word: Word, to: str = EVERYBODY) -> None:
        """Tell all replicas, or one, something; lost where the store is away."""
        try:
            await self._store.publish(to, msgspec.json.encode(word))
        except StoreUnavailable as error:
            self.lost(error)

    def say_soon(self, word: Wake) -> None:
        """Tell all replicas something that is the same however often it is said."""
        if not self._soon:
            asyncio.get_running_loop().call_later(SOON, self._say_now)
        self._soon.add(word)

    def _say_now(self) -> None:
        for word in self._soon:
            task = asyncio.ensure_future(self.say(word))
            self._saying.add(task)
            task.add_done_callback(self._saying.discard)
        self._soon.clear()

    async def leave(self) -> None:
        """This replica goes: the others need not wait to find out."""
        try:
            await self._store.unregister(PRESENT, self.replica)
        except StoreUnavailable as error:
            self.lost(error)
        await self.say(Here(self.replica, here=False))

    async def live_on(self) -> None:
        """Give signs of life; returns only when it is cancelled."""
        while True:
            try:
                await self._beat()
            except StoreUnavailable as error:
                self.lost(error)
            await asyncio.sleep(self._rhythm.presence)

    async def _beat(self) -> None:
        await self._store.register(PRESENT, self.replica, 3 * self._rhythm.presence)
        live = await self._store.members(PRESENT) | {self.replica}
        began = await self._store.began()
        first, anew = self.began == 0.0, began != self.began
        if anew:
            # Of a store that has lost its data the others are still there, and about to say so.
            live |= self._live
        self._know(live)
        self.began = began
        if first:
            await self.say(Here(self.replica))
        if self.health.answered():
            LOG.info("store there again")
            anew = True
        if anew and not first:
            self._returned()

    async def listen(self) -> None:
        """Take what the others say; returns only when it is cancelled."""
        while True:
            try:
                async with aclosing(self._store.listen(EVERYBODY, self.replica)) as words:
                    async for heard in words:
                        if heard is not None:
                            self._take(heard.said)
            except StoreUnavailable as error:
                self.lost(error)
            await asyncio.sleep(self._rhythm.presence)

    def _take(self, said: bytes) -> None:
        try:
            word = _WORDS.decode(said)
        except (msgspec.DecodeError, UnicodeError):
            # Of another version, in the middle of an upgrade.
            LOG.warning("word not understood")
            return
        if isinstance(word, Here):
            self._know(self._live | {word.replica} if word.here else self._live - {word.replica} | {self.replica})
        else:
            self._hear(word)

    def _know(self, live: frozenset[str]) -> None:
        if live != self._live:
            LOG.info("replicas", extra={"live": sorted(live)})
        self._live = live


def _now() -> float:
    return asyncio.get_running_loop().time()
