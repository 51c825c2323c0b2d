"""The matchmaker's listeners, and their order of coming and going."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any, Final, Protocol

from aiohttp import ClientSession, TCPConnector, web

from signalling.matchmaker.page import PageFile, serve_configuration, serve_file
from signalling.matchmaker.replica import Replica, Surroundings
from signalling.matchmaker.settings import MatchmakerSettings, StackSettings
from signalling.protocol.actions import CloseCode
from signalling.shell import listening
from signalling.shell.cancelling import cancel
from signalling.shell.dispatch import Port
from signalling.shell.health import health_app

LOG: Final = logging.getLogger("matchmaker")
STEPS: Final = 50
"""Players are sent away in so many steps: all at once they would come all at once to the other replicas."""
LAST_SECONDS: Final = 5.0
"""For what is under way when everybody has been sent away."""


class Front(Protocol):
    """What a matchmaker has beside its players' connections, such as the session API."""

    async def open(self, replica: Replica) -> None:
        """Begin; the replica is not at work yet."""
        ...

    def work(self) -> Iterable[Coroutine[Any, Any, None]]:
        """What goes on in the background until it is cancelled."""
        ...

    def routes(self) -> Iterable[web.RouteDef]:
        """What is served on the players' port before the page."""
        ...

    def page_elsewhere(self, request: web.Request) -> web.Response | None:
        """Another answer to whoever asks for the page."""
        ...

    async def close(self) -> None:
        """End; the work has been cancelled."""
        ...


class MatchmakerServer:
    """One replica: ``start``, then ``stop``."""

    def __init__(
        self,
        settings: MatchmakerSettings,
        stack: StackSettings,
        around: Surroundings,
        files: dict[str, PageFile],
        front: Front | None = None,
    ) -> None:
        """``front`` is what else is served and done, if anything."""
        self._settings: Final = settings
        self._stack: Final = stack
        self._around: Final = around
        self._files: Final = files
        self._front: Final = front
        self._background: Final[list[asyncio.Task[None]]] = []
        self._health: web.AppRunner
        self._http: ClientSession
        self._port: Port
        self.replica: Replica

    @property
    def ports(self) -> dict[str, int]:
        """The ports in use, by ``players`` and ``health``."""
        return {"players": self._port.number, "health": listening.port_of(self._health)}

    async def start(self) -> None:
        """Listen and watch; ready once all watches have listed what there is."""
        its = self._settings
        # No limit of connections: all instances may be asked at once.
        self._http = ClientSession(connector=TCPConnector(limit=0))
        self.replica = replica = Replica(its, self._stack, self._around, self._http)
        health = health_app(replica.metrics.registry, self.ready, self._status)
        self._health = await listening.listen(health, its.health_host, its.health_port)
        works = [*replica.work()]
        if self._front is not None:
            await self._front.open(replica)
            works += self._front.work()
        for work in works:
            task = asyncio.create_task(work)
            task.add_done_callback(_ended)
            self._background.append(task)
        self._port = Port(replica.arrivals.decide, replica.limits, replica.keepalive, self._page())
        await self._port.listen(its.player_host, its.player_port)
        LOG.info("listening", extra={"ports": self.ports, "page_files": len(self._files), "replica": self._around.name})

    async def stop(self) -> None:
        """Not ready; nobody new; players told to come again, which another replica lets them; health last.

        No session ends by it: their sidecars wait for the players to come back.
        """
        self.replica.open = False
        self._port.refuse_new()
        await self._send_away()
        await self.replica.allocation.stop(LAST_SECONDS)
        await self.replica.sessions.stop(LAST_SECONDS)
        await self._port.close()
        await cancel(self._background)
        await self.replica.sweeper.stop(LAST_SECONDS)
        await self.replica.neighbours.leave()
        if self._front is not None:
            await self._front.close()
        await self._http.close()
        await self._health.cleanup()
        LOG.info("stopped")

    async def _send_away(self) -> None:
        players = list(self.replica.connections)
        size = -(-len(players) // STEPS)
        for start in range(0, len(players), size or 1):
            for player in players[start : start + size]:
                player.close(CloseCode.RESTART, "the matchmaker is restarting")
            await asyncio.sleep(self._settings.stop_seconds / STEPS)
        await self.replica.connections.emptied(LAST_SECONDS)

    def ready(self) -> bool:
        """Whether players may be sent here."""
        return self.replica.synced and self.replica.open

    def _status(self) -> dict[str, object]:
        it = self.replica
        applications = [application.name for application in self._stack.applications]
        weights = {app: {each.version: each.weight for each in it.fleets.shares[app]} for app in applications}
        return {
            "replica": it.neighbours.replica,
            "replicas": sorted(it.neighbours.live),
            "store": it.neighbours.reach().value,
            "players": it.players(),
            "waiting": {app: it.waiting(app) for app in applications},
            "weights": weights,
            "turn_nodes": it.turn_nodes(),
        }

    def _page(self) -> web.Application:
        async def handle(request: web.Request) -> web.StreamResponse:
            elsewhere = self._front.page_elsewhere(request) if self._front is not None else None
            return serve_file(self._files, request) if elsewhere is None else elsewhere

        async def configure(_: web.Request) -> web.StreamResponse:
            return serve_configuration(self._stack.player_page.configuration or {})

        app = web.Application()
        if self._stack.player_page.configuration is not None:
            app.router.add_get("/config.json", configure)
        if self._front is not None:
            app.add_routes(self._front.routes())
        app.router.add_get("/{path:.*}", handle)
        return app


def _ended(task: asyncio.Task[None]) -> None:
    """What goes on in the background never ends by itself: whoever reads the log has to know if it did."""
    if not task.cancelled() and (error := task.exception()) is not None:
        LOG.error("background work failed", exc_info=error)
