"""The sessions of an instance, carried out: players come, go, come again, take over, and are told what goes on.

``session`` decides when what is due; ``routing`` knows who is subscribed to whom. One session at a time has an instance
to itself, and with its end the instance is over; sessions that share one come and go.
"""

from collections import deque
from collections.abc import Iterator
from typing import Final

import msgspec

from signalling.protocol import admission
from signalling.protocol import messages as m
from signalling.protocol import session as life
from signalling.protocol import session_messages as sm
from signalling.protocol.actions import Action, Close, CloseCode, Connection, Drop, Send, close_reason
from signalling.protocol.routing import Routing
from signalling.protocol.session import Participant, Session
from signalling.tickets.claims import AdmissionTicket, Role


class Sessions:
    """The sessions under way, and the connections of their players."""

    def __init__(self, routing: Routing, player_options: msgspec.Raw, messages_per_second: float) -> None:
        self._routing: Final = routing
        self._config: Final = m.Config(peer_connection_options=player_options, protocol_version=m.PROTOCOL_VERSION)
        self._budget: Final = messages_per_second * life.BURST_SECONDS
        self.connected: Final[dict[Connection, Participant]] = {}
        """Those who are here."""
        self.under_way: Final[dict[str, Session]] = {}
        """By their ids; one, unless they share the instance."""
        self._deadlines: Final[dict[str, float]] = {}
        """When something of a session is due, by its id; those without are left out."""
        self.bad: Final[deque[str]] = deque(maxlen=_REMEMBERED)
        """The last sessions that are over and were bad, by their ids."""
        self.over = False
        """The session that had the instance to itself has ended."""
        self.drains_at: float | None = None
        """Once nobody new is taken: when the last session has to end."""

    @property
    def participants(self) -> Iterator[Participant]:
        """All who take part, here or away."""
        return (one for session in self.under_way.values() for one in session.participants.values())

    def refusal(self, ticket: AdmissionTicket, most: int) -> admission.NotAdmitted | None:
        """Why a player with this ticket may not come in now; None if it may. ``most`` find room here at all."""
        draining = self.drains_at is not None
        return admission.refusal(ticket, self.under_way, over=self.over, draining=draining, most=most)

    def come(self, connection: Connection, ticket: AdmissionTicket, now: float) -> list[Action]:
        """A player has connected, for the first time or again."""
        session = self.under_way.get(ticket.session) or self._begin(ticket, now)
        participant = session.participants.get(ticket.player)
        seamless = ticket.resume and not ticket.fresh and participant is not None
        actions: list[Action] = []
        if participant is None:
            participant = self._join(session, ticket, now)
        else:
            actions += self._take_over(participant)
            actions += [] if seamless else self._renew(participant)
        self.connected[connection] = participant
        participant.connection, participant.opted_in, participant.active = connection, ticket.opted_in, now
        actions.append(Send(connection, self._config))
        if participant.opted_in:
            actions.append(Send(connection, life.welcome(participant, now, _STATES[seamless])))
            warning = life.warning(session, now)
            if warning and session.told == warning.news:
                actions.append(Send(connection, life.warned(warning, now)))
        actions += self._tell_company(session)
        actions += [Send(connection, kept) for kept in participant.take_kept()]
        return actions + self._review(session, now)

    def go(self, connection: Connection, code: int | None, now: float) -> list[Action]:
        """A player's connection has ended with this close code."""
        participant = self.connected.pop(connection)
        seconds = life.grace(participant.session.limits, code)
        if seconds <= 0:
            return self._leave(participant)
        participant.connection, participant.away_until = None, now + seconds
        return self._tell_company(participant.session)

    def expel(self, participant: Participant, code: CloseCode, reason: str) -> list[Action]:
        """Close a player's connection for good: there is no grace."""
        connection = participant.connection
        actions: list[Action] = []
        if connection is not None:
            del self.connected[connection]
            if code is CloseCode.OVER and participant.opted_in:
                actions.append(Send(connection, life.ended(sm.Reason.LEFT)))
            actions.append(Close(connection, code, close_reason(reason)))
        return actions + self._leave(participant)

    def let_go(self, participant: Participant, reason: str, now: float) -> list[Action]:
        """Close the connection of a player whom the streamer has disconnected; unless it comes again, it has left.

        A page that reloads drops its peer connection, and the streamer's word of that is here before the browser's.
        """
        connection, seconds = participant.connection, life.grace(participant.session.limits, CloseCode.BROWSER_CLOSED)
        if connection is None or seconds <= 0:
            return self.expel(participant, CloseCode.DISCONNECTED, reason)
        del self.connected[connection]
        participant.connection, participant.away_until = None, now + seconds
        closed: list[Action] = [Close(connection, CloseCode.DISCONNECTED, close_reason(reason))]
        return closed + self._routing.unsubscribe(participant) + self._tell_company(participant.session)

    def takes_part(self, participant: Participant) -> bool:
        """Whether it still does."""
        session = self.under_way.get(participant.session.id)
        return session is not None and session.participants.get(participant.name) is participant

    def active(self, participant: Participant, now: float) -> list[Action]:
        """A player gave input."""
        participant.active = now
        return self._review(participant.session, now)

    def request_control(self, participant: Participant) -> list[Action]:
        """A spectator asks those who have control for it."""
        asked = sm.SessionControlRequested(player=participant.name)
        return [action for one in participant.session.owners if one.opted_in for action in _say(one, asked)]

    def hand_over(self, connection: Connection, owner: Participant, to: str, now: float) -> list[Action]:
        """A player gives control to a spectator.

        What carries input is decided with the offer, so both need a new one, and the streamer loses both at once.
        """
        other = owner.session.participants.get(to)
        if other is None or not other.watches or other.away or not other.opted_in:
            return [Drop(connection, m.Refused.NOT_ALLOWED)]
        actions = self._renew(owner) + self._renew(other)
        owner.role, other.role = other.role, owner.role
        owner.watches, other.watches = other.watches, owner.watches
        owner.session.handed |= {owner.name: owner.role, other.name: other.role}
        other.active = now
        return actions + self._tell_company(owner.session) + self._review(owner.session, now)

    def lose_instance(self) -> list[Action]:
        """The application is gone, and with it each session that had the instance to itself.

        The matchmaker has the word: it may find such a player another instance.
        """
        alone = [each for each in self.under_way.values() if not each.limits.shared]
        return [each for one in alone for each in self._end(one, None, CloseCode.RESTART, "the streamer left")]

    def order_end(self, session: Session, ending: life.Ending, now: float) -> list[Action]:
        """Set an end from outside; a session has at most one of a kind, and none outlasts the drain."""
        if self.drains_at is not None:
            ending = ending._replace(at=min(ending.at, self.drains_at))
        session.ordered = [other for other in session.ordered if other.reason is not ending.reason] + [ending]
        return self._review(session, now)

    def drain(self, at: float, now: float) -> list[Action]:
        """Take nobody new, and let the sessions under way end by then, or when they were to end for maintenance."""
        self.drains_at = at
        actions: list[Action] = []
        for session in list(self.under_way.values()):
            kind = sm.Reason.MAINTENANCE
            before = [ending.at for ending in session.ordered if ending.reason is kind]
            actions += self.order_end(session, life.Ending(min([at, *before]), kind, now), now)
        return actions

    def tick(self, now: float) -> list[Action]:
        """Do what is due."""
        actions: list[Action] = []
        for participant in list(self.participants):
            if participant.away and participant.away_until <= now and self.takes_part(participant):
                actions += self._leave(participant)
        for session in list(self.under_way.values()):
            actions += self._review(session, now)
        return actions

    def next_deadline(self, now: float, only: str | None = None) -> float | None:
        """When something is due, if nothing else happens before.

        ``only``: the session to which alone something has happened since this was last asked, so that a player who
        comes to an instance of hundreds is not paid for with a look at all of them.
        """
        if only is None:
            self._deadlines.clear()
        for session_id in list(self.under_way) if only is None else [only]:
            self._deadlines.pop(session_id, None)
            session = self.under_way.get(session_id)
            moment = None if session is None else life.next_deadline(session, now)
            if moment is not None:
                self._deadlines[session_id] = moment
        return min(self._deadlines.values(), default=None)

    def _begin(self, ticket: AdmissionTicket, now: float) -> Session:
        session = self.under_way[ticket.session] = Session(ticket.session, ticket.limits, now, ticket.subject)
        return session

    def _join(self, session: Session, ticket: AdmissionTicket, now: float) -> Participant:
        role = session.handed.get(ticket.player, ticket.role)
        participant = session.participants[ticket.player] = Participant(
            connection=None,
            id=self._routing.next_id(),
            watches=role is Role.SPECTATOR,
            name=ticket.player,
            session=session,
            role=role,
            since=now,
            budget=self._budget,
            paid=now,
        )
        return participant

    def _take_over(self, participant: Participant) -> list[Action]:
        """Close the connection a player has, since it comes by another one."""
        before, text = participant.connection, life.MESSAGES[sm.Reason.TAKEN_OVER]
        if before is None:
            return []
        del self.connected[before]
        told: list[Action] = [Send(before, life.ended(sm.Reason.TAKEN_OVER))] if participant.opted_in else []
        return [*told, Close(before, CloseCode.TAKEN_OVER, text)]

    def _renew(self, participant: Participant) -> list[Action]:
        """A player needs a new offer, for which it gets an id that the streamer has not seen."""
        actions = self._routing.unsubscribe(participant)
        participant.id, participant.stats = self._routing.next_id(), None
        return actions

    def _leave(self, participant: Participant) -> list[Action]:
        """A player takes part no longer; without an owner its session is over."""
        session = participant.session
        del session.participants[participant.name]
        actions = self._routing.unsubscribe(participant)
        if any(session.owners):
            return actions + self._tell_company(session)
        return actions + self._end(session, sm.Reason.LEFT, CloseCode.OVER, life.MESSAGES[sm.Reason.LEFT])

    def _review(self, session: Session, now: float) -> list[Action]:
        """End a session whose time has come; warn of an end that is near, or take back a warning."""
        if ending := life.due(session, now):
            # A stock player comes again after the second: its instance goes, not its wish to play.
            code = CloseCode.RESTART if ending.reason is sm.Reason.MAINTENANCE else CloseCode.OVER
            return self._end(session, ending.reason, code, life.MESSAGES[ending.reason])
        warning = life.warning(session, now)
        told = warning.news if warning else None
        if told == session.told:
            return []
        session.told = told
        return [
            action
            for one in session.opted_in
            for action in _say(one, life.warned(warning, now) if warning else life.welcome(one, now, sm.State.READY))
        ]

    def _tell_company(self, session: Session) -> list[Action]:
        return [action for one in session.opted_in for action in _say(one, life.company(one))]

    def _end(self, session: Session, reason: sm.Reason | None, code: CloseCode, text: str) -> list[Action]:
        """End a session for all who take part; without a ``reason`` nothing is said of why."""
        del self.under_way[session.id]
        self.over = self.over or not session.limits.shared
        if session.quality.bad:
            self.bad.append(session.id)
        actions: list[Action] = []
        for participant in session.participants.values():
            if (connection := participant.connection) is not None:
                del self.connected[connection]
                if participant.opted_in and reason is not None:
                    actions.append(Send(connection, life.ended(reason)))
                actions.append(Close(connection, code, text))
            actions += self._routing.unsubscribe(participant)
        return actions


_REMEMBERED: Final = 256
"""Of an instance that many share: more than end between two questions of a matchmaker's."""
_STATES: Final = {False: sm.State.READY, True: sm.State.RESUMED}


def _say(participant: Participant, message: m.Message) -> list[Action]:
    return [] if participant.connection is None else [Send(participant.connection, message)]
