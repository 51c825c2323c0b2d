"""Candidates, ICE servers and the signalling connection."""

import asyncio
import logging

import pytest
from aiortc import RTCIceTransportPolicy
from hypothesis import given
from hypothesis import strategies as st

from streamer import ice
from streamer.player import read_candidate
from streamer.signalling_client import SignallingClient, pause, read
from tests.unit.streamer.browser import until
from tests.unit.streamer.signalling import Signalling, signalling

HOST = "candidate:1 1 udp 2113937151 192.0.2.7 50000 typ host generation 0 ufrag abcd network-cost 999"
RELAY = "candidate:2 1 udp 33562367 198.51.100.4 49200 typ relay raddr 192.0.2.7 rport 50000"


@pytest.mark.parametrize(("text", "address", "kind"), [(HOST, "192.0.2.7", "host"), (RELAY, "198.51.100.4", "relay")])
def test_candidates_of_a_browser_are_read(text, address, kind):
    candidate = read_candidate({"candidate": text, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "abcd"})
    assert candidate is not None
    assert (candidate.ip, candidate.type, candidate.sdpMid, candidate.sdpMLineIndex) == (address, kind, "0", 0)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "candidate",
        {},
        {"candidate": "", "sdpMid": "0"},
        {"candidate": "candidate:1 1 udp", "sdpMid": "0"},
        {"candidate": HOST.replace("50000", "x"), "sdpMid": "0"},
        {"candidate": HOST.replace("192.0.2.7", "0e7f.local"), "sdpMid": "0"},
        {"candidate": HOST},
        {"candidate": 7, "sdpMid": "0"},
    ],
)
def test_candidates_of_no_use_are_left_out(value):
    assert read_candidate(value) is None


@given(st.text(), st.none() | st.text() | st.integers())
def test_no_candidate_is_an_error(text, mid):
    read_candidate({"candidate": text, "sdpMid": mid})
    read_candidate({"candidate": "candidate:" + text, "sdpMLineIndex": mid})


def test_without_servers_nobody_is_asked():
    assert ice.configuration({}).iceServers == [], "none at all, which is not the library's default"


def test_servers_are_taken_as_a_browser_would(caplog):
    options = {
        "iceTransportPolicy": "relay",
        "iceServers": [
            {"urls": "stun:192.0.2.1:3478"},
            {"urls": ["turn:192.0.2.1:3478?transport=udp", "nonsense:secret"], "username": "u", "credential": "c"},
            {"urls": None},
            "turn:192.0.2.1",
            {"urls": [None, 7]},
        ],
    }
    with caplog.at_level(logging.WARNING):
        configuration = ice.configuration(options)
    servers = configuration.iceServers
    assert servers is not None
    assert [server.urls for server in servers] == [["stun:192.0.2.1:3478"], ["turn:192.0.2.1:3478?transport=udp"]]
    assert (servers[1].username, servers[1].credential) == ("u", "c")
    assert configuration.iceTransportPolicy is RTCIceTransportPolicy.RELAY
    assert ice.configuration({"iceServers": "x"}).iceTransportPolicy is RTCIceTransportPolicy.ALL
    assert len(caplog.records) == 3


def test_pauses_grow_and_stay_short():
    assert [pause(attempt) for attempt in (0, 1, 2, 5, 6, 10_000)] == [0.25, 0.5, 1.0, 8.0, 10.0, 10.0]


@given(st.text())
def test_any_text_is_a_message_or_none(text):
    message = read(text)
    assert message is None or isinstance(message["type"], str)


@pytest.mark.parametrize("text", ["", "null", "[]", '"x"', "{}", '{"type":null}', "[" * 99_999])
def test_what_is_no_message(text):
    assert read(text) is None


class Seen:
    """A handler that keeps what it is told."""

    def __init__(self) -> None:
        self.options: list[object] = []
        self.messages: list[object] = []
        self.lost = 0

    def configured(self, options):
        self.options.append(options)

    def player_message(self, message):
        self.messages.append(message)

    async def disconnected(self):
        self.lost += 1


async def test_the_handshake_and_whose_messages_go_where(caplog):
    seen = Seen()
    async with signalling() as server:
        client = SignallingClient(server.url, "showroom", seen)
        task = asyncio.create_task(client.run())
        assert await server.expect("endpointId") == {"type": "endpointId", "id": "showroom", "protocolVersion": "1.3.0"}
        await server.send(type="config", peerConnectionOptions=7)
        for kind in ("playerConnected", "answer", "iceCandidate", "playerDisconnected"):
            await server.send(type=kind, playerId="1")
        with caplog.at_level(logging.INFO):
            for _ in range(3):
                await server.send(type="playerCount", count=1)
            await server.send(type="ping", time="as it came")
            assert await server.expect("pong") == {"type": "pong", "time": "as it came"}
        assert [record for record in caplog.messages if "playerCount" in record] == [
            "signalling messages of type 'playerCount' are ignored"
        ]
        assert seen.options == [{}, {}] and len(seen.messages) == 4
        await client.send({"type": "offer"})
        await server.expect("offer")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert seen.lost == 1
    await client.send({"type": "offer"})


async def test_the_connection_is_made_again_and_again():
    seen = Seen()
    server = Signalling()
    await server.start()
    task = asyncio.create_task(SignallingClient(server.url, "demo", seen).run())
    await server.expect("endpointId")
    await server.drop()
    await server.expect("endpointId")
    await server.stop()
    await until(lambda: seen.lost == 2)
    back = Signalling(server.port)
    await back.start()
    await back.expect("endpointId")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await back.stop()


async def test_silence_ends_a_connection(monkeypatch):
    monkeypatch.setattr("streamer.signalling_client._PING_SECONDS", 0.05)
    monkeypatch.setattr("streamer.signalling_client._SILENCE_SECONDS", 0.3)
    seen = Seen()
    async with signalling() as server:
        task = asyncio.create_task(SignallingClient(server.url, "demo", seen).run())
        await server.expect("endpointId")
        assert isinstance((await server.expect("ping"))["time"], int)
        await until(lambda: seen.lost == 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
