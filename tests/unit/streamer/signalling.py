"""A sidecar for tests: real WebSocket, real messages, one streamer at a time, no players' sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import WSMsgType, web


class Signalling:
    """Takes a streamer's connection, shakes hands, and keeps what it says."""

    def __init__(self, port: int = 0) -> None:
        self.port = port
        self.said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.connections = 0
        self.options: dict[str, Any] = {}
        self._socket: web.WebSocketResponse | None = None
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        await self.drop()
        if self._runner:
            await self._runner.cleanup()

    async def drop(self) -> None:
        """Close the streamer's connection, as a sidecar that ends does."""
        if self._socket is not None:
            await self._socket.close()

    async def send(self, **message: object) -> None:
        assert self._socket is not None
        await self._socket.send_str(json.dumps(message))

    async def send_text(self, text: str) -> None:
        assert self._socket is not None
        await self._socket.send_str(text)

    async def expect(self, kind: str) -> dict[str, Any]:
        """The streamer's next message, which must be of this type."""
        async with asyncio.timeout(10):
            message = await self.said.get()
        assert message["type"] == kind, message
        return message

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._socket = socket
        self.connections += 1
        await self.send(type="identify")
        await self.send(type="config", peerConnectionOptions=self.options, protocolVersion="1.3.0")
        async for frame in socket:
            assert frame.type is WSMsgType.TEXT
            message = json.loads(frame.data)
            if message["type"] == "endpointId":
                await self.send(type="endpointIdConfirm", committedId=message["id"])
            self.said.put_nowait(message)
        return socket


@asynccontextmanager
async def signalling() -> AsyncIterator[Signalling]:
    server = Signalling()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
