"""The decision about a player that asks for a connection: whether it may have one, and who it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec

from signalling.matchmaker.admission import Admission, Refused, closed, cookie_header, opts_in
from signalling.matchmaker.connections import Connections
from signalling.matchmaker.identity import guest, newcomer
from signalling.matchmaker.issuing import Issuer
from signalling.matchmaker.leases import Leases, Presence
from signalling.matchmaker.metrics import MatchmakerMetrics
from signalling.matchmaker.neighbours import Challenge
from signalling.matchmaker.player import House, Player
from signalling.matchmaker.queues import Queues, Returned
from signalling.matchmaker.settings import ApplicationSettings, MatchmakerSettings, StackSettings
from signalling.matchmaker.shares import FleetWatch
from signalling.matchmaker.sidecars import Sidecars, Status
from signalling.matchmaker.whereabouts import Whereabouts
from signalling.protocol.actions import close_reason
from signalling.protocol.messages import encode
from signalling.protocol.relay import AWAY, Relay
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
    options: Callable[[str, str, str], msgspec.Raw]
    """The ``peerConnectionOptions`` in an application, of a session's player."""
    open: Callable[[], bool]
    """Whether anybody is let in."""


def returnable(ticket: PlayerTicket, status: Status, presence: Presence, *, shared: bool) -> bool:
    """Whether an instance holds a player's session, and the player is away from it.

    The sidecar may not know yet that a player is gone whose matchmaker has died.
    """
    its = shared or status.session in {None, ticket.session}
    taking_part = status.participant(ticket.player)
    here = taking_part is not None and taking_part.connected and presence is Presence.UNKNOWN
    return its and not here


class Turned:
    """A player that is turned away, and told why: a Handler."""

    def __init__(self, refused: Refused) -> None:
        self._refused: Final = refused

    def opened(self, socket: WebSocket) -> None:
        """See Handler."""
        its = self._refused
        state = SessionState(state=State.FAILED, reason=its.reason, message=its.message, retry=its.retry)
        socket.send(encode(state))
        socket.close(AWAY, close_reason(its.message))

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
        application = its.stack.application(next(iter(request.values("app")), None))
        if not its.open() or len(its.connections) >= its.settings.max_players:
            found: Player | Refused = Refused(Reason.FULL, "No room.", 503, retry=True, retry_after=2.0)
        elif application is None:
            found = Refused(Reason.UNKNOWN_APPLICATION, "There is no such application.", 404)
        else:
            found = await self._identify(request, application)
        return self._refuse(request, found) if isinstance(found, Refused) else self._accept(request, found)

    async def _identify(self, request: UpgradeRequest, application: ApplicationSettings) -> Player | Refused:
        """Who a player is, or why it may not come."""
        its = self._its
        admitted = await its.admission.arrive(application.name, request)
        if isinstance(admitted, Refused):
            return admitted
        back: Returned | None = None
        if admitted.invited is not None:
            back = Returned(guest(admitted.invited, admitted), kept=True)
        elif admitted.returning is not None and not opts_in(request):
            # An opted-in player says itself what it comes back to, and how.
            back = await self._led_back(admitted.returning, application)
        returns = back is not None and back.kept
        # It is asked again when it wants a new session: until then it may show the ticket of one that goes on.
        refused = closed(admitted, paused=its.fleets.paused(application.name))
        if refused is not None and not returns and not opts_in(request):
            return refused
        ticket = newcomer(application.name, admitted) if back is None else back.ticket
        relay = Relay(its.options(application.name, ticket.session, ticket.player), opted_in=opts_in(request))
        return Player(ticket, admitted, relay, self._house, its.settings.settled_seconds, returns=returns)

    async def _led_back(self, ticket: PlayerTicket, application: ApplicationSettings) -> Returned | None:
        """The player of a cookie's ticket; None where its session is over, or it is still there in another tab."""
        if ticket.app != application.name:
            return None
        presence = await self._its.leases.presence(ticket.player, self._challenge)
        if presence is Presence.THERE:
            return None
        instance = await self._its.whereabouts.instance_of(application, ticket.session)
        if instance is not None:
            status = await self._its.sidecars.status(instance)
            lost = status is None or (status.over and not application.shared)
            if not lost and status is not None:
                back = returnable(ticket, status, presence, shared=application.shared)
                return Returned(ticket, kept=True) if back else None
        if ticket.player != ticket.session:
            return None
        return await self._its.queues.returning(ticket, lost=instance is not None)

    def _accept(self, request: UpgradeRequest, player: Player) -> Accept:
        if player.relay.opted_in:
            return Accept(player, _subprotocol(request))
        seconds = self._its.settings.ticket_seconds
        secure = request.headers.get("X-Forwarded-Proto", "").lower() == "https"
        cookie = cookie_header(self._its.issuer.sign(player.ticket, seconds), seconds, secure=secure)
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
