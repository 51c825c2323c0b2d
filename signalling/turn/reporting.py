"""Where coturn reports its allocations: what it takes for a Redis, on loopback.

Its `redis-statsdb` is the one live source that Debian's build has: each allocation when it is made, refreshed and
deleted, its traffic every 4096 packets and at its end. What Prometheus hears from other builds counts finished ones
only. Nothing is kept here but the table of `allocations.py`, so there is no database to run.

Only who has signed credentials appears in the reports, so the user in them is one that a matchmaker named.
"""

import asyncio
import logging
from collections.abc import Iterator
from typing import Final, Protocol, cast

LOG: Final = logging.getLogger("turn")

Command = list[bytes]

_MOST: Final = 1 << 16
"""Longest command in bytes: coturn's own buffers hold a thousand."""


class NotRedisError(ValueError):
    """What came is no command of the protocol."""


class CommandReader:
    """Commands out of bytes as they come (https://redis.io/docs/latest/develop/reference/protocol-spec/)."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Command]:
        """The commands that are whole now; NotRedisError, and no more of them, when it is something else."""
        self._buffer += data
        while (end := self._command()) is not None:
            command, size = end
            del self._buffer[:size]
            yield command
        if len(self._buffer) > _MOST:
            raise NotRedisError("a command that does not end")

    def _command(self) -> tuple[Command, int] | None:
        """The first command and its size, if it is whole."""
        head = self._number(0, b"*")
        if head is None:
            return None
        parts, at = head
        command: Command = []
        for _ in range(parts):
            part = self._number(at, b"$")
            if part is None:
                return None
            size, at = part
            if len(self._buffer) < at + size + 2:
                return None
            command.append(bytes(self._buffer[at : at + size]))
            at += size + 2
        return command, at

    def _number(self, at: int, kind: bytes) -> tuple[int, int] | None:
        """The number in a line that starts with `kind`, and where the next line starts."""
        end = self._buffer.find(b"\r\n", at)
        if end < 0:
            return None
        digits = self._buffer[at + 1 : end]
        if self._buffer[at : at + 1] != kind or not digits.isdigit() or int(digits) > _MOST:
            raise NotRedisError("no command of the protocol")
        return int(digits), end + 2


def answer(command: Command) -> bytes:
    """What a Redis that holds nothing says."""
    match command[0].lower() if command else b"":
        case b"keys":
            return b"*0\r\n"
        case b"publish" | b"del":
            return b":0\r\n"
        case _:
            return b"+OK\r\n"


class Reader(Protocol):
    """Who makes something of the reports."""

    def receive(self, key: bytes, value: bytes) -> None:
        """One report."""
        ...

    def forget(self) -> None:
        """coturn has started: it asks for the keys of its former life, once, to delete them."""
        ...


class _Connection(asyncio.Protocol):
    """One of coturn's: each of its threads has one."""

    def __init__(self, reader: Reader, open_ones: set[asyncio.Transport]) -> None:
        self._reader: Final = reader
        self._open: Final = open_ones
        self._commands: Final = CommandReader()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it, to answer."""
        # What a stream server gives; uvloop's is no subclass.
        self._transport = cast(asyncio.Transport, transport)
        self._open.add(self._transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is lost with it: coturn connects again."""
        self._open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        """Answer each command; what is published are the reports."""
        try:
            for command in self._commands.feed(data):
                match command:
                    case [word, key, value] if word.lower() == b"publish":
                        self._reader.receive(key, value)
                    case [word, *_] if word.lower() == b"keys":
                        self._reader.forget()
                self._transport.write(answer(command))
        except NotRedisError as error:
            LOG.warning("a connection for reports was closed", extra={"reason": str(error)})
            self._transport.abort()


class Reporting:
    """The listener: ``start``, then ``stop``."""

    def __init__(self, port: int, reader: Reader) -> None:
        """``port`` is on loopback; 0 is any."""
        self._port: Final = port
        self._reader: Final = reader
        self._open: Final[set[asyncio.Transport]] = set()
        self._server: asyncio.Server

    @property
    def port(self) -> int:
        """The port in use."""
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self) -> None:
        """Listen; OSError when the port is taken."""
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self._reader, self._open), "127.0.0.1", self._port
        )

    async def stop(self) -> None:
        """Close the listener and every connection."""
        self._server.close()
        for each in list(self._open):
            each.abort()
        await self._server.wait_closed()
