"""coturn's own console, on loopback: the one live and trustworthy source of what its allocations carry.

What Prometheus hears from builds that know it counts finished allocations only, and Debian's knows none of it. The log
tells of traffic too, but whoever reaches the port can write lines into it. And `redis-statsdb` is deadly: coturn 4.6.1
takes user names that nobody has signed for a format there, so that a stranger's `%s` ends it, with everybody's media.

The console lists allocations that were given, with the totals of each, which coturn brings up to date every 4096
packets and with each request of the client. So nothing has to be remembered here that a new start could lose.
"""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_PASSWORD_PROMPT: Final = b"Enter password: \r\n"
_PROMPT: Final = b"> "
_CHUNK: Final = 1 << 16
_MOST: Final = 64 << 20
"""Bytes of an answer: a hundred thousand allocations."""
_ANSWER_SECONDS: Final = 10.0

_ALLOCATION: Final = re.compile(
    rb"\) id=(?P<number>\d+), user <(?P<user>[^>]*)>:"
    rb".*?client protocol (?P<protocol>[A-Z/]+),"
    rb".*?usage: rp=(?P<rp>\d+), rb=(?P<rb>\d+), sp=(?P<sp>\d+), sb=(?P<sb>\d+)",
    re.DOTALL,
)


class ConsoleError(Exception):
    """The console did not say what it should."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One allocation, with all that it has carried since it was made."""

    number: int
    user: str
    """The name of its credentials, their time included."""
    protocol: str
    """How its client reaches coturn: UDP, TCP or TLS/TCP."""
    packets_from_player: int
    bytes_from_player: int
    packets_to_player: int
    bytes_to_player: int


def allocations(answer: bytes) -> Iterator[Listed]:
    """The allocations in what the console says to `ps`."""
    for found in _ALLOCATION.finditer(answer):
        yield Listed(
            int(found["number"]),
            found["user"].decode(errors="replace"),
            found["protocol"].decode(),
            *(int(found[key]) for key in ("rp", "rb", "sp", "sb")),
        )


class Console:
    """A connection to it, made when it is needed and again after it broke."""

    def __init__(self, port: int, password: str) -> None:
        """``port`` is on loopback."""
        self._port: Final = port
        self._password: Final = password
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def list(self) -> tuple[Listed, ...]:
        """Every allocation there is.

        Raises:
            OSError: nobody listens, so coturn does not run.
            ConsoleError: somebody does, and does not answer as coturn.
        """
        if self._streams is not None and self._streams[1].is_closing():
            # Its coturn is gone. To write to it is an error of another kind on each event loop.
            self.close()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                reader, writer = self._streams or await self._connect()
                writer.write(b"ps\r\n")
                answer = await _until(reader, _PROMPT)
        except TimeoutError:
            self.close()
            raise ConsoleError("no answer") from None
        except (OSError, ConsoleError):
            self.close()
            raise
        if b"Total sessions" not in answer:
            self.close()
            raise ConsoleError("the password is not its own")
        return tuple(allocations(answer))

    def close(self) -> None:
        """Let go of the connection; nothing else comes of it."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        await _until(reader, _PASSWORD_PROMPT)
        writer.write(self._password.encode() + b"\r\n")
        await _until(reader, _PROMPT)
        return reader, writer


async def _until(reader: asyncio.StreamReader, end: bytes) -> bytes:
    """Everything up to a prompt, after which the console waits."""
    parts = bytearray()
    while not parts.endswith(end):
        part = await reader.read(_CHUNK)
        if not part or len(parts) > _MOST:
            raise ConsoleError("the connection ended" if not part else "an answer without an end")
        parts += part
    return bytes(parts)
