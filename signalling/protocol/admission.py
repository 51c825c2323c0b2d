"""Whether a player may come in now, before its connection becomes a WebSocket."""

from collections.abc import Mapping
from enum import IntEnum

from signalling.protocol.session import Session
from signalling.tickets.claims import AdmissionTicket, Role


class NotAdmitted(IntEnum):
    """Why not, as the status of the answer."""

    OVER = 409
    """The instance has another session, or its session is over, or there is nothing to go on with."""
    NO_ROOM = 503
    """It is full, or on its way out."""


def refusal(
    ticket: AdmissionTicket, sessions: Mapping[str, Session], *, over: bool, draining: bool, most: int
) -> NotAdmitted | None:
    """Why a player with this ticket may not come in; None if it may. ``most`` players find room here at all."""
    session = sessions.get(ticket.session)
    known = session.participants.get(ticket.player) if session else None
    if known is not None:
        # Without a streamer that knows it, its peer connection cannot go on.
        seamless = ticket.resume and not ticket.fresh
        return NotAdmitted.OVER if seamless and known.streamer is None else None
    if over or (ticket.resume and not ticket.fresh):
        return NotAdmitted.OVER
    if draining:
        return NotAdmitted.NO_ROOM
    if session is None and _barred(ticket, sessions):
        return NotAdmitted.OVER
    taking_part = sum(len(each.participants) for each in sessions.values())
    return NotAdmitted.NO_ROOM if taking_part >= min(most, ticket.limits.players) else None


def _barred(ticket: AdmissionTicket, sessions: Mapping[str, Session]) -> bool:
    """A session that is new here: it finds others only where all share the instance, and begins with its owner."""
    if ticket.role is not Role.OWNER:
        return True
    return bool(sessions) and not (ticket.limits.shared and all(each.limits.shared for each in sessions.values()))
