"""The matchmaker's listeners, watches and their order of coming and going."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterator
from random import SystemRandom
from typing import Final

import msgspec
from aiohttp import ClientSession, TCPConnector, web
from lightkube.resources.core_v1 import Node

from signalling.ice.player import player_options
from signalling.ice.ranking import TurnNode, rank
from signalling.kubernetes.api import Changed, ClusterApi, Event, Listed
from signalling.kubernetes.nodes import turn_address
from signalling.matchmaker.allocation import Allocation
from signalling.matchmaker.matching import Matching
from signalling.matchmaker.metrics import MatchmakerMetrics
from signalling.matchmaker.page import PageFile, serve_file
from signalling.matchmaker.session import LinkSettings, Session
from signalling.matchmaker.settings import MatchmakerSettings, StackSettings
from signalling.matchmaker.shares import FleetWatch
from signalling.matchmaker.sweeping import sweep
from signalling.matchmaker.watching import Watching
from signalling.protocol.actions import CloseCode
from signalling.protocol.messages import opaque
from signalling.shell import listening
from signalling.shell.health import health_app
from signalling.shell.peer import OutboxLimit

LOG: Final = logging.getLogger("matchmaker")
SOCKET_PATHS: Final = ("/", "/ws")


class MatchmakerServer:
    """One replica: ``start``, then ``stop``."""

    def __init__(
        self,
        settings: MatchmakerSettings,
        stack: StackSettings,
        secret: Callable[[], str],
        files: dict[str, PageFile],
        api: ClusterApi,
    ) -> None:
        self._settings: Final = settings
        self._stack: Final = stack
        self._secret: Final = secret
        self._files: Final = files
        self._api: Final = api
        self._turn: Final[dict[str, str]] = {}
        self._players: Final[set[Session]] = set()
        self._applications: Final = [application.name for application in stack.applications]
        self._matching: Final = Matching(self._applications, SystemRandom())
        self._metrics: Final = MatchmakerMetrics(
            self._matching,
            self._applications,
            players=lambda: len(self._players),
            turn_nodes=lambda: len(self._turn),
            session_turn=self._session_turn,
        )
        self._link: Final = LinkSettings(
            outbox=OutboxLimit(settings.outbox_frames, settings.outbox_bytes),
            heartbeat_seconds=settings.heartbeat_seconds,
            max_message_bytes=settings.max_message_bytes,
            connect_seconds=settings.connect_seconds,
        )
        self._watches: Final = (Watching("fleets"), Watching("instances"), Watching("turn nodes"))
        self._background: Final[list[asyncio.Task[None]]] = []
        self._runners: Final[dict[str, web.AppRunner]] = {}
        self._stopping = False
        self._http: ClientSession
        self._allocation: Allocation
        self._fleets: FleetWatch

    @property
    def ports(self) -> dict[str, int]:
        """The ports in use, by ``players`` and ``health``."""
        return {name: listening.port_of(runner) for name, runner in self._runners.items()}

    async def start(self) -> None:
        """Listen and watch; ready once all watches have listed what there is."""
        its = self._settings
        # No limit of connections: each session holds one for as long as it lasts.
        self._http = ClientSession(connector=TCPConnector(limit=0))
        self._allocation = Allocation(self._matching, self._api, self._http, self._metrics, its.instance_port)
        self._fleets = FleetWatch(self._applications, self._allocation.share)
        health = health_app(self._metrics.registry, self._ready, self._status)
        self._runners["health"] = await listening.listen(health, its.health_host, its.health_port)
        fleets, instances, nodes = self._watches
        self._background.extend(
            (
                asyncio.create_task(fleets.follow(self._api.watch_fleets, self._fleets.observe)),
                asyncio.create_task(instances.follow(self._api.watch_instances, self._allocation.observe)),
                asyncio.create_task(nodes.follow(self._api.watch_turn_nodes, self._observe_node)),
                asyncio.create_task(sweep(self._http, self._matching.instances, self._allocation, its)),
            )
        )
        self._runners["players"] = await listening.listen(self._player_app(), its.player_host, its.player_port)
        LOG.info("listening", extra={"ports": self.ports, "page_files": len(self._files)})

    async def stop(self) -> None:
        """Not ready; no new players; players told to come again; their instances deleted; watches; health last."""
        self._stopping = True
        if "players" in self._runners:
            await listening.refuse_new(self._runners["players"])
        for session in list(self._players):
            session.close(CloseCode.RESTART, "the matchmaker is restarting")
        await self._allocation.stop(self._settings.stop_seconds)
        if "players" in self._runners:
            await self._runners["players"].cleanup()
        for task in self._background:
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self._http.close()
        if "health" in self._runners:
            await self._runners["health"].cleanup()
        LOG.info("stopped")

    def _ready(self) -> bool:
        return all(watch.synced for watch in self._watches) and not self._stopping

    def _status(self) -> dict[str, object]:
        waiting = {app: self._matching.waiting(app) for app in self._applications}
        weights = {app: {each.version: each.weight for each in its} for app, its in self._fleets.shares.items()}
        return {
            "players": len(self._players),
            "waiting": waiting,
            "weights": weights,
            "turn_nodes": len(self._turn),
        }

    def _player_app(self) -> web.Application:
        async def handle(request: web.Request) -> web.StreamResponse:
            wants_socket = request.headers.get("Upgrade", "").lower() == "websocket"
            if wants_socket and request.path in SOCKET_PATHS:
                return await self._player(request)
            return serve_file(self._files, request)

        app = web.Application()
        app.router.add_get("/{path:.*}", handle)
        return app

    async def _player(self, request: web.Request) -> web.StreamResponse:
        application = self._stack.application(request.query.get("app"))
        if application is None:
            self._metrics.refused.labels("unknown application").inc()
            return web.Response(status=404, text="There is no such application.\n")
        if self._stopping or len(self._players) >= self._settings.max_players:
            self._metrics.refused.labels("full").inc()
            return web.Response(status=503, text="No room.\n", headers={"Retry-After": "2"})
        socket = web.WebSocketResponse(
            heartbeat=self._settings.heartbeat_seconds,
            compress=False,
            max_msg_size=self._settings.max_message_bytes,
        )
        await socket.prepare(request)
        session_id = secrets.token_hex(16)
        session = Session(
            session_id, application.name, self._options(application.name, session_id), self._allocation, self._link
        )
        self._players.add(session)
        LOG.info("player connected", extra={"session": session_id, "application": application.name})
        try:
            await session.serve(socket, request.transport)
        finally:
            self._players.discard(session)
            self._allocation.left(session)
            if session.slow:
                self._metrics.slow.inc()
            LOG.info("player left", extra={"session": session_id, "code": socket.close_code, "slow": session.slow})
        return socket

    def _session_turn(self) -> Iterator[tuple[str, str]]:
        """Each session under way, and the TURN nodes its player was sent to (as the pool is now)."""
        for session in self._players:
            if session.playing:
                yield from ((session.id, node.name) for node in self._chosen(session.id))

    def _chosen(self, session: str) -> list[TurnNode]:
        return rank(session, [TurnNode(name, address, address) for name, address in self._turn.items()], {})

    def _options(self, application: str, session: str) -> msgspec.Raw:
        if not self._turn:
            LOG.warning("no TURN node is known: a player that needs one will see no picture")
        access, secret = self._stack.turn, self._secret()
        options = player_options(application, session, self._chosen(session), access, secret=secret, now=time.time())
        return opaque(options)

    def _observe_node(self, event: Event[Node]) -> None:
        if isinstance(event, Listed):
            self._turn.clear()
            for node in event.items:
                self._set_turn(node, turn_address(node))
        else:
            self._set_turn(event.item, turn_address(event.item) if isinstance(event, Changed) else None)

    def _set_turn(self, node: Node, address: str | None) -> None:
        name = (node.metadata.name if node.metadata else None) or ""
        if address is None:
            self._turn.pop(name, None)
        else:
            self._turn[name] = address
