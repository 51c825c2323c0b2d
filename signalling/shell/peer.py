"""A WebSocket that can be written to without waiting: a bounded outbox, and the end of the connection when full."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from aiohttp import ClientWebSocketResponse, WSMsgType, web

NORMAL: Final = 1000
"""The close code of an end as it should be."""


@dataclass(frozen=True, slots=True)
class OutboxLimit:
    """How far a peer may fall behind before it is cut off."""

    frames: int = 512
    size: int = 1 << 20
    """Bytes."""


class Peer:
    """One end of a connection; whoever reads from it does so within ``writing``."""

    def __init__(
        self,
        socket: web.WebSocketResponse | ClientWebSocketResponse,
        abort: Callable[[], None],
        limit: OutboxLimit,
        close_seconds: float = 5.0,
    ) -> None:
        self._socket: Final = socket
        self._abort: Final = abort
        self._limit: Final = limit
        self._close_seconds: Final = close_seconds
        self._outbox: Final[deque[bytes]] = deque()
        self._size = 0
        self._wake: Final = asyncio.Event()
        self._read: Final = asyncio.Event()
        """Whoever reads has come to the end."""
        self._closing: tuple[int, bytes] | None = None
        self.overflowed = False

    def send(self, data: str | bytes) -> None:
        """Queue a text frame; a peer that does not take what it is sent is cut off instead."""
        if self._closing is not None or self.overflowed:
            return
        frame = data.encode() if isinstance(data, str) else data
        if len(self._outbox) >= self._limit.frames or self._size + len(frame) > self._limit.size:
            self.overflowed = True
            self._outbox.clear()
            self._abort()
        else:
            self._outbox.append(frame)
            self._size += len(frame)
        self._wake.set()

    def close(self, code: int, reason: str) -> None:
        """Close the connection once everything queued before is sent; the first call counts."""
        if self._closing is None:
            self._closing = (code, reason.encode())
            self._wake.set()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """Send what is queued while the body reads; afterwards the connection is closed, whoever ended it and how."""
        writer = asyncio.create_task(self._write())
        try:
            yield
        finally:
            self._read.set()
            self.close(NORMAL, "")
            await asyncio.wait({writer}, timeout=self._close_seconds)
            if not writer.done():
                self._abort()
                writer.cancel()
                await asyncio.wait({writer})

    async def _write(self) -> None:
        with suppress(ConnectionError):
            while await self._something():
                await self._flush()
            if self._closing is not None and not self.overflowed:
                await self._end(*self._closing)

    async def _something(self) -> bool:
        while not self._outbox and self._closing is None and not self.overflowed:
            self._wake.clear()
            await self._wake.wait()
        return bool(self._outbox)

    async def _flush(self) -> None:
        while self._outbox:
            frame = self._outbox.popleft()
            # Not counted as sent before it is: the frame in hand is what a slow peer makes us wait for.
            await self._socket.send_frame(frame, WSMsgType.TEXT)
            self._size -= len(frame)

    async def _end(self, code: int, reason: bytes) -> None:
        try:
            async with asyncio.timeout(self._close_seconds):
                if not self._read.is_set():
                    # The socket's own close() would not wait for the other end's answer while somebody reads, and the
                    # reset that follows can overtake the code.
                    await self._socket.send_frame(code.to_bytes(2) + reason, WSMsgType.CLOSE)
                    await self._read.wait()
                await self._socket.close(code=code, message=reason)
        except TimeoutError:
            self._abort()
