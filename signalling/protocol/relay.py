"""The matchmaker's side of the protocol: one player, first waiting for an instance, then relayed to it.

A stock player is queued without any extension: it gets its ``config``, asks for the list of streamers, and the reply is
held back until an instance is claimed. Then the held request goes to the instance's sidecar, and everything else is
passed on as it came; the sidecar's machine checks it. Pings are always answered here, so a wait causes no timeout.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

import msgspec

from signalling.protocol import messages as m
from signalling.protocol.actions import CloseCode


@dataclass(frozen=True, slots=True)
class ToPlayer:
    """Send this frame to the player."""

    data: str | bytes


@dataclass(frozen=True, slots=True)
class ToInstance:
    """Send this frame to the instance's sidecar."""

    data: str | bytes


@dataclass(frozen=True, slots=True)
class Enqueue:
    """The player wants an instance now."""


@dataclass(frozen=True, slots=True)
class Abandon:
    """The instance has no streamer: end it, and find this player another one."""


@dataclass(frozen=True, slots=True)
class ClosePlayer:
    """Close the player's connection."""

    code: int
    reason: str


RelayAction: TypeAlias = ToPlayer | ToInstance | Enqueue | Abandon | ClosePlayer


PASSED_ON: Final = frozenset({CloseCode.REFUSED, CloseCode.TOO_BIG, CloseCode.DISCONNECTED, CloseCode.FULL})
"""The sidecar's close codes that mean the same to the player; any other becomes RESTART, and it comes again."""


class Stage(Enum):
    """How far a player has come."""

    CONNECTED = "connected"
    """It has its config and has asked for nothing."""
    QUEUED = "queued"
    """It waits for an instance; its request is held."""
    OFFERED = "offered"
    """It is connected to an instance that has not answered its request yet."""
    STREAMING = "streaming"
    """The instance has answered: from here on the session stands and falls with it."""
    CLOSED = "closed"
    """Refused; nothing more is said or heard."""


class Relay:
    """One player's connection."""

    def __init__(self, peer_connection_options: msgspec.Raw) -> None:
        self._config: Final = m.Config(
            peer_connection_options=peer_connection_options, protocol_version=m.PROTOCOL_VERSION
        )
        self._held: Final[dict[str, str | bytes]] = {}
        self.stage = Stage.CONNECTED

    def opened(self) -> list[RelayAction]:
        """The player has connected: its config comes first."""
        return [ToPlayer(m.encode(self._config))]

    def from_player(self, data: str | bytes) -> list[RelayAction]:
        """A frame of the player's."""
        if self.stage is Stage.CLOSED:
            return []
        if self.stage in {Stage.OFFERED, Stage.STREAMING} and m.type_of(data) != _tag(m.Ping):
            return [ToInstance(data)]
        return self._before_instance(data)

    def _before_instance(self, data: str | bytes) -> list[RelayAction]:
        match m.decode_from_player(data):
            case m.Ping(time=time):
                return [ToPlayer(m.encode(m.Pong(time=time)))]
            case m.ListStreamers() | m.Subscribe() as message:
                return self._hold(message, data)
            case m.Unsubscribe():
                self._held.pop(_tag(m.Subscribe), None)
                return []
            case m.Offer() | m.Answer():
                self.stage = Stage.CLOSED
                refusal = "Subscribe to a streamer first."
                failed = m.encode(m.SubscribeFailed(message=refusal))
                return [ToPlayer(failed), ClosePlayer(CloseCode.REFUSED, refusal)]
            case _:
                return []

    def allocated(self) -> list[RelayAction]:
        """A connection to a sidecar stands: the held requests go there, the list before the subscription."""
        if self.stage is not Stage.QUEUED:
            return []
        self.stage = Stage.OFFERED
        order = (_tag(m.ListStreamers), _tag(m.Subscribe))
        return [ToInstance(self._held[kind]) for kind in order if kind in self._held]

    def from_instance(self, data: str | bytes) -> list[RelayAction]:
        """A frame of the sidecar's: all but its config, since the player has ours."""
        kind = m.type_of(data)
        if kind is None or kind == _tag(m.Config):
            return []
        if self.stage is Stage.OFFERED:
            if kind == _tag(m.StreamerList) and not _lists_any(data):
                self.stage = Stage.QUEUED
                return [Abandon()]
            self.stage = Stage.STREAMING
        return [ToPlayer(data)] if self.stage is Stage.STREAMING else []

    def instance_gone(self, code: int | None, reason: str) -> list[RelayAction]:
        """The sidecar's connection has ended, with ``code`` if it said one.

        Nothing to do: the player has seen nothing of this instance yet and waits on for another.
        """
        if self.stage in {Stage.OFFERED, Stage.QUEUED}:
            self.stage = Stage.QUEUED
            return []
        if self.stage is Stage.CLOSED:
            return []
        self.stage = Stage.CLOSED
        passed_on = code in PASSED_ON or (code is not None and 4000 <= code <= 4999)
        if code is not None and passed_on:
            return [ClosePlayer(code, reason)]
        return [ClosePlayer(CloseCode.RESTART, "the instance is gone")]

    def _hold(self, message: m.ListStreamers | m.Subscribe, data: str | bytes) -> list[RelayAction]:
        # One of each kind at most: whatever a player repeats, it holds two frames.
        self._held[_tag(type(message))] = data
        if self.stage is Stage.QUEUED:
            return []
        self.stage = Stage.QUEUED
        return [Enqueue()]


def _tag(kind: type[m.Message]) -> str:
    return str(kind.__struct_config__.tag)


def _lists_any(data: str | bytes) -> bool:
    try:
        return bool(msgspec.json.decode(data, type=m.StreamerList).ids)
    except (msgspec.DecodeError, UnicodeError):
        return False
