"""The sidecar's sockets around its state machine."""

import asyncio
import logging
from collections.abc import Callable
from itertools import count
from typing import Final

import msgspec
from aiohttp import WSMsgType, web

from signalling.protocol.actions import Action, Close, CloseCode, Connection, Drop, Send
from signalling.protocol.messages import Role, encode, opaque
from signalling.protocol.sidecar import Limits, Sidecar
from signalling.shell import listening
from signalling.shell.health import health_app
from signalling.shell.peer import OutboxLimit, Peer
from signalling.sidecar.metrics import SidecarMetrics
from signalling.sidecar.settings import SidecarSettings

LOG: Final = logging.getLogger("sidecar")
NO_ICE_SERVERS: Final = opaque({"iceServers": []})
"""The matchmaker gives a player its own options."""


def streamer_options(stun_urls: str) -> msgspec.Raw:
    """The streamer's ``peerConnectionOptions``, mostly without a server: the player's relay reaches it."""
    urls = [url.strip() for url in stun_urls.split(",") if url.strip()]
    return opaque({"iceServers": [{"urls": urls}] if urls else []})


class SidecarServer:
    """One instance's sidecar: ``start``, then ``stop``."""

    def __init__(self, settings: SidecarSettings) -> None:
        self._settings: Final = settings
        self._state: Final = Sidecar(
            streamer_options(settings.stun_urls), NO_ICE_SERVERS, Limits(players=settings.max_players)
        )
        self._metrics: Final = SidecarMetrics(self._state)
        self._outbox: Final = OutboxLimit(settings.outbox_frames, settings.outbox_bytes)
        self._peers: Final[dict[Connection, Peer]] = {}
        self._numbers: Final = count(1)
        self._handlers: Final[set[asyncio.Task[None]]] = set()
        self._stopping = False
        self._runners: Final[dict[str, web.AppRunner]] = {}

    @property
    def ports(self) -> dict[str, int]:
        """The ports in use, by ``streamer``, ``players`` and ``health``."""
        return {name: listening.port_of(runner) for name, runner in self._runners.items()}

    async def start(self) -> None:
        """Listen; health first, so that a port in use elsewhere shows as a container that never gets ready."""
        its = self._settings
        health = health_app(self._metrics.registry, self._ready, self._status)
        self._runners["health"] = await listening.listen(health, its.health_host, its.health_port)
        streamers = self._websocket_app(Role.STREAMER, self._state.connect_streamer)
        self._runners["streamer"] = await listening.listen(streamers, its.streamer_host, its.streamer_port)
        players = self._websocket_app(Role.PLAYER, self._state.connect_player)
        self._runners["players"] = await listening.listen(players, its.player_host, its.player_port)
        LOG.info("listening", extra={"ports": self.ports})

    async def stop(self) -> None:
        """Not ready; no new players; players told to come again; the streamer; health last."""
        self._stopping = True
        for name in ("players", "streamer"):
            if name in self._runners:
                await listening.refuse_new(self._runners[name])
        for peer in list(self._peers.values()):
            peer.close(CloseCode.RESTART, "the instance is going")
        if self._handlers:
            await asyncio.wait(self._handlers, timeout=self._CLOSE_SECONDS)
        for runner in reversed(self._runners.values()):
            await runner.cleanup()
        LOG.info("stopped")

    _CLOSE_SECONDS: Final = 5.0

    def _ready(self) -> bool:
        return self._state.streaming and not self._stopping

    def _status(self) -> dict[str, object]:
        return {"players": self._state.player_count, "streaming": self._state.streaming}

    def _websocket_app(self, role: Role, connect: Callable[[Connection], list[Action]]) -> web.Application:
        async def handle(request: web.Request) -> web.StreamResponse:
            socket = web.WebSocketResponse(
                heartbeat=self._settings.heartbeat_seconds,
                compress=False,
                max_msg_size=self._settings.max_message_bytes,
            )
            if not socket.can_prepare(request).ok:
                return web.Response(status=426, text="This is a WebSocket.\n", headers={"Upgrade": "websocket"})
            await socket.prepare(request)
            serving = asyncio.ensure_future(self._serve(request, socket, role, connect))
            self._handlers.add(serving)
            serving.add_done_callback(self._handlers.discard)
            await serving
            return socket

        app = web.Application()
        # An Unreal application may be started with any path in its URL.
        app.router.add_get("/{path:.*}", handle)
        return app

    async def _serve(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        role: Role,
        connect: Callable[[Connection], list[Action]],
    ) -> None:
        connection = next(self._numbers)
        transport = request.transport
        peer = Peer(socket, transport.abort if transport else lambda: None, self._outbox)
        self._peers[connection] = peer
        received = self._metrics.messages.labels(role.value)
        LOG.info("connected", extra={"role": role.value, "connection": connection})
        try:
            async with peer.writing():
                self._do(connect(connection))
                async for frame in socket:
                    if frame.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                        received.inc()
                        self._do(self._state.receive(connection, frame.data))
                # At once, not after the closing handshake: the other ends wait for no slow peer.
                self._do(self._state.disconnect(connection))
        finally:
            del self._peers[connection]
            self._do(self._state.disconnect(connection))
            if peer.overflowed:
                self._metrics.slow.inc()
            LOG.info(
                "disconnected",
                extra={
                    "role": role.value,
                    "connection": connection,
                    "code": socket.close_code,
                    "slow": peer.overflowed,
                },
            )

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(connection, message):
                    if peer := self._peers.get(connection):
                        peer.send(encode(message))
                case Close(connection, code, reason):
                    if peer := self._peers.get(connection):
                        peer.close(code, reason)
                case Drop(_, why):
                    self._metrics.refused(why)
