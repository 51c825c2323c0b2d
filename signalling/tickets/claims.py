"""What a ticket says, by audience. See docs/session-protocol.md for who gives which to whom."""

from enum import StrEnum
from typing import ClassVar, TypeAlias

import msgspec


class Role(StrEnum):
    """What a player may do in a session."""

    OWNER = "owner"
    """Its input counts, and the session ends with it."""
    SPECTATOR = "spectator"
    """It watches."""


class SessionLimits(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the sidecar enforces. Seconds; 0 is no limit."""

    max_seconds: int = 0
    idle_seconds: int = 0
    """Without input; of opted-in players only, since input does not pass the signalling server."""
    grace_seconds: int = 30
    """How long a lost player stays a player."""
    warning_seconds: int = 60
    """How long before an end by a limit an opted-in player hears of it."""
    players: int = 8
    """Players of the session at once, the owner included."""
    shared: bool = False
    """Every player is a session of its own on this instance; there is no owner whose leaving ends it."""


class _Claims(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What all tickets have beside their audience and times."""


class PlayerTicket(_Claims, frozen=True):
    """A player's own: keeps its place in the queue, brings it back to its session."""

    audience: ClassVar = "player"
    session: str
    player: str
    """The player within the session; the owner's is the session's id."""
    app: str
    joined: int
    """When it joined the queue, in milliseconds since 1970: its place."""
    role: Role = Role.OWNER
    subject: str = ""
    """Who logged in; empty for nobody in particular."""
    priority: int = 0
    """Higher is served earlier."""
    max_seconds: int = 0
    """A longest duration of this player's own, below the application's; 0 for none."""


class AdmissionTicket(_Claims, frozen=True):
    """A matchmaker's right to bring this player to this instance."""

    audience: ClassVar = "admission"
    session: str
    player: str
    app: str
    instance: str
    """The pod's name."""
    role: Role = Role.OWNER
    subject: str = ""
    opted_in: bool = False
    resume: bool = False
    """It was here before."""
    fresh: bool = False
    """With ``resume``: it has a new peer connection and needs a new offer."""
    limits: SessionLimits = SessionLimits()


class InvitationTicket(_Claims, frozen=True):
    """A link into a session that goes on."""

    audience: ClassVar = "invitation"
    session: str
    app: str
    role: Role = Role.SPECTATOR


class LinkTicket(_Claims, frozen=True):
    """A link to one session, made by the session API; it replaces login."""

    audience: ClassVar = "link"
    id: str
    """Good for one session: a second one with the same id is refused while the first one's ticket lives."""
    app: str
    subject: str = ""
    priority: int = 0
    max_seconds: int = 0


class Command(StrEnum):
    """What a sidecar may be told."""

    END = "end"
    RECYCLE = "recycle"


class CommandTicket(_Claims, frozen=True):
    """A matchmaker's right to tell a sidecar something."""

    audience: ClassVar = "command"
    session: str
    instance: str
    command: Command


class RegionTicket(_Claims, frozen=True):
    """One region's word to another that this player has logged in and found no room."""

    audience: ClassVar = "region"
    region: str
    """Whose matchmakers may take it."""
    app: str
    subject: str = ""
    priority: int = 0
    max_seconds: int = 0


Claims: TypeAlias = PlayerTicket | AdmissionTicket | InvitationTicket | LinkTicket | CommandTicket | RegionTicket
