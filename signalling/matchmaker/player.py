"""One player's connection and, once it has one, the connection to its instance."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from signalling.kubernetes.instances import Instance
from signalling.matchmaker.admission import Admitted
from signalling.matchmaker.estimates import Announcement
from signalling.protocol.actions import close_reason
from signalling.protocol.relay import (
    Abandon,
    ClosePlayer,
    Ending,
    Enqueue,
    Invite,
    Relay,
    RelayAction,
    Resume,
    Seen,
    Stage,
    ToInstance,
    ToPlayer,
)
from signalling.protocol.session_messages import SessionTicket
from signalling.shell.websocket import NO_CODE, NORMAL, WebSocket
from signalling.tickets.claims import PlayerTicket, Role

SAID: Final = 1000
"""To a sidecar: the player has said that it leaves."""
CLOSED: Final = 4000
"""To a sidecar: the player's browser has closed the connection."""
LOST: Final = 4001
"""To a sidecar: the player is lost."""
_BY_BROWSER: Final = frozenset({NORMAL, 1001, NO_CODE})


class House(Protocol):
    """Whom a player's connection asks, and tells what happens."""

    def connected(self, player: "Player") -> SessionTicket | None:
        """The connection stands; what an opted-in player gets first."""
        ...

    def wants_instance(self, player: "Player") -> None:
        """The player is ready for one."""
        ...

    def shows_ticket(self, player: "Player", ticket: str, *, fresh: bool) -> None:
        """The player was here before."""
        ...

    def wants_invitation(self, player: "Player", role: Role) -> None:
        """The owner of a session wants to invite somebody."""
        ...

    def sees(self, player: "Player") -> None:
        """The player sees its stream."""
        ...

    def met(self, player: "Player", link: "Link") -> None:
        """The player is connected to an instance."""
        ...

    def parted(self, player: "Player", link: "Link", code: int | None, *, useless: bool) -> None:
        """The connection to an instance has ended; ``useless`` if it had no streamer."""
        ...

    def left(self, player: "Player") -> None:
        """The player's connection is gone: the last call."""
        ...


@dataclass(frozen=True, slots=True)
class Ways:
    """How a player is led to an instance."""

    resumes: bool = False
    """It was there before."""
    going_on: bool = False
    """And its peer connection still stands."""


class Link:
    """The connection to an instance, as a Handler."""

    def __init__(self, player: "Player", instance: Instance, ways: Ways) -> None:
        self.instance: Final = instance
        self.ways: Final = ways
        self.slow = False
        """The instance was cut off as it did not read."""
        self._player: Final = player
        self._socket: WebSocket | None = None

    def opened(self, socket: WebSocket) -> None:
        """See Handler."""
        self._socket = socket
        self._player.attached(self)

    def received(self, data: str | bytes) -> None:
        """See Handler."""
        self._player.from_instance(self, data)

    def closed(self, code: int | None, reason: str) -> None:
        """See Handler."""
        self.slow = self._socket is not None and self._socket.overflowed
        self._socket = None
        self._player.detached(self, code, reason)

    def send(self, data: str | bytes) -> None:
        """Send the instance a frame."""
        if self._socket is not None:
            self._socket.send(data)

    def close(self, code: int) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close(code)


class Player:
    """A player from connecting to leaving, as a Handler."""

    def __init__(
        self, ticket: PlayerTicket, admitted: Admitted, relay: Relay, house: House, settled: float, *, returns: bool
    ) -> None:
        """``settled`` seconds after its answer a player that says nothing about it sees the stream."""
        self.ticket: PlayerTicket = ticket
        """Who it is; a player that shows another ticket becomes another."""
        self.first_session: Final = ticket.session
        """The session that its TURN credentials are for."""
        self.admitted: Final = admitted
        self.relay: Final = relay
        self.link: Link | None = None
        self.gone = False
        """The connection is gone."""
        self.ending = False
        """The player has said that it leaves."""
        self.epoch = 0
        """Of the lease of this connection."""
        self.returns = returns
        """It has been here before, and has a place or a session to come back to."""
        self.entered = False
        """It has been let into a queue."""
        self.asked_at = 0.0
        self.attempts = 0
        """Instances that came to nothing for this player."""
        self.told: Announcement | None = None
        """Its position, as it knows it."""
        self.code: int | None = None
        """The close code of its connection."""
        self._house: Final = house
        self._settled: Final = settled
        self._settling: asyncio.TimerHandle | None = None
        self._socket: WebSocket | None = None
        self._closed_by_us = False

    # Handler

    def opened(self, socket: WebSocket) -> None:
        """See Handler."""
        self._socket = socket
        self.do(self.relay.opened(self._house.connected(self)))

    def received(self, data: str | bytes) -> None:
        """See Handler."""
        self.do(self.relay.from_player(data))
        if self.relay.answered and self._settling is None:
            self._settling = asyncio.get_running_loop().call_later(self._settled, self._settle)

    def closed(self, code: int | None, reason: str) -> None:
        """See Handler."""
        del reason
        self.gone, self.code = True, code
        if self._settling is not None:
            self._settling.cancel()
        link, self.link = self.link, None
        if link is not None:
            link.close(self._leaving_code(code))
            self._house.parted(self, link, None, useless=False)
        self._house.left(self)

    # From the instance's connection

    def attached(self, link: Link) -> None:
        """A connection to an instance stands."""
        if self.gone or self.relay.stage not in {Stage.QUEUED, Stage.RESUMING}:
            link.close(self._leaving_code(self.code))
            return
        self.link = link
        self._house.met(self, link)
        self.do(self.relay.allocated(going_on=link.ways.going_on))

    def from_instance(self, link: Link, data: str | bytes) -> None:
        """An instance has said something."""
        if link is self.link:
            self.do(self.relay.from_instance(data))

    def detached(self, link: Link, code: int | None, reason: str) -> None:
        """A connection to an instance is gone."""
        if link is not self.link:
            return
        self.link = None
        self.do(self.relay.instance_gone(code, reason))
        self._house.parted(self, link, code, useless=False)

    # From the matchmaker

    @property
    def waiting(self) -> bool:
        """It is here and has no instance."""
        return not self.gone and self.relay.stage is Stage.QUEUED and self.link is None

    @property
    def slow(self) -> bool:
        """It was cut off as it did not read."""
        return self._socket is not None and self._socket.overflowed

    def close(self, code: int, reason: str) -> None:
        """Close the player's connection."""
        self._closed_by_us = True
        if self._socket is not None:
            self._socket.close(code, close_reason(reason))

    def challenge(self, seconds: float, alive: Callable[[], None]) -> None:
        """Find out whether its connection is alive: ``alive`` is called, or it is ended, after so long."""
        if self._socket is not None:
            self._socket.probe(seconds, alive)

    def do(self, actions: Iterable[RelayAction]) -> None:
        """Carry out what its machine says."""
        for action in actions:
            match action:
                case ToPlayer(data):
                    if self._socket is not None:
                        self._socket.send(data)
                case ToInstance(data):
                    if self.link is not None:
                        self.link.send(data)
                case Enqueue():
                    self._house.wants_instance(self)
                case Resume(ticket, fresh):
                    self._house.shows_ticket(self, ticket, fresh=fresh)
                case Invite(role):
                    self._house.wants_invitation(self, role)
                case Seen():
                    self._house.sees(self)
                case Ending():
                    self.ending = True
                case Abandon():
                    self._abandon()
                case ClosePlayer(code, reason):
                    self.close(code, reason)

    def _abandon(self) -> None:
        link, self.link = self.link, None
        if link is not None:
            link.close(SAID)
            self._house.parted(self, link, None, useless=True)

    def _leaving_code(self, code: int | None) -> int:
        if self.ending:
            return SAID
        return CLOSED if code in _BY_BROWSER and not self._closed_by_us else LOST

    def _settle(self) -> None:
        self.do(self.relay.settled())
