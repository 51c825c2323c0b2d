"""A streamer and a player as plain WebSocket clients, with the messages as plain data."""

import asyncio
import json
import time
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

PATIENCE = 15.0


class Client:
    """One connection."""

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.config: dict[str, Any] = {}
        self.ticket: dict[str, Any] = {}

    @classmethod
    async def connect(cls, http: ClientSession, url: str, **more: Any) -> "Client":
        return cls(await http.ws_connect(url, max_msg_size=0, **more))

    @property
    def cookie(self) -> str:
        """The ticket that the server gave this browser."""
        return self.socket._response.cookies["pixel_session"].value

    async def say(self, kind: str, **fields: Any) -> None:
        await self.socket.send_str(json.dumps({"type": kind, **fields}))

    async def hear(self) -> dict[str, Any]:
        """The next message."""
        frame = await asyncio.wait_for(self.socket.receive(), PATIENCE)
        assert frame.type is WSMsgType.TEXT, frame
        message: dict[str, Any] = json.loads(frame.data)
        return message

    async def expect(self, kind: str) -> dict[str, Any]:
        """The next message, which is of this kind."""
        message = await self.hear()
        assert message["type"] == kind, message
        return message

    async def silent(self, seconds: float = 0.2) -> bool:
        """Whether nothing comes for a while (and whatever is sent meanwhile has been dealt with)."""
        try:
            frame = await asyncio.wait_for(self.socket.receive(), seconds)
        except TimeoutError:
            return True
        raise AssertionError(frame)

    async def closed(self) -> tuple[int | None, str]:
        """The code and reason of the close that comes next."""
        frame = await asyncio.wait_for(self.socket.receive(), PATIENCE)
        assert frame.type in {WSMsgType.CLOSE, WSMsgType.CLOSED}, frame
        return self.socket.close_code, frame.extra or ""

    async def gone(self) -> None:
        """Be gone, in whatever state the connection is."""
        connection = self.socket._response.connection
        if connection is not None and connection.transport is not None:
            connection.transport.abort()
        await self.socket.close()


def cut(socket: ClientWebSocketResponse) -> None:
    """Break a connection off, without a word of the protocol."""
    connection = socket._response.connection
    assert connection is not None and connection.transport is not None
    connection.transport.abort()


async def streamer(http: ClientSession, url: str, name: str = "demo") -> Client:
    """A streamer that has sent its name."""
    client = await Client.connect(http, url)
    assert [(await client.hear())["type"] for _ in range(2)] == ["identify", "config"]
    await client.say("endpointId", id=name)
    await client.expect("endpointIdConfirm")
    return client


async def eventually(check: Any, what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + PATIENCE
    while not check():
        assert time.monotonic() < deadline, f"never happened: {what}"
        await asyncio.sleep(0.01)
