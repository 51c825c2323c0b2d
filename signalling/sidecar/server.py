"""The sidecar's sockets and clock around its state machine."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Final

import msgspec
from aiohttp import ClientSession, web

from signalling.protocol.actions import Action, AskGame, Close, CloseCode, Connection, Drop, FirstFrame, Send
from signalling.protocol.messages import Role, encode, opaque
from signalling.protocol.sidecar import Limits, Sidecar
from signalling.shell import listening
from signalling.shell.cancelling import cancel
from signalling.shell.dispatch import Port
from signalling.shell.handshake import Accept, Answer, UpgradeRequest
from signalling.shell.websocket import Keepalive, SocketLimits, WebSocket
from signalling.sidecar import entry
from signalling.sidecar.game_api import GameApi
from signalling.sidecar.metrics import SidecarMetrics
from signalling.sidecar.observation import observation_app
from signalling.sidecar.settings import SidecarSettings

LOG: Final = logging.getLogger("sidecar")
NO_ICE_SERVERS: Final = opaque({"iceServers": []})
"""The matchmaker gives a player its own options."""
CLOSE_SECONDS: Final = 5.0


class _Link:
    """A connection, as its socket's handler."""

    __slots__ = ("_begin", "_server", "number", "role", "socket")

    def __init__(
        self, server: "SidecarServer", role: Role, number: Connection, begin: Callable[[Connection], list[Action]]
    ) -> None:
        self._server = server
        self._begin = begin
        self.role = role.value
        self.number = number
        self.socket: WebSocket | None = None

    def opened(self, socket: WebSocket) -> None:
        self.socket = socket
        self._server.opened(self)
        # It knows the ticket, which is not kept.
        begin, self._begin = self._begin, _begun
        self._server.do(begin(self.number))

    def received(self, data: str | bytes) -> None:
        self._server.received(self, data)

    def closed(self, code: int | None, reason: str) -> None:
        self._server.closed(self, code)


def _begun(_: Connection) -> list[Action]:
    return []


def streamer_options(stun_urls: str) -> msgspec.Raw:
    """The streamer's ``peerConnectionOptions``, mostly without a server: the player's relay reaches it."""
    urls = [url.strip() for url in stun_urls.split(",") if url.strip()]
    return opaque({"iceServers": [{"urls": urls}] if urls else []})


class SidecarServer:
    """One instance's sidecar: ``start``, then ``drain``, then ``stop``."""

    def __init__(self, settings: SidecarSettings) -> None:
        """UnusableKeyError when there are no keys to prove tickets by."""
        self._settings: Final = settings
        self._entry: Final = entry.entry(settings)
        limits = Limits(
            streamers=settings.max_streamers,
            players=settings.max_players,
            messages_per_second=settings.messages_per_second,
        )
        self.state: Final = Sidecar(
            streamer_options(settings.stun_urls), NO_ICE_SERVERS, limits, game_api=bool(settings.control_url)
        )
        self._metrics: Final = SidecarMetrics(self.state)
        self._keepalive: Final = Keepalive(settings.heartbeat_seconds)
        socket_limits = SocketLimits(settings.max_message_bytes, settings.outbox_bytes, CLOSE_SECONDS)
        port = partial(Port, limits=socket_limits, keepalive=self._keepalive)
        self._ports: Final = {
            "streamer": port(partial(self._admit_streamer, Role.STREAMER, self.state.connect_streamer)),
            "sfu": port(partial(self._admit_streamer, Role.SFU, self.state.connect_sfu)),
            "players": port(self._admit_player),
        }
        self._links: Final[dict[Connection, _Link]] = {}
        self._numbers: Final = count(1)
        self._timer: asyncio.TimerHandle | None = None
        self._wakes_at = 0.0
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._drained: Final = asyncio.Event()
        self._closed: Final = asyncio.Event()
        self._stopping = False
        self._health: web.AppRunner | None = None
        self._http: ClientSession | None = None
        self._game: GameApi | None = None
        self._now: Callable[[], float]

    @property
    def ports(self) -> dict[str, int]:
        """The ports in use, by ``streamer``, ``sfu``, ``players`` and ``health``."""
        health = {} if self._health is None else {"health": listening.port_of(self._health)}
        return {name: port.number for name, port in self._ports.items()} | health

    async def start(self) -> None:
        """Listen; health first, so that a port in use elsewhere shows as a container that never gets ready."""
        its = self._settings
        self._now = asyncio.get_running_loop().time
        if its.control_url:
            self._http = ClientSession()
            self._game = GameApi(its.control_url, self._http)
        app = observation_app(self, self._metrics.registry, self._entry)
        self._health = await listening.listen(app, its.health_host, its.health_port)
        await self._ports["streamer"].listen(its.streamer_host, its.streamer_port)
        await self._ports["sfu"].listen(its.sfu_host, its.sfu_port)
        await self._ports["players"].listen(its.player_host, its.player_port)
        LOG.info("listening", extra={"ports": self.ports})

    async def drain(self) -> None:
        """Take nobody new, and wait for the sessions under way, or until their time is over."""
        if not self.state.draining:
            LOG.info("draining", extra={"sessions": len(self.state.sessions.under_way)})
        self.do(self.state.drain(self._settings.drain_seconds, self._now()))
        await self._drained.wait()

    async def stop(self) -> None:
        """No new connections; players told to come again; the streamer; health last."""
        self._stopping = True
        for port in self._ports.values():
            port.refuse_new()
        for link in list(self._links.values()):
            if link.socket is not None:
                link.socket.close(CloseCode.RESTART, "the instance is going")
        if self._links:
            # Each socket ends itself after its time.
            await self._closed.wait()
        for port in self._ports.values():
            await port.close()
        if self._timer is not None:
            self._timer.cancel()
        await cancel(self._tasks)
        if self._http is not None:
            await self._http.close()
        if self._health is not None:
            await self._health.cleanup()
        LOG.info("stopped")

    def ready(self) -> bool:
        """Whether a player would find a stream here."""
        return self.state.streaming and not (self.state.over or self.state.draining or self._stopping)

    @property
    def now(self) -> float:
        """The time by the clock of the state's."""
        return self._now()

    def do(self, actions: list[Action]) -> None:
        """Carry out what the state machine asks for."""
        links = self._links
        for action in actions:
            if type(action) is Send:
                link = links.get(action.connection)
                if link is not None and link.socket is not None:
                    link.socket.send(encode(action.message))
            else:
                self._do_rarely(action)
        deadline = self.state.next_deadline
        if deadline is not None and (self._timer is None or deadline < self._wakes_at):
            self._wake_at(deadline)
        if self.state.draining and not self.state.sessions.under_way:
            self._drained.set()

    def opened(self, link: _Link) -> None:
        """A connection stands."""
        self._links[link.number] = link
        LOG.info("connected", extra={"role": link.role, "connection": link.number})

    def received(self, link: _Link, data: str | bytes) -> None:
        """A message has come."""
        self._metrics.received[link.role] += 1
        self.do(self.state.receive(link.number, data, self._now()))

    def closed(self, link: _Link, code: int | None) -> None:
        """A connection is gone."""
        self._links.pop(link.number, None)
        if self._stopping and not self._links:
            self._closed.set()
        slow, silent = (link.socket.overflowed, link.socket.silent) if link.socket else (False, False)
        if slow:
            self._metrics.slow.inc()
        if silent:
            self._metrics.silent.inc()
        LOG.info(
            "disconnected",
            extra={"role": link.role, "connection": link.number, "code": code, "slow": slow, "silent": silent},
        )
        self.do(self.state.disconnect(link.number, self._now(), code))

    def _admit_streamer(
        self, role: Role, begin: Callable[[Connection], list[Action]], request: UpgradeRequest
    ) -> Accept | Answer:
        if (answer := entry.streamer(request, self._settings)) is not None:
            self._metrics.turned_away(answer.status)
            return answer
        # An Unreal application may be started with any path in its URL.
        return Accept(_Link(self, role, next(self._numbers), begin), entry.subprotocol(request))

    def _admit_player(self, request: UpgradeRequest) -> Accept | Answer:
        ticket = self._entry.player(request)
        if isinstance(ticket, Answer):
            self._metrics.turned_away(ticket.status)
            return ticket
        if (refusal := self.state.refusal(ticket)) is not None:
            self._metrics.turned_away(refusal.value)
            LOG.info("not admitted", extra={"session": ticket.session, "why": refusal.name.lower()})
            return Answer(refusal.value, f"{refusal.name}\n")

        def begin(connection: Connection) -> list[Action]:
            LOG.info(
                "player admitted",
                extra={
                    "session": ticket.session,
                    "player": ticket.player,
                    "session_role": ticket.role.value,
                    "connection": connection,
                    "resume": ticket.resume,
                },
            )
            return self.state.connect_player(connection, ticket, self._now())

        return Accept(_Link(self, Role.PLAYER, next(self._numbers), begin), entry.subprotocol(request))

    def _do_rarely(self, action: Action) -> None:
        match action:
            case Close(connection, code, reason):
                link = self._links.get(connection)
                if link is not None and link.socket is not None:
                    link.socket.close(code, reason)
            case Drop(_, why):
                self._metrics.refused(why)
            case FirstFrame(seconds):
                self._metrics.first_frame.observe(seconds)
            case AskGame(connection, path, payload):
                task = asyncio.create_task(self._ask(connection, path, payload))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _ask(self, connection: Connection, path: str, payload: bytes | None) -> None:
        if self._game is not None:
            self.do([Send(connection, await self._game.ask(path, payload))])

    def _wake_at(self, moment: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._wakes_at = moment
        self._timer = asyncio.get_running_loop().call_at(moment, self._wake)

    def _wake(self) -> None:
        self._timer = None
        # Timers have a resolution: what was due at a moment is due when its timer fires.
        self.do(self.state.tick(max(self._now(), self._wakes_at)))
