"""A player made of code: aiortc as the browser, the binary protocol in both directions."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from aiortc import RTCConfiguration, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.video.frame import VideoFrame

from streamer.data_channel import Message, encode, read_from_streamer
from streamer.picture import strip
from tests.unit.streamer.signalling import Signalling


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait for something in this process that tells nobody when it happens."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Browser:
    """Answers one offer; keeps the numbers of the frames it decodes and the messages it gets."""

    def __init__(self) -> None:
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.numbers: list[int] = []
        self.sizes: set[tuple[int, int]] = set()
        self.messages: asyncio.Queue[tuple[str, object]] = asyncio.Queue()
        self._channel: RTCDataChannel | None = None
        self._opened = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.peer.on("track", self._track)
        self.peer.on("datachannel", self._datachannel)

    async def answer(self, sdp: str) -> str:
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self.peer.setLocalDescription(await self.peer.createAnswer())
        return self.peer.localDescription.sdp

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.peer.close()

    async def frames(self, count: int, seconds: float = 20) -> list[int]:
        """The numbers of all frames so far, as soon as there are so many."""
        await until(lambda: len(self.numbers) >= count, seconds)
        return list(self.numbers)

    async def opened(self) -> None:
        async with asyncio.timeout(10):
            await self._opened.wait()

    def send(self, name: str, *values: int | float | str) -> None:
        self.send_raw(encode(Message(name, values)))

    def send_raw(self, data: bytes | str) -> None:
        assert self._channel is not None
        self._channel.send(data)

    async def expect(self, name: str) -> Any:
        """Content of the next message, which must have this name."""
        async with asyncio.timeout(10):
            got, content = await self.messages.get()
        assert got == name, (got, content)
        return content

    async def scene(self) -> Any:
        return json.loads(await self.expect("Response"))["scene"]

    def _datachannel(self, channel) -> None:
        self._channel = channel
        channel.on("message", lambda data: self.messages.put_nowait(read_from_streamer(data)))
        self._opened.set()

    def _track(self, track: MediaStreamTrack) -> None:
        self._tasks.append(asyncio.create_task(self._watch(track)))

    async def _watch(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                assert isinstance(frame, VideoFrame)
                self.sizes.add((frame.width, frame.height))
                self.numbers.append(strip.read(np.asarray(frame.to_ndarray(), np.uint8)[: frame.height]))
        except MediaStreamError:
            return


async def join(
    browser: Browser, identity: str, server: Signalling, after: Callable[[], Awaitable[None]] | None = None
) -> dict[str, Any]:
    """Let the streamer offer to this player and answer it; gives the offer."""
    await server.send(type="playerConnected", playerId=identity, dataChannel=True, sfu=False)
    if after:
        await after()
    offer = await server.expect("offer")
    assert offer["playerId"] == identity
    await server.send(type="answer", playerId=identity, sdp=await browser.answer(offer["sdp"]))
    return offer
