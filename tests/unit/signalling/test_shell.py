"""Settings, logs and the bounded outbox."""

import asyncio
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientSession, WSMsgType, web
from aiohttp.typedefs import Handler

from signalling.shell import environment, listening
from signalling.shell.environment import SettingError
from signalling.shell.logs import JsonLines
from signalling.shell.peer import OutboxLimit, Peer
from signalling.sidecar import settings as sidecar_settings
from tests.unit.signalling.clients import cut


@dataclass(frozen=True)
class Example:
    number: int = 1
    share: float = 0.5
    text: str = "a"
    place: Path = Path("/x")
    on: bool = False


def test_settings_are_read_by_type_and_defaults_stay():
    given = {"P_NUMBER": "7", "P_SHARE": "1e-3", "P_PLACE": "/y", "P_ON": "True", "P_TEXT": "", "OTHER": "1"}
    assert environment.read(Example, "P_", given) == Example(7, 1e-3, "a", Path("/y"), True)
    assert environment.read(Example, "P_", {}) == Example()


@pytest.mark.parametrize(("key", "value"), [("P_NUMBER", "1.5"), ("P_SHARE", "half"), ("P_ON", "yes")])
def test_a_value_of_another_type_is_an_error_with_a_remedy(key, value):
    with pytest.raises(SettingError, match=f"{key}='{value}' is not .*; set it"):
        environment.read(Example, "P_", {key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [("STREAMER_PORT", "-1"), ("MAX_PLAYERS", "0"), ("HEARTBEAT_SECONDS", "-3"), ("PLAYER_PORT", "ws")],
)
def test_the_sidecar_refuses_settings_it_cannot_use(key, value):
    with pytest.raises(SettingError, match=f"(?i){key}"):
        sidecar_settings.read({"SIDECAR_ADMIT_ANYBODY": "true", f"SIDECAR_{key}": value})


@pytest.mark.parametrize(
    ("environ", "key"),
    [
        ({}, "ticket_keys"),
        ({"TICKET_KEYS": "/x", "ADMIT_ANYBODY": "true"}, "ticket_keys"),
        ({"TICKET_KEYS": "/x"}, "instance"),
        ({"TICKET_KEYS": "/x", "INSTANCE": "a", "STREAMER_HOST": "0.0.0.0"}, "streamer_host"),
        ({"TICKET_KEYS": "/x", "INSTANCE": "a", "SFU_HOST": "pod"}, "sfu_host"),
        ({"ADMIT_ANYBODY": "true", "CONTROL_URL": "http://169.254.169.254/"}, "control_url"),
        ({"ADMIT_ANYBODY": "true", "CONTROL_URL": "http://localhost@evil:1/"}, "control_url"),
        ({"ADMIT_ANYBODY": "true", "CONTROL_URL": "http://localhost:1/?x="}, "control_url"),
        ({"ADMIT_ANYBODY": "true", "CONTROL_URL": "https://localhost:1"}, "control_url"),
    ],
)
def test_the_sidecar_refuses_settings_that_would_leave_it_open(environ, key):
    with pytest.raises(SettingError, match=f"^{key}="):
        sidecar_settings.read({f"SIDECAR_{name}": value for name, value in environ.items()})


@pytest.mark.parametrize(
    "environ",
    [
        {"TICKET_KEYS": "/x", "INSTANCE": "a"},
        {"TICKET_KEYS": "/x", "INSTANCE": "a", "STREAMER_HOST": "0.0.0.0", "STREAMER_TOKEN_FILE": "/t"},
        {"ADMIT_ANYBODY": "true", "STREAMER_HOST": "0.0.0.0", "CONTROL_URL": "http://127.0.0.1:8111/api"},
    ],
)
def test_the_sidecar_takes_settings_that_do_not(environ):
    sidecar_settings.read({f"SIDECAR_{name}": value for name, value in environ.items()})


def test_a_log_line_is_one_object_with_its_fields_apart():
    record = logging.LogRecord("matchmaker", logging.INFO, "", 0, "player left\n%s", ("x",), None)
    record.session = "s1"
    record.odd = Path("/x")
    line = JsonLines().format(record)
    entry = json.loads(line)
    assert "\n" not in line
    assert entry | {"time": 0} == {
        "time": 0,
        "level": "info",
        "logger": "matchmaker",
        "message": "player left\nx",
        "session": "s1",
        "odd": "/x",
    }


async def serve(handle: Handler) -> tuple[web.AppRunner, str]:
    app = web.Application()
    app.router.add_get("/", handle)
    runner = await listening.listen(app, "127.0.0.1", 0)
    return runner, f"http://127.0.0.1:{listening.port_of(runner)}/"


async def test_a_peer_gets_everything_in_order_and_then_the_close():
    async def handle(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        peer = Peer(socket, request.transport.abort, OutboxLimit())
        async with peer.writing():
            for number in range(100):
                peer.send(str(number))
            peer.close(4000, "done")
            peer.send("too late")
            async for _ in socket:
                pass
        return socket

    runner, url = await serve(handle)
    async with ClientSession() as http, http.ws_connect(url) as socket:
        got = [frame.data async for frame in socket]
        assert got == [str(number) for number in range(100)]
        assert socket.close_code == 4000
    await runner.cleanup()


@pytest.mark.parametrize("limit", [OutboxLimit(frames=8, size=1 << 30), OutboxLimit(frames=1 << 30, size=1 << 16)])
async def test_a_peer_that_does_not_read_is_cut_off(limit):
    ended = asyncio.get_running_loop().create_future()

    async def handle(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        peer = Peer(socket, request.transport.abort, limit, close_seconds=0.2)
        async with peer.writing():
            while not peer.overflowed:
                peer.send("x" * 8192)
                await asyncio.sleep(0)
            async for _ in socket:
                pass
        ended.set_result(peer)
        return socket

    runner, _ = await serve(handle)
    reader, writer = await asyncio.open_connection("127.0.0.1", listening.port_of(runner))
    writer.write(
        b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    )
    peer = await asyncio.wait_for(ended, 30)
    assert peer.overflowed
    writer.close()
    del reader
    await runner.cleanup()


async def test_writing_ends_when_the_other_end_is_gone():
    ended = asyncio.get_running_loop().create_future()

    async def handle(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        peer = Peer(socket, request.transport.abort, OutboxLimit())
        async with peer.writing():
            async for frame in socket:
                assert frame.type is WSMsgType.TEXT
                peer.send(frame.data)
        ended.set_result(None)
        return socket

    runner, url = await serve(handle)
    async with ClientSession() as http:
        socket = await http.ws_connect(url)
        await socket.send_str("a")
        assert (await socket.receive()).data == "a"
        cut(socket)
        await asyncio.wait_for(ended, 10)
    await runner.cleanup()
