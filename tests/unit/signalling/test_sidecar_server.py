"""The sidecar on real sockets."""

import asyncio
import json
import os
import signal
import sys

import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from signalling.sidecar.server import SidecarServer
from signalling.sidecar.settings import SidecarSettings
from tests.ports import free_port
from tests.unit.signalling.clients import Client, cut, eventually, streamer
from tests.unit.signalling.pod import LOCAL


@pytest.fixture
async def sidecar():
    server = SidecarServer(SidecarSettings(**LOCAL, max_players=2, max_message_bytes=10_000))
    await server.start()
    yield server
    await server.stop()


def url(server: SidecarServer, port: str, path: str = "/") -> str:
    return f"ws://127.0.0.1:{server.ports[port]}{path}"


async def ask(http: ClientSession, server: SidecarServer, path: str) -> tuple[int, str]:
    async with http.get(f"http://127.0.0.1:{server.ports['health']}{path}") as answer:
        return answer.status, await answer.text()


async def metric(http: ClientSession, server: SidecarServer, name: str) -> float:
    _, text = await ask(http, server, "/metrics")
    (line,) = [line for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


async def test_a_session_from_beginning_to_end(http, sidecar):
    unreal = await streamer(http, url(sidecar, "streamer", "/some/path?x=1"))
    player = await Client.connect(http, url(sidecar, "players"))
    assert (await player.expect("config"))["peerConnectionOptions"] == {"iceServers": []}
    await player.say("listStreamers")
    assert (await player.expect("streamerList"))["ids"] == ["demo"]
    await player.say("subscribe", streamerId="demo")
    player_id = (await unreal.expect("playerConnected"))["playerId"]
    await unreal.say("offer", sdp="v=0", playerId=player_id)
    assert (await player.expect("offer"))["sdp"] == "v=0"
    await player.say("answer", sdp="v=1")
    assert await unreal.hear() == {"type": "answer", "sdp": "v=1", "playerId": player_id}
    await unreal.say("disconnectPlayer", playerId=player_id, reason="idle")
    assert await unreal.hear() == {"type": "playerDisconnected", "playerId": player_id}
    assert await player.closed() == (1011, "idle")


async def test_it_is_ready_only_with_a_streamer_that_has_sent_its_name(http, sidecar):
    assert (await ask(http, sidecar, "/readyz"))[0] == 503
    unreal = await Client.connect(http, url(sidecar, "streamer"))
    await unreal.expect("identify")
    assert (await ask(http, sidecar, "/readyz"))[0] == 503
    await unreal.say("endpointId", id="demo")
    await unreal.expect("config")
    await unreal.expect("endpointIdConfirm")
    assert (await ask(http, sidecar, "/readyz"))[0] == 200
    player = await Client.connect(http, url(sidecar, "players"))
    await player.expect("config")
    shown = json.loads((await ask(http, sidecar, "/status"))[1])
    assert (shown["players"], shown["streaming"], shown["session"], shown["over"]) == (1, True, None, False)
    assert await metric(http, sidecar, "signalserver_player_socket_connections") == 1
    assert await metric(http, sidecar, "signalserver_free_stream_indicator") == 0
    await unreal.socket.close()
    await eventually(lambda: not sidecar.state.streaming, "streamer gone")
    assert (await ask(http, sidecar, "/readyz"))[0] == 503
    assert (await ask(http, sidecar, "/healthz"))[0] == 200
    assert await metric(http, sidecar, "signalserver_stream_socket_open_indicator") == 0


async def test_a_lost_streamer_sends_its_players_back(http, sidecar):
    unreal = await streamer(http, url(sidecar, "streamer"))
    player = await Client.connect(http, url(sidecar, "players"))
    await player.expect("config")
    await player.say("subscribe", streamerId="demo")
    await unreal.expect("playerConnected")
    cut(unreal.socket)
    assert await player.closed() == (1012, "the streamer left")


async def test_a_lost_player_is_told_to_the_streamer(http, sidecar):
    unreal = await streamer(http, url(sidecar, "streamer"))
    player = await Client.connect(http, url(sidecar, "players"))
    await player.expect("config")
    await player.say("subscribe", streamerId="demo")
    await unreal.expect("playerConnected")
    cut(player.socket)
    await unreal.expect("playerDisconnected")


async def test_a_frame_over_the_limit_ends_its_connection_only(http, sidecar):
    unreal = await streamer(http, url(sidecar, "streamer"))
    player = await Client.connect(http, url(sidecar, "players"))
    await player.expect("config")
    await player.socket.send_str("x" * 20_000)
    assert (await player.closed())[0] == 1009
    await unreal.say("ping", time=1)
    await unreal.expect("pong")


async def test_broken_frames_change_nothing_and_are_counted(http, sidecar):
    player = await Client.connect(http, url(sidecar, "players"))
    await player.expect("config")
    for data in ("{", '{"type":"nothing"}'):
        await player.socket.send_str(data)
    await player.socket.send_bytes(b"\xff")
    await player.say("ping", time=7)
    assert await player.hear() == {"type": "pong", "time": 7}
    _, text = await ask(http, sidecar, "/metrics")
    assert 'pixel_signalling_refused_total{why="malformed"} 2.0' in text
    assert 'pixel_signalling_refused_total{why="unknown_type"} 1.0' in text


async def test_an_ordinary_request_is_told_what_this_is(http, sidecar):
    for port in ("players", "streamer", "sfu"):
        async with http.get(f"http://127.0.0.1:{sidecar.ports[port]}/") as answer:
            assert answer.status == 426
    with pytest.raises(WSServerHandshakeError):
        await http.ws_connect(url(sidecar, "health", "/healthz"))


async def test_stopping_sends_players_back_and_releases_the_ports(http):
    port = free_port()
    server = SidecarServer(SidecarSettings(**{**LOCAL, "player_port": port}))
    await server.start()
    unreal = await streamer(http, url(server, "streamer"))
    player = await Client.connect(http, url(server, "players"))
    await player.expect("config")
    reading = asyncio.gather(player.closed(), unreal.closed())
    await server.stop()
    assert list(await reading) == [(1012, "the instance is going")] * 2
    again = SidecarServer(SidecarSettings(**{**LOCAL, "player_port": port}))
    await again.start()
    await again.stop()


async def test_the_program_runs_without_a_cluster_and_stops_on_sigterm(http):
    ports = {name: free_port() for name in ("STREAMER", "SFU", "PLAYER", "HEALTH")}
    environ = {**os.environ, **{f"SIDECAR_{name}_PORT": str(port) for name, port in ports.items()}}
    environ["SIDECAR_ADMIT_ANYBODY"] = "true"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "signalling.sidecar", env=environ, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert json.loads(await process.stdout.readline())["message"] == "listening"
        player = await Client.connect(http, f"ws://127.0.0.1:{ports['PLAYER']}/")
        await player.expect("config")
        await player.say("answer", sdp="never in a log")
        await player.expect("subscribeFailed")
        assert (await player.closed())[0] == 1008
        process.send_signal(signal.SIGTERM)
        output, _ = await asyncio.wait_for(process.communicate(), 20)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    assert b"never in a log" not in output
    assert json.loads(output.splitlines()[-1])["message"] == "stopped"


async def test_without_keys_and_without_leave_to_admit_anybody_it_does_not_start():
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "signalling.sidecar", stderr=asyncio.subprocess.PIPE
    )
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 1
    assert b"ticket_keys='' cannot be used: give the file of public ticket keys" in errors


async def test_a_port_in_use_is_an_error_at_once(http, sidecar):
    second = SidecarServer(SidecarSettings(**{**LOCAL, "player_port": sidecar.ports["players"]}))
    with pytest.raises(OSError, match="in use"):
        await second.start()
    await second.stop()


@pytest.mark.parametrize(
    ("stun_urls", "servers"),
    [("", []), ("stun:198.51.100.1:3478, stun:198.51.100.2", ["stun:198.51.100.1:3478", "stun:198.51.100.2"])],
)
async def test_a_streamer_is_told_of_stun_servers_where_relays_are_outside(http, stun_urls, servers):
    server = SidecarServer(SidecarSettings(**LOCAL, stun_urls=stun_urls))
    await server.start()
    unreal = await Client.connect(http, f"ws://127.0.0.1:{server.ports['streamer']}/")
    await unreal.expect("identify")
    options = (await unreal.expect("config"))["peerConnectionOptions"]
    assert options == {"iceServers": [{"urls": servers}] if servers else []}
    await unreal.socket.close()
    await server.stop()
