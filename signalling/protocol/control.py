"""A player's way to the application's own API, where the application has one and its stack file opens it.

A data channel's messages are short; this has no such limit. The API stands at a fixed address of the pod, and what a
player names is a path below it and nothing else. The messages are those of the system this one grew out of.
"""

import re
from typing import Annotated, Final

from msgspec import UNSET, Meta, Raw, UnsetType

from signalling.protocol.messages import Message, opaque

_SEGMENT: Final = r"[A-Za-z0-9_~-][A-Za-z0-9_.~-]*"
_ACTION: Final = re.compile(rf"/?{_SEGMENT}(?:/{_SEGMENT})*(?:\?[A-Za-z0-9_.~%=&+-]*)?")
LONGEST_ACTION: Final = 512
PAYLOAD_BYTES: Final = 65_536


class Control(Message, tag="control"):
    """From player: ask the application; with a payload it is a POST, without one a GET."""

    action: Annotated[str, Meta(max_length=LONGEST_ACTION)]
    payload: Raw | UnsetType = UNSET


class ControlResponse(Message, tag="response"):
    """To the player that asked: the application's answer, or what went wrong."""

    action: str
    response: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET


def allowed(action: str) -> bool:
    """Whether it is a plain path: no segment that begins with a dot, no escapes, no host, no empty segment."""
    return _ACTION.fullmatch(action) is not None


def failure(action: str, message: str, status: int | None = None) -> ControlResponse:
    """The answer when something went wrong."""
    error = {"message": message} if status is None else {"message": message, "status": status}
    return ControlResponse(action=action, error=opaque(error))
