"""What is told: one definition of an event, which the documentation of the API shows too."""

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta


class EventType(StrEnum):
    """What happened to a session."""

    QUEUED = "session.queued"
    """A player waits for an instance; not told of one that gets one at once."""
    STARTED = "session.started"
    """Player and instance are connected."""
    ENDED = "session.ended"
    """Over; told once it has been counted as usage."""
    FAILED = "session.failed"
    """Its instance could not be reached, or was lost. A player that saw nothing yet may be given another one, and then
    the session is told as started again."""


class SessionFacts(msgspec.Struct, frozen=True, omit_defaults=True):
    """The session that an event is about, as far as it is known then."""

    id: str
    application: str
    subject: Annotated[str, Meta(description="Who logged in; left out for nobody in particular.")] = ""
    version: str = ""
    instance: str = ""
    waited_seconds: float | None = None
    seconds: Annotated[float | None, Meta(description="How long it was, as it counts as usage.")] = None
    reason: Annotated[str, Meta(description="completed, abandoned, unreachable or interrupted.")] = ""


class Event(msgspec.Struct, frozen=True):
    """The body of a webhook."""

    id: Annotated[str, Meta(description="The same whenever the same event is told again.")]
    type: EventType
    timestamp: Annotated[datetime, Meta(tz=True)]
    region: str
    data: SessionFacts


def event(type: EventType, region: str, session: SessionFacts, at: datetime) -> Event:
    """An event with its id, which replicas that tell the same make the same."""
    named = f"{type} {session.id} {session.instance}"
    return Event(f"evt_{hashlib.sha256(named.encode()).hexdigest()[:32]}", type, at, region, session)
