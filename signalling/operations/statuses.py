"""What instances say of their sessions, each asked once in a while however many want to know."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final

from signalling.kubernetes.instances import Instance
from signalling.matchmaker.sidecars import Status

SECONDS: Final = 4.0
"""How old an answer may be; players report every five seconds."""
AT_ONCE: Final = 32
"""Instances that are asked at the same time."""


@dataclass(frozen=True, slots=True)
class _Asked:
    session: str | None
    at: float
    answer: asyncio.Future[Status | None]


class Statuses:
    """Those of all instances."""

    def __init__(
        self,
        ask: Callable[[Instance], Coroutine[Any, Any, Status | None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask: Final = ask
        self._free: Final = asyncio.Semaphore(AT_ONCE)
        self._clock: Final = clock
        self._asked: dict[str, _Asked] = {}
        self._swept = clock()

    async def of(self, instance: Instance) -> Status | None:
        """What an instance says, or has just said; None when it says nothing that makes sense."""
        now = self._clock()
        self._sweep(now)
        asked = self._asked.get(instance.name)
        if asked is None or asked.session != instance.session or now - asked.at > SECONDS:
            asked = _Asked(instance.session, now, asyncio.ensure_future(self._answer(instance)))
            self._asked[instance.name] = asked
        # Whoever asked first may be gone before the others have their answer.
        return await asyncio.shield(asked.answer)

    async def _answer(self, instance: Instance) -> Status | None:
        async with self._free:
            return await self._ask(instance)

    def _sweep(self, now: float) -> None:
        if now - self._swept > SECONDS:
            self._swept = now
            self._asked = {name: asked for name, asked in self._asked.items() if now - asked.at <= SECONDS}
