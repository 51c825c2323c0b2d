"""A session's life: who takes part, when it ends and why, and what its opted-in players are told of that.

Everything here is a decision on plain state; ``sidecar`` carries it out. Times are seconds of one clock, whichever.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from msgspec import UNSET, UnsetType

from signalling.protocol.actions import CloseCode
from signalling.protocol.quality import Quality
from signalling.protocol.routing import Player
from signalling.protocol.session_messages import Participant as ParticipantView
from signalling.protocol.session_messages import Reason, SessionPlayers, SessionState, SessionStats, State
from signalling.tickets.claims import Role, SessionLimits

RELOAD_SECONDS: Final = 10.0
"""How long a player stays one whose browser closed the connection: a reload takes less, and a closed tab is over."""

MESSAGES: Final = {
    Reason.IDLE: "There was no input for too long.",
    Reason.TIME_LIMIT: "The session has reached its longest duration.",
    Reason.MAINTENANCE: "The server is going down for maintenance.",
    Reason.TERMINATED: "The session was ended by an operator.",
    Reason.LEFT: "The session was left.",
    Reason.INSTANCE_FAILED: "The application has stopped.",
    Reason.TAKEN_OVER: "The session goes on in another window.",
}
"""What a page may show of why a session ended."""


@dataclass(slots=True, eq=False, kw_only=True)
class Participant(Player):
    """A player of a session, through all of its connections."""

    name: str
    """What tickets know it by."""
    session: "Session"
    role: Role
    since: float
    """When it came first."""
    opted_in: bool = False
    active: float = 0.0
    """When it gave input last, as far as it says so."""
    away_until: float = 0.0
    """While it is away: until when it may come back."""
    budget: float = 0.0
    """How much it may send at once; see ``pace``."""
    paid: float = 0.0
    """When the budget was reckoned last."""
    stats: SessionStats | None = None
    """What it reported last."""
    reported: float = 0.0
    """When."""

    @property
    def away(self) -> bool:
        """It has no connection."""
        return self.connection is None


class Ending(NamedTuple):
    """An end that is set."""

    at: float
    reason: Reason
    told_from: float
    """When opted-in players are to hear of it."""

    @property
    def news(self) -> tuple[Reason, float]:
        """What they hear again when it is another. An end by idleness moves with every input: that they know."""
        return self.reason, 0.0 if self.reason is Reason.IDLE else self.at


@dataclass(slots=True, eq=False)
class Session:
    """One visit, with those who take part in it."""

    id: str
    limits: SessionLimits
    started: float
    subject: str = ""
    """Who began it had logged in as."""
    participants: dict[str, Participant] = field(default_factory=dict)
    """By name."""
    handed: dict[str, Role] = field(default_factory=dict)
    """Roles that a hand-over has given, by name: they count also for whoever leaves and comes again by his ticket."""
    quality: Quality = field(default_factory=Quality)
    """Of the picture, as its owners report it."""
    ordered: list[Ending] = field(default_factory=list)
    """Ends that were asked for from outside."""
    told: tuple[Reason, float] | None = None
    """What opted-in players were warned of and not told otherwise since, as the end's ``news``."""

    @property
    def owners(self) -> Iterator[Participant]:
        """Those whose input counts."""
        return (one for one in self.participants.values() if one.role is Role.OWNER)

    @property
    def opted_in(self) -> Iterator[Participant]:
        """Those who are told things, and are there to hear them."""
        return (one for one in self.participants.values() if one.opted_in and not one.away)


def endings(session: Session) -> list[Ending]:
    """The ends that are set for a session as it is now, nearest first."""
    limits = session.limits
    if not (session.ordered or limits.max_seconds or limits.idle_seconds):
        return []
    found = list(session.ordered)
    if limits.max_seconds:
        found.append(_limit(session.started + limits.max_seconds, Reason.TIME_LIMIT, limits))
    if limits.idle_seconds and (idle_from := _idle_from(session)) is not None:
        found.append(_limit(idle_from + limits.idle_seconds, Reason.IDLE, limits))
    return sorted(found)


def _limit(at: float, reason: Reason, limits: SessionLimits) -> Ending:
    return Ending(at, reason, at - limits.warning_seconds)


def _idle_from(session: Session) -> float | None:
    """Since when nobody gave input; None when that cannot be said: only an opted-in page reports it."""
    present = [owner for owner in session.owners if not owner.away]
    if not present or not all(owner.opted_in for owner in present):
        return None
    return max(owner.active for owner in present)


def due(session: Session, now: float) -> Ending | None:
    """The end that has come."""
    return next((ending for ending in endings(session) if ending.at <= now), None)


def warning(session: Session, now: float) -> Ending | None:
    """The end that players should know of by now."""
    return next((ending for ending in endings(session) if ending.told_from <= now), None)


def next_deadline(session: Session, now: float) -> float | None:
    """When something has to be looked at again, if nothing else happens before."""
    # Asked of every session whenever something happens to one, and mostly there is nothing: every step counts here.
    moments = [one.away_until for one in session.participants.values() if one.connection is None]
    for ending in endings(session):
        moments.append(ending.at)
        if ending.told_from > now:
            moments.append(ending.told_from)
    return min(moments) if moments else None


def grace(limits: SessionLimits, code: int | None) -> float:
    """How long a player stays one whose connection has ended with this close code."""
    if code == 1000:
        return 0.0
    if code == CloseCode.BROWSER_CLOSED:
        return min(RELOAD_SECONDS, limits.grace_seconds)
    return limits.grace_seconds


def welcome(participant: Participant, now: float, state: State) -> SessionState:
    """What a player is told that takes part from now on, or again."""
    session = participant.session
    limits = session.limits
    return SessionState(
        state=state,
        role=participant.role,
        grace_seconds=float(limits.grace_seconds),
        max_seconds=_or_unset(limits.max_seconds and max(0.0, session.started + limits.max_seconds - now)),
        idle_seconds=_or_unset(limits.idle_seconds),
    )


def _or_unset(seconds: float) -> float | UnsetType:
    return float(seconds) if seconds else UNSET


def warned(ending: Ending, now: float) -> SessionState:
    """The warning of an end."""
    return SessionState(state=State.ENDING, reason=ending.reason, seconds=round(max(0.0, ending.at - now), 1))


def ended(reason: Reason) -> SessionState:
    """The end."""
    return SessionState(state=State.ENDED, reason=reason, message=MESSAGES[reason])


def company(participant: Participant) -> SessionPlayers:
    """Who takes part, for one of them."""
    everybody = participant.session.participants.values()
    views = tuple(ParticipantView(player=one.name, role=one.role, connected=not one.away) for one in everybody)
    return SessionPlayers(you=participant.name, players=views)


def pace(participant: Participant, size: int, now: float, per_second: float) -> bool:
    """Whether a player may send a message of ``size`` bytes now; it has a budget that fills up again.

    A message costs 1, and 1 more for each KiB: what floods a streamer is either. ``per_second`` of 0 is no limit.
    """
    if not per_second:
        return True
    most = per_second * BURST_SECONDS
    filled = min(most, participant.budget + (now - participant.paid) * per_second)
    participant.budget, participant.paid = filled - 1 - size / 1024, now
    return participant.budget >= 0


BURST_SECONDS: Final = 10.0
"""A player may send at once what it may send in so many seconds: it has a full budget when it comes."""
