"""One player's connection and, once it has one, the connection to its instance."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec
from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, ClientWSTimeout, WSMsgType, web

from signalling.protocol.actions import CloseCode, close_reason
from signalling.protocol.relay import Abandon, ClosePlayer, Enqueue, Relay, RelayAction, Stage, ToInstance, ToPlayer
from signalling.shell.peer import NORMAL, OutboxLimit, Peer

LOG: Final = logging.getLogger("matchmaker.session")


class InstanceUnreachable(Exception):
    """The connection to an instance could not be made."""


class Queue(Protocol):
    """Where a session says that its player wants an instance."""

    def wants_instance(self, session: "Session") -> None:
        """The player is ready for one."""
        ...


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How connections are kept, both ways."""

    outbox: OutboxLimit
    heartbeat_seconds: float
    max_message_bytes: int
    connect_seconds: float


class Session:
    """A player from connecting to leaving; ``serve`` runs for that long."""

    def __init__(
        self, session: str, application: str, options: msgspec.Raw, queue: Queue, settings: LinkSettings
    ) -> None:
        self.id: Final = session
        self.application: Final = application
        self.left: Final = asyncio.Event()
        """The player's connection is gone."""
        self.asked_at = 0.0
        self.attempts = 0
        """Instances that came to nothing for this player."""
        self.unclear_claims = 0
        """Claims nobody knows the outcome of, as the API server does not answer: a reason to wait, not to give up."""
        self._queue: Final = queue
        self._settings: Final = settings
        self._relay: Final = Relay(options)
        self._player: Peer | None = None
        self._instance: Peer | None = None
        self.slow = False

    @property
    def waiting(self) -> bool:
        """The player is here and has no instance."""
        return not self.left.is_set() and self._relay.stage is Stage.QUEUED

    @property
    def playing(self) -> bool:
        """The player is connected to an instance."""
        return self._instance is not None

    async def serve(self, socket: web.WebSocketResponse, transport: asyncio.Transport | None) -> None:
        """Talk to the player until it leaves."""
        self._player = Peer(socket, transport.abort if transport else lambda: None, self._settings.outbox)
        async with self._player.writing():
            try:
                self._do(self._relay.opened())
                async for frame in socket:
                    if frame.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                        self._do(self._relay.from_player(frame.data))
            finally:
                self.left.set()
                if self._instance is not None:
                    self._instance.close(NORMAL, "")
        self.slow = self._player.overflowed

    async def relay(self, http: ClientSession, url: str, connected: Callable[[], None]) -> None:
        """Connect to the instance's sidecar and pass frames both ways until either end leaves.

        ``connected`` is called once the connection stands. Raises InstanceUnreachable. Afterwards ``waiting`` tells
        whether the player needs another instance.
        """
        try:
            async with asyncio.timeout(self._settings.connect_seconds):
                socket = await http.ws_connect(
                    url,
                    heartbeat=self._settings.heartbeat_seconds,
                    max_msg_size=self._settings.max_message_bytes,
                    compress=0,
                    timeout=ClientWSTimeout(ws_close=self._settings.connect_seconds),
                )
        except (OSError, TimeoutError, ClientError) as error:
            raise InstanceUnreachable(repr(error)[:300]) from error
        try:
            connected()
            await self._pass_on(socket)
        finally:
            await socket.close()

    async def _pass_on(self, socket: ClientWebSocketResponse) -> None:
        reader = asyncio.create_task(self._read_instance(socket))

        def cut() -> None:
            reader.cancel()

        self._instance = Peer(socket, cut, self._settings.outbox)
        try:
            async with self._instance.writing():
                if self.left.is_set():
                    return
                self._do(self._relay.allocated())
                await asyncio.wait({reader})
        finally:
            self._instance = None
            reader.cancel()
            await asyncio.wait({reader})
        if not self.left.is_set():
            code, reason = (None, "") if reader.cancelled() else reader.result()
            self._do(self._relay.instance_gone(code, reason))

    async def _read_instance(self, socket: ClientWebSocketResponse) -> tuple[int | None, str]:
        """Read to the end; the code and reason of the sidecar's close, or None if it said none."""
        while True:
            frame = await socket.receive()
            if frame.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                self._do(self._relay.from_instance(frame.data))
            elif frame.type is WSMsgType.CLOSE:
                return frame.data, frame.extra or ""
            else:
                return None, ""

    def close(self, code: int, reason: str) -> None:
        """Close the player's connection."""
        if self._player is not None:
            self._player.close(code, close_reason(reason))

    def give_up(self) -> None:
        """No instance could be had; the stock player comes again."""
        self.close(CloseCode.RESTART, "no instance could be reached")

    def _do(self, actions: list[RelayAction]) -> None:
        for action in actions:
            match action:
                case ToPlayer(data) if self._player is not None:
                    self._player.send(data)
                case ToInstance(data) if self._instance is not None:
                    self._instance.send(data)
                case Enqueue():
                    self._queue.wants_instance(self)
                case Abandon() if self._instance is not None:
                    self._instance.close(NORMAL, "")
                case ClosePlayer(code, reason):
                    self.close(code, reason)
                case _:
                    pass
