"""Who a player is within its session, as its ticket says it. Pure, but for the names and the time of a new one."""

import secrets
import time

from msgspec.structs import replace

from signalling.matchmaker.admission import Admitted
from signalling.tickets.claims import InvitationTicket, PlayerTicket


def newcomer(application: str, admitted: Admitted) -> PlayerTicket:
    """A player with a session of its own, which it waits for from now on. The owner has the session's name."""
    name = _name()
    return PlayerTicket(
        session=name,
        player=name,
        app=application,
        joined=_milliseconds(),
        subject=admitted.subject,
        priority=admitted.priority,
        max_seconds=admitted.max_seconds,
    )


def guest(invited: InvitationTicket, admitted: Admitted) -> PlayerTicket:
    """Another player of a session that goes on."""
    return PlayerTicket(
        session=invited.session,
        player=_name(),
        app=invited.app,
        joined=_milliseconds(),
        role=invited.role,
        subject=admitted.subject,
    )


def renewed(ticket: PlayerTicket, joined: int | None = None) -> PlayerTicket:
    """The same player with a new session, as its old one is lost: at the end of the queue, or at a place it had."""
    name = _name()
    return replace(ticket, session=name, player=name, joined=_milliseconds() if joined is None else joined)


def _name() -> str:
    """Of a session or a player: it fits a label of Kubernetes, and nobody guesses it."""
    return secrets.token_hex(16)


def _milliseconds() -> int:
    return int(time.time() * 1000)
