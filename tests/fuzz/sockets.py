"""A sample of the frames, and bytes that are none, through real sockets: the others there notice nothing."""

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import ClientSession, WSMsgType

from signalling.protocol.messages import Role
from signalling.sidecar.server import SidecarServer
from signalling.sidecar.settings import SidecarSettings
from tests.fuzz.frames import Frames
from tests.unit.signalling.clients import Client, eventually, streamer
from tests.unit.signalling.raw import BINARY, CLOSE, TEXT, Raw, request

LOCAL: Final[dict[str, Any]] = {
    **dict.fromkeys(("streamer_port", "sfu_port", "player_port", "health_port"), 0),
    **dict.fromkeys(("player_host", "health_host"), "127.0.0.1"),
}
PORTS: Final = {"streamer": Role.STREAMER, "players": Role.PLAYER, "sfu": Role.SFU}
BATCH: Final = 20


@asynccontextmanager
async def sidecar() -> AsyncIterator[SidecarServer]:
    """A sidecar that admits anybody and several streamers."""
    more: dict[str, Any] = {
        "admit_anybody": True,
        "max_streamers": 4,
        "messages_per_second": 0,
        "max_message_bytes": 8192,
    }
    settings = SidecarSettings(**LOCAL, **more)
    server = SidecarServer(settings)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


class Witness:
    """Somebody who has nothing to do with the frames, and reads all the time: who does not is cut off as he should."""

    def __init__(self, client: Client) -> None:
        self._client: Final = client
        self._heard: Final[list[dict[str, Any]]] = []
        self._reading: Final = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for frame in self._client.socket:
            if frame.type is WSMsgType.TEXT:
                self._heard.append(json.loads(frame.data))

    async def say(self, kind: str, **fields: Any) -> None:  # A message's.
        await self._client.say(kind, **fields)

    async def hears(self, kind: str, **fields: Any) -> dict[str, Any]:  # A message's.
        """Wait for such a message."""
        wanted = {"type": kind, **fields}.items()
        await eventually(lambda: any(wanted <= said.items() for said in self._heard), f"{kind} heard")
        return next(said for said in self._heard if wanted <= said.items())

    async def leave(self) -> list[dict[str, Any]]:
        """Go; all that was heard."""
        assert not self._reading.done(), "a witness was put out"
        await self._client.gone()
        await self._reading
        return self._heard


async def fuzz(frames: int, seed: int) -> dict[str, int]:
    """Send so many frames to each port, and as many bytes of nonsense; how many connections each port ended."""
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    logging.getLogger("websocket").addHandler(Faults(faults))
    async with sidecar() as server, ClientSession() as http:
        url = "ws://127.0.0.1:{}/".format
        unreal = Witness(await streamer(http, url(server.ports["streamer"]), "witness"))
        player = Witness(await Client.connect(http, url(server.ports["players"])))
        await player.say("subscribe", streamerId="witness")
        player_id = (await unreal.hears("playerConnected"))["playerId"]
        ended = {name: await _flood(server.ports[name], frames, Frames(port, seed)) for name, port in PORTS.items()}
        for name in PORTS:
            await _nonsense(server.ports[name], max(20, frames // BATCH), random.Random(seed))
        await unreal.say("offer", sdp="for the witness", playerId=player_id)
        await player.hears("offer")
        await player.say("answer", sdp="of the witness")
        await unreal.hears("answer", playerId=player_id)
        async with http.get(f"http://127.0.0.1:{server.ports['health']}/healthz") as answer:
            assert answer.status == 200
        _undisturbed(await player.leave(), await unreal.leave(), player_id)
    assert not faults, faults
    return ended


def _undisturbed(player: list[dict[str, Any]], unreal: list[dict[str, Any]], player_id: str) -> None:
    """Nobody has said anything to the witness' player, or in its name, but the witnesses."""
    assert player[0]["type"] == "config"
    assert player[1:] == [{"type": "offer", "sdp": "for the witness", "playerId": player_id}]
    its = [said for said in unreal if said.get("playerId") == player_id]
    assert its[0] == {"type": "playerConnected", "playerId": player_id, "dataChannel": True, "sfu": False}
    assert its[1:] == [{"type": "answer", "sdp": "of the witness", "playerId": player_id}]
    # Others may have subscribed to its streamer, by its name.
    assert {said["type"] for said in unreal} <= FROM_PLAYERS


FROM_PLAYERS: Final = {"playerConnected", "playerDisconnected", "answer", "offer", "iceCandidate", "layerPreference"}


class Faults(logging.Handler):
    """Writes down every handler that failed."""

    def __init__(self, into: list[object]) -> None:
        super().__init__(logging.ERROR)
        self._into: Final = into

    def emit(self, record: logging.LogRecord) -> None:
        self._into.append(record.exc_info or record.getMessage())


async def _flood(port: int, frames: int, supply: Frames) -> int:
    """Frames, one after the other, by connections that are made anew when they were ended."""
    sent = ended = 0
    while sent < frames:
        raw = await Raw.upgrade(port)
        reading = asyncio.create_task(_until_closed(raw))
        try:
            while sent < frames and not reading.done():
                for _ in range(BATCH):
                    data = supply.next()
                    # Now and then what is no text is called one.
                    binary = isinstance(data, bytes) and sent % (20 * BATCH)
                    raw.frame(BINARY if binary else TEXT, _encoded(data)[:60_000])
                    sent += 1
                await raw.writer.drain()
                await asyncio.sleep(0)
        except ConnectionError:
            pass
        ended += reading.done()
        reading.cancel()
        raw.writer.transport.abort()
        await asyncio.gather(reading, return_exceptions=True)
    return ended


def _encoded(data: str | bytes) -> bytes:
    return data if isinstance(data, bytes) else data.encode(errors="replace")


async def _until_closed(raw: Raw) -> None:
    """Read until the other end wants no more."""
    while (await raw.heard())[0] != CLOSE:
        pass


async def _drained(raw: Raw) -> None:
    while await raw.reader.read(65_536):
        pass


async def _nonsense(port: int, connections: int, chance: random.Random) -> None:
    """Bytes instead of requests, and instead of frames."""
    for number in range(connections):
        raw = await Raw.connect(port)
        head = request() if number % 2 else _damaged(request(), chance)
        raw.write(head + chance.randbytes(chance.randrange(2_000)))
        try:
            await raw.writer.drain()
            raw.writer.write_eof()
            async with asyncio.timeout(10):
                await _drained(raw)
        except (ConnectionError, OSError):
            pass
        raw.writer.transport.abort()


def _damaged(head: bytes, chance: random.Random) -> bytes:
    data = bytearray(head)
    for _ in range(chance.randrange(1, 6)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)
