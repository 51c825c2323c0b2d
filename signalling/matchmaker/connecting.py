"""Bringing a player to an instance: the admission ticket, the connection, and what can go wrong with it."""

import logging
from dataclasses import dataclass
from enum import Enum
from typing import Final

from signalling.kubernetes.instances import Instance
from signalling.matchmaker.issuing import Issuer
from signalling.matchmaker.player import Link, Player, Ways
from signalling.matchmaker.settings import ApplicationSettings
from signalling.protocol.session_messages import SUBPROTOCOL
from signalling.shell.handshake import ConnectRefused, connect
from signalling.shell.websocket import Keepalive, SocketLimits
from signalling.tickets.claims import AdmissionTicket, PlayerTicket, SessionLimits

LOG: Final = logging.getLogger("matchmaker.connecting")


class Brought(Enum):
    """What became of it."""

    CONNECTED = "connected"
    OVER = "over"
    """The instance has another session, or this one's is over."""
    FULL = "full"
    """No room, or the instance is going."""
    UNREACHABLE = "unreachable"
    """No answer, or none that makes sense."""


@dataclass(frozen=True, slots=True)
class Wires:
    """How connections to instances are made and kept."""

    port: int
    limits: SocketLimits
    keepalive: Keepalive
    seconds: float
    """An instance that takes longer to answer is given up."""


def limits_of(application: ApplicationSettings, ticket: PlayerTicket) -> SessionLimits:
    """What the sidecar enforces for this player's session."""
    its = application.session
    longest = [seconds for seconds in (60 * its.max_minutes, ticket.max_seconds) if seconds]
    return SessionLimits(
        max_seconds=min(longest, default=0),
        idle_seconds=60 * its.idle_minutes,
        grace_seconds=its.grace_seconds,
        warning_seconds=its.warning_seconds,
        players=its.players,
        shared=application.shared,
    )


class Connector:
    """Connects players."""

    def __init__(self, issuer: Issuer, wires: Wires) -> None:
        self._issuer: Final = issuer
        self._wires: Final = wires

    async def bring(self, player: Player, application: ApplicationSettings, instance: Instance, ways: Ways) -> Brought:
        """Connect a player to an instance; where that succeeds the two are talking when this returns."""
        its, ticket = self._wires, player.ticket
        claims = AdmissionTicket(
            session=ticket.session,
            player=ticket.player,
            app=ticket.app,
            instance=instance.name,
            role=ticket.role,
            subject=ticket.subject,
            opted_in=player.relay.opted_in,
            resume=ways.resumes,
            fresh=ways.resumes and not ways.going_on,
            limits=limits_of(application, ticket),
        )
        said = {"session": ticket.session, "instance": instance.name}
        if instance.address is None:
            return Brought.UNREACHABLE
        try:
            await connect(
                instance.address,
                its.port,
                Link(player, instance, ways),
                headers=[("Authorization", f"Bearer {self._issuer.sign(claims)}")],
                subprotocols=[SUBPROTOCOL] if player.relay.opted_in else [],
                limits=its.limits,
                keepalive=its.keepalive,
                seconds=its.seconds,
            )
        except ConnectRefused as refused:
            LOG.warning("instance refused", extra={**said, "status": refused.status})
            answers = {409: Brought.OVER, 503: Brought.FULL}
            return answers.get(refused.status or 0, Brought.UNREACHABLE)
        except (OSError, TimeoutError) as error:
            LOG.warning("instance unreachable", extra={**said, "error": repr(error)[:300]})
            return Brought.UNREACHABLE
        return Brought.CONNECTED
