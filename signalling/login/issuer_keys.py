"""Another server's public keys, kept up to date."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final

from aiohttp import ClientSession

from signalling.login.key_sets import KeySet, Pace, PublishedKey, UnusableKeySet, keys_of
from signalling.login.settings import Algorithm
from signalling.outgoing.fetching import Unreachable, fetch

LOG: Final = logging.getLogger("login.keys")


class KeysUnknown(Exception):
    """No key has ever been heard from the server."""


class IssuerKeys:
    """``follow`` keeps asking; ``find`` asks out of turn when a token's key is not known, within bounds."""

    def __init__(
        self,
        http: ClientSession,
        url: str,
        pace: Pace = Pace(),  # noqa: B008 - it is frozen
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http: Final = http
        self._url: Final = url
        self._clock: Final = clock
        self._set: Final = KeySet(pace)
        self._asking: asyncio.Task[None] | None = None
        self._moved: Final = asyncio.Event()
        """The time of the next question has changed."""

    def known(self, algorithm: Algorithm) -> list[PublishedKey]:
        """The keys of an algorithm, as they were last heard."""
        return self._set.candidates(algorithm, None)

    async def follow(self) -> None:
        """Ask whenever it is time; never returns."""
        while True:
            wait = self._set.next_at - self._clock()
            if wait > 0:
                self._moved.clear()
                try:
                    async with asyncio.timeout(wait):
                        await self._moved.wait()
                except TimeoutError:
                    pass
                continue
            await self._ask()

    async def find(self, algorithm: Algorithm, id: str | None) -> list[PublishedKey]:
        """The keys that may have signed a token.

        Raises:
            KeysUnknown: nothing has ever been heard; a token may be good and nobody can tell.
        """
        found = self._set.candidates(algorithm, id)
        if not found and self._set.worth_asking(self._clock()):
            await self._ask()
            found = self._set.candidates(algorithm, id)
        if not found and not self._set.heard:
            raise KeysUnknown(self._url)
        return found

    async def _ask(self) -> None:
        """Ask once, for all who want to know meanwhile."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_once())
        # Whoever is cancelled while it waits, a player that leaves, does not end the question for the others.
        await asyncio.shield(self._asking)

    async def _ask_once(self) -> None:
        try:
            document = await fetch(self._http, self._url)
            keys = keys_of(document.content)
        except (Unreachable, UnusableKeySet) as error:
            self._set.failed(self._clock())
            LOG.warning("no keys", extra={"url": self._url, "error": str(error)})
        else:
            self._set.answered(keys, document.max_age, self._clock())
            LOG.info("keys", extra={"url": self._url, "ids": [key.id for key in keys]})
        self._moved.set()
