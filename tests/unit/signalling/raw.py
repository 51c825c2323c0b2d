"""A WebSocket's bytes, for what no library would send."""

import asyncio
import base64
import os
import struct
from typing import ClassVar

TEXT, BINARY, CONTINUED, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10


def request(path: str = "/", connection: str = "Upgrade", more: str = "") -> bytes:
    """A request for a WebSocket."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: {connection}\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{more}\r\n"
    ).encode()


class Raw:
    """A connection of bytes."""

    opened: ClassVar[list[asyncio.StreamWriter]] = []

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.head = ""
        self.opened.append(writer)

    @classmethod
    async def connect(cls, port: int) -> "Raw":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    @classmethod
    async def upgrade(cls, port: int, path: str = "/", connection: str = "Upgrade", more: str = "") -> "Raw":
        """Ask for a WebSocket; ``head`` is the answer's."""
        raw = await cls.connect(port)
        raw.write(request(path, connection, more))
        raw.head = (await raw.reader.readuntil(b"\r\n\r\n")).decode()
        return raw

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    def frame(self, kind: int, payload: bytes = b"", *, last: bool = True, first: int = 0, masked: bool = True) -> None:
        mask = b"\x01\x02\x03\x04"
        size = len(payload)
        length = bytes([size | masked << 7]) if size < 126 else bytes([126 | masked << 7]) + struct.pack("!H", size)
        body = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload)) if masked else payload
        self.write(bytes([kind | last << 7 | first]) + length + (mask if masked else b"") + body)

    async def heard(self) -> tuple[int, bytes]:
        """The next frame's kind and payload; ConnectionError at the end."""
        try:
            first, size = await self.reader.readexactly(2)
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            return first & 15, await self.reader.readexactly(size)
        except asyncio.IncompleteReadError:
            raise ConnectionResetError("the end") from None

    async def ending(self) -> int:
        """The code of the close frame that comes next."""
        kind, payload = await self.heard()
        assert kind == CLOSE, (kind, payload)
        return int.from_bytes(payload[:2], "big")

    async def rest(self) -> bytes:
        try:
            return await asyncio.wait_for(self.reader.read(), 10)
        except ConnectionError:
            return b""
