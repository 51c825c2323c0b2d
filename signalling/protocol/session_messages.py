"""Messages beyond Epic's protocol, for players that opted in. docs/session-protocol.md says what each is for.

A stock player or a streamer never gets one: both close or complain about a type they do not know.
"""

from enum import StrEnum
from typing import Annotated, Final, Literal, TypeAlias, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalling.protocol.messages import Message
from signalling.tickets.claims import Role

SUBPROTOCOL: Final = "pixel-streaming.v1+session"
"""What a player that opts in offers, and what it is answered."""


class State(StrEnum):
    """What goes on with a player."""

    QUEUED = "queued"
    STARTING = "starting"
    READY = "ready"
    RESUMED = "resumed"
    ENDING = "ending"
    ENDED = "ended"
    FAILED = "failed"
    REDIRECT = "redirect"


class Reason(StrEnum):
    """Why a session ends, or why there is none."""

    IDLE = "idle"
    TIME_LIMIT = "time_limit"
    MAINTENANCE = "maintenance"
    TERMINATED = "terminated"
    LEFT = "left"
    INSTANCE_FAILED = "instance_failed"
    TAKEN_OVER = "taken_over"
    LOGIN_REQUIRED = "login_required"
    LOGIN_REFUSED = "login_refused"
    FORBIDDEN = "forbidden"
    UNKNOWN_APPLICATION = "unknown_application"
    PAUSED = "paused"
    FULL = "full"
    QUEUE_FULL = "queue_full"
    TOO_MANY = "too_many"
    RATE_LIMITED = "rate_limited"
    SESSION_OVER = "session_over"
    NO_INSTANCE = "no_instance"


OperatorReason: TypeAlias = Literal["terminated", "maintenance"]
"""Reasons that whoever runs the service may end a session for."""
Seconds: TypeAlias = Annotated[float, Meta(ge=0)]
Total: TypeAlias = Annotated[int, Meta(ge=0, le=2**53)]
"""A count of a browser's, whose numbers have 53 bits."""
Ticket: TypeAlias = Annotated[str, Meta(max_length=4096)]


class SessionTicket(Message, tag="sessionTicket"):
    """To player: its ticket from now on."""

    ticket: str
    session: str


class SessionState(Message, tag="sessionState"):
    """To player: what goes on; which fields are set depends on the state."""

    state: State
    position: int | UnsetType = UNSET
    estimate_seconds: float | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    grace_seconds: float | UnsetType = UNSET
    max_seconds: float | UnsetType = UNSET
    idle_seconds: float | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET
    seconds: float | UnsetType = UNSET
    message: str | UnsetType = UNSET
    retry: bool | UnsetType = UNSET
    url: str | UnsetType = UNSET
    ticket: str | UnsetType = UNSET


class Participant(msgspec.Struct, frozen=True, rename="camel"):
    """One player of a session, as the others see it."""

    player: str
    role: Role
    connected: bool


class SessionPlayers(Message, tag="sessionPlayers"):
    """To player: who takes part."""

    you: str
    players: tuple[Participant, ...]


class SessionControlRequested(Message, tag="sessionControlRequested"):
    """To the owner: this spectator asks for control."""

    player: str


class SessionInvitation(Message, tag="sessionInvitation"):
    """To the owner: a ticket for whoever it invites."""

    ticket: str
    role: Role
    seconds: float


class SessionResume(Message, tag="sessionResume"):
    """From player, first after a reconnect: it was here before."""

    ticket: Ticket
    fresh: bool = False


class SessionActivity(Message, tag="sessionActivity"):
    """From player: there was input."""


class SessionStats(Message, tag="sessionStats"):
    """From player: WebRTC statistics. Totals count from the start of its peer connection."""

    frames_per_second: Seconds | UnsetType = UNSET
    bitrate: Seconds | UnsetType = UNSET
    """Bits per second."""
    round_trip_seconds: Seconds | UnsetType = UNSET
    jitter_seconds: Seconds | UnsetType = UNSET
    packets_lost: Annotated[int, Meta(ge=-(2**53), le=2**53)] | UnsetType = UNSET
    """Below 0 when more arrived than were sent, as copies do."""
    packets_received: Total | UnsetType = UNSET
    freezes: Total | UnsetType = UNSET
    freeze_seconds: Seconds | UnsetType = UNSET
    first_frame_seconds: Seconds | UnsetType = UNSET
    """From the click to the first frame; sent once."""
    candidate_type: Literal["host", "srflx", "prflx", "relay"] | UnsetType = UNSET
    protocol: Literal["udp", "tcp", "tls"] | UnsetType = UNSET
    turn: Annotated[str, Meta(max_length=64, pattern=r"^[0-9A-Za-z.:-]*$")] | UnsetType = UNSET
    """The relay's address."""


def merged(before: SessionStats | None, after: SessionStats) -> SessionStats:
    """The newest of each number."""
    if before is None:
        return after
    newest = {name: getattr(after, name) for name in after.__struct_fields__}
    return msgspec.structs.replace(before, **{name: value for name, value in newest.items() if value is not UNSET})


class SessionEnd(Message, tag="sessionEnd"):
    """From player: it leaves on purpose."""


class SessionInvite(Message, tag="sessionInvite"):
    """From the owner: an invitation, please."""

    role: Role = Role.SPECTATOR


class SessionRequestControl(Message, tag="sessionRequestControl"):
    """From a spectator: control, please."""


class SessionHandOver(Message, tag="sessionHandOver"):
    """From the owner: control goes to this spectator."""

    player: Annotated[str, Meta(max_length=64)]


SessionFromPlayer: TypeAlias = (
    SessionResume
    | SessionActivity
    | SessionStats
    | SessionEnd
    | SessionInvite
    | SessionRequestControl
    | SessionHandOver
)
SessionToPlayer: TypeAlias = SessionTicket | SessionState | SessionPlayers | SessionControlRequested | SessionInvitation

FROM_PLAYER: Final[tuple[type[Message], ...]] = get_args(SessionFromPlayer)
TO_PLAYER: Final[tuple[type[Message], ...]] = get_args(SessionToPlayer)

_FROM_PLAYER: Final = msgspec.json.Decoder(SessionFromPlayer)


def decode_from_player(data: str | bytes) -> SessionFromPlayer | None:
    """Read a frame of a player that opted in; None for one that is none of these messages."""
    try:
        message: SessionFromPlayer = _FROM_PLAYER.decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return message
