"""What a state machine asks its shell to do, and the close codes it uses."""

from enum import IntEnum
from typing import Final, TypeAlias

import msgspec

from signalling.protocol.messages import Message, Refused

Connection: TypeAlias = int
"""A connection's number, given by the shell and never used twice."""

REASON_BYTES: Final = 123
"""RFC 6455 leaves this much room for a close reason."""


class CloseCode(IntEnum):
    """Why we close. A stock player reconnects after every code but 1001, which is therefore never sent to one.

    From 4000 on they are between matchmaker and sidecar; docs/session-protocol.md says what each makes of them.
    """

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
    BROWSER_CLOSED = 4000
    """From the matchmaker: the player's browser closed the connection."""
    LOST = 4001
    """From the matchmaker: the player's connection was lost."""
    OVER = 4010
    """To the matchmaker: the session ended as it should."""
    TAKEN_OVER = 4011
    """To the matchmaker: another connection took the player's place."""


class Send(msgspec.Struct, frozen=True, gc=False):
    """Send a message on a connection."""

    connection: Connection
    message: Message


class Close(msgspec.Struct, frozen=True, gc=False):
    """Close a connection; the machine has already forgotten it."""

    connection: Connection
    code: CloseCode
    reason: str


class Drop(msgspec.Struct, frozen=True, gc=False):
    """A frame was refused: count it, do nothing else."""

    connection: Connection
    why: Refused


class AskGame(msgspec.Struct, frozen=True, gc=False):
    """Ask the application's own API, and send its answer to the connection if that still stands."""

    connection: Connection
    action: str
    """Path and query below the API's base, checked."""
    payload: bytes | None
    """JSON to post; None to get."""


class FirstFrame(msgspec.Struct, frozen=True, gc=False):
    """A player has seen its first frame, so long after its click; count it."""

    seconds: float


Action: TypeAlias = Send | Close | Drop | AskGame | FirstFrame


def close_reason(text: str) -> str:
    """``text``, cut so that it fits a close frame."""
    return text.encode(errors="replace")[:REASON_BYTES].decode(errors="ignore")
