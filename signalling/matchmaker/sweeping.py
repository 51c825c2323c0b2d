"""Looking after the instances that have left their fleets: each by one of the live replicas.

An instance that is relayed here needs no asking while its player is connected and its pod is ready. Others are asked
every few seconds, and at once when their pod stops being ready, which is how a sidecar shows that its session is over.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from signalling.kubernetes.instances import Instance, Pool
from signalling.matchmaker.endings import Endings
from signalling.matchmaker.inventory import Inventory
from signalling.matchmaker.neighbours import Neighbours
from signalling.matchmaker.outcomes import Outcome
from signalling.matchmaker.settings import ApplicationSettings
from signalling.matchmaker.sidecars import Sidecars, Status
from signalling.matchmaker.stranded import Patience, Verdict, responsible, verdict

LOG: Final = logging.getLogger("matchmaker.sweeping")
AT_ONCE: Final = 32
"""Sidecars that are asked at the same time."""


class Sweeper:
    """One replica's part in it."""

    def __init__(
        self,
        applications: Mapping[str, ApplicationSettings],
        *,
        inventory: Inventory,
        neighbours: Neighbours,
        sidecars: Sidecars,
        endings: Endings,
        patience: Patience,
        relayed: Callable[[str], bool],
    ) -> None:
        """``relayed`` tells whether an instance has a player's connection here."""
        self._applications: Final = applications
        self._inventory: Final = inventory
        self._neighbours: Final = neighbours
        self._sidecars: Final = sidecars
        self._endings: Final = endings
        self._patience: Final = patience
        self._relayed: Final = relayed
        self._doubted: Final[dict[str, float]] = {}
        self._looking: Final[dict[str, asyncio.Task[None]]] = {}
        self._places: Final = asyncio.Semaphore(AT_ONCE)

    async def run(self, interval: float) -> None:
        """Look after them, round after round; returns only when it is cancelled."""
        while True:
            await asyncio.sleep(interval)
            asked = [instance for instance in self._inventory.instances() if self._asks(instance)]
            # A doubt that is not looked into again is none: the next one begins anew.
            for name in self._doubted.keys() - {instance.name for instance in asked}:
                del self._doubted[name]
            for instance in asked:
                self.look(instance)

    def changed(self, instance: Instance) -> None:
        """An instance is different: one that is not ready any more may have no session any more."""
        if not instance.ready and (self._mine(instance) or self._relayed(instance.name)):
            self.look(instance)

    def look(self, instance: Instance, *, interrupted: bool = False) -> None:
        """Ask an instance now. ``interrupted``: its player was there when the connection to it ended."""
        if instance.pool is Pool.IDLE or instance.going or instance.name in self._looking:
            return
        task = asyncio.create_task(self._look(instance, interrupted=interrupted))
        self._looking[instance.name] = task
        task.add_done_callback(lambda _: self._looking.pop(instance.name, None))

    async def stop(self, seconds: float) -> None:
        """Wait for what is under way; what is not finished another replica finds."""
        if self._looking:
            _, late = await asyncio.wait(list(self._looking.values()), timeout=seconds)
            for task in late:
                task.cancel()

    def _asks(self, instance: Instance) -> bool:
        return self._mine(instance) and not (self._relayed(instance.name) and instance.ready)

    def _mine(self, instance: Instance) -> bool:
        away = instance.pool is not Pool.IDLE and not instance.going
        return away and responsible(self._neighbours.replica, self._neighbours.live, instance.name)

    async def _look(self, instance: Instance, *, interrupted: bool) -> None:
        async with self._places:
            status = None if instance.pool is Pool.ENDED else await self._sidecars.status(instance)
        now = self._inventory.get(instance.name)
        if now is None or now.going or (now.pool, now.session) != (instance.pool, instance.session):
            return
        clock = asyncio.get_running_loop().time()
        doubted = clock - self._doubted.get(instance.name, clock)
        found = verdict(now, status, doubted, self._patience)
        if found is Verdict.DOUBT:
            self._doubted.setdefault(instance.name, clock)
            return
        self._doubted.pop(instance.name, None)
        await self._deal(found, now, status, interrupted=interrupted)

    async def _deal(self, found: Verdict, instance: Instance, status: Status | None, *, interrupted: bool) -> None:
        application = self._applications.get(instance.application)
        outcome = Outcome.INTERRUPTED if interrupted else Outcome.COMPLETED
        bad = status is not None and instance.session in status.bad
        match found:
            case Verdict.ENDED:
                await self._endings.retire(instance, None, "session ended")
            case Verdict.OVER:
                again = application is not None and application.session.reuse and not instance.draining
                if again and status is not None and status.streaming and not status.draining:
                    await self._endings.recycle(instance, outcome, bad=bad)
                else:
                    await self._endings.retire(instance, outcome, "session ended", bad=bad)
            case Verdict.STRANDED:
                LOG.warning("stranded instance", extra={"instance": instance.name, "session": instance.session})
                lost = Outcome.ABANDONED if status is not None else Outcome.INTERRUPTED
                await self._endings.retire(instance, lost, "stranded")
            case Verdict.KEEP | Verdict.DOUBT:
                pass
