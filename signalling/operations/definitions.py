"""Requests and answers of the session API, one definition each; the OpenAPI document is made from these."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

from signalling.protocol.session_messages import OperatorReason
from signalling.tickets.claims import Role

MOST_A_PAGE: Final = 1000
MOST_INSTANCES: Final = 10_000
LONGEST_NAME: Final = 253

Time: TypeAlias = Annotated[datetime, Meta(tz=True)]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=63, pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
Count: TypeAlias = Annotated[int, Meta(ge=0)]
Seconds: TypeAlias = Annotated[float, Meta(ge=0)]
Members: TypeAlias = Annotated[dict[str, Any], Meta(extra_json_schema={"additionalProperties": True})]
"""Any members of any kind."""


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered; all fields are there."""


class _Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked; what is not known is refused rather than left undone."""


class SessionState(StrEnum):
    """Where a session is between a player's coming and its end."""

    QUEUED = "queued"
    STARTING = "starting"
    """It has an instance, and no player is connected to it yet."""
    RUNNING = "running"
    AWAY = "away"
    """No owner is connected any more, and the grace time runs."""
    ENDING = "ending"


class Player(_Answer, frozen=True, kw_only=True):
    """Somebody who takes part in a session."""

    player: str
    role: Role
    connected: bool
    since: Time | None = None
    stats: Annotated[
        Members | None, Meta(description="What the player's page last reported, as `sessionStats` has it.")
    ] = None


class Session(_Answer, frozen=True, kw_only=True):
    """One visit of one player."""

    id: str
    application: str
    state: SessionState
    subject: Annotated[str, Meta(description="Who logged in; empty for nobody in particular.")] = ""
    priority: int = 0
    version: str | None = None
    instance: str | None = None
    node: str | None = None
    gpu: Annotated[
        str | None, Meta(description="What it holds of its node's GPUs, by the device plugin's name; null for none.")
    ] = None
    joined: Annotated[Time | None, Meta(description="When it joined the queue.")] = None
    started: Annotated[Time | None, Meta(description="When it was given its instance.")] = None
    position: Annotated[int | None, Meta(description="In the queue, from 1.")] = None
    players: Annotated[
        tuple[Player, ...] | None, Meta(description="Of one session, or with `players=true`; null if nobody can tell.")
    ] = None


class Sessions(_Answer, frozen=True, kw_only=True):
    """A page of sessions."""

    items: tuple[Session, ...]
    next: Annotated[str | None, Meta(description="Give it as `after` for the next page; null on the last.")] = None


class InstanceState(StrEnum):
    """What an instance does."""

    STARTING = "starting"
    IDLE = "idle"
    SESSION = "session"
    DRAINING = "draining"
    ENDING = "ending"


class Instance(_Answer, frozen=True, kw_only=True):
    """One pod of a fleet."""

    name: str
    application: str
    version: str
    state: InstanceState
    node: str | None = None
    gpu: Annotated[
        str | None, Meta(description="What it holds of its node's GPUs, by the device plugin's name; null for none.")
    ] = None
    address: str | None = None
    session: str | None = None
    started: Annotated[Time | None, Meta(description="When its session was given it.")] = None
    players: Annotated[int | None, Meta(description="Of an instance that sessions share.")] = None


class Instances(_Answer, frozen=True, kw_only=True):
    """All instances."""

    items: tuple[Instance, ...]


class Fleet(_Answer, frozen=True, kw_only=True):
    """The instances of one version."""

    name: str
    version: str
    weight: Annotated[int, Meta(description="Its share of new sessions, relative to the application's other fleets.")]
    drained: Annotated[bool, Meta(description="An operator gives it no new sessions.")]
    rolled_back: Annotated[
        str | None, Meta(description="Why the fleet controller gives it no new sessions; null while it does.")
    ] = None
    buffer: Annotated[int, Meta(description="Instances without a session that it shall have now.")]
    target: Annotated[
        int | None,
        Meta(description="How many of them are for players to come; null where no fleet controller keeps it."),
    ] = None
    override: Annotated[
        int | None, Meta(description="What an operator asked for in the place of the stack's buffer.")
    ] = None
    starting: Count
    idle: Count
    sessions: Count


class Application(_Answer, frozen=True, kw_only=True):
    """An application with its fleets."""

    name: str
    paused: Annotated[bool, Meta(description="An operator lets nobody new in.")]
    waiting: Count
    fleets: tuple[Fleet, ...]


class Applications(_Answer, frozen=True, kw_only=True):
    """All applications."""

    items: tuple[Application, ...]


class Waiting(_Answer, frozen=True, kw_only=True):
    """Somebody in a queue."""

    session: str
    position: int
    subject: str = ""
    priority: int = 0
    joined: Time | None = None
    estimate_seconds: Seconds | None = None


class Queue(_Answer, frozen=True, kw_only=True):
    """Who waits for an application, the first first."""

    application: str
    waiting: Annotated[int, Meta(description="In all; the items are the first of them.")]
    items: tuple[Waiting, ...]


class Node(_Answer, frozen=True, kw_only=True):
    """A node of the cluster."""

    name: str
    pools: Annotated[tuple[str, ...], Meta(description="default, turn, gpu.")]
    ready: bool
    schedulable: bool
    shape: Annotated[str, Meta(description="Its instance type, such as VM.GPU.A10.1.")] = ""
    gpus: Annotated[int, Meta(ge=0, description="What its device plugin hands out: GPUs, slots or partitions.")] = 0
    instances: Count = 0
    sessions: Count = 0
    kubelet: str = ""
    created: Time | None = None


class Nodes(_Answer, frozen=True, kw_only=True):
    """All nodes."""

    items: tuple[Node, ...]


class TurnNode(_Answer, frozen=True, kw_only=True):
    """A node of the TURN pool."""

    name: str
    address: Annotated[str | None, Meta(description="Where players reach it.")]
    offered: Annotated[bool, Meta(description="Players are sent to it: it is neither cordoned nor going.")]


class TurnNodes(_Answer, frozen=True, kw_only=True):
    """The TURN pool."""

    items: tuple[TurnNode, ...]


class UsageRow(_Answer, frozen=True, kw_only=True):
    """What a subject used of an application."""

    application: str
    subject: str
    session_seconds: Seconds
    sessions: Annotated[int, Meta(ge=0, description="Those that ended in the range.")]


class Usage(_Answer, frozen=True, kw_only=True):
    """What was used in whole hours of UTC. Sessions count once they have ended."""

    start: Time
    end: Annotated[Time, Meta(description="Not included.")]
    items: tuple[UsageRow, ...]


class AuditEntry(_Answer, frozen=True, kw_only=True):
    """What somebody did."""

    id: str
    at: Time
    action: Annotated[str, Meta(description="The operation's id in this document.")]
    target: str
    status: Annotated[int, Meta(description="What it was answered.")]
    credential: Annotated[str, Meta(description="`current` or `previous`: which admin key it was.")]
    operator: Annotated[str, Meta(description="Who it said it was, in the header `X-Operator`; nobody has checked.")]
    address: str
    details: Members


class Audit(_Answer, frozen=True, kw_only=True):
    """A page of the audit log, the newest first."""

    items: tuple[AuditEntry, ...]
    next: str | None = None


class LinkCreated(_Answer, frozen=True, kw_only=True):
    """A link to one session."""

    id: str
    ticket: str
    path: Annotated[str, Meta(description="Below the address of the player page.")]
    url: Annotated[str | None, Meta(description="The whole address, where the stack has a domain.")]
    expires: Time


class RegionRoom(_Answer, frozen=True, kw_only=True):
    """What is known of a region."""

    name: str
    url: str
    reachable: bool
    room: Annotated[dict[str, int], Meta(description="Sessions that could begin at once, by application.")]


class Regions(_Answer, frozen=True, kw_only=True):
    """This region and its peers."""

    name: str
    items: tuple[RegionRoom, ...]


class Done(_Answer, frozen=True, kw_only=True):
    """It will be done."""

    target: str
    seconds: Annotated[Seconds, Meta(description="The warning that a session gets; 0 where none goes on.")] = 0


class Problem(_Answer, frozen=True, kw_only=True):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    key: Annotated[str | None, Meta(description="The parameter, member or header that is wrong.")] = None
    value: Annotated[Any, Meta(description="What it was.")] = None
    remedy: Annotated[str | None, Meta(description="What to do instead.")] = None


class Nothing(_Request, frozen=True, kw_only=True):
    """No query, or no body."""


class PageQuery(_Request, frozen=True, kw_only=True):
    """A page."""

    limit: Annotated[int, Meta(ge=1, le=MOST_A_PAGE)] = 50
    after: Annotated[str, Meta(max_length=LONGEST_NAME, description="The last page's `next`.")] = ""


class AuditQuery(_Request, frozen=True, kw_only=True):
    """A page of the audit log."""

    limit: Annotated[int, Meta(ge=1, le=MOST_A_PAGE)] = 50
    after: Annotated[
        str, Meta(pattern="^([1-9][0-9]{0,18}-[0-9]{1,19})?$", description="The last page's `next`, an entry's id.")
    ] = ""


class SessionsQuery(PageQuery, frozen=True, kw_only=True):
    """Which sessions; what is left out is any."""

    application: Annotated[str, Meta(max_length=63)] = ""
    version: Annotated[str, Meta(max_length=63)] = ""
    subject: Annotated[str, Meta(max_length=256)] = ""
    state: SessionState | UnsetType = UNSET
    players: Annotated[bool, Meta(description="Ask each session's instance who takes part.")] = False


class InstancesQuery(_Request, frozen=True, kw_only=True):
    """Which instances."""

    application: Annotated[str, Meta(max_length=63)] = ""
    state: InstanceState | UnsetType = UNSET


class QueueQuery(_Request, frozen=True, kw_only=True):
    """How many of a queue."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class UsageQuery(_Request, frozen=True, kw_only=True):
    """The hours, and whose."""

    start: Annotated[datetime, Meta(tz=True, description="The beginning of an hour.")]
    end: Annotated[datetime, Meta(tz=True, description="The end of an hour, not included; 400 days at most.")]
    application: Annotated[str, Meta(max_length=63)] = ""
    subject: Annotated[str, Meta(max_length=256)] | UnsetType = UNSET


class End(_Request, frozen=True, kw_only=True):
    """How to end a session."""

    seconds: Annotated[float, Meta(ge=0, le=3600, description="After a warning of so long.")] = 60
    reason: Annotated[OperatorReason, Meta(description="What an opted-in player is told.")] = "terminated"
    queued_only: Annotated[
        bool, Meta(description="Only out of the queue: 409 if the session has its instance meanwhile.")
    ] = False


class Drain(_Request, frozen=True, kw_only=True):
    """How to drain an instance: one that has a session ends it after a warning."""

    seconds: Annotated[float, Meta(ge=0, le=86_400)] = 300


class Buffer(_Request, frozen=True, kw_only=True):
    """What a version keeps ready until a deployment changes its application's settings."""

    instances: Annotated[int, Meta(ge=0, le=MOST_INSTANCES, description="Warm instances.")]


class Link(_Request, frozen=True, kw_only=True):
    """A ticket for a link that stands for a login, once."""

    application: Name
    subject: Annotated[str, Meta(max_length=256)] = ""
    priority: Annotated[int, Meta(ge=-1000, le=1000)] = 0
    max_seconds: Annotated[int, Meta(ge=0, le=604_800, description="Longest session; 0 for the application's.")] = 0
    valid_seconds: Annotated[int, Meta(ge=10, le=30 * 86_400, description="How long it can be used.")] = 3600
