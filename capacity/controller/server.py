"""The loop: wait for a change, decide, carry it out, remember; for as long as this replica leads."""

import asyncio
import logging
import socket
import time
from datetime import UTC, datetime
from typing import Final

import msgspec
from aiohttp import ClientSession, web
from lightkube import AsyncClient

from capacity.controller.acting import Actor
from capacity.controller.decisions import decide
from capacity.controller.figures import Figures
from capacity.controller.keeping import Keeper
from capacity.controller.leading import Leadership
from capacity.controller.memory import Memory
from capacity.controller.metrics import ControllerMetrics
from capacity.controller.notices import noticed
from capacity.controller.observing import Observer
from capacity.controller.settings import ControllerSettings, StackSettings
from capacity.controller.telling import Teller
from signalling.shell import listening
from signalling.shell.cancelling import cancel
from signalling.shell.health import health_app

LOG: Final = logging.getLogger("controller")


class Controller:
    """One replica: ``start``, then ``stop``."""

    def __init__(self, client: AsyncClient, its: ControllerSettings, stack: StackSettings) -> None:
        identity = its.identity or socket.gethostname()
        platform = stack.platform_namespace
        self._its: Final = its
        self._stack: Final = stack
        self._client: Final = client
        self._wake: Final = asyncio.Event()
        self._leadership: Final = Leadership(
            client,
            its.name,
            platform,
            identity,
            lease_seconds=its.lease_seconds,
            renew_seconds=its.renew_seconds,
            changed=self._wake.set,
        )
        self._metrics: Final = ControllerMetrics(
            stack,
            figures=lambda: self._figures if self._leadership.leading else None,
            leading=lambda: self._leadership.leading,
            matchmakers=lambda: self._observer.matchmakers.answered,
        )
        self._actor: Final = Actor(client, stack.instances_namespace, self._may_act, self._metrics.acted)
        self._keeper: Final = Keeper(client, f"{its.name}-memory", platform)
        self._teller: Final = Teller(client, stack.instances_namespace, (platform, its.name), identity)
        self._memory: Memory | None = None
        """None while somebody else leads, and until what that one has left is read."""
        self._saved = 0.0
        self._figures: Figures | None = None
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._runner: web.AppRunner
        self._http: ClientSession
        self._observer: Observer

    @property
    def port(self) -> int:
        """Of health and metrics."""
        return listening.port_of(self._runner)

    async def start(self) -> None:
        """Listen, watch, and lead if nobody does."""
        self._http = ClientSession()
        self._observer = Observer(self._client, self._http, self._its, self._stack, self._wake.set)
        health = health_app(self._metrics.registry, lambda: self._observer.synced, self._status)
        self._runner = await listening.listen(health, self._its.health_host, self._its.health_port)
        running = (*self._observer.tasks(), self._leadership.keep(), self._decide_for_ever())
        self._tasks = [asyncio.create_task(each) for each in running]
        LOG.info("listening", extra={"port": self.port})

    async def stop(self) -> None:
        """Decide no more, write down what is remembered, let another one lead, then go."""
        self._stopping = True
        self._wake.set()
        *_, deciding = self._tasks
        await asyncio.wait({deciding}, timeout=5)
        if self._memory is not None and self._leadership.leading:
            await self._keeper.save(self._memory)
        await cancel(self._tasks)
        await self._leadership.give_up()
        await self._http.close()
        await self._runner.cleanup()
        LOG.info("stopped")

    def _may_act(self) -> bool:
        return self._leadership.leading and not self._stopping

    def _status(self) -> dict[str, object]:
        figures = self._figures if self._leadership.leading else None
        known = msgspec.to_builtins(figures, enc_hook=str, str_keys=True) if figures else {}
        return {"leading": self._leadership.leading, "decided": known}

    async def _decide_for_ever(self) -> None:
        while not self._stopping:
            await self._wake.wait()
            await asyncio.sleep(self._its.settle_seconds)
            self._wake.clear()
            try:
                await self._once()
            except Exception:  # Whatever went wrong, the next change, or the next second, is another chance.
                self._metrics.failures.inc()
                LOG.exception("decision failed")

    async def _once(self) -> None:
        if not self._may_act() or not self._observer.synced:
            if not self._leadership.leading:
                self._memory = self._figures = None
            return
        if self._memory is None:
            self._memory = await self._keeper.load()
            self._saved = time.monotonic()
        with self._metrics.seconds.time():
            decision = decide(self._observer.cluster(), self._stack, self._memory, datetime.now(UTC))
            await self._actor.carry_out(decision.actions)
        await self._teller.tell((*decision.notices, *noticed(self._figures or Figures(), decision.figures)))
        self._memory, self._figures = decision.memory, decision.figures
        if time.monotonic() - self._saved >= self._its.save_seconds:
            self._saved = time.monotonic()
            if not await self._keeper.save(self._memory):
                # Somebody else leads, or did: what that one wrote counts.
                self._memory = None
