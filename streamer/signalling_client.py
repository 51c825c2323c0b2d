"""The streamer's side of the signalling connection to the sidecar: handshake, keepalive, coming back."""

import asyncio
import json
import logging
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import aiohttp

_LOG = logging.getLogger(__name__)

PROTOCOL_VERSION = "1.3.0"
_PING_SECONDS = 30.0
_SILENCE_SECONDS = 75.0
_LARGEST_MESSAGE = 1024 * 1024
_LONGEST_PAUSE = 10.0


def pause(attempt: int) -> float:
    """Seconds to wait before the how-manieth attempt, from 0: doubling from a quarter of a second up to ten seconds."""
    return min(0.25 * float(1 << min(attempt, 16)), _LONGEST_PAUSE)


def read(text: str) -> Mapping[str, Any] | None:
    """A signalling message; None when it is none: not JSON, not an object, or without a type."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) and isinstance(message.get("type"), str) else None


class Handler(Protocol):
    """Whoever serves the players of the connection."""

    def configured(self, options: Mapping[str, Any]) -> None:
        """The sidecar's peerConnectionOptions, for the players that come from now on."""

    def player_message(self, message: Mapping[str, Any]) -> None:
        """A message about one player."""

    async def disconnected(self) -> None:
        """The connection is gone and all its players with it, as with an Unreal application."""


class SignallingClient:
    """One connection at a time to the sidecar, opened again whenever it ends."""

    def __init__(self, url: str, streamer_id: str, handler: Handler) -> None:
        self._url = url
        self._streamer_id = streamer_id
        self._handler = handler
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._unknown: set[str] = set()
        self._handlers: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
            "identify": self._identify,
            "config": self._config,
            "endpointIdConfirm": self._confirmed,
            "ping": self._ping,
            "pong": lambda _message: None,
            **dict.fromkeys(("playerConnected", "playerDisconnected"), handler.player_message),
            **dict.fromkeys(("answer", "iceCandidate", "offer"), handler.player_message),
            # A player names layers of a scalable stream here; this stream has one.
            "layerPreference": lambda _message: None,
        }

    async def send(self, message: Mapping[str, Any]) -> None:
        """Send a message; lost when there is no connection, as its player is then."""
        socket = self._socket
        if socket is not None and not socket.closed:
            try:
                await socket.send_str(json.dumps(message))
            except (ConnectionError, aiohttp.ClientError):
                _LOG.info("the signalling connection closed before a %s message", message["type"])

    async def run(self) -> None:
        """Stay connected until cancelled."""
        attempt = 0
        async with aiohttp.ClientSession() as session:
            while True:
                started = time.monotonic()
                try:
                    await self._connection(session)
                    _LOG.warning("the sidecar closed the signalling connection")
                except (aiohttp.ClientError, OSError, TimeoutError) as error:
                    _LOG.warning("no signalling connection to %s: %s", self._url, error or type(error).__name__)
                # A connection that lasted was a good one: the next attempt starts with the shortest pause again.
                attempt = 0 if time.monotonic() - started > _LONGEST_PAUSE else attempt + 1
                await asyncio.sleep(pause(attempt) * random.uniform(0.8, 1.2))  # noqa: S311 # only to spread attempts

    async def _connection(self, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect(self._url, max_msg_size=_LARGEST_MESSAGE, compress=0) as socket:
            _LOG.info("signalling connection to %s", self._url)
            self._socket = socket
            keepalive = asyncio.create_task(self._keepalive())
            try:
                await self._receive(socket)
            finally:
                self._socket = None
                keepalive.cancel()
                await self._handler.disconnected()

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            try:
                async with asyncio.timeout(_SILENCE_SECONDS):
                    frame = await socket.receive()
            except TimeoutError:
                raise TimeoutError(f"not even a pong for {_SILENCE_SECONDS:.0f} seconds") from None
            if frame.type is not aiohttp.WSMsgType.TEXT:
                if frame.type is aiohttp.WSMsgType.BINARY:
                    continue
                return
            message = read(frame.data)
            if message is None:
                _LOG.warning("a signalling message is no JSON object with a type: %.80r", frame.data)
                continue
            await self._dispatch(message)

    async def _dispatch(self, message: Mapping[str, Any]) -> None:
        handle = self._handlers.get(message["type"])
        if handle is None:
            if message["type"] not in self._unknown and len(self._unknown) < 100:
                self._unknown.add(message["type"])
                _LOG.info("signalling messages of type %.40r are ignored", message["type"])
            return
        outcome = handle(message)
        if outcome is not None:
            await outcome

    async def _keepalive(self) -> None:
        while True:
            await asyncio.sleep(_PING_SECONDS)
            await self.send({"type": "ping", "time": round(time.time())})

    async def _identify(self, _message: Mapping[str, Any]) -> None:
        await self.send({"type": "endpointId", "id": self._streamer_id, "protocolVersion": PROTOCOL_VERSION})

    async def _ping(self, message: Mapping[str, Any]) -> None:
        await self.send({"type": "pong", "time": message.get("time")})

    def _config(self, message: Mapping[str, Any]) -> None:
        options = message.get("peerConnectionOptions")
        self._handler.configured(options if isinstance(options, dict) else {})

    def _confirmed(self, message: Mapping[str, Any]) -> None:
        _LOG.info("registered as %s", message.get("committedId"))
