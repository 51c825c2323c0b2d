"""How a connection becomes a WebSocket: the decision about a peer that asks for one, and asking somebody else for one.

picows is used below its public functions here. Those own the listening socket, and ``dispatch`` hands over connections
whose first request it has read; and those leave a connection open whose opening is cancelled.
"""

import asyncio
import logging
import socket as sockets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import Any, Final
from typing import Protocol as Shape
from urllib.parse import parse_qsl, unquote

from multidict import CIMultiDict, CIMultiDictProxy
from picows import (
    WSAutoPingStrategy,
    WSHandshakeError,
    WSUpgradeRequest,
    WSUpgradeResponse,
    WSUpgradeResponseWithListener,
)
from picows.picows import WSProtocol  # type: ignore[attr-defined]  # Left out of its stubs.

from signalling.shell.websocket import Handler, Keepalive, SocketLimits, WebSocket

LOG: Final = logging.getLogger("websocket")
# It tells of every connection, and calls whatever a peer does wrong an error. An adapter, because of a logger picows
# makes one more for each connection.
_PICOWS: Final = logging.getLogger("picows")
_PICOWS.setLevel(logging.CRITICAL)
_PICOWS_LOG: Final = logging.LoggerAdapter(_PICOWS)

_READ_BUFFER_BYTES: Final = 2048
"""The smallest picows allows: its default, eight times as much, more than doubles what an idle connection takes."""
_KERNEL_BUFFER_BYTES: Final = 32_768
"""Asked of the kernel, which doubles it. picows' own buffer grows with what arrives at once and never shrinks again, so
this bounds what a peer that floods us makes us keep."""


@dataclass(frozen=True, slots=True)
class UpgradeRequest:
    """A peer's wish for a WebSocket."""

    path: str
    """Percent-decoded, without the query."""
    parameters: tuple[tuple[str, str], ...]
    """Of the query, decoded, in their order; a name may come more than once."""
    headers: CIMultiDictProxy[str]
    address: str
    """The peer's, of the connection; behind a proxy that is the proxy's."""

    def values(self, name: str) -> list[str]:
        """Every value of a query parameter."""
        return [value for key, value in self.parameters if key == name]

    @property
    def subprotocols(self) -> tuple[str, ...]:
        """What the peer offers, most wanted first."""
        return _listed(self.headers.getall("Sec-WebSocket-Protocol", []))


@dataclass(frozen=True, slots=True)
class Accept:
    """It may have one."""

    handler: Handler
    subprotocol: str | None = None
    """One of those offered."""
    headers: Sequence[tuple[str, str]] = ()
    """Sent with the answer, such as cookies."""


@dataclass(frozen=True, slots=True)
class Answer:
    """It gets an ordinary answer instead."""

    status: int
    text: str
    headers: Sequence[tuple[str, str]] = ()


class Decide(Shape):
    """Whether a peer may have a WebSocket; what it raises is answered with 500."""

    def __call__(self, request: UpgradeRequest) -> Accept | Answer:
        """The decision."""
        ...


class DecideLater(Shape):
    """The same, where the answer has to be asked for elsewhere; the peer is not heard meanwhile."""

    def __call__(self, request: UpgradeRequest) -> Coroutine[Any, Any, Accept | Answer]:
        """The decision."""
        ...


class ConnectRefused(ConnectionError):
    """The other end answered, and not with a WebSocket."""

    def __init__(self, status: int | None) -> None:
        super().__init__(f"the answer was {status}")
        self.status: Final = status
        """Of its answer, where there was one that could be read."""


def bound_flood(socket: sockets.socket) -> None:
    """Bound what a peer may send that nobody has read; of a listening socket, for all that connect to it."""
    socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, _KERNEL_BUFFER_BYTES)


async def asked_for(head: bytes, address: str, decide: DecideLater) -> Accept | Answer:
    """What is decided about a request, from its head; 400 for one that is none."""
    try:
        request = _read(head)
        asked = _asked(request, address) if request is not None else None
        return await decide(asked) if asked else Answer(400, "This is no request.\n")
    except Exception:
        LOG.exception("an upgrade failed")
        return Answer(500, "An error of the server's.\n")


def _read(head: bytes) -> WSUpgradeRequest | None:
    """The request in picows' terms, which reads it once more: whatever is wrong with it is found there."""
    try:
        lines = head.decode("utf-8", "surrogateescape").split("\r\n")
        method, path, version = lines[0].encode("utf-8", "surrogateescape").split(b" ")
    except ValueError:
        return None
    request = WSUpgradeRequest()
    request.method, request.path, request.version = method, path, version
    pairs = (line.partition(":") for line in lines[1:] if line)
    request.headers = CIMultiDict((name.strip(), value.strip()) for name, _, value in pairs)
    return request


def server_protocol(address: str, decide: Decide, limits: SocketLimits, keepalive: Keepalive) -> Any:  # noqa: ANN401
    """The asyncio protocol of a connection whose first request asks for a WebSocket; ``address`` is the peer's."""

    def answer(request: WSUpgradeRequest) -> WSUpgradeResponseWithListener:
        try:
            asked = _asked(request, address)
            decision = decide(asked) if asked else Answer(400, "This is no path.\n")
            if isinstance(decision, Answer):
                return WSUpgradeResponseWithListener(_refusal(decision), None)
            socket = WebSocket(decision.handler, limits, keepalive, decision.subprotocol)
            return WSUpgradeResponseWithListener(_acceptance(decision), socket)
        except Exception:
            LOG.exception("an upgrade failed")
            return WSUpgradeResponseWithListener(_refusal(Answer(500, "An error of the server's.\n")), None)

    return _protocol(answer, limits)


async def connect(
    host: str,
    port: int,
    handler: Handler,
    *,
    path: str = "/",
    headers: Sequence[tuple[str, str]] = (),
    subprotocols: Sequence[str] = (),
    limits: SocketLimits,
    keepalive: Keepalive,
    seconds: float,
) -> WebSocket:
    """Open a WebSocket to a server; ``handler.opened`` has been called when this returns.

    Raises:
        ConnectRefused: it answered with something else; ``status`` says what.
        OSError: there was no answer; TimeoutError: none within ``seconds``.
    """
    offered = [("Sec-WebSocket-Protocol", ", ".join(subprotocols))] if subprotocols else []

    def agreed(_: WSUpgradeRequest, response: WSUpgradeResponse) -> WebSocket:
        chosen = response.headers.get("Sec-WebSocket-Protocol")
        if chosen is not None and chosen not in subprotocols:
            raise WSHandshakeError("a sub-protocol nobody offered", response=response)
        return WebSocket(handler, limits, keepalive, chosen)

    loop = asyncio.get_running_loop()
    client = _protocol(agreed, limits, _authority(host, port), path, _sound([*offered, *headers]))
    async with asyncio.timeout(seconds):
        transport, _ = await loop.create_connection(lambda: client, host, port)
        bound_flood(transport.get_extra_info("socket"))
        try:
            await client.wait_until_handshake_complete()
        except WSHandshakeError as error:
            raise ConnectRefused(error.response.status.value if error.response else None) from None
        except BaseException:
            transport.abort()
            raise
    if client.listener is None:
        raise ConnectionResetError("it closed the connection instead of an answer")
    socket: WebSocket = client.listener
    return socket


def _protocol(
    listen: Callable[..., Any],
    limits: SocketLimits,
    authority: str | None = None,
    path: str | None = None,
    headers: Sequence[tuple[str, str]] = (),
) -> Any:  # noqa: ANN401  # Cython's.
    """picows' protocol, of a client if there is an authority to ask. It pings nobody and answers no ping by itself."""
    return WSProtocol(
        authority,
        path,
        authority is not None,
        listen,
        _PICOWS_LOG,
        True,
        None,
        False,
        0.0,
        0.0,
        WSAutoPingStrategy.PING_WHEN_IDLE,
        False,
        limits.message_bytes,
        headers,
        _READ_BUFFER_BYTES,
    )


def _asked(request: WSUpgradeRequest, address: str) -> UpgradeRequest | None:
    """The request in our terms; None when its target is no path."""
    if "upgrade" in map(str.lower, _listed(request.headers.getall("Connection", []))):
        # Firefox says "keep-alive, Upgrade", in which picows does not find the one word it looks for.
        request.headers["Connection"] = "upgrade"
    path, _, query = request.path.decode(errors="replace").partition("?")
    if not path.startswith("/"):
        return None
    parameters = tuple(parse_qsl(query, keep_blank_values=True, errors="replace")) if query else ()
    return UpgradeRequest(unquote(path), parameters, CIMultiDictProxy(request.headers), address)


def _listed(values: Sequence[str]) -> tuple[str, ...]:
    """The items of a header that is a list, however many lines it is spread over."""
    return tuple(item for value in values for part in value.split(",") if (item := part.strip()))


def _acceptance(decision: Accept) -> WSUpgradeResponse:
    chosen = [] if decision.subprotocol is None else [("Sec-WebSocket-Protocol", decision.subprotocol)]
    response: WSUpgradeResponse = WSUpgradeResponse.create_101_response(_sound([*chosen, *decision.headers]))
    return response


def _refusal(decision: Answer) -> WSUpgradeResponse:
    response = WSUpgradeResponse()
    response.version = b"HTTP/1.1"
    response.status = HTTPStatus(decision.status)
    response.headers = CIMultiDict(_sound(decision.headers))
    response.headers.setdefault("Content-Type", "text/plain; charset=utf-8")
    response.body = decision.text.encode()
    return response


def _sound(headers: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """The headers, none of which ends its line early."""
    if any(end in text for header in headers for text in header for end in "\r\n"):
        raise ValueError("a header with a line break in it")
    return headers


def _authority(host: str, port: int) -> str:
    try:
        is_ipv6 = isinstance(ip_address(host), IPv6Address)
    except ValueError:
        is_ipv6 = False
    return f"[{host}]:{port}" if is_ipv6 else f"{host}:{port}"
