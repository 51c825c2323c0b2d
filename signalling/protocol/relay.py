"""The matchmaker's side of the protocol: one player, first waiting for an instance, then relayed to it.

A stock player is queued without any extension: it gets its ``config``, asks for the list of streamers, and the reply is
held back until an instance is claimed. Then the held request goes to the instance's sidecar, and everything else is
passed on as it came; the sidecar's machine checks it. Pings are always answered here, so a wait causes no timeout.

A player that opted in is told what goes on, and says a few things that are for the matchmaker only. See
docs/session-protocol.md.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

import msgspec
from msgspec import UNSET

from signalling.protocol import messages as m
from signalling.protocol import session_messages as s
from signalling.protocol.actions import CloseCode
from signalling.tickets.claims import Role


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
class Resume:
    """The player was here before and shows its ticket; ``resumed``, ``enqueued`` or ``fail`` is the answer."""

    ticket: str
    fresh: bool


@dataclass(frozen=True, slots=True)
class Abandon:
    """The instance has no streamer: end it, and find this player another one."""


@dataclass(frozen=True, slots=True)
class Invite:
    """The owner wants an invitation; ``invitation`` is the answer."""

    role: Role


@dataclass(frozen=True, slots=True)
class Seen:
    """The player sees the stream: from here on its place in the queue is used up."""


@dataclass(frozen=True, slots=True)
class Ending:
    """The player has said that it leaves on purpose."""


@dataclass(frozen=True, slots=True)
class ClosePlayer:
    """Close the player's connection."""

    code: int
    reason: str


RelayAction: TypeAlias = ToPlayer | ToInstance | Enqueue | Resume | Abandon | Invite | Seen | Ending | ClosePlayer


PASSED_ON: Final = frozenset({CloseCode.REFUSED, CloseCode.TOO_BIG, CloseCode.DISCONNECTED, CloseCode.FULL})
"""The sidecar's close codes that mean the same to the player, as do the application's own, 4900 to 4999."""
AWAY: Final = 1001
"""To a player: over, and nothing to come again for. A stock player comes again after every other code."""
OVER: Final = frozenset({4010, 4011})
"""The sidecar's close codes after which a player does not come again."""
HELD: Final = 64
"""Frames of a player that are kept while its instance is being connected again."""
HELD_BYTES: Final = 262_144


class Stage(Enum):
    """How far a player has come."""

    CONNECTED = "connected"
    """It has its config and has asked for nothing."""
    RESUMING = "resuming"
    """It has shown the ticket of a session; whether that goes on is being found out."""
    QUEUED = "queued"
    """It waits for an instance; its request is held."""
    OFFERED = "offered"
    """It is connected to an instance that has not answered its request yet."""
    STREAMING = "streaming"
    """The instance has answered: from here on the session stands and falls with it."""
    CLOSED = "closed"
    """Refused or over; nothing more is said or heard."""


class Relay:
    """One player's connection."""

    def __init__(self, peer_connection_options: msgspec.Raw, *, opted_in: bool = False) -> None:
        self._config: Final = m.Config(
            peer_connection_options=peer_connection_options, protocol_version=m.PROTOCOL_VERSION
        )
        self.opted_in: Final = opted_in
        self._requests: Final[dict[str, str | bytes]] = {}
        """What the player asked for before it had an instance: one of each kind."""
        self._held: list[str | bytes] = []
        """Other frames, between a lost connection's return and the instance: from the player …"""
        self._unsaid: list[str | bytes] = []
        """… and what an instance has said of the session before it is known to have a streamer."""
        self._size = 0
        self.stage = Stage.CONNECTED
        self.seen = False
        """The player sees the stream, or has said so."""
        self.answered = False
        """The player has answered an offer: a stock player says nothing later than that."""
        self.role: Role | None = None
        """The player's, once the sidecar has said which."""
        self._ended = False
        """The sidecar has said why the session is over."""

    # From the player

    def opened(self, ticket: s.SessionTicket | None = None) -> list[RelayAction]:
        """The player has connected: its config comes first, then its ticket if it opted in."""
        return [ToPlayer(m.encode(self._config)), *self.ticket(ticket)]

    def ticket(self, ticket: s.SessionTicket | None) -> list[RelayAction]:
        """A new ticket of the player's."""
        return [ToPlayer(m.encode(ticket))] if ticket is not None and self.opted_in else []

    def from_player(self, data: str | bytes) -> list[RelayAction]:
        """A frame of the player's."""
        if self.stage is Stage.CLOSED:
            return []
        kind = m.type_of(data)
        if kind == _PING:
            return self._pong(data)
        if self.opted_in and kind in _SESSION_KINDS:
            return self._session_message(data)
        if self.stage in _WITH_INSTANCE:
            self.answered = self.answered or kind == _ANSWER
            return [ToInstance(data)]
        return self._before_instance(data)

    def _pong(self, data: str | bytes) -> list[RelayAction]:
        message = m.decode_from_player(data)
        return [ToPlayer(m.encode(m.Pong(time=message.time)))] if isinstance(message, m.Ping) else []

    def _before_instance(self, data: str | bytes) -> list[RelayAction]:
        match m.decode_from_player(data):
            case m.ListStreamers() | m.Subscribe() as message:
                return self._request(message, data)
            case m.Unsubscribe():
                self._requests.pop(_tag(m.Subscribe), None)
                return []
            case m.Offer() | m.Answer() | m.IceCandidate() | m.LayerPreference() if self.stage is Stage.RESUMING:
                return self._hold(data)
            case m.Offer() | m.Answer():
                self.stage = Stage.CLOSED
                refusal = "Subscribe to a streamer first."
                failed = m.encode(m.SubscribeFailed(message=refusal))
                return [ToPlayer(failed), ClosePlayer(CloseCode.REFUSED, refusal)]
            case _:
                return []

    def _request(self, message: m.ListStreamers | m.Subscribe, data: str | bytes) -> list[RelayAction]:
        # One of each kind at most: whatever a player repeats, it holds two frames.
        self._requests[_tag(type(message))] = data
        if self.stage is not Stage.CONNECTED:
            return []
        self.stage = Stage.QUEUED
        return [Enqueue()]

    def _hold(self, data: str | bytes) -> list[RelayAction]:
        """Frames of a peer connection that goes on; whoever sends more than it could need is cut off."""
        self._size += len(data)
        if len(self._held) >= HELD or self._size > HELD_BYTES:
            self.stage = Stage.CLOSED
            return [ClosePlayer(CloseCode.REFUSED, "too much at once")]
        self._held.append(data)
        return []

    def _session_message(self, data: str | bytes) -> list[RelayAction]:
        message = s.decode_from_player(data)
        if self.stage in _WITH_INSTANCE:
            return self._in_session(message, data)
        match message:
            case s.SessionResume(ticket=ticket, fresh=fresh) if self.stage is Stage.CONNECTED:
                self.stage = Stage.RESUMING
                return [Resume(ticket, fresh)]
            case s.SessionEnd():
                self.stage = Stage.CLOSED
                return [Ending(), ClosePlayer(AWAY, "")]
            case _:
                return []

    def _in_session(self, message: s.SessionFromPlayer | None, data: str | bytes) -> list[RelayAction]:
        match message:
            case s.SessionInvite(role=role):
                return [Invite(role)] if self.role is Role.OWNER else []
            case s.SessionEnd():
                return [Ending(), ToInstance(data)]
            case s.SessionStats(first_frame_seconds=first):
                return [*([] if first is UNSET else self._now_seen()), ToInstance(data)]
            case s.SessionActivity():
                return [*self._now_seen(), ToInstance(data)]
            case s.SessionRequestControl() | s.SessionHandOver():
                return [ToInstance(data)]
            case _:
                return []

    def _now_seen(self) -> list[RelayAction]:
        before, self.seen = self.seen, True
        return [] if before else [Seen()]

    def settled(self) -> list[RelayAction]:
        """It is a while since the player answered: a stock player has its picture by now."""
        return self._now_seen() if self.answered and self.stage is Stage.STREAMING else []

    # From the matchmaker

    def enqueued(self) -> list[RelayAction]:
        """A player that showed its ticket has no instance yet, and waits."""
        if self.stage is Stage.RESUMING:
            self.stage = Stage.QUEUED
            return [Enqueue()]
        return []

    def waits(self, position: int, estimate: float | None) -> list[RelayAction]:
        """The player's position in the queue, and how long it will still take if that is known."""
        seconds = UNSET if estimate is None else estimate
        state = s.SessionState(state=s.State.QUEUED, position=position, estimate_seconds=seconds)
        return self._say(state) if self.stage is Stage.QUEUED else []

    def starting(self) -> list[RelayAction]:
        """An instance has been claimed."""
        return self._say(s.SessionState(state=s.State.STARTING)) if self.stage is Stage.QUEUED else []

    def fail(self, reason: s.Reason, text: str, *, retry: bool) -> list[RelayAction]:
        """The player gets no session; ``text`` is for a person. A stock player comes again where that makes sense."""
        if self.stage is Stage.CLOSED:
            return []
        self.stage = Stage.CLOSED
        said = self._say(s.SessionState(state=s.State.FAILED, reason=reason, message=text, retry=retry))
        code = AWAY if self.opted_in else CloseCode.RESTART if retry else CloseCode.REFUSED
        return [*said, ClosePlayer(code, text)]

    def redirect(self, url: str, ticket: str) -> list[RelayAction]:
        """Another region has room for this opted-in player."""
        if self.stage is Stage.CLOSED:
            return []
        self.stage = Stage.CLOSED
        said = self._say(s.SessionState(state=s.State.REDIRECT, url=url, ticket=ticket))
        return [*said, ClosePlayer(AWAY, "Another region has room.")]

    def taken_over(self) -> list[RelayAction]:
        """Another connection has taken this player's place in the queue."""
        if self.stage is Stage.CLOSED:
            return []
        self.stage = Stage.CLOSED
        text = "Another connection took this place."
        state = s.SessionState(state=s.State.ENDED, reason=s.Reason.TAKEN_OVER, message=text)
        return [*self._say(state), ClosePlayer(AWAY, text)]

    def invitation(self, ticket: str, role: Role, seconds: float) -> list[RelayAction]:
        """The answer to an Invite."""
        return self._say(s.SessionInvitation(ticket=ticket, role=role, seconds=seconds))

    def _say(self, message: m.Message) -> list[RelayAction]:
        return [ToPlayer(m.encode(message))] if self.opted_in else []

    # From the instance

    def allocated(self, *, going_on: bool = False) -> list[RelayAction]:
        """A connection to a sidecar stands: the held requests go there, the list before the subscription.

        With ``going_on`` the player's peer connection to the instance still stands, and so nothing is asked.
        """
        if self.stage not in {Stage.QUEUED, Stage.RESUMING}:
            return []
        self.stage = Stage.STREAMING if going_on else Stage.OFFERED
        self.seen = self.seen or going_on
        asked = () if going_on else (_tag(m.ListStreamers), _tag(m.Subscribe))
        frames = [*(self._requests[kind] for kind in asked if kind in self._requests), *self._held]
        self._held = []
        return [ToInstance(frame) for frame in frames]

    def from_instance(self, data: str | bytes) -> list[RelayAction]:
        """A frame of the sidecar's: all but its config, since the player has ours."""
        kind = m.type_of(data)
        if kind is None or kind == _CONFIG or (kind in _SAID_OF_SESSIONS and not self.opted_in):
            return []
        if kind == _STATE:
            self._hear(data)
        if self.stage is Stage.STREAMING:
            return [ToPlayer(data)]
        if self.stage is not Stage.OFFERED:
            return []
        if kind in _SAID_OF_SESSIONS and self._requests and len(self._unsaid) < HELD:
            # Not before the instance is known to have a streamer: else the player waits on as if nothing had been.
            self._unsaid.append(data)
            return []
        if kind == _LIST and not _lists_any(data):
            self._back()
            return [Abandon()]
        if kind not in _SAID_OF_SESSIONS:
            self.stage = Stage.STREAMING
        unsaid, self._unsaid = self._unsaid, []
        return [ToPlayer(frame) for frame in (*unsaid, data)]

    def instance_gone(self, code: int | None, reason: str) -> list[RelayAction]:
        """The sidecar's connection has ended, with ``code`` if it said one.

        Before the instance has answered there is nothing to do: the player has seen nothing of it, and waits on.
        """
        if self.stage in {Stage.CLOSED, Stage.CONNECTED, Stage.RESUMING}:
            return []
        if code in OVER:
            self.stage = Stage.CLOSED
            return [*map(ToPlayer, self._unsaid), ClosePlayer(AWAY, reason)]
        if self.stage is not Stage.STREAMING:
            self._back()
            return []
        self.stage = Stage.CLOSED
        if code is not None and (code in PASSED_ON or 4900 <= code <= 4999):
            return [ClosePlayer(code, reason)]
        told, text = self._failure(code)
        return [*(self._say(told) if told else ()), ClosePlayer(CloseCode.RESTART, text)]

    def _failure(self, code: int | None) -> tuple[s.SessionState | None, str]:
        """What a player is told whose instance was lost with ``code`` while it streamed, and why it is closed."""
        failed = s.Reason.INSTANCE_FAILED
        if self.opted_in and not (self.seen or self._ended):
            # Its ticket keeps its place, and it has no picture to lose: it comes again.
            text = "The instance has gone."
            return s.SessionState(state=s.State.FAILED, reason=failed, message=text, retry=True), text
        if self.opted_in and code == CloseCode.RESTART and not self._ended:
            # The sidecar has lost its streamer: coming again would only tell that there is nothing to come back to.
            text = "The application has stopped."
            return s.SessionState(state=s.State.ENDED, reason=failed, message=text), text
        return None, "the instance is gone"

    def _back(self) -> None:
        self.stage = Stage.QUEUED
        self._unsaid = []

    def _hear(self, data: str | bytes) -> None:
        try:
            said = _STATES.decode(data)
        except _UNREADABLE:
            return
        if said.role is not UNSET:
            self.role = said.role
        self._ended = said.state is s.State.ENDED


def _tag(kind: type[m.Message]) -> str:
    return str(kind.__struct_config__.tag)


_PING: Final = _tag(m.Ping)
_ANSWER: Final = _tag(m.Answer)
_CONFIG: Final = _tag(m.Config)
_LIST: Final = _tag(m.StreamerList)
_STATE: Final = _tag(s.SessionState)
_SESSION_KINDS: Final = frozenset(map(_tag, s.FROM_PLAYER))
_SAID_OF_SESSIONS: Final = frozenset(map(_tag, s.TO_PLAYER))
_WITH_INSTANCE: Final = frozenset({Stage.OFFERED, Stage.STREAMING})
_STATES: Final = msgspec.json.Decoder(s.SessionState)
_LISTS: Final = msgspec.json.Decoder(m.StreamerList)
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeError, RecursionError)


def _lists_any(data: str | bytes) -> bool:
    try:
        return bool(_LISTS.decode(data).ids)
    except _UNREADABLE:
        return False
