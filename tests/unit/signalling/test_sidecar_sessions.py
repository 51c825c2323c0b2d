"""The sidecar with tickets, on real sockets: admission, resume, ends, draining, commands, metrics."""

import asyncio
import json
import os
import re
import signal
import sys
import time

import pytest
from aiohttp import WSServerHandshakeError

from signalling.protocol.session_messages import SUBPROTOCOL
from signalling.tickets.claims import Command, PlayerTicket, Role, SessionLimits
from signalling.tickets.keys import public_line
from tests.ports import free_port
from tests.unit.signalling.clients import Client, cut, eventually
from tests.unit.signalling.pod import KEY, NEXT, STRANGE, Pod, admission, command, signed
from tests.unit.signalling.raw import TEXT, Raw

pytestmark = pytest.mark.usefixtures("raws_closed")


async def test_a_ticket_opens_the_door_and_nothing_else_does(pod):
    for bad in (
        "",
        "nonsense",
        signed(admission(), STRANGE),
        signed(admission(), age=100),
        signed(admission(instance="demo-2")),
        signed(PlayerTicket(session="s", player="s", app="demo", joined=1)),
        command(Command.END),
    ):
        assert await pod.refused(bad) == 401
    await pod.player(admission())
    assert (await pod.status())["session"] == "s"


async def test_a_new_key_holds_without_a_restart(pod):
    assert await pod.refused(signed(admission(), NEXT)) == 401
    pod.keys.write_text(f"{public_line(NEXT)}\n{public_line(KEY)}\n")
    await pod.player(signed(admission(), NEXT))


async def test_another_session_is_turned_away_and_counted(pod):
    await pod.player(admission())
    assert await pod.refused(admission("t", "t")) == 409
    metrics = (await pod.ask("GET", "/metrics"))[1]
    assert 'pixel_signalling_turned_away_total{status="409"} 1.0' in metrics
    assert "pixel_instance_sessions 1.0" in metrics


async def test_the_subprotocol_is_passed_on_and_opting_in_is_the_ticket_s_word(pod):
    stock = await pod.player(admission(), protocols=[SUBPROTOCOL])
    assert stock.socket.protocol == SUBPROTOCOL
    assert await stock.silent()
    watching = await pod.player(admission(player="p2", role=Role.SPECTATOR, opted_in=True))
    assert (await watching.expect("sessionState"))["role"] == "spectator"


async def test_a_player_offline_for_less_than_the_grace_resumes(pod):
    player, player_id = await pod.playing(admission(opted_in=True))
    await pod.streamer.say("offer", sdp="v=0", playerId=player_id)
    await player.expect("offer")
    cut(player.socket)
    await eventually(lambda: pod.server.state.player_count == 0, "connection lost")
    assert (await pod.status())["participants"][0]["connected"] is False
    await pod.streamer.say("iceCandidate", playerId=player_id, candidate={"candidate": "late"})
    await pod.streamer.say("ping", time=1)
    await pod.streamer.expect("pong")
    back = await pod.player(admission(opted_in=True, resume=True))
    assert (await back.expect("sessionState"))["state"] == "resumed"
    await back.expect("sessionPlayers")
    assert (await back.expect("iceCandidate"))["candidate"] == {"candidate": "late"}
    await back.say("answer", sdp="v=1")
    assert (await pod.streamer.expect("answer"))["playerId"] == player_id


async def test_a_streamer_that_gives_up_a_player_who_is_away_does_not_end_its_session(pod):
    player, player_id = await pod.playing(admission(opted_in=True))
    cut(player.socket)
    await eventually(lambda: pod.server.state.player_count == 0, "connection lost")
    await pod.streamer.say("disconnectPlayer", playerId=player_id, reason="closed")
    await pod.streamer.say("ping", time=1)
    await pod.streamer.expect("pong")
    assert (await pod.status())["over"] is False
    back = await pod.player(admission(opted_in=True, resume=True))
    assert (await back.expect("sessionState"))["state"] == "resumed"
    await back.expect("sessionPlayers")
    await back.say("answer", sdp="v=1")
    assert (await pod.streamer.expect("answer"))["playerId"] == player_id


async def test_a_player_offline_for_longer_ends_its_session_and_the_instance_is_not_ready(pod):
    limits = SessionLimits(grace_seconds=1)
    player, player_id = await pod.playing(admission(limits=limits))
    assert (await pod.ask("GET", "/readyz"))[0] == 200
    cut(player.socket)
    assert (await pod.streamer.expect("playerDisconnected"))["playerId"] == player_id
    assert (await pod.status())["over"] is True
    assert (await pod.ask("GET", "/readyz"))[0] == 503
    assert (await pod.ask("GET", "/healthz"))[0] == 200
    assert await pod.refused(admission(limits=limits, resume=True, fresh=True)) == 409


async def test_the_matchmaker_s_code_says_that_a_player_left(pod):
    player, player_id = await pod.playing(admission())
    await player.socket.close(code=1000)
    assert (await pod.streamer.expect("playerDisconnected"))["playerId"] == player_id


async def test_a_ghost_is_reaped_and_its_streamer_hears_of_it(http, tmp_path):
    it = Pod(http, tmp_path, heartbeat_seconds=0.3)
    await it.start()
    try:
        ticket = signed(admission(limits=SessionLimits(grace_seconds=0)))
        # It answers no ping, and nothing says that it is gone.
        ghost = await Raw.upgrade(it.server.ports["players"], more=f"Authorization: Bearer {ticket}\r\n")
        ghost.frame(TEXT, b'{"type":"subscribe","streamerId":"demo"}')
        player_id = (await it.streamer.expect("playerConnected"))["playerId"]
        assert (await it.streamer.expect("playerDisconnected"))["playerId"] == player_id
        assert "pixel_signalling_silent_peers_total 1.0" in (await it.ask("GET", "/metrics"))[1]
    finally:
        await it.stop()


async def test_a_warning_and_an_end_come_by_the_clock(pod):
    limits = SessionLimits(max_seconds=1, warning_seconds=10)
    player, _ = await pod.playing(admission(opted_in=True, limits=limits))
    warned, ended = await player.expect("sessionState"), await player.expect("sessionState")
    assert (warned["state"], warned["reason"]) == ("ending", "time_limit")
    assert (ended["state"], ended["reason"]) == ("ended", "time_limit")
    assert await player.closed() == (4010, "The session has reached its longest duration.")


async def test_commands_need_their_ticket(pod):
    await pod.player(admission())
    for path, wrong in (("/end", Command.RECYCLE), ("/recycle", Command.END)):
        right = Command(path[1:])
        for ticket in (
            "",
            "x",
            command(wrong),
            command(right, "demo-2"),
            command(right, key=STRANGE),
            signed(admission()),
        ):
            assert (await pod.ask("POST", path, ticket))[0] == 401
        assert (await pod.ask("GET", path))[0] == 405


async def test_a_session_is_ended_by_command_and_the_instance_used_again(pod):
    player, _ = await pod.playing(admission(opted_in=True))
    assert (await pod.ask("POST", "/recycle", command(Command.RECYCLE)))[0] == 409
    for body in ('{"reason":"because"}', '{"seconds":-1}', "{", '{"seconds":1e99}', "\xff"):
        assert (await pod.ask("POST", "/end", command(Command.END), data=body))[0] == 400
    assert (await pod.ask("POST", "/end", command(Command.END), data="x" * 5000))[0] == 413
    status, shown = await pod.ask("POST", "/end", command(Command.END), json={"reason": "terminated", "seconds": 600})
    assert status == 200 and json.loads(shown)["over"] is False
    assert (await player.expect("sessionState"))["seconds"] == 600
    assert (await pod.ask("POST", "/end", command(Command.END)))[0] == 200
    assert (await player.expect("sessionState"))["state"] == "ended"
    assert (await player.closed())[0] == 4010
    assert (await pod.ask("POST", "/end", command(Command.END)))[0] == 404
    assert (await pod.ask("POST", "/recycle", command(Command.RECYCLE)))[0] == 200
    assert (await pod.ask("GET", "/readyz"))[0] == 200
    await pod.player(admission("t", "t"))


async def test_draining_waits_for_the_session_and_takes_nobody_new(pod):
    player, _ = await pod.playing(admission(opted_in=True))
    hook = asyncio.create_task(pod.ask("GET", "/drain"))
    warned = await player.expect("sessionState")
    assert (warned["state"], warned["reason"], warned["seconds"]) == ("ending", "maintenance", 3600)
    assert (await pod.ask("GET", "/readyz"))[0] == 503
    assert await pod.refused(admission(player="p2", role=Role.SPECTATOR)) == 503
    assert (await pod.status())["draining"] is True
    assert not hook.done()
    await player.say("sessionEnd")
    assert await asyncio.wait_for(hook, 10) == (200, "drained\n")


async def test_draining_ends_with_its_time_and_players_come_again(http, tmp_path):
    it = Pod(http, tmp_path, drain_seconds=0.3)
    await it.start()
    try:
        player, _ = await it.playing(admission(opted_in=True))
        assert (await it.ask("GET", "/drain"))[0] == 200
        states = [(await player.expect("sessionState"))["state"] for _ in range(2)]
        assert states == ["ending", "ended"]
        assert await player.closed() == (1012, "The server is going down for maintenance.")
    finally:
        await it.stop()


async def test_an_idle_instance_drains_at_once(pod):
    assert (await pod.ask("GET", "/drain"))[0] == 200
    assert await pod.refused(admission()) == 503


async def test_reports_become_metrics_by_session_and_go_with_their_player(pod):
    player, _ = await pod.playing(admission(opted_in=True))
    await player.say(
        "sessionStats",
        framesPerSecond=29.5,
        bitrate=3e6,
        roundTripSeconds=0.02,
        jitterSeconds=0.003,
        packetsLost=-1,
        packetsReceived=1000,
        freezes=2,
        freezeSeconds=0.5,
        firstFrameSeconds=1.25,
        candidateType="relay",
        protocol="udp",
        turn="198.51.100.7",
    )
    await player.say("ping", time=1)
    await player.expect("pong")
    metrics = (await pod.ask("GET", "/metrics"))[1]
    who = 'player="s",role="owner",session="s"'
    found = {
        name: float(value)
        for name, labels, value in re.findall(r"^(pixel_session_\w+)\{(.*)\} (\S+)$", metrics, re.MULTILINE)
        if labels == who
    }
    assert found == {
        "pixel_session_frames_per_second": 29.5,
        "pixel_session_bitrate_bits_per_second": 3e6,
        "pixel_session_round_trip_seconds": 0.02,
        "pixel_session_jitter_seconds": 0.003,
        "pixel_session_packets_lost_total": 0,
        "pixel_session_packets_received_total": 1000,
        "pixel_session_freezes_total": 2,
        "pixel_session_freeze_seconds_total": 0.5,
        "pixel_session_first_frame_seconds": 1.25,
    }
    how = 'player="s",protocol="udp",role="owner",session="s",turn="198.51.100.7",type="relay"'
    assert f"pixel_session_candidate{{{how}}} 1.0" in metrics
    assert 'pixel_first_frame_seconds_bucket{le="1.5"} 1.0' in metrics
    shown = (await pod.status())["participants"]
    assert shown[0]["stats"]["candidateType"] == "relay"
    assert abs(shown[0]["since"] - time.time()) < 60
    await player.say("sessionEnd")
    await player.expect("sessionState")
    metrics = (await pod.ask("GET", "/metrics"))[1]
    assert who not in metrics and "pixel_first_frame_seconds_count 1.0" in metrics


async def test_a_streamer_from_outside_needs_its_token(http, tmp_path):
    (tmp_path / "token").write_text("the-token\n")
    it = Pod(http, tmp_path, streamer_token_file=tmp_path / "token")
    await it.server.start()
    try:
        for port in ("streamer", "sfu"):
            for query, bearer in (("", ""), ("?token=", ""), ("?token=wrong", "wrong"), ("?token=the-token%20", "")):
                with pytest.raises(WSServerHandshakeError) as refused:
                    headers = {"Authorization": f"Bearer {bearer}"}
                    await http.ws_connect(it.url(port) + query, headers=headers)
                assert refused.value.status == 401
            for query, headers in (("?token=x&token=the-token", {}), ("", {"authorization": "bearer the-token"})):
                client = await Client.connect(http, it.url(port) + query, headers=headers)
                await client.expect("identify")
                await client.socket.close()
                await eventually(lambda: not it.server._links, "closed")
    finally:
        await it.stop()


async def test_an_sfu_feeds_players_through_real_sockets(pod):
    sfu = await Client.connect(pod.http, pod.url("sfu"))
    assert [(await sfu.hear())["type"] for _ in range(2)] == ["identify", "config"]
    await sfu.say("endpointId", id="SFU")
    await sfu.expect("endpointIdConfirm")
    await sfu.say("subscribe", streamerId="demo")
    sfu_id = (await pod.streamer.expect("playerConnected"))["playerId"]
    await pod.streamer.say("offer", sdp="v=0", playerId=sfu_id)
    await sfu.expect("offer")
    player = await pod.player(admission())
    await player.say("subscribe", streamerId="SFU")
    player_id = (await sfu.expect("playerConnected"))["playerId"]
    await sfu.say("offer", sdp="v=0", playerId=player_id, sfu=True)
    assert await player.expect("offer") == {"type": "offer", "sdp": "v=0", "sfu": True}
    await player.say("dataChannelRequest")
    assert (await sfu.expect("dataChannelRequest"))["playerId"] == player_id
    assert 'pixel_signalling_messages_total{role="sfu"} 3.0' in (await pod.ask("GET", "/metrics"))[1]


async def test_on_sigterm_the_program_waits_for_its_session(http, tmp_path):
    (tmp_path / "keys").write_text(public_line(KEY))
    ports = {name: free_port() for name in ("STREAMER", "SFU", "PLAYER", "HEALTH")}
    environ = {**os.environ, **{f"SIDECAR_{name}_PORT": str(port) for name, port in ports.items()}}
    environ |= {"SIDECAR_TICKET_KEYS": str(tmp_path / "keys"), "SIDECAR_INSTANCE": "demo-1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "signalling.sidecar", env=environ, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        assert json.loads(await process.stdout.readline())["message"] == "listening"
        headers = {"Authorization": f"Bearer {signed(admission(opted_in=True))}"}
        player = await Client.connect(http, f"ws://127.0.0.1:{ports['PLAYER']}/", headers=headers)
        for expected in ("config", "sessionState", "sessionPlayers"):
            await player.expect(expected)
        process.send_signal(signal.SIGTERM)
        assert (await player.expect("sessionState"))["reason"] == "maintenance"
        await player.say("ping", time=1)
        await player.expect("pong")
        assert process.returncode is None
        await player.say("sessionEnd")
        assert (await player.expect("sessionState"))["state"] == "ended"
        assert (await player.closed())[0] == 4010
        output, _ = await asyncio.wait_for(process.communicate(), 20)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0
    assert json.loads(output.splitlines()[-1])["message"] == "stopped"
