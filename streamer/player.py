"""The peer connection of one player: it is offered the shared stream and one data channel."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceCandidate,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from aiortc.sdp import candidate_from_sdp

from streamer.broadcast import Broadcast, Watcher

_LOG = logging.getLogger(__name__)

_CONNECT_SECONDS = 60.0
_CLOSE_SECONDS = 10.0
"""The half of it is what gathering takes at most where a STUN or TURN server does not answer."""
_MOST_BUFFERED = 256 * 1024
"""Bytes that may wait in a data channel; a player that does not read gets no more answers until it does."""


class PlayerFailedError(ConnectionError):
    """A player cannot be reached, or what it sent cannot be used."""


class StreamTrack(MediaStreamTrack):
    """The shared stream as a track of one player; already encoded, so it is only cut into packets."""

    kind = "video"

    def __init__(self, broadcast: Broadcast) -> None:
        super().__init__()
        self._broadcast = broadcast
        self._watcher = Watcher()
        self._began = False

    async def recv(self) -> Any:  # noqa: ANN401 # an av.Packet, whose type has a parameter that means nothing here
        """The next packet. The first call, when the connection stands, is what begins the watching."""
        if self.readyState != "live":
            raise MediaStreamError
        if not self._began:
            self.resume()
        return (await self._watcher.next()).packet

    def resume(self) -> None:
        """Receive frames, with a key frame first."""
        self._began = True
        self._broadcast.watch(self._watcher)

    def pause(self) -> None:
        """Receive no frames until ``resume``."""
        self._broadcast.unwatch(self._watcher)

    def stop(self) -> None:
        """End the track for good."""
        super().stop()
        self._broadcast.unwatch(self._watcher)


class Player:
    """One player from its offer to its end.

    ``run`` does all the work in one task, so that a slow player never holds up another; whoever owns the player cancels
    that task to end it, and is told by its end (PlayerFailedError) when the player went away by itself.
    """

    def __init__(
        self,
        identity: str,
        broadcast: Broadcast,
        configuration: RTCConfiguration,
        opened: Callable[["Player"], None],
        received: Callable[["Player", bytes], None],
    ) -> None:
        self.identity = identity
        self.track = StreamTrack(broadcast)
        self._broadcast = broadcast
        # Without a configuration of its own a peer connection would ask a public STUN server and wait for it.
        self._peer = RTCPeerConnection(configuration)
        self._inbox: asyncio.Queue[Mapping[str, Any] | PlayerFailedError] = asyncio.Queue(256)
        self._early: list[RTCIceCandidate] = []
        self._received = received
        self._channel = self._connect(opened)

    def _connect(self, opened: Callable[["Player"], None]) -> RTCDataChannel:
        transceiver = self._peer.addTransceiver(self.track, direction="sendonly")
        transceiver.setCodecPreferences(_h264())
        # The encoder is shared: a request of this player (PLI, FIR) goes to it and not to one of the sender's own.
        transceiver.sender._send_keyframe = self._broadcast.request_key  # type: ignore[method-assign]
        channel = self._peer.createDataChannel("datachannel", ordered=True)
        channel.on("open", lambda: opened(self))
        channel.on("message", self._message)
        self._peer.on("connectionstatechange", self._state_changed)
        return channel

    def deliver(self, message: Mapping[str, Any]) -> None:
        """A signalling message of the player; dropped when it sends far more of them than a connection needs."""
        try:
            self._inbox.put_nowait(message)
        except asyncio.QueueFull:
            _LOG.warning("player %s: dropped a %s message, 256 wait already", self.identity, message.get("type"))

    def send(self, data: bytes) -> None:
        """Send on the data channel, if it is open and the player reads it."""
        if self._channel.readyState == "open" and self._channel.bufferedAmount < _MOST_BUFFERED:
            self._channel.send(data)

    async def run(self, send_offer: Callable[[str], Any]) -> None:
        """Offer the stream and follow the player's answers until cancelled.

        Raises PlayerFailedError when the connection fails or does not come about within a minute.
        """
        timer = asyncio.get_running_loop().call_later(_CONNECT_SECONDS, self._check_connected)
        gathering = asyncio.create_task(self._gather())
        try:
            # A task of its own: what a cancelled gathering has opened, TURN allocations too, is never given back.
            await asyncio.shield(gathering)
            await send_offer(self._peer.localDescription.sdp)
            while True:
                message = await self._inbox.get()
                if isinstance(message, PlayerFailedError):
                    raise message
                await self._handle(message)
        finally:
            timer.cancel()
            await self._close(gathering)

    async def _gather(self) -> None:
        await self._peer.setLocalDescription(await self._peer.createOffer())

    async def _handle(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "answer":
            await self._answer(message.get("sdp"))
        elif message["type"] == "iceCandidate":
            candidate = read_candidate(message.get("candidate"))
            if candidate is None:
                return
            if self._peer.remoteDescription is None:
                self._early.append(candidate)
            else:
                await self._peer.addIceCandidate(candidate)

    async def _answer(self, sdp: object) -> None:
        if not isinstance(sdp, str):
            raise PlayerFailedError("its answer has no sdp")
        if self._peer.signalingState != "have-local-offer":
            _LOG.warning("player %s: a second answer is ignored", self.identity)
            return
        try:
            await self._peer.setRemoteDescription(RTCSessionDescription(_without_mdns(sdp), "answer"))
        except Exception as error:  # The parser raises whatever its first surprise is.
            raise PlayerFailedError(f"its answer cannot be used: {error}") from error
        early, self._early = self._early, []
        for candidate in early:
            await self._peer.addIceCandidate(candidate)

    def _message(self, data: bytes | str) -> None:
        # A text message is no part of the protocol; its bytes are malformed like any others.
        self._received(self, data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))

    def _state_changed(self) -> None:
        state = self._peer.connectionState
        _LOG.info("player %s: connection %s", self.identity, state)
        if state in {"failed", "closed"}:
            self._fail(f"its connection is {state}")

    def _check_connected(self) -> None:
        if self._peer.connectionState != "connected":
            self._fail(
                f"no connection within {_CONNECT_SECONDS:.0f} seconds: is a TURN address reachable for both sides?"
            )

    def _fail(self, reason: str) -> None:
        if self._inbox.full():
            self._inbox.get_nowait()
        self._inbox.put_nowait(PlayerFailedError(reason))

    async def _close(self, gathering: asyncio.Task[None]) -> None:
        self.track.stop()
        # Waited for from outside: a peer connection whose closing is cancelled in the middle never ends.
        closing = asyncio.ensure_future(self._close_after(gathering))
        _done, pending = await asyncio.wait({closing}, timeout=_CLOSE_SECONDS)
        if pending:
            _LOG.warning("player %s: its connection did not close within %.0f s", self.identity, _CLOSE_SECONDS)

    async def _close_after(self, gathering: asyncio.Task[None]) -> None:
        await asyncio.wait({gathering})
        await self._peer.close()


def _h264() -> list[Any]:
    """Codecs to offer: H.264, constrained baseline first, and retransmission, which must not get lost."""
    codecs = RTCRtpSender.getCapabilities("video").codecs
    wanted = [codec for codec in codecs if codec.mimeType.lower() == "video/h264"]
    wanted.sort(key=lambda codec: not str(codec.parameters.get("profile-level-id", "")).startswith("42e0"))
    return wanted + [codec for codec in codecs if codec.mimeType.lower() == "video/rtx"]


def read_candidate(value: object) -> RTCIceCandidate | None:
    """A browser's candidate; None for one that is of no use here.

    That is the empty one at the end of all, one by mDNS name (no pod can look it up; the player is reached all the
    same, as its own checks tell where it is), and one that cannot be read.
    """
    fields = value if isinstance(value, Mapping) else {}
    text, mid, line = fields.get("candidate"), fields.get("sdpMid"), fields.get("sdpMLineIndex")
    if not isinstance(text, str) or not text.strip():
        return None
    try:
        candidate = candidate_from_sdp(text.split(":", 1)[-1])
    except (ValueError, AssertionError, IndexError):
        return None
    if candidate.ip.endswith(".local"):
        return None
    candidate.sdpMid = mid if isinstance(mid, str) else None
    candidate.sdpMLineIndex = line if isinstance(line, int) else None
    return None if candidate.sdpMid is None and candidate.sdpMLineIndex is None else candidate


def _without_mdns(sdp: str) -> str:
    lines = sdp.splitlines(keepends=True)
    return "".join(line for line in lines if not (line.startswith("a=candidate:") and ".local " in line))
