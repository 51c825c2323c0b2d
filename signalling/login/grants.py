"""What becomes of a login: a grant, or a refusal that each kind of player understands."""

from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

from signalling.protocol.session_messages import Reason
from signalling.tickets.claims import PlayerTicket, Role


@dataclass(frozen=True, slots=True)
class Grant:
    """Who a player is, and what it may do."""

    subject: str = ""
    """Who logged in; empty for nobody in particular."""
    applications: frozenset[str] | None = None
    """Those it may ask for; None for all."""
    priority: int = 0
    max_seconds: int = 0
    """A longest duration of this player's own; 0 for none."""
    role: Role = Role.OWNER
    session: str = ""
    """The session it was invited to; empty for one of its own."""
    once: str = field(default="", repr=False)
    """What this grant is good for once: a name of the ticket that it came from."""
    once_seconds: float = 0.0
    """How long that has to be remembered."""
    spilled: bool = False
    """It comes from another region, and is not sent on to a third."""
    returning: PlayerTicket | None = None
    """The player's own ticket, if it has been here before."""
    resume_only: bool = False
    """It shows nothing but its own ticket: good to come back to a session or a place in the queue, not to begin."""

    def covers(self, application: str) -> bool:
        """Whether it may ask for this application."""
        return self.applications is None or application in self.applications


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a player is not let in."""

    reason: Reason
    message: str
    """For people; holds nothing that was presented."""
    retry: bool = False
    """Whether trying again, as it is, makes sense."""
    retry_after: float = 0.0
    """Seconds, where they are known."""

    @property
    def status(self) -> HTTPStatus:
        """What a stock player's upgrade is answered with."""
        if self.retry and self.reason is Reason.LOGIN_REFUSED:
            return HTTPStatus.SERVICE_UNAVAILABLE
        return STATUSES.get(self.reason, HTTPStatus.SERVICE_UNAVAILABLE)


STATUSES: Final = MappingProxyType(
    {
        Reason.LOGIN_REQUIRED: HTTPStatus.UNAUTHORIZED,
        Reason.LOGIN_REFUSED: HTTPStatus.UNAUTHORIZED,
        Reason.FORBIDDEN: HTTPStatus.FORBIDDEN,
        Reason.UNKNOWN_APPLICATION: HTTPStatus.NOT_FOUND,
        Reason.TOO_MANY: HTTPStatus.TOO_MANY_REQUESTS,
        Reason.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
        Reason.SESSION_OVER: HTTPStatus.GONE,
    }
)
"""Of the others the service is not in a state to serve: 503."""
