"""Load for a signalling server, whichever: relayed messages, handshakes, idle players; and what they cost its process.

The peers are as cheap as can be, so that the server is what is measured: they send ready frames and look for one field.
"""

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from signalling.shell.handshake import connect
from signalling.shell.websocket import Keepalive, SocketLimits, WebSocket
from tests.differential.playing import Server

CANDIDATE: Final = (
    b'"candidate":{"candidate":"candidate:842163049 1 udp 1677729535 198.51.100.12 46154 typ srflx raddr 10.0.0.12 '
    b'rport 46154 generation 0 ufrag EEtu network-cost 999","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"EEtu"}}'
)
FROM_PLAYER: Final = b'{"type":"iceCandidate",' + CANDIDATE
"""244 bytes, as a browser sends them."""
SDP: Final = "v=0\\r\\n" + "a=candidate:1 1 udp 1 198.51.100.1 9 typ host\\r\\n" * 100
"""As long as a browser's with every codec: about 5 kB."""
AT_ONCE: Final = 20
CLOCK_TICKS: Final = os.sysconf("SC_CLK_TCK")

Ticket = Callable[[], Sequence[tuple[str, str]]]
"""The headers that the next player brings."""


class _Named(msgspec.Struct):
    type: str
    player_id: str = msgspec.field(name="playerId", default="")


_READ: Final = msgspec.json.Decoder(_Named).decode


@dataclass(frozen=True)
class Cost:
    """What so many of a thing cost the server."""

    count: int
    cpu_seconds: float
    wall_seconds: float

    @property
    def cpu_each(self) -> float:
        """Microseconds of the processor for one."""
        return self.cpu_seconds / self.count * 1e6

    @property
    def rate(self) -> float:
        """Of them in a second."""
        return self.count / self.wall_seconds


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, all of its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / CLOCK_TICKS


def resident_bytes(pid: int) -> int:
    """Memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Peer:
    """A connection whose messages go to one function."""

    def __init__(self, heard: Callable[["Peer", str | bytes], None]) -> None:
        self.heard: Final = heard
        self.socket: WebSocket
        self.closed_event: Final = asyncio.Event()

    def opened(self, socket: WebSocket) -> None:
        self.socket = socket

    def received(self, data: str | bytes) -> None:
        self.heard(self, data)

    def closed(self, code: int | None, reason: str) -> None:
        self.closed_event.set()


class Load:
    """One server, its process, and everybody who is connected to it."""

    def __init__(self, server: Server, pid: int, ticket: Ticket = tuple) -> None:
        self._server: Final = server
        self._pid: Final = pid
        self._ticket: Final = ticket
        self._keepalive: Final = Keepalive(600.0)
        self._limits: Final = SocketLimits()
        self._answers = 0
        self._on_player: Callable[[str, WebSocket], None] = lambda _, __: None

    async def relay(self, players: int, seconds: float) -> Cost:
        """Each player keeps one candidate under way, which the streamer answers with one: two messages relayed."""
        streamer = await self._streamer(self._bounce)
        peers = [await self._subscribed(self._send_again) for _ in range(players)]
        for peer in peers:
            peer.socket.send(FROM_PLAYER)
        await asyncio.sleep(seconds / 5)
        answers, cpu, started = self._answers, cpu_seconds(self._pid), time.monotonic()
        await asyncio.sleep(seconds)
        cost = Cost(2 * (self._answers - answers), cpu_seconds(self._pid) - cpu, time.monotonic() - started)
        await self._end([*peers, streamer])
        return cost

    async def handshakes(self, number: int) -> Cost:
        """Whole ones: connecting, config, list, subscription, offer, answer, four candidates, and going."""
        streamer = await self._streamer(_offer)
        cpu, started = cpu_seconds(self._pid), time.monotonic()
        left = iter(range(number))

        async def some() -> None:
            for _ in left:
                await self._handshake()

        await asyncio.gather(*(some() for _ in range(AT_ONCE)))
        cost = Cost(number, cpu_seconds(self._pid) - cpu, time.monotonic() - started)
        await self._end([streamer])
        return cost

    async def idle(self, number: int) -> float:
        """Bytes of the server's memory for each of so many players that are connected and do nothing."""
        streamer = await self._streamer(lambda _, __: None)
        first = [await self._connected(lambda _, __: None) for _ in range(number // 10)]
        before = resident_bytes(self._pid)
        peers = [await self._connected(lambda _, __: None) for _ in range(number)]
        await asyncio.sleep(1.0)
        each = (resident_bytes(self._pid) - before) / number
        await self._end([*first, *peers, streamer])
        return each

    async def _peer(
        self, url: str, heard: Callable[[Peer, str | bytes], None], headers: Sequence[tuple[str, str]]
    ) -> Peer:
        host, port = url.removeprefix("ws://").rstrip("/").rsplit(":", 1)
        peer = Peer(heard)
        await connect(
            host, int(port), peer, headers=headers, limits=self._limits, keepalive=self._keepalive, seconds=30.0
        )
        return peer

    async def _streamer(self, heard: Callable[[Peer, str | bytes], None]) -> Peer:
        named = asyncio.Event()

        def first(peer: Peer, data: str | bytes) -> None:
            if _READ(data).type == "endpointIdConfirm":
                named.set()
            heard(peer, data)

        streamer = await self._peer(self._server.streamer, first, ())
        streamer.socket.send(b'{"type":"endpointId","id":"bench"}')
        await named.wait()
        return streamer

    async def _connected(self, heard: Callable[[Peer, str | bytes], None]) -> Peer:
        configured = asyncio.Event()

        def first(peer: Peer, data: str | bytes) -> None:
            configured.set()
            heard(peer, data)

        player = await self._peer(self._server.player, first, self._ticket())
        await configured.wait()
        return player

    async def _subscribed(self, heard: Callable[[Peer, str | bytes], None]) -> Peer:
        player = await self._connected(heard)
        player.socket.send(b'{"type":"subscribe","streamerId":"bench"}')
        return player

    def _bounce(self, streamer: Peer, data: str | bytes) -> None:
        message = _READ(data)
        if message.type == "iceCandidate":
            streamer.socket.send(b'{"type":"iceCandidate","playerId":"%b",' % message.player_id.encode() + CANDIDATE)

    def _send_again(self, player: Peer, data: str | bytes) -> None:
        if len(data) > len(CANDIDATE):
            self._answers += 1
            player.socket.send(FROM_PLAYER)

    async def _handshake(self) -> None:
        done = asyncio.Event()
        candidates = 0

        def answer(player: Peer, data: str | bytes) -> None:
            nonlocal candidates
            match _READ(data).type:
                case "config":
                    player.socket.send(b'{"type":"listStreamers"}')
                case "streamerList":
                    player.socket.send(b'{"type":"subscribe","streamerId":"bench"}')
                case "offer":
                    player.socket.send(f'{{"type":"answer","sdp":"{SDP}","minBitrateBps":0,"maxBitrateBps":0}}')
                    for _ in range(2):
                        player.socket.send(FROM_PLAYER)
                case "iceCandidate":
                    candidates += 1
                    if candidates == 2:
                        done.set()

        player = await self._peer(self._server.player, answer, self._ticket())
        await done.wait()
        player.socket.close()
        await player.closed_event.wait()

    async def _end(self, peers: Sequence[Peer]) -> None:
        for peer in peers:
            peer.socket.close()
        await asyncio.gather(*(peer.closed_event.wait() for peer in peers))


def _offer(streamer: Peer, data: str | bytes) -> None:
    message = _READ(data)
    if message.type == "playerConnected":
        streamer.socket.send(f'{{"type":"offer","sdp":"{SDP}","playerId":"{message.player_id}"}}')
    elif message.type == "answer":
        candidate = b'{"type":"iceCandidate","playerId":"%b",' % message.player_id.encode() + CANDIDATE
        for _ in range(2):
            streamer.socket.send(candidate)
