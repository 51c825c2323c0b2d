"""A streamer of VP8, for browsers that have no H.264 in WebRTC, as Firefox without the codec that it downloads."""

import asyncio
import json
from typing import Any

from aiohttp import ClientSession
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription, VideoStreamTrack

from streamer.data_channel import decode, from_streamer_protocol, string, to_streamer_protocol


class Vp8Streamer:
    """Sends a still picture to each player, and keeps the names of the messages that come on the data channel."""

    def __init__(self) -> None:
        self.received: list[str] = []
        self._players: dict[str, RTCPeerConnection] = {}
        self._task: asyncio.Task[None] | None = None
        self._gathering: list[asyncio.Task[None]] = []

    async def start(self, url: str) -> None:
        self._task = asyncio.create_task(self._run(url))

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, *self._gathering, return_exceptions=True)
        for connection in self._players.values():
            await connection.close()

    async def _run(self, url: str) -> None:
        async with ClientSession() as http, http.ws_connect(url) as socket:
            await socket.send_json({"type": "endpointId", "id": "demo"})
            async for frame in socket:
                message = json.loads(frame.data)
                match message["type"]:
                    case "playerConnected":
                        sdp = await self._offer(message["playerId"])
                        await socket.send_json({"type": "offer", "playerId": message["playerId"], "sdp": sdp})
                    case "answer":
                        answer = RTCSessionDescription(message["sdp"], "answer")
                        await self._players[message["playerId"]].setRemoteDescription(answer)
                    case "playerDisconnected":
                        await self._players.pop(message["playerId"]).close()

    async def _offer(self, player: str) -> str:
        connection = self._players[player] = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.addTrack(VideoStreamTrack())
        channel = connection.createDataChannel("datachannel")
        channel.on("open", lambda: self._greet(channel))
        channel.on("message", lambda data: self.received.append(decode(data).name))
        # A gathering that is cancelled leaves its sockets open.
        gathering = asyncio.create_task(self._gather(connection))
        self._gathering.append(gathering)
        await asyncio.shield(gathering)
        return str(connection.localDescription.sdp)

    @staticmethod
    async def _gather(connection: RTCPeerConnection) -> None:
        await connection.setLocalDescription(await connection.createOffer())

    def _greet(self, channel: Any) -> None:
        for protocol in (to_streamer_protocol(), from_streamer_protocol()):
            channel.send(string("Protocol", json.dumps(protocol)))
