"""What a matchmaker has whose front is not tested: everybody may come, and nobody keeps records."""

from collections.abc import Callable
from typing import Final

from signalling.kubernetes.instances import Instance
from signalling.matchmaker.admission import Admitted, Redirected, Refused, cookie_of, shown_tickets
from signalling.matchmaker.issuing import Issuer
from signalling.matchmaker.outcomes import Outcome
from signalling.protocol.session_messages import Reason
from signalling.shell.handshake import UpgradeRequest
from signalling.tickets.claims import InvitationTicket, PlayerTicket


class OpenAdmission:
    """Everybody may come; tickets lead back, and into sessions."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer: Final = issuer

    async def arrive(self, application: str, request: UpgradeRequest) -> Admitted | Refused:
        """See Admission."""
        for ticket in shown_tickets(request):
            if invited := self._issuer.proved(ticket, InvitationTicket):
                if invited.app == application:
                    return Admitted(address=request.address, invited=invited)
                return Refused(Reason.FORBIDDEN, "This invitation is for another application.", 403)
        returning = self._issuer.proved(cookie_of(request), PlayerTicket)
        return Admitted(address=request.address, returning=returning)

    async def enter(
        self, session: str, application: str, admitted: Admitted, waiting: int, *, returns: bool = False
    ) -> Refused | Redirected | None:
        """See Admission."""
        del session, application, admitted, waiting, returns
        return None

    async def leave(self, session: str) -> None:
        """See Admission."""
        del session


class Silence:
    """A chronicle that nobody reads."""

    def started(self, instance: Instance, waited: float) -> None:
        """See Chronicle."""

    def seen(self, instance: Instance) -> None:
        """See Chronicle."""

    def ended(self, instance: Instance, outcome: Outcome, counted: Callable[[], None] | None = None) -> None:
        """See Chronicle."""
        if counted is not None:
            counted()
