"""WebSockets on real sockets: against aiohttp as another implementation, and against raw frames."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType, web

from signalling.shell import dispatch
from signalling.shell.dispatch import Port
from signalling.shell.handshake import Accept, Answer, ConnectRefused, UpgradeRequest, connect
from signalling.shell.websocket import Keepalive, SocketLimits, WebSocket
from tests.unit.signalling.clients import cut, eventually
from tests.unit.signalling.raw import BINARY, CLOSE, CONTINUED, PING, PONG, TEXT, Raw, request

pytestmark = pytest.mark.usefixtures("raws_closed")

LIMITS = SocketLimits(message_bytes=10_000, outbox_bytes=65_536, close_seconds=0.3)


class Recorder:
    """A handler that writes everything down, and echoes if it is told to."""

    def __init__(self, echo: bool = False) -> None:
        self.echo = echo
        self.socket: WebSocket | None = None
        self.got: list[str | bytes] = []
        self.ended: list[tuple[int | None, str]] = []

    def opened(self, socket: WebSocket) -> None:
        self.socket = socket

    def received(self, data: str | bytes) -> None:
        self.got.append(data)
        if self.echo and self.socket is not None:
            self.socket.send(data)

    def closed(self, code: int | None, reason: str) -> None:
        self.ended.append((code, reason))

    async def end(self) -> tuple[int | None, str]:
        await eventually(lambda: self.ended, "closed")
        (ending,) = self.ended
        return ending


class Stage:
    """A port whose decisions a test makes."""

    def __init__(self, app: web.Application | None = None, keepalive: float = 60.0) -> None:
        self.handler = Recorder(echo=True)
        self.decide: Callable[[UpgradeRequest], Accept | Answer] = lambda _: Accept(self.handler)
        self.asked: list[UpgradeRequest] = []
        self.keepalive = Keepalive(keepalive)
        self.port = Port(self.ask, LIMITS, self.keepalive, app)

    async def end(self) -> None:
        """Whatever a test left open is closed, or the loop would complain."""
        await self.port.close()
        for socket in list(self.keepalive):
            socket.abort()
        await eventually(lambda: not list(self.keepalive), "all closed")

    def ask(self, request: UpgradeRequest) -> Accept | Answer:
        self.asked.append(request)
        return self.decide(request)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port.number}"

    async def raw(self, path: str = "/", connection: str = "Upgrade", more: str = "") -> "Raw":
        return await Raw.upgrade(self.port.number, path, connection, more)

    async def client(self, handler: Recorder, **more: Any) -> WebSocket:
        kept: dict[str, Any] = {"limits": LIMITS, "keepalive": self.keepalive, "seconds": 5.0}
        return await connect("127.0.0.1", self.port.number, handler, **(kept | more))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    it = Stage()
    await it.port.listen("127.0.0.1", 0)
    yield it
    await it.end()


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def test_messages_of_every_size_come_back_as_they_were(stage, http):
    async with http.ws_connect(stage.url) as socket:
        for text in ("", "a", "grün", "x" * 125, "x" * 126, "x" * 9_999):
            await socket.send_str(text)
            assert (await socket.receive()).data == text
    assert await stage.handler.end() == (1000, "")


async def test_bytes_are_handed_on_as_bytes(stage, http):
    async with http.ws_connect(stage.url) as socket:
        stage.handler.echo = False
        await socket.send_bytes(b"\xff\x00")
        await eventually(lambda: stage.handler.got == [b"\xff\x00"], "bytes")


async def test_a_client_and_a_server_of_ours_talk(stage):
    client = Recorder()
    socket = await stage.client(client)
    socket.send("hello")
    await eventually(lambda: client.got == ["hello"], "echo")
    socket.close(4001, "lost")
    assert await client.end() == (4001, "lost")
    assert await stage.handler.end() == (4001, "lost")
    socket.send("too late")
    socket.close()


@pytest.mark.parametrize(("code", "reason"), [(1000, ""), (1012, "over"), (4010, "ü" * 61)])
async def test_codes_and_reasons_travel_from_the_server(stage, http, code, reason):
    async with http.ws_connect(stage.url) as socket:
        stage.handler.socket.send("before")
        stage.handler.socket.close(code, reason)
        stage.handler.socket.close(1011, "only the first one counts")
        stage.handler.socket.send("after")
        assert (await socket.receive()).data == "before"
        frame = await socket.receive()
        assert (frame.type, frame.data, frame.extra) == (WSMsgType.CLOSE, code, reason)
    assert await stage.handler.end() == (code, reason)


@pytest.mark.parametrize(
    ("payload", "seen", "answered"),
    [(b"", 1005, 1000), (b"\x03\xe9bye", 1001, 1001), (b"\x0f\xa0", 4000, 4000), (b"\x03\xee", 1005, 1000)],
)
async def test_codes_and_reasons_travel_from_the_client(stage, payload, seen, answered):
    raw = await stage.raw()
    raw.frame(CLOSE, payload)
    assert await raw.ending() == answered
    assert await raw.rest() == b""
    assert await stage.handler.end() == (seen, payload[2:].decode())


async def test_a_connection_that_breaks_has_no_code(stage, http):
    socket = await http.ws_connect(stage.url)
    cut(socket)
    assert await stage.handler.end() == (None, "")


async def test_a_peer_that_does_not_answer_a_close_is_cut_off(stage):
    raw = await stage.raw()
    stage.handler.socket.close(1012, "over")
    assert await raw.ending() == 1012
    assert await stage.handler.end() == (1012, "over")


async def test_fragments_are_put_together_around_control_frames(stage):
    raw = await stage.raw()
    raw.frame(TEXT, "gr\u00fc".encode()[:3], last=False)
    raw.frame(PING, b"?")
    raw.frame(CONTINUED, "gr\u00fc".encode()[3:], last=False)
    raw.frame(CONTINUED, b"n")
    assert await raw.heard() == (PONG, b"?")
    assert await raw.heard() == (TEXT, "grün".encode())
    raw.frame(BINARY, b"\x01", last=False)
    raw.frame(CONTINUED, b"\x02")
    await raw.heard()
    assert stage.handler.got == ["grün", b"\x01\x02"]


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([(CONTINUED, b"x", {})], 1002),
        ([(TEXT, b"x", {"last": False}), (TEXT, b"y", {})], 1002),
        ([(TEXT, b"x", {"first": 0x40})], 1002),
        ([(TEXT, b"x", {"masked": False})], 1002),
        ([(3, b"", {})], 1002),
        ([(PING, b"x", {"last": False})], 1002),
        ([(PING, b"x" * 126, {})], 1002),
        ([(CLOSE, b"x", {})], 1002),
        ([(CLOSE, b"\x03\xec", {})], 1002),
        ([(TEXT, b"\xff", {})], 1007),
        ([(TEXT, b"\xff", {"last": False}), (CONTINUED, b"", {})], 1007),
        ([(TEXT, b"x" * 10_001, {})], 1009),
        ([(TEXT, b"x" * 6_000, {"last": False}), (CONTINUED, b"x" * 6_000, {"last": False})], 1009),
    ],
)
async def test_what_the_protocol_forbids_ends_the_connection(stage, frames, code):
    raw = await stage.raw()
    for kind, payload, more in frames:
        raw.frame(kind, payload, **more)
    assert await raw.ending() == code
    assert (await stage.handler.end())[0] == code
    assert stage.handler.got == []


async def test_a_peer_that_does_not_read_is_cut_off_and_the_others_are_not(stage):
    slow = await stage.raw()
    handler = stage.handler
    stage.handler = Recorder(echo=True)
    quick = await stage.raw()
    while not handler.ended:
        handler.socket.send("x" * 8192)
        await asyncio.sleep(0)
    assert handler.ended == [(None, "")]
    assert handler.socket.overflowed
    quick.frame(TEXT, b"still here")
    assert await quick.heard() == (TEXT, b"still here")
    slow.writer.close()


async def test_what_a_flood_makes_us_keep_is_bounded(stage):
    """picows' buffer grows with what one read brings, which the kernel's buffer bounds."""
    raw = await stage.raw()
    for _ in range(200):
        raw.write(b"\x8a\x80\x00\x00\x00\x00" * 10_000)
        await raw.writer.drain()
    raw.frame(TEXT, b"done")
    assert await raw.heard() == (TEXT, b"done")
    transport = stage.handler.socket._transport.underlying_transport
    assert len(transport.get_protocol().get_buffer(-1)) <= 262_144


async def test_silent_peers_are_cut_off_and_answering_ones_stay():
    it = Stage(keepalive=0.3)
    await it.port.listen("127.0.0.1", 0)
    ghost_handler = it.handler
    ghost = await it.raw()
    it.handler = alive_handler = Recorder()
    client = Recorder()
    socket = await it.client(client)
    assert await ghost_handler.end() == (None, "")
    assert ghost_handler.socket and ghost_handler.socket.silent
    assert await ghost.heard() == (PING, b"")
    with pytest.raises(ConnectionError):
        await ghost.heard()
    assert not alive_handler.ended and not client.ended
    socket.close()
    await alive_handler.end()
    await client.end()
    assert it.keepalive._timer is None
    await it.end()


@pytest.mark.parametrize("moment", ["opened", "received", "closed"])
async def test_a_handler_that_fails_ends_its_connection_only(stage, moment, caplog):
    def fail(*_):
        raise RuntimeError("a fault")

    setattr(stage.handler, moment, fail)
    raw = await stage.raw()
    raw.frame(TEXT, b"x")
    raw.frame(CLOSE, b"\x03\xe8")
    assert await raw.ending() == 1011 if moment != "closed" else True
    await eventually(lambda: "a handler failed" in caplog.text, "log")
    stage.handler = Recorder(echo=True)
    other = await stage.raw()
    other.frame(TEXT, b"x")
    assert await other.heard() == (TEXT, b"x")


async def test_the_decision_sees_the_request(stage):
    raw = await stage.raw("/some/p%20th?token=a%2Bb&token=&app=%ff&x", more="Authorization: Bearer t\r\nX-A: 1\r\n")
    assert "101 Switching Protocols" in raw.head
    (request,) = stage.asked
    assert request.path == "/some/p th"
    assert request.values("token") == ["a+b", ""]
    assert request.values("app") == ["\ufffd"]
    assert request.values("nothing") == []
    assert (request.headers["authorization"], request.address) == ("Bearer t", "127.0.0.1")
    assert request.subprotocols == ()


async def test_a_subprotocol_and_cookies_go_with_the_answer(stage):
    stage.decide = lambda asked: Accept(
        stage.handler, asked.subprotocols[1], [("Set-Cookie", "a=1; HttpOnly"), ("Set-Cookie", "b=2")]
    )
    raw = await stage.raw(more="Sec-WebSocket-Protocol: one, two\r\nSec-WebSocket-Protocol: three\r\n")
    assert stage.asked[0].subprotocols == ("one", "two", "three")
    lines = raw.head.split("\r\n")
    assert {"Sec-WebSocket-Protocol: two", "Set-Cookie: a=1; HttpOnly", "Set-Cookie: b=2"} <= set(lines)
    assert stage.handler.socket.subprotocol == "two"


@pytest.mark.parametrize("connection", ["Upgrade", "upgrade", "keep-alive, Upgrade", "Upgrade,  keep-alive"])
async def test_browsers_and_proxies_ask_in_different_words(stage, connection):
    assert "101 Switching Protocols" in (await stage.raw(connection=connection)).head


@pytest.mark.parametrize("status", [302, 401, 404, 409, 429, 503])
async def test_an_upgrade_may_be_answered_otherwise(stage, http, status):
    stage.decide = lambda _: Answer(status, "why\n", [("Retry-After", "2"), ("Location", "/elsewhere")])
    raw = await stage.raw()
    assert f" {status} " in raw.head and "Retry-After: 2" in raw.head and "Connection: close" in raw.head
    assert await raw.rest() == b"why\n"
    with pytest.raises(ConnectRefused) as refused:
        await stage.client(Recorder())
    assert refused.value.status == status


@pytest.mark.parametrize("target", ["*", "http://x/", "x", "//[::bad"])
async def test_a_target_that_is_no_path_is_refused_and_odd_paths_are_not(stage, target):
    raw = await stage.raw(target)
    assert (" 400 " in raw.head) is not target.startswith("/")


async def test_a_decision_that_fails_is_an_error_without_details(stage, caplog):
    def fail(_: UpgradeRequest) -> Accept:
        raise RuntimeError("a secret")

    for decide in (fail, lambda _: Accept(stage.handler, headers=[("X", "a\r\nSet-Cookie: evil=1")])):
        stage.decide = decide
        raw = await stage.raw()
        assert " 500 " in raw.head and "evil" not in raw.head
        assert b"secret" not in await raw.rest()
    assert "an upgrade failed" in caplog.text


@pytest.mark.parametrize(
    "head",
    [
        "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
        "GET / HTTP/1.1\r\nUpgrade: websocket\r\nbroken\r\n\r\n",
        "POST / HTTP/1.1\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc",
        "GET /\r\nUpgrade: websocket\r\n\r\n",
        "GET /é HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        "GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: ú\r\n\r\n",
    ],
)
async def test_a_broken_upgrade_is_a_bad_request(stage, head, caplog):
    raw = await Raw.connect(stage.port.number)
    raw.write(head.encode("latin1"))
    assert (await raw.rest()).startswith(b"HTTP/1.1 400 ")
    assert not caplog.records


async def test_frames_right_behind_the_request_are_not_lost(stage):
    raw = await Raw.connect(stage.port.number)
    frames = b"".join(b"\x81\x82\x00\x00\x00\x00%02d" % number for number in range(100))
    padding = "X-Padding: " + "x" * 9_000 + "\r\n"
    raw.write(request(more=padding) + frames)
    await raw.reader.readuntil(b"\r\n\r\n")
    for number in range(100):
        assert await raw.heard() == (TEXT, b"%02d" % number)


async def test_a_head_in_pieces_is_put_together(stage):
    raw = await Raw.connect(stage.port.number)
    raw.writer.get_extra_info("socket").setsockopt(6, 1, 1)
    for byte in request():
        raw.write(bytes([byte]))
        await asyncio.sleep(0)
    assert b" 101 " in await raw.reader.readuntil(b"\r\n\r\n")


async def test_a_head_that_does_not_end_or_does_not_come_ends_its_connection(stage, monkeypatch):
    endless = await Raw.connect(stage.port.number)
    endless.write(b"GET / HTTP/1.1\r\nX: " + b"x" * 20_000)
    assert (await endless.rest()).startswith(b"HTTP/1.1 431 ")
    monkeypatch.setattr(dispatch, "HEAD_SECONDS", 0.1)
    slow = await Raw.connect(stage.port.number)
    slow.write(b"GET / HTTP/1.1\r\n")
    assert await slow.rest() == b""
    assert not stage.port.owing


async def test_connections_that_owe_their_heads_cannot_keep_others_out(stage, monkeypatch):
    monkeypatch.setattr(dispatch, "MOST_HEADS", 3)
    waiting = [await Raw.connect(stage.port.number) for _ in range(4)]
    await eventually(lambda: len(stage.port.owing) == 3, "the oldest ended")
    assert await waiting[0].rest() == b""
    assert "101" in (await stage.raw()).head


@pytest.fixture
async def both() -> AsyncIterator[Stage]:
    """A port that serves ordinary requests too."""

    async def hello(request: web.Request) -> web.Response:
        body = await request.read()
        return web.json_response({"path": request.path, "size": len(body), "agent": request.headers.get("User-Agent")})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", hello)
    it = Stage(app)
    await it.port.listen("127.0.0.1", 0)
    yield it
    await it.end()


async def test_one_port_serves_sockets_and_ordinary_requests(both, http):
    async with http.get(f"{both.url}/page") as answer:
        assert (await answer.json())["path"] == "/page"
        assert answer.headers["Connection"] == "close"
    async with http.post(f"{both.url}/api", data=b"x" * 100_000) as answer:
        assert (await answer.json())["size"] == 100_000
    async with http.ws_connect(both.url) as socket:
        await socket.send_str("x")
        assert (await socket.receive()).data == "x"
    await eventually(lambda: not both.port._plain, "connections of requests closed")


async def test_an_upgrade_behind_an_ordinary_request_goes_nowhere(both):
    raw = await Raw.connect(both.port.number)
    raw.write(b"GET /first HTTP/1.1\r\nHost: x\r\n\r\n" + request())
    answers = await raw.rest()
    assert answers.count(b"HTTP/1.1") == 1 and b'"/first"' in answers
    assert both.asked == []


async def test_an_ordinary_request_that_takes_too_long_is_ended(both, monkeypatch):
    monkeypatch.setattr(dispatch, "EXCHANGE_SECONDS", 0.1)
    raw = await Raw.connect(both.port.number)
    raw.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc")
    assert await raw.rest() == b""


async def test_without_an_application_ordinary_requests_are_told_what_this_is(stage, http):
    async with http.get(stage.url) as answer:
        assert (answer.status, await answer.text()) == (426, "This is a WebSocket.\n")


async def test_refusing_new_ones_leaves_the_others(stage, http):
    raw = await stage.raw()
    stage.port.refuse_new()
    with pytest.raises(OSError):
        await Raw.connect(stage.port.number)
    raw.frame(TEXT, b"x")
    assert await raw.heard() == (TEXT, b"x")


async def test_what_the_loop_has_just_taken_is_refused_too(stage, monkeypatch):
    made = dispatch._Connection.connection_made

    def late(self, transport):
        stage.port.refuse_new()
        made(self, transport)

    monkeypatch.setattr(dispatch._Connection, "connection_made", late)
    raw = await Raw.connect(stage.port.number)
    raw.write(request())
    assert await raw.rest() == b""
    assert stage.asked == []


async def test_what_is_being_decided_is_refused_too():
    asked, answered, handler = asyncio.Event(), asyncio.Event(), Recorder()

    async def decide(request: UpgradeRequest) -> Accept | Answer:
        asked.set()
        await answered.wait()
        return Accept(handler)

    port = Port(decide, LIMITS, Keepalive(60.0))
    await port.listen("127.0.0.1", 0)
    raw = await Raw.connect(port.number)
    raw.write(request())
    await asked.wait()
    port.refuse_new()
    answered.set()
    assert await raw.rest() == b""
    await port.close()
    assert handler.socket is None


async def test_a_port_in_use_is_an_error(stage):
    second = Port(stage.ask, LIMITS, stage.keepalive, web.Application())
    with pytest.raises(OSError, match="in use"):
        await second.listen("127.0.0.1", stage.port.number)


async def test_a_server_that_says_nothing_or_hangs_up_is_an_error_in_time():
    hung: list[asyncio.StreamWriter] = []

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hung.append(writer)
        if len(hung) == 2:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    kept: dict[str, Any] = {"limits": LIMITS, "keepalive": Keepalive(60)}
    with pytest.raises(TimeoutError):
        await connect("127.0.0.1", port, Recorder(), seconds=0.2, **kept)
    with pytest.raises(ConnectionResetError):
        await connect("127.0.0.1", port, Recorder(), seconds=5, **kept)
    hung[0].close()
    server.close()
    with pytest.raises(ConnectionRefusedError):
        await connect("127.0.0.1", port, Recorder(), seconds=5, **kept)


async def test_a_client_offers_and_gets_a_subprotocol_and_sends_headers(stage):
    stage.decide = lambda asked: Accept(stage.handler, "two")
    socket = await stage.client(Recorder(), subprotocols=["one", "two"], headers=[("Authorization", "Bearer t")])
    assert socket.subprotocol == "two"
    assert stage.asked[0].headers["Authorization"] == "Bearer t"
    with pytest.raises(ConnectRefused):
        await stage.client(Recorder(), subprotocols=["one"])


async def test_no_head_of_a_request_reaches_a_log(stage, caplog):
    caplog.set_level("DEBUG")
    await stage.raw("/?token=the-token", more="Authorization: Bearer the-bearer\r\n")
    raw = await stage.raw("the-token", more="Cookie: the-cookie\r\n")
    await raw.rest()
    assert "the-" not in json.dumps([vars(record) for record in caplog.records], default=str)


async def test_a_closed_connection_is_freed(stage, http):
    import gc
    import weakref

    async with http.ws_connect(stage.url):
        await eventually(lambda: stage.handler.socket, "opened")
        weak = weakref.ref(stage.handler.socket)
    await stage.handler.end()
    gc.disable()
    try:
        stage.handler.socket = None
        await eventually(lambda: weak() is None, "freed without the collector")
    finally:
        gc.enable()
