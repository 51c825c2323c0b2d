"""Plays a script against a server and writes down what every peer hears, in a form that two servers can share.

A script is plain data: steps, each of which lets one peer connect, say something or go. After each step everybody's
messages are awaited by pings: a server answers them in their order, so what a step has led to is there once the peer
that made it, and then everybody else, has its pong.
"""

import asyncio
import itertools
import json
import re
from argparse import ArgumentTypeError
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml
from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

SCRIPTS: Final = Path(__file__).with_name("scripts")
RECORDINGS: Final = Path(__file__).with_name("recordings")
PATIENCE: Final = 15.0
CLOSING_ROUNDS: Final = 10
"""Of pings to everybody, in which a server has noticed that a connection is closed."""
_LONG: Final = 1000
_NOTED: Final = re.compile(r"^\$(\d+)$")

Transcript = list[dict[str, list[Any]]]
"""For each step, what each peer heard that heard something."""


@dataclass(frozen=True)
class Server:
    """Where each kind of peer connects."""

    streamer: str
    player: str
    sfu: str

    @classmethod
    def at(cls, address: str) -> "Server":
        """The server at ``HOST:STREAMER_PORT,PLAYER_PORT,SFU_PORT``."""
        try:
            host, ports = address.rsplit(":", 1)
            streamer, player, sfu = (f"ws://{host}:{int(port)}/" for port in ports.split(","))
        except ValueError as error:
            raise ArgumentTypeError(f"{address} is not HOST:STREAMER_PORT,PLAYER_PORT,SFU_PORT") from error
        return cls(streamer, player, sfu)


@dataclass(frozen=True)
class Script:
    """What is played, and where two servers are meant to differ."""

    name: str
    about: str
    steps: list[dict[str, Any]]
    differs: dict[int, str]
    """Step, counted from 1, and why the sidecar does something else there than the reference."""

    @classmethod
    def load(cls, name: str) -> "Script":
        """The script of this name."""
        content = yaml.safe_load((SCRIPTS / f"{name}.yaml").read_text())
        return cls(name, content["about"], content["steps"], content.get("differs", {}))

    def recorded(self) -> Transcript:
        """What the reference made of it when it was last recorded; nothing for a step that it was spared."""
        transcript: Transcript = json.loads((RECORDINGS / f"{self.name}.json").read_text())
        return transcript


def names() -> list[str]:
    """The scripts there are."""
    return sorted(path.stem for path in SCRIPTS.glob("*.yaml"))


@dataclass
class Peer:
    """One end of a connection."""

    socket: ClientWebSocketResponse
    heard: list[Any] = field(default_factory=list)
    open: bool = True


class Play:
    """One script at one server."""

    def __init__(self, server: Server, http: ClientSession, *, reference: bool) -> None:
        self._server: Final = server
        self._http: Final = http
        self._reference: Final = reference
        self._peers: Final[dict[str, Peer]] = {}
        self._times: Final = itertools.count(900_001)
        self._ids: Final[list[str]] = []
        """Players' ids in the order in which a streamer heard of them."""

    async def run(self, script: Script) -> Transcript:
        """The transcript."""
        transcript: Transcript = []
        try:
            for step in script.steps:
                spared = self._reference and "unsafe" in step
                transcript.append({} if spared else await self._step(step))
        finally:
            for peer in self._peers.values():
                await peer.socket.close()
        return transcript

    async def _step(self, step: dict[str, Any]) -> dict[str, list[Any]]:
        ((action, detail),) = ((key, value) for key, value in step.items() if key != "unsafe")
        ((name, what),) = detail.items()
        before = sum(peer.open for peer in self._peers.values())
        await getattr(self, f"_{action}")(name, what)
        first = [name] if name in self._peers else []
        for each in [*first, *(other for other in self._peers if other != name), *self._peers]:
            await self._settle(self._peers[each])
        if sum(peer.open for peer in self._peers.values()) < before:
            # The reference tells others of a connection that it closes once the peer has closed it too.
            for each in [*self._peers] * CLOSING_ROUNDS:
                await self._settle(self._peers[each])
        heard = {name: list(map(self._plain, peer.heard)) for name, peer in self._peers.items() if peer.heard}
        for peer in self._peers.values():
            peer.heard.clear()
        return heard

    async def _connect(self, name: str, role: str) -> None:
        url: str = getattr(self._server, role)
        self._peers[name] = Peer(await self._http.ws_connect(url, max_msg_size=0))

    async def _say(self, name: str, message: Any) -> None:
        await self._text(name, json.dumps(self._named(message)))

    async def _text(self, name: str, text: str) -> None:
        # What one server has closed, the other may not have.
        if self._peers[name].open:
            await self._peers[name].socket.send_str(text)

    async def _long(self, name: str, size: int) -> None:
        """An offer of so many bytes."""
        await self._text(name, json.dumps({"type": "offer", "sdp": "x" * size}))

    async def _binary(self, name: str, text: str) -> None:
        if self._peers[name].open:
            await self._peers[name].socket.send_bytes(text.encode("latin1"))

    async def _close(self, name: str, code: int) -> None:
        await self._peers[name].socket.close(code=code)
        del self._peers[name]

    async def _settle(self, peer: Peer) -> None:
        """Hear everything that was sent to a peer so far."""
        if not peer.open:
            return
        time = next(self._times)
        with suppress(ConnectionError):
            await peer.socket.send_str(json.dumps({"type": "ping", "time": time}))
        while True:
            frame = await asyncio.wait_for(peer.socket.receive(), PATIENCE)
            if frame.type is not WSMsgType.TEXT:
                peer.open = False
                # Without a code in the frame a client makes up one of these.
                code = peer.socket.close_code if peer.socket.close_code not in {1005, 1006} else None
                peer.heard.append({"closed": code, "reason": frame.extra or ""})
                return
            message = json.loads(frame.data)
            if message == {"type": "pong", "time": time}:
                return
            if message["type"] == "playerConnected" and message["playerId"] not in self._ids:
                self._ids.append(message["playerId"])
            peer.heard.append(message)

    def _named(self, value: Any) -> Any:
        """``$1`` is the id of the first player that a streamer heard of."""
        if isinstance(value, dict):
            return {key: self._named(each) for key, each in value.items()}
        if isinstance(value, str) and (found := _NOTED.match(value)):
            return self._ids[int(found[1]) - 1]
        return value

    def _plain(self, message: Any) -> Any:
        """A message without what each server words and counts in its own way."""
        if isinstance(message, dict):
            message = {key: self._plain(value) for key, value in message.items()}
            if message.get("type") == "subscribeFailed":
                message["message"] = "(why)"
            if message.get("type") == "config":
                message["peerConnectionOptions"] = "(options)"
            return message
        if isinstance(message, str) and message in self._ids:
            return f"${self._ids.index(message) + 1}"
        if isinstance(message, str) and len(message) > _LONG:
            return f"({len(message)} characters)"
        return message


async def play(script: Script, server: Server, *, reference: bool) -> Transcript:
    """Play a script against a server; the reference is spared what would end it."""
    async with ClientSession() as http:
        return await Play(server, http, reference=reference).run(script)


def differences(ours: Transcript, theirs: Transcript, script: Script) -> dict[int, tuple[Any, Any]]:
    """The steps, counted from 1, after which peers heard something else, with what they heard."""
    pairs = enumerate(zip(ours, theirs, script.steps, strict=True), 1)
    return {number: (our, their) for number, (our, their, step) in pairs if our != their and "unsafe" not in step}
