"""WebSockets in callback style, for servers and clients: picows parses the frames, here is all it leaves open.

A connection costs no task: its frames are handed to a ``Handler`` as they come, and what is sent is written at once.
What cannot be written stays in the transport's buffer, and a peer that lets it pass its bound is cut off. Fragments are
put together within a bound, closing is a handshake with a time limit, and a peer that is silent although it was pinged
is cut off too.

``handshake`` makes them, at either end.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Final, Protocol

from multidict import CIMultiDict
from picows import WSFrame, WSListener, WSMsgType, WSTransport

LOG: Final = logging.getLogger("websocket")

NORMAL: Final = 1000
"""The close code of an end as it should be."""
PROTOCOL_ERROR: Final = 1002
NO_CODE: Final = 1005
"""Stands for a close frame without a code; never sent."""
NOT_TEXT: Final = 1007
TOO_BIG: Final = 1009
FAILED: Final = 1011
"""Our own fault."""
_NEVER_SENT: Final = frozenset({NO_CODE, 1006, 1015})

_TEXT: Final = WSMsgType.TEXT
_CONTINUATION: Final = WSMsgType.CONTINUATION
_PING: Final = WSMsgType.PING
_PONG: Final = WSMsgType.PONG
_CLOSE: Final = WSMsgType.CLOSE

_NO_HEADERS: Final[CIMultiDict[str]] = CIMultiDict()


class Handler(Protocol):
    """Whoever a connection belongs to. Called by the event loop; what it raises closes the connection with 1011."""

    def opened(self, socket: "WebSocket") -> None:
        """The connection stands."""
        ...

    def received(self, data: str | bytes) -> None:
        """A whole message, text or binary."""
        ...

    def closed(self, code: int | None, reason: str) -> None:
        """The connection is gone; the last call.

        ``code`` and ``reason`` are those of the close frame that came first, whichever end sent it: 1005 for one
        without a code, None for a connection that was lost without a close frame.
        """
        ...


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """How much a connection may take."""

    message_bytes: int = 262_144
    """Messages over this close the connection with 1009."""
    outbox_bytes: int = 1_048_576
    """A peer further behind than this is cut off. The kernel holds some more before it counts."""
    close_seconds: float = 5.0
    """How long a peer may take to answer a close."""


class Keepalive:
    """Pings every connection once in an interval, spread evenly over it, and cuts off those silent since their last."""

    _SLOTS: Final = 30

    def __init__(self, seconds: float) -> None:
        """``seconds`` is the interval; a ghost is gone after at most two."""
        self._tick_seconds: Final = seconds / self._SLOTS
        self._slots: Final[list[set[WebSocket]]] = [set() for _ in range(self._SLOTS)]
        self._at = 0
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, socket: "WebSocket") -> int:
        """Keep this connection; gives the place to ``remove`` it from."""
        self._slots[self._at].add(socket)
        self._count += 1
        if self._timer is None:
            self._wait()
        return self._at

    def remove(self, socket: "WebSocket", place: int) -> None:
        """The connection is gone."""
        self._slots[place].discard(socket)
        self._count -= 1
        if not self._count and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def __iter__(self) -> Iterator["WebSocket"]:
        """The connections there are."""
        return chain.from_iterable(self._slots)

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._tick_seconds, self._tick)

    def _tick(self) -> None:
        self._at = (self._at + 1) % self._SLOTS
        for socket in list(self._slots[self._at]):
            socket.beat()
        self._wait()


class WebSocket(WSListener):
    """One connection, at either end."""

    __slots__ = (
        "_abort_timer",
        "_closing",
        "_handler",
        "_heard",
        "_keepalive",
        "_limits",
        "_parts",
        "_place",
        "_probing",
        "_transport",
        "overflowed",
        "silent",
        "subprotocol",
    )

    def __init__(
        self, handler: Handler, limits: SocketLimits, keepalive: Keepalive, subprotocol: str | None = None
    ) -> None:
        self._handler = handler
        self._limits = limits
        self._keepalive = keepalive
        self._transport: WSTransport | None = None
        self._parts: _Fragments | None = None
        self._heard = True
        self._closing = False
        self._abort_timer: asyncio.TimerHandle | None = None
        self._place = 0
        self._probing = False
        self.subprotocol = subprotocol
        """What the two ends agreed on."""
        self.overflowed = False
        """It was cut off because the peer did not read."""
        self.silent = False
        """It was cut off because the peer did not answer a ping."""

    def send(self, data: str | bytes) -> None:
        """Send a text message; nothing happens once the connection is closing."""
        if self._transport is not None and not self._closing:
            self._transport.send(_TEXT, data)

    def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Close the connection once what was sent before is out; the first call counts.

        ``reason`` may have 123 bytes.
        """
        if self._transport is None or self._closing:
            return
        self._closing = True
        self._transport.send_close(code, reason)  # type: ignore[arg-type]  # Any number does.
        self._abort_later()

    def abort(self) -> None:
        """End the connection without a word."""
        self._closing = True
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    def beat(self) -> None:
        """Ping the peer, or cut it off if nothing came since the last ping."""
        if self._closing or self._transport is None or self._probing:
            return
        if not self._heard:
            self._give_up()
            return
        self._heard = False
        self._transport.send_ping()

    def probe(self, seconds: float, alive: Callable[[], None]) -> None:
        """Ask the peer whether it is there: after ``seconds`` ``alive`` is called, or the peer is cut off."""
        if self._closing or self._transport is None or self._probing:
            return
        self._probing, self._heard = True, False
        self._transport.send_ping()
        asyncio.get_running_loop().call_later(seconds, self._probed, alive)

    def on_ws_connected(self, transport: WSTransport) -> None:
        """picows: the handshake is done."""
        self._transport = transport
        self._place = self._keepalive.add(self)
        # picows keeps these as long as the connection: memory, and tokens that nobody needs any more.
        transport.request.headers = transport.response.headers = _NO_HEADERS
        transport.request.path = b""
        transport.underlying_transport.set_write_buffer_limits(high=self._limits.outbox_bytes)
        try:
            self._handler.opened(self)
        except Exception:
            self._fail()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """picows: a frame has come."""
        self._heard = True
        kind = frame.msg_type
        try:
            if self._closing or transport.is_close_frame_sent:
                # By us, or by picows, which hands on the frame that was too big nevertheless.
                if kind == _CLOSE:
                    transport.disconnect()
            elif frame.rsv1 or frame.rsv2 or frame.rsv3:
                self.close(PROTOCOL_ERROR, "no extension was agreed on")
            elif kind == _TEXT and frame.fin and self._parts is None:
                self._handler.received(frame.get_payload_as_utf8_text())
            elif kind == _PING:
                transport.send_pong(frame.get_payload_as_bytes())
            elif kind == _CLOSE:
                self._answer_close(transport, frame.get_close_code().value)
            elif kind != _PONG:
                self._assemble(kind, frame)
        except UnicodeDecodeError:
            self.close(NOT_TEXT, "text that is not UTF-8")
        except Exception:
            self._fail()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """picows: the connection is gone."""
        self._closing = True
        self._keepalive.remove(self, self._place)
        if self._abort_timer is not None:
            self._abort_timer.cancel()
            self._abort_timer = None
        code, reason = _ending(transport)
        # A handler that keeps its socket and the socket would otherwise wait for the collector.
        handler, self._handler, self._transport, self._parts = self._handler, _NOBODY, None, None
        try:
            handler.closed(code, reason)
        except Exception:
            LOG.exception("a handler failed")

    def pause_writing(self) -> None:
        """The loop: the write buffer has passed its bound."""
        self.overflowed = True
        self.abort()

    def resume_writing(self) -> None:
        """The loop: the write buffer is emptier again; by then the connection is cut off."""

    def _assemble(self, kind: WSMsgType, frame: WSFrame) -> None:
        if (self._parts is None) == (kind == _CONTINUATION):
            self.close(PROTOCOL_ERROR, "a fragment out of its order")
            return
        if self._parts is None:
            self._parts = _Fragments(is_text=kind == _TEXT)
        parts = self._parts
        parts.data += frame.get_payload_as_memoryview()
        if len(parts.data) > self._limits.message_bytes:
            self.close(TOO_BIG, "the message is too big")
        elif frame.fin:
            self._parts = None
            self._handler.received(parts.data.decode() if parts.is_text else bytes(parts.data))

    def _answer_close(self, transport: WSTransport, code: int) -> None:
        self._closing = True
        transport.send_close(NORMAL if code < NORMAL or code in _NEVER_SENT else code)  # type: ignore[arg-type]
        transport.disconnect()
        self._abort_later()

    def _abort_later(self) -> None:
        self._abort_timer = asyncio.get_running_loop().call_later(self._limits.close_seconds, self.abort)

    def _probed(self, alive: Callable[[], None]) -> None:
        self._probing = False
        if self._closing:
            return
        if self._heard:
            alive()
        else:
            self._give_up()

    def _give_up(self) -> None:
        self.silent = True
        self.abort()

    def _fail(self) -> None:
        LOG.exception("a handler failed")
        self.close(FAILED, "an error of the server's")


@dataclass(slots=True)
class _Fragments:
    """A message that is still coming."""

    is_text: bool
    data: bytearray = field(default_factory=bytearray)


class _Nobody:
    """The handler of a connection that is gone."""

    def opened(self, socket: WebSocket) -> None:
        pass

    def received(self, data: str | bytes) -> None:
        pass

    def closed(self, code: int | None, reason: str) -> None:
        pass


_NOBODY: Final = _Nobody()


def _ending(transport: WSTransport) -> tuple[int | None, str]:
    handshake = transport.close_handshake
    if handshake is None:
        return None, ""
    first = handshake.recv if handshake.recv_then_sent or handshake.sent is None else handshake.sent
    if first is None:
        return None, ""
    code: int = first.code.value
    # What may not be on the wire says nothing.
    return NO_CODE if code < NORMAL or code in _NEVER_SENT else code, first.reason or ""
