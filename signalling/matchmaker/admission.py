"""Who may come in, and who may wait: asked of an ``Admission`` at the upgrade and before a player is queued."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from signalling.protocol.session_messages import SUBPROTOCOL, Reason
from signalling.shell.handshake import UpgradeRequest
from signalling.tickets.claims import InvitationTicket, PlayerTicket

COOKIE: Final = "pixel_session"
"""Holds a stock player's own ticket."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who a player is, and what it may do."""

    subject: str = ""
    """Who logged in; empty for nobody in particular."""
    priority: int = 0
    """Higher is served earlier."""
    max_seconds: int = 0
    """A longest duration of this player's own; 0 for none."""
    address: str = ""
    """Where it comes from, as far as that is known."""
    invited: InvitationTicket | None = None
    """The session it was invited to."""
    returning: PlayerTicket | None = None
    """Its own ticket, shown by its browser: it has been here before."""
    resume_only: bool = False
    """It shows nothing but its own ticket: good to come back, not to begin."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a player is not let in."""

    reason: Reason
    message: str
    """For people."""
    status: int
    """What a stock player's upgrade is answered with."""
    retry: bool = False
    """Whether trying again makes sense."""
    retry_after: float = 0.0
    """Seconds, where they are known."""


@dataclass(frozen=True, slots=True)
class Redirected:
    """Another region has room for a player that opted in."""

    url: str
    """Its WebSocket address."""
    ticket: str = field(repr=False)


class Admission(Protocol):
    """Login and limits."""

    async def arrive(self, application: str, request: UpgradeRequest) -> Admitted | Refused:
        """A player asks for a connection, for this application of the stack."""
        ...

    async def enter(
        self, session: str, application: str, admitted: Admitted, waiting: int, *, returns: bool = False
    ) -> Refused | Redirected | None:
        """A player wants an instance for a new session, while so many wait; why it may not have one here.

        ``returns``: it has a place here already, for which the queue is not too long, nor another region better.
        """
        ...

    async def leave(self, session: str) -> None:
        """A session that has entered wants none any more, or has been given one that is over."""
        ...


def closed(admitted: Admitted, *, paused: bool) -> Refused | None:
    """Why a player may not begin a session, though it may come back to one."""
    if paused:
        return Refused(Reason.PAUSED, "Nobody new is let in at the moment. Try again later.", 503, retry=True)
    if admitted.resume_only:
        return Refused(Reason.LOGIN_REQUIRED, "This session is over. Log in for another.", 401)
    return None


def opts_in(request: UpgradeRequest) -> bool:
    """Whether a player wants to be told what goes on."""
    return SUBPROTOCOL in request.subprotocols or "1" in request.values("session")


def shown_tickets(request: UpgradeRequest) -> list[str]:
    """The tickets that somebody meant to show."""
    prefix = "pixel-ticket."
    offered = [each.removeprefix(prefix) for each in request.subprotocols if each.startswith(prefix)]
    return [*offered, *request.values("ticket")]


def cookie_of(request: UpgradeRequest) -> str:
    """The ticket that a browser sends by itself; empty if it sends none."""
    pairs = (pair.strip().partition("=") for line in request.headers.getall("Cookie", []) for pair in line.split(";"))
    return next((value for name, _, value in pairs if name == COOKIE), "")


def cookie_header(ticket: str, seconds: int, *, secure: bool) -> tuple[str, str]:
    """The header that gives a browser its ticket; no script may read it, and no other site's page sends it along."""
    flags = "; Secure" if secure else ""
    return "Set-Cookie", f"{COOKIE}={ticket}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{flags}"
