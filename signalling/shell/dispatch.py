"""One TCP port for WebSockets and ordinary requests: the head of a connection's first request decides which it is.

An upgrade goes to picows, everything else to an aiohttp application. A connection of ordinary requests is closed after
its first answer: on one that is kept alive a proxy may send an upgrade later, where nobody would see it.
"""

import asyncio
import inspect
import re
from typing import Any, Final, cast

from aiohttp import web

from signalling.shell.handshake import Decide, DecideLater, asked_for, bound_flood, server_protocol
from signalling.shell.listening import BACKLOG
from signalling.shell.websocket import Keepalive, SocketLimits

HEAD_BYTES: Final = 16_384
"""The longest head of a request; picows' own bound."""
HEAD_SECONDS: Final = 5.0
"""How long a peer may take to send it."""
EXCHANGE_SECONDS: Final = 60.0
"""How long an ordinary request with its answer may take."""
MOST_HEADS: Final = 1024
"""Connections that may owe their heads at once; one more ends the oldest, since an honest peer has it sent by then."""

_END: Final = b"\r\n\r\n"
_UPGRADE: Final = re.compile(rb"\r\nupgrade[ \t]*:[^\r]*\bwebsocket\b", re.IGNORECASE)
_TOO_LONG: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_NOT_HTTP: Final = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_NO_SOCKET: Final = (
    b"HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: upgrade, close\r\n"
    b"Content-Type: text/plain\r\nContent-Length: 21\r\n\r\nThis is a WebSocket.\n"
)


class Port:
    """A listening port: ``listen``, then ``refuse_new``, then ``close``."""

    def __init__(
        self,
        decide: Decide | DecideLater,
        limits: SocketLimits,
        keepalive: Keepalive,
        app: web.Application | None = None,
    ) -> None:
        """``decide`` is asked about upgrades; without an application ordinary requests are answered with 426."""
        self.decide: Final = decide
        self.limits: Final = limits
        self.keepalive: Final = keepalive
        self.owing: Final[dict[_Connection, None]] = {}
        """Connections without a head, oldest first."""
        self.refuses = False
        """It takes no more connections."""
        self._app: Final = app
        self._runner: web.AppRunner | None = None
        self._server: asyncio.Server | None = None
        self._number = 0
        self._plain: Final[set[_Connection]] = set()

    async def listen(self, host: str, port: int) -> None:
        """Take connections; port 0 is any free one. OSError when the address is taken."""
        if self._app is not None:
            self._app.on_response_prepare.append(_last_answer)
            self._runner = web.AppRunner(self._app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
            await self._runner.setup()
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(lambda: _Connection(self), host, port, backlog=BACKLOG)
        except OSError:
            await self.close()
            raise
        for socket in self._server.sockets:
            bound_flood(socket)
        self._number = int(self._server.sockets[0].getsockname()[1])

    @property
    def number(self) -> int:
        """The port it listens on, or did."""
        return self._number

    def refuse_new(self) -> None:
        """Take no more connections, nor those that have no answer yet; those that stand go on."""
        self.refuses = True
        if self._server is not None:
            self._server.close()
        for connection in list(self.owing):
            connection.end()

    async def close(self) -> None:
        """Take no more connections, and end those of ordinary requests. WebSockets are their handlers' to close."""
        self.refuse_new()
        if self._runner is not None:
            await self._runner.cleanup()
        for connection in list(self._plain):
            connection.end()

    def plain(self, connection: "_Connection") -> Any:  # noqa: ANN401  # aiohttp's protocol.
        """The application's protocol for a connection of ordinary requests; None where there is no application."""
        if self._runner is None or self._runner.server is None:
            return None
        self._plain.add(connection)
        return self._runner.server()

    def forget(self, connection: "_Connection") -> None:
        """A connection that never became a WebSocket is gone."""
        self.owing.pop(connection, None)
        self._plain.discard(connection)


async def _last_answer(_: web.Request, response: web.StreamResponse) -> None:
    # The first is what aiohttp does, the second what it says: it has written its own word before this is called.
    response.force_close()
    response.headers["Connection"] = "close"


class _Connection(asyncio.Protocol):
    """A connection until its head is there; afterwards only of ordinary requests, whose data it passes on."""

    def __init__(self, port: Port) -> None:
        self._port: Final = port
        self._head: Final = bytearray()
        self._plain: Any = None
        self._deciding: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # Of TCP it is one.
        self._transport = transport
        self._timer = asyncio.get_running_loop().call_later(HEAD_SECONDS, self.end)
        if self._port.refuses:
            # The loop had taken it just before.
            self.end()
            return
        owing = self._port.owing
        owing[self] = None
        if len(owing) > MOST_HEADS:
            next(iter(owing)).end()

    def data_received(self, data: bytes) -> None:
        if self._plain is not None:
            self._plain.data_received(data)
            return
        before = max(0, len(self._head) - len(_END))
        self._head.extend(data)
        end = self._head.find(_END, before)
        if end >= 0 or len(self._head) >= HEAD_BYTES:
            self._timer.cancel()
            self._port.owing.pop(self, None)
            self._hand_over(end)

    def _hand_over(self, end: int) -> None:
        if end < 0 or end >= HEAD_BYTES:
            self._answer(_TOO_LONG)
        elif _UPGRADE.search(self._head, 0, end):
            # picows stumbles over what is not ASCII while it says that it does not like it.
            if self._head[:end].isascii():
                self._to_websocket()
            else:
                self._answer(_NOT_HTTP)
        else:
            self._to_application()

    def _to_websocket(self) -> None:
        address = str(self._transport.get_extra_info("peername")[0])
        if inspect.iscoroutinefunction(self._port.decide):
            # What it sends before it has an answer stays in the kernel.
            self._transport.pause_reading()
            self._deciding = asyncio.create_task(self._decide(address, self._port.decide))
        else:
            self._upgrade(address, cast(Decide, self._port.decide))

    async def _decide(self, address: str, decide: DecideLater) -> None:
        decision = await asked_for(bytes(self._head), address, decide)
        if self._port.refuses:
            self.end()
        elif not self._transport.is_closing():
            self._upgrade(address, lambda _: decision)

    def _upgrade(self, address: str, decide: Decide) -> None:
        port = self._port
        protocol = server_protocol(address, decide, port.limits, port.keepalive)
        # The loops choose how to read when they start to: a protocol that reads into a buffer of its own needs a start.
        self._transport.pause_reading()
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        data = memoryview(self._head)
        while data and not self._transport.is_closing():
            buffer = protocol.get_buffer(-1)
            size = min(len(buffer), len(data))
            buffer[:size] = data[:size]
            protocol.buffer_updated(size)
            data = data[size:]
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _to_application(self) -> None:
        self._plain = self._port.plain(self)
        if self._plain is None:
            self._answer(_NO_SOCKET)
            return
        self._timer = asyncio.get_running_loop().call_later(EXCHANGE_SECONDS, self.end)
        self._plain.connection_made(self._transport)
        self._plain.data_received(bytes(self._head))
        self._head.clear()

    def _answer(self, response: bytes) -> None:
        self._transport.write(response)
        self._transport.close()

    def eof_received(self) -> bool | None:
        return None if self._plain is None else self._plain.eof_received()

    def pause_writing(self) -> None:
        if self._plain is not None:
            self._plain.pause_writing()

    def resume_writing(self) -> None:
        if self._plain is not None:
            self._plain.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        self._port.forget(self)
        if self._plain is not None:
            self._plain.connection_lost(exc)

    def end(self) -> None:
        """End it at once."""
        self._transport.abort()
