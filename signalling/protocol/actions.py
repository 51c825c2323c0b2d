"""What a state machine asks its shell to do, and the close codes it uses."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final, TypeAlias

from signalling.protocol.messages import Message, Refused

Connection: TypeAlias = int
"""A connection's number, given by the shell and never used twice."""

REASON_BYTES: Final = 123
"""RFC 6455 leaves this much room for a close reason."""


class CloseCode(IntEnum):
    """Why we close. A stock player reconnects after every code but 1001, which is therefore never sent to one."""

    REFUSED = 1008
    """Policy: what this peer did or asked for is not allowed."""
    TOO_BIG = 1009
    """A frame over the limit."""
    DISCONNECTED = 1011
    """The streamer asked for the disconnect."""
    RESTART = 1012
    """The other end of the session is gone; come again."""
    FULL = 1013
    """No room."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message on a connection."""

    connection: Connection
    message: Message


@dataclass(frozen=True, slots=True)
class Close:
    """Close a connection; the machine has already forgotten it."""

    connection: Connection
    code: CloseCode
    reason: str


@dataclass(frozen=True, slots=True)
class Drop:
    """A frame was refused: count it, do nothing else."""

    connection: Connection
    why: Refused


Action: TypeAlias = Send | Close | Drop


def close_reason(text: str) -> str:
    """``text``, cut so that it fits a close frame."""
    return text.encode(errors="replace")[:REASON_BYTES].decode(errors="ignore")
