"""A small streamer and a small player with a real peer connection: a data channel that beats, and who counts its beats.

The player keeps its peer connection whatever happens to its signalling, as the player page does, and comes again on
another connection with its ticket.
"""

import asyncio
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription

BEAT = 0.05
"""Seconds between two heartbeats."""
PAUSE = 0.2
"""Before a player comes again."""


def peer_connection() -> RTCPeerConnection:
    return RTCPeerConnection(RTCConfiguration(iceServers=[]))


@dataclass(frozen=True)
class Seat:
    """A player as its streamer knows it."""

    peer: RTCPeerConnection
    beating: asyncio.Task[None]
    offering: asyncio.Task[None]

    async def leave(self) -> None:
        """Not before its gathering is over, which would leave its sockets open."""
        self.beating.cancel()
        await asyncio.wait({self.offering})
        await self.peer.close()


class Streamer:
    """Offers every player a data channel of its own, and beats on it until the player is gone."""

    def __init__(self, http: ClientSession, url: str, beat: float = BEAT) -> None:
        self.url = url
        self.beat = beat
        self.offers: list[str] = []
        """The players that have been offered something."""
        self.gone: list[str] = []
        self._http = http
        self._seats: dict[str, Seat] = {}
        self._socket: ClientWebSocketResponse
        self._reading: asyncio.Task[None]

    async def start(self) -> None:
        self._socket = await self._http.ws_connect(self.url)
        self._reading = asyncio.create_task(self._read())

    async def stop(self) -> None:
        await self._socket.close()
        await self._reading
        for player in list(self._seats):
            await self._leave(player)

    async def _read(self) -> None:
        async for frame in self._socket:
            if frame.type is not WSMsgType.TEXT:
                break
            message = json.loads(frame.data)
            match message["type"]:
                case "identify":
                    await self._say(type="endpointId", id="demo")
                case "playerConnected":
                    self._seat(message["playerId"])
                case "answer":
                    peer = self._seats[str(message["playerId"])].peer
                    await peer.setRemoteDescription(RTCSessionDescription(message["sdp"], "answer"))
                case "playerDisconnected":
                    await self._leave(message["playerId"])

    def _seat(self, player: str) -> None:
        peer = peer_connection()
        beating = asyncio.create_task(self._beat(peer.createDataChannel("beats")))
        self._seats[player] = Seat(peer, beating, asyncio.create_task(self._offer(player, peer)))
        self.offers.append(player)

    async def _offer(self, player: str, peer: RTCPeerConnection) -> None:
        await peer.setLocalDescription(await peer.createOffer())
        await self._say(type="offer", sdp=peer.localDescription.sdp, playerId=player)

    async def _beat(self, channel: RTCDataChannel) -> None:
        number = 0
        while True:
            if channel.readyState == "open":
                number += 1
                channel.send(str(number))
            await asyncio.sleep(self.beat)

    async def _leave(self, player: str) -> None:
        self.gone.append(player)
        if seat := self._seats.pop(player, None):
            await seat.leave()

    async def _say(self, **message: Any) -> None:
        await self._socket.send_str(json.dumps(message))


@dataclass
class Beats:
    """When the heartbeats came, and their numbers."""

    times: list[float] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def heard(self, number: int) -> None:
        self.times.append(time.monotonic())
        self.numbers.append(number)

    def longest(self, since: float, until: float | None = None) -> float:
        """The longest time without a heartbeat in a stretch of time, its ends included."""
        end = time.monotonic() if until is None else until
        within = [since, *(at for at in self.times if since <= at <= end), end]
        return max(after - before for before, after in pairwise(within))


class Player:
    """An opted-in player that stays, whichever matchmakers come and go."""

    def __init__(self, http: ClientSession, ports: Callable[[], list[int]]) -> None:
        """``ports`` are those of the matchmakers that are there now, the next one to try first."""
        self.beats = Beats()
        self.states: list[dict[str, Any]] = []
        """What it was told of its session."""
        self.offers = 0
        self.connections = 0
        self.session = ""
        self._ticket = ""
        self._http = http
        self._ports = ports
        self._peer = peer_connection()
        self._peer.on("datachannel", self._listen)
        self._socket: ClientWebSocketResponse | None = None
        self._running: asyncio.Task[None]
        self._answering: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._running = asyncio.create_task(self._run())

    async def stop(self) -> None:
        self._running.cancel()
        await asyncio.wait({self._running, *self._answering})
        if self._socket is not None:
            await self._socket.close()
        await self._peer.close()

    @property
    def state(self) -> str:
        """The last thing it was told."""
        return str(self.states[-1]["state"]) if self.states else ""

    @property
    def position(self) -> int:
        """Its last known position in the queue."""
        return int(next((each["position"] for each in reversed(self.states) if "position" in each), 0))

    @property
    def connected(self) -> bool:
        """Whether it has a signalling connection."""
        return self._socket is not None and not self._socket.closed

    async def _run(self) -> None:
        while self.state not in {"ended", "failed"}:
            with suppress(ClientError, OSError, TimeoutError):
                await self._talk()
            await asyncio.sleep(PAUSE)

    async def _talk(self) -> None:
        for port in self._ports():
            try:
                self._socket = await self._http.ws_connect(f"ws://127.0.0.1:{port}/?session=1")
                break
            except (ClientError, OSError):
                # As a proxy does: the next one.
                continue
        else:
            return
        self.connections += 1
        resumes = self._ticket
        async for frame in self._socket:
            if frame.type is not WSMsgType.TEXT:
                break
            message = json.loads(frame.data)
            match message["type"]:
                case "sessionTicket" if resumes:
                    await self._say(type="sessionResume", ticket=resumes, fresh=not self.beats.times)
                    if not self.beats.times:
                        await self._say(type="listStreamers")
                    resumes = ""
                case "sessionTicket":
                    self._ticket, self.session = message["ticket"], message["session"]
                    if self.connections == 1:
                        await self._say(type="listStreamers")
                case "sessionState":
                    self.states.append(message)
                case "streamerList":
                    await self._say(type="subscribe", streamerId=message["ids"][0])
                case "offer":
                    await self._answer(message["sdp"])

    async def _answer(self, sdp: str) -> None:
        self.offers += 1
        answering = asyncio.create_task(self._gather(sdp))
        self._answering.append(answering)
        # A gathering that is cancelled leaves its sockets open.
        await asyncio.shield(answering)
        await self._say(type="answer", sdp=self._peer.localDescription.sdp)

    async def _gather(self, sdp: str) -> None:
        await self._peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self._peer.setLocalDescription(await self._peer.createAnswer())

    def _listen(self, channel: RTCDataChannel) -> None:
        channel.on("message", lambda data: self.beats.heard(int(data)))

    async def _say(self, **message: Any) -> None:
        if self._socket is not None:
            await self._socket.send_str(json.dumps(message))
