"""The decision about a player that asks for a connection: whether it may have one, and who it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from signalling.matchmaker.admission import Admission, Admitted, Refused, closed, cookie_header, opts_in
from signalling.matchmaker.connections import Connections
from signalling.matchmaker.identity import guest, newcomer
from signalling.matchmaker.issuing import Issuer
from signalling.matchmaker.leases import Leases, Presence
from signalling.matchmaker.metrics import MatchmakerMetrics
from signalling.matchmaker.neighbours import Challenge
from signalling.matchmaker.player import House, Player
from signalling.matchmaker.queues import Queues
from signalling.matchmaker.settings import ApplicationSettings, MatchmakerSettings, StackSettings
from signalling.matchmaker.shares import FleetWatch
from signalling.matchmaker.sidecars import Sidecars
from signalling.matchmaker.whereabouts import Whereabouts
from signalling.protocol.actions import CloseCode, close_reason
from signalling.protocol.messages import encode
from signalling.protocol.relay import Relay
from signalling.protocol.session_messages import SUBPROTOCOL, Reason, SessionState, State
from signalling.shell.handshake import Accept, Answer, UpgradeRequest
from signalling.shell.websocket import WebSocket
from signalling.tickets.claims import PlayerTicket

SOCKET_PATHS: Final = frozenset({"/", "/ws"})


@dataclass(frozen=True)
class Desk:
    """What the decision needs."""

    settings: MatchmakerSettings
    stack: StackSettings
    admission: Admission
    issuer: Issuer
    connections: Connections
    leases: Leases
    queues: Queues
    whereabouts: Whereabouts
    sidecars: Sidecars
    fleets: FleetWatch
    metrics: MatchmakerMetrics
    options: Callable[[str], msgspec.Raw]
    """The ``peerConnectionOptions`` of a session's player."""
    open: Callable[[], bool]
    """Whether anybody is let in."""


class Turned:
    """A player that is turned away, and told why: a Handler."""

    def __init__(self, refused: Refused) -> None:
        self._refused: Final = refused

    def opened(self, socket: WebSocket) -> None:
        """See Handler."""
        its = self._refused
        state = SessionState(state=State.FAILED, reason=its.reason, message=its.message, retry=its.retry)
        socket.send(encode(state))
        socket.close(CloseCode.AWAY, close_reason(its.message))

    def received(self, data: str | bytes) -> None:
        """See Handler."""

    def closed(self, code: int | None, reason: str) -> None:
        """See Handler."""


class Arrivals:
    """Decides."""

    def __init__(self, desk: Desk, house: House, challenge: Callable[[Challenge], None]) -> None:
        """``challenge`` has a connection of this replica asked whether it is alive."""
        self._its: Final = desk
        self._house: Final = house
        self._challenge: Final = challenge

    async def decide(self, request: UpgradeRequest) -> Accept | Answer:
        """Whether a peer may have a WebSocket."""
        its = self._its
        if request.path not in SOCKET_PATHS:
            return Answer(404, "There is no such address.\n")
        if not its.open() or len(its.connections) >= its.settings.max_players:
            return self._refuse(request, Refused(Reason.FULL, "No room.", 503, retry=True, retry_after=2.0))
        application = its.stack.application(next(iter(request.values("app")), None))
        if application is None:
            text = "There is no such application."
            return self._refuse(request, Refused(Reason.UNKNOWN_APPLICATION, text, 404))
        admitted = await its.admission.arrive(application.name, request)
        if isinstance(admitted, Refused):
            return self._refuse(request, admitted)
        ticket = await self._returning(request, application, admitted)
        if ticket is not None:
            return self._accept(request, admitted, ticket, returns=True)
        # An opted-in player may still show the ticket of a session that goes on: it is asked when it wants a new one.
        refused = None if opts_in(request) else closed(admitted, paused=its.fleets.paused(application.name))
        if refused is not None:
            return self._refuse(request, refused)
        return self._accept(request, admitted, newcomer(application.name, admitted), returns=False)

    async def _returning(
        self, request: UpgradeRequest, application: ApplicationSettings, admitted: Admitted
    ) -> PlayerTicket | None:
        """Who somebody is that does not come anew: a guest of a session, or a player that its cookie leads back."""
        if admitted.invited is not None:
            return guest(admitted.invited, admitted)
        ticket = admitted.returning
        # An opted-in player says itself what it comes back to, and how.
        if ticket is None or ticket.app != application.name or opts_in(request):
            return None
        presence = await self._its.leases.presence(ticket.player, self._challenge)
        if presence is Presence.THERE:
            return None
        instance = await self._its.whereabouts.instance_of(application, ticket.session)
        if instance is None:
            place = await self._its.queues.returning(ticket) if ticket.player == ticket.session else None
            return None if place is None else msgspec.structs.replace(ticket, joined=place.joined)
        status = await self._its.sidecars.status(instance)
        if status is None or (status.over and not application.shared):
            return None
        if not application.shared and status.session not in {None, ticket.session}:
            return None
        taking_part = status.participant(ticket.player)
        still_there = taking_part is not None and taking_part.connected and presence is Presence.UNKNOWN
        return None if still_there else ticket

    def _accept(self, request: UpgradeRequest, admitted: Admitted, ticket: PlayerTicket, *, returns: bool) -> Accept:
        its, opted_in = self._its, opts_in(request)
        relay = Relay(its.options(ticket.session), opted_in=opted_in)
        player = Player(ticket, admitted, relay, self._house, its.settings.settled_seconds, returns=returns)
        if opted_in:
            return Accept(player, _subprotocol(request))
        seconds = its.settings.ticket_seconds
        secure = request.headers.get("X-Forwarded-Proto", "").lower() == "https"
        cookie = cookie_header(its.issuer.sign(ticket, seconds), seconds, secure=secure)
        return Accept(player, _subprotocol(request), [cookie])

    def _refuse(self, request: UpgradeRequest, refused: Refused) -> Accept | Answer:
        """A stock player's upgrade is refused; an opted-in one, which in a browser could not see why, is told."""
        self._its.metrics.refused.labels(refused.reason.value).inc()
        if opts_in(request) and self._its.open():
            return Accept(Turned(refused), _subprotocol(request))
        after = [("Retry-After", str(max(1, round(refused.retry_after))))] if refused.retry else []
        return Answer(refused.status, f"{refused.message}\n", after)


def _subprotocol(request: UpgradeRequest) -> str | None:
    return SUBPROTOCOL if SUBPROTOCOL in request.subprotocols else None
