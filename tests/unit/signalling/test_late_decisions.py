"""Upgrades whose decision has to be asked for elsewhere, and peers that are asked whether they are there."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError

from signalling.shell.dispatch import Port
from signalling.shell.handshake import Accept, Answer, UpgradeRequest
from signalling.shell.websocket import Keepalive
from tests.unit.signalling.clients import eventually
from tests.unit.signalling.test_websocket import LIMITS, Recorder


class Desk:
    """A port that decides when the test lets it."""

    def __init__(self) -> None:
        self.handler = Recorder(echo=True)
        self.asked: list[UpgradeRequest] = []
        self.answer: Accept | Answer | Exception = Accept(self.handler, headers=[("Set-Cookie", "a=b")])
        self.open = asyncio.Event()
        self.port = Port(self.decide, LIMITS, Keepalive(60.0))

    async def decide(self, request: UpgradeRequest) -> Accept | Answer:
        self.asked.append(request)
        await self.open.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    it = Desk()
    await it.port.listen("127.0.0.1", 0)
    yield it
    await it.port.close()


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def test_a_peer_waits_for_the_decision(desk, http):
    url = f"http://127.0.0.1:{desk.port.number}/a%20path?x=1&x=%C3%A4"
    connecting = asyncio.ensure_future(http.ws_connect(url, headers={"X-Of": "ours"}, protocols=["one", "two"]))
    await eventually(lambda: desk.asked, "asked")
    assert not connecting.done()
    asked = desk.asked[0]
    assert (asked.path, asked.values("x"), asked.subprotocols) == ("/a path", ["1", "\u00e4"], ("one", "two"))
    assert (asked.headers["x-of"], asked.address) == ("ours", "127.0.0.1")
    desk.open.set()
    socket = await connecting
    await socket.send_str("hello")
    assert (await socket.receive()).data == "hello"
    await socket.close()


async def test_it_may_be_refused_late(desk, http):
    desk.answer = Answer(429, "Later.\n", [("Retry-After", "3")])
    desk.open.set()
    with pytest.raises(WSServerHandshakeError) as refused:
        await http.ws_connect(f"http://127.0.0.1:{desk.port.number}/")
    assert refused.value.status == 429 and refused.value.headers is not None
    assert refused.value.headers["Retry-After"] == "3"


async def test_a_decision_that_fails_is_an_error_of_ours(desk, http, caplog):
    desk.answer = RuntimeError("out of order")
    desk.open.set()
    with pytest.raises(WSServerHandshakeError) as refused:
        await http.ws_connect(f"http://127.0.0.1:{desk.port.number}/")
    assert refused.value.status == 500 and "an upgrade failed" in caplog.text


@pytest.mark.parametrize(
    "head",
    [
        b"GET\r\nUpgrade: websocket\r\n\r\n",
        b"GET x HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        b"\xff\xfe \xff HTTP/1.1\r\nUpgrade: websocket\r\n\r\n",
        b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nno colon\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_no_upgrade(desk, head):
    desk.open.set()
    reader, writer = await asyncio.open_connection("127.0.0.1", desk.port.number)
    writer.write(head)
    answer = await asyncio.wait_for(reader.read(), 10)
    assert not answer or answer.startswith(b"HTTP/1.1 400")
    assert desk.handler.socket is None
    writer.close()


async def test_a_peer_that_goes_meanwhile_leaves_nothing(desk):
    _, writer = await asyncio.open_connection("127.0.0.1", desk.port.number)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n")
    await eventually(lambda: desk.asked, "asked")
    writer.transport.abort()
    desk.open.set()
    await asyncio.sleep(0.1)
    assert desk.handler.socket is None or desk.handler.ended


async def test_a_peer_that_is_there_answers(desk, http):
    desk.open.set()
    socket = await http.ws_connect(f"http://127.0.0.1:{desk.port.number}/")
    reading = asyncio.ensure_future(socket.receive())
    alive = asyncio.Event()
    assert desk.handler.socket is not None
    desk.handler.socket.probe(0.1, alive.set)
    desk.handler.socket.beat()
    await asyncio.wait_for(alive.wait(), 10)
    assert not desk.handler.ended
    reading.cancel()
    await socket.close()


async def test_a_peer_that_says_nothing_is_cut_off(desk, http):
    desk.open.set()
    socket = await http.ws_connect(f"http://127.0.0.1:{desk.port.number}/", autoping=False)
    reading = asyncio.ensure_future(socket.receive())
    assert desk.handler.socket is not None
    desk.handler.socket.probe(0.1, lambda: pytest.fail("it says nothing"))
    assert await desk.handler.end() == (None, "")
    assert desk.handler.socket.silent
    assert (await asyncio.wait_for(reading, 10)).type is WSMsgType.PING
    await socket.close()
