"""The whole application against a player of code, over a real signalling socket and a real peer connection."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest

from streamer import settings
from streamer.application import Application
from tests.unit.streamer.browser import Browser, join, until
from tests.unit.streamer.signalling import Signalling, signalling

SMALL = {"RES_X": "640", "RES_Y": "360", "FRAME_RATE": "30", "STREAMER_ID": "showroom"}


@asynccontextmanager
async def running(server: Signalling) -> AsyncIterator[Application]:
    application = Application(settings.read({**SMALL, "SIGNAL_URL": server.url}))
    stop = asyncio.Event()
    task = asyncio.create_task(application.run(stop))
    try:
        assert (await server.expect("endpointId"))["id"] == "showroom"
        yield application
    finally:
        stop.set()
        async with asyncio.timeout(10):
            await task


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    player = Browser()
    try:
        yield player
    finally:
        await player.close()


async def test_a_player_sees_frames_that_count_up_and_what_it_did_in_them():
    async with signalling() as server, running(server) as application:
        assert application.broadcast.frame == 0, "nothing is drawn before somebody is there"
        async with browser() as player:
            offer = await join(player, "7", server)
            numbers = await player.frames(40)
            assert player.sizes == {(640, 360)}
            steps = [after - before for before, after in itertools.pairwise(numbers)]
            assert min(steps) >= 1, "a slow machine leaves numbers out and repeats none"
            assert "H264" in offer["sdp"] and "rtx" in offer["sdp"] and "VP8" not in offer["sdp"]
            assert "msid:" in offer["sdp"] and "a=candidate:" in offer["sdp"]

            await player.opened()
            directions = [json.loads(await player.expect("Protocol"))["Direction"] for _ in range(2)]
            assert directions == [0, 1]
            player.send("RequestInitialSettings")
            shown = json.loads(await player.expect("InitialSettings"))
            assert shown["WebRTC"]["FPS"] == 30
            assert await player.expect("InputControlOwnership") is True

            player.send("MouseMove", 16384, 32768, 0, 0)
            player.send("MouseDown", 0, 32768, 16384)
            clicked = await player.scene()
            assert (clicked["clicks"], clicked["last_click"], clicked["pointer"]) == (1, [0.5, 0.25], [0.5, 0.25])
            assert clicked["frame"] >= numbers[0]
            for letter in "hé":
                player.send("KeyPress", ord(letter))
            assert [(await player.scene())["typed"] for _ in "hé"] == ["h", "hé"]
            player.send("UIInteraction", '{"hello":"wörld"}')
            assert (await player.scene())["note"] == '{"hello":"wörld"}'

            for junk in (b"", b"\xff", b"\x32\xff\xff", b"\x48", b"\x50\xff"):
                player.send_raw(junk)
            player.send_raw("text")
            player.send("LatencyTest", '{"StartTime":1}')
            latency = json.loads(await player.expect("LatencyTest"))
            assert latency["CaptureToSendMs"] >= latency["EncodeMs"] >= 0

        await server.send(type="playerDisconnected", playerId="7")
        await until(lambda: not application.scene.hands)
        last = application.broadcast.frame
        await asyncio.sleep(0.3)
        assert application.broadcast.frame <= last + 1, "nothing is drawn after the last player has gone"
        assert application.scene.typed == "hé", "what was typed stays for the next player"


async def test_two_players_share_one_scene_and_one_stream():
    async with signalling() as server, running(server) as application, browser() as first, browser() as second:
        await join(first, "1", server)
        await first.frames(10)
        await join(second, "2", server)
        await second.frames(10)
        shared = set(await first.frames(30)) & set(await second.frames(20))
        assert len(shared) > 5, "both decode the same frames"
        for player in (first, second):
            await player.opened()
            assert [await player.expect("Protocol") for _ in range(2)]
        first.send("RequestQualityControl")
        assert await first.expect("QualityControlOwnership") is True
        second.send("RequestQualityControl")
        assert await first.expect("QualityControlOwnership") is False
        assert await second.expect("QualityControlOwnership") is True
        first.send("KeyPress", ord("a"))
        second.send("KeyPress", ord("b"))
        await first.scene()
        assert (await second.scene())["typed"] in {"ab", "ba", "b"}
        assert application.scene.typed in {"ab", "ba"}
        await server.send(type="playerDisconnected", playerId="2")
        assert await first.expect("QualityControlOwnership") is True


async def test_a_lost_picture_and_a_new_player_get_a_key_frame_but_many_requests_share_one():
    async with signalling() as server, running(server) as application, browser() as player:
        keys: list[int] = []
        encode = application.broadcast._encoder.encode

        def counted(planes, number, *, key):
            made = encode(planes, number, key=key)
            keys.extend([number] * made.key)
            return made

        application.broadcast._encoder.encode = counted  # type: ignore[method-assign]
        await join(player, "1", server)
        await player.frames(15)
        assert len(keys) == 1
        (receiver,) = player.peer.getReceivers()
        for _ in range(5):
            await receiver._send_rtcp_pli(next(iter(vars(receiver)["_RTCRtpReceiver__remote_streams"])))
        await player.frames(45)
        assert len(keys) in {2, 3}, "one for those that came together, one more if a frame came between them"


async def test_players_go_when_signalling_goes_and_the_streamer_comes_back():
    async with signalling() as server, running(server) as application, browser() as player, browser() as again:
        await join(player, "1", server)
        await player.frames(5)
        await server.drop()
        assert (await server.expect("endpointId"))["id"] == "showroom"
        assert not application.scene.hands
        await join(again, "1", server)
        await again.frames(5)


async def test_messages_that_make_no_sense_change_nothing():
    async with signalling() as server, running(server) as application, browser() as player:
        for text in ("", "[]", "{", '{"type":3}', '{"type":"playerConnected"}', '{"type":"playerCount","count":1}'):
            await server.send_text(text)
        await server.send(type="answer", playerId="nobody", sdp="x")
        await server.send(type="iceCandidate", playerId="nobody", candidate={})
        await server.send(type="playerDisconnected", playerId="nobody")
        await server.send(type="ping", time=12345678901234567890)
        assert (await server.expect("pong"))["time"] == 12345678901234567890

        async def junk() -> None:
            await server.send(type="layerPreference", playerId="1", spatialLayer=0, temporalLayer=0)
            for candidate in (None, "x", {}, {"candidate": ""}, {"candidate": "candidate:1 1 udp", "sdpMid": "0"}):
                await server.send(type="iceCandidate", playerId="1", candidate=candidate)
            await server.send(type="offer", playerId="1", sdp="v=0")

        await join(player, "1", server, junk)
        await server.send(type="answer", playerId="1", sdp="a second answer")
        await player.frames(5)
        assert list(application.scene.hands) == ["1"]


@pytest.mark.parametrize("sdp", [None, 5, "", "no sdp at all", "v=0\r\nm=video x y z\r\n"])
async def test_an_answer_that_cannot_be_used_lets_only_that_player_go(sdp):
    async with signalling() as server, running(server) as application:
        await server.send(type="playerConnected", playerId="9", dataChannel=True, sfu=False)
        await server.expect("offer")
        await server.send(type="answer", playerId="9", sdp=sdp)
        gone = await server.expect("disconnectPlayer")
        assert gone["playerId"] == "9" and "answer" in gone["reason"]
        await until(lambda: not application.scene.hands)


async def test_a_player_that_leaves_at_once_leaves_nothing():
    async with signalling() as server, running(server) as application:
        for _ in range(20):
            await server.send(type="playerConnected", playerId="3", dataChannel=True, sfu=False)
            await server.send(type="playerDisconnected", playerId="3")
        await server.send(type="playerConnected", playerId="4", dataChannel=True, sfu=False)
        await until(lambda: list(application.scene.hands) == ["4"])
        await server.send(type="playerDisconnected", playerId="4")
        await until(lambda: not application.scene.hands)


def datagram_sockets() -> int:
    return len(psutil.Process().net_connections(kind="udp"))


async def test_a_player_that_leaves_while_its_addresses_are_gathered_leaves_no_socket(monkeypatch):
    loop = asyncio.get_running_loop()
    opening, opened = asyncio.Event(), loop.create_datagram_endpoint

    async def open_slowly(*arguments: Any, **options: Any) -> Any:
        opening.set()
        found = await opened(*arguments, **options)
        await asyncio.sleep(0.1)
        return found

    monkeypatch.setattr(loop, "create_datagram_endpoint", open_slowly)
    before = datagram_sockets()
    async with signalling() as server, running(server) as application:
        await server.send(type="playerConnected", playerId="1")
        await opening.wait()
        await server.send(type="playerDisconnected", playerId="1")
        await until(lambda: not application.scene.hands and datagram_sockets() == before)


async def test_a_paused_player_gets_no_frames_until_it_wants_them_again():
    async with signalling() as server, running(server), browser() as player:
        await join(player, "1", server)
        await player.frames(5)
        await player.opened()
        player.send("StopStreaming")
        player.send("TestEcho")
        assert [await player.expect(name) for name in ("Protocol", "Protocol", "TestEcho")][2] is None
        await asyncio.sleep(0.3)
        paused = len(player.numbers)
        await asyncio.sleep(0.3)
        assert len(player.numbers) == paused
        player.send("StartStreaming")
        await player.frames(paused + 5)


async def test_a_broken_encoder_ends_the_application():
    async with signalling() as server, browser() as player:
        application = Application(settings.read({**SMALL, "SIGNAL_URL": server.url}))

        def broken(planes, number, *, key):
            raise RuntimeError("no encoder any more")

        application.broadcast._encoder.encode = broken  # type: ignore[method-assign]
        task = asyncio.create_task(application.run(asyncio.Event()))
        await server.expect("endpointId")
        await join(player, "1", server)
        with pytest.raises(BaseExceptionGroup) as failure:
            async with asyncio.timeout(10):
                await task
        assert failure.value.subgroup(lambda error: "no encoder any more" in str(error))
