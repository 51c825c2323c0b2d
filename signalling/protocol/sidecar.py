"""The sidecar's side of the protocol: one instance with its streamer and its players, as a state machine without I/O.

Every method is synchronous and returns what is to be done, in order. Time enters as ``now``, seconds of a clock that
never goes back, and ``next_deadline`` says when ``tick`` has something to do. Nothing a peer sends raises, and nothing
reaches a player but from the streamer it is subscribed to.

``routing`` has Epic's protocol proper and ``sfu`` the forwarding units; ``sessions`` how players come and go,
``session`` when what is due, ``admission`` who may come in, ``spectators`` what of theirs reaches a streamer.
"""

from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import UNSET

from signalling.protocol import admission, control, quality
from signalling.protocol import messages as m
from signalling.protocol import session as life
from signalling.protocol import session_messages as sm
from signalling.protocol.actions import (
    Action,
    AskGame,
    Close,
    CloseCode,
    Connection,
    Drop,
    FirstFrame,
    Send,
    close_reason,
)
from signalling.protocol.routing import Player, Routing, Streamer
from signalling.protocol.session import Participant
from signalling.protocol.sessions import Sessions
from signalling.protocol.sfu import Sfu, new_sfu, of_sfu
from signalling.protocol.spectators import restricted
from signalling.tickets.claims import AdmissionTicket, Role

_UPSTREAM: Final = frozenset(
    {m.Offer, m.Answer, m.IceCandidate, m.LayerPreference, m.DataChannelRequest, m.PeerDataChannelsReady}
)
_OPTED_IN: Final = (
    sm.SessionActivity,
    sm.SessionStats,
    sm.SessionEnd,
    sm.SessionRequestControl,
    sm.SessionHandOver,
)
"""The rest of what opted-in players send is for the matchmaker."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one sidecar takes."""

    streamers: int = 1
    """Streamers connected at once: an instance is one Unreal application."""
    sfus: int = 1
    players: int = 8
    """Players subscribed to one streamer."""
    waiting: int = 8
    """Players connected and not subscribed, beyond those."""
    messages_per_second: float = 0.0
    """What one player may send, on average; 0 is no limit."""


class Sidecar:
    """The streamers, players and sessions of one instance."""

    def __init__(
        self,
        streamer_options: msgspec.Raw,
        player_options: msgspec.Raw,
        limits: Limits | None = None,
        *,
        game_api: bool = False,
    ) -> None:
        """``game_api``: players may ask the application's own API."""
        self._limits: Final = limits or Limits()
        self._config: Final = m.Config(peer_connection_options=streamer_options, protocol_version=m.PROTOCOL_VERSION)
        self._routing: Final = Routing(self._limits.players)
        self._streamers: Final[dict[Connection, Streamer]] = {}
        self._sfus: Final[dict[Connection, Sfu]] = {}
        self.sessions: Final = Sessions(self._routing, player_options, self._limits.messages_per_second)
        self._players: Final = self.sessions.connected
        stock = (*m.SENDS[m.Role.PLAYER], *((control.Control,) if game_api else ()))
        self._read: Final = {False: m.Reader(stock), True: m.Reader((*stock, *_OPTED_IN))}
        self.next_deadline: float | None = None
        """When ``tick`` has something to do, if nothing else happens before."""

    @property
    def streaming(self) -> bool:
        """Whether a streamer is here that has sent its name."""
        return any(streamer.streaming for streamer in self._streamers.values())

    @property
    def over(self) -> bool:
        """The session has ended: nothing more happens here until ``recycle``."""
        return self.sessions.over

    @property
    def draining(self) -> bool:
        """It takes nobody new."""
        return self.sessions.drains_at is not None

    @property
    def player_count(self) -> int:
        """The players connected, subscribed or not."""
        return len(self._players)

    @property
    def streamer_count(self) -> int:
        """The streamers connected."""
        return len(self._streamers)

    def refusal(self, ticket: AdmissionTicket) -> admission.NotAdmitted | None:
        """Why a player with this ticket may not come in now; None if it may."""
        return self.sessions.refusal(ticket, self._limits.players + self._limits.waiting)

    def connect_streamer(self, connection: Connection) -> list[Action]:
        """A streamer has connected."""
        if len(self._streamers) >= self._limits.streamers:
            return [Close(connection, CloseCode.FULL, "this instance has its streamer")]
        streamer = self._streamers[connection] = Streamer(connection)
        self._routing.add(streamer)
        return [Send(connection, m.Identify()), Send(connection, self._config)]

    def connect_sfu(self, connection: Connection) -> list[Action]:
        """A forwarding unit has connected."""
        if len(self._sfus) >= self._limits.sfus:
            return [Close(connection, CloseCode.FULL, "this instance has its forwarding unit")]
        sfu = self._sfus[connection] = new_sfu(connection, self._routing)
        self._routing.add(sfu.streamer)
        return [Send(connection, m.Identify()), Send(connection, self._config)]

    def connect_player(self, connection: Connection, ticket: AdmissionTicket, now: float) -> list[Action]:
        """A player has connected whose ticket was not refused."""
        return self._planned(self.sessions.come(connection, ticket, now), now, ticket.session)

    def disconnect(self, connection: Connection, now: float, code: int | None = None) -> list[Action]:
        """A connection has ended with this close code, whoever closed it; unknown ones are none of our business."""
        if player := self._players.get(connection):
            return self._planned(self.sessions.go(connection, code, now), now, player.session.id)
        if streamer := self._streamers.pop(connection, None):
            players = self._routing.remove(streamer)
            ended = [] if self._streamers else self.sessions.lose_instance()
            return self._planned(ended + self._forsaken(players), now)
        if sfu := self._sfus.pop(connection, None):
            left = self._routing.unsubscribe(sfu.player)
            return self._planned(left + self._forsaken(self._routing.remove(sfu.streamer)), now)
        return []

    def receive(self, connection: Connection, data: str | bytes, now: float) -> list[Action]:
        """A frame has come."""
        if player := self._players.get(connection):
            if not life.pace(player, len(data), now, self._limits.messages_per_second):
                expelled = self.sessions.expel(player, CloseCode.REFUSED, "too many messages")
                return self._planned(expelled, now, player.session.id)
            return self._of_player(connection, player, self._read[player.opted_in](data), now)
        if streamer := self._streamers.get(connection):
            return self._of_streamer(streamer, m.decode_from_streamer(data), now)
        if sfu := self._sfus.get(connection):
            return self._of_sfu(sfu, m.decode_from_sfu(data), now)
        return []

    def tick(self, now: float) -> list[Action]:
        """Do what is due."""
        return self._planned(self.sessions.tick(now), now)

    def end(self, session_id: str, reason: sm.Reason, seconds: float, now: float) -> list[Action]:
        """End a session after a warning of so long."""
        session = self.sessions.under_way.get(session_id)
        if session is None:
            return []
        actions = self.sessions.order_end(session, life.Ending(now + seconds, reason, now), now)
        return self._planned(actions, now, session_id)

    def drain(self, seconds: float, now: float) -> list[Action]:
        """Take nobody new, and give the sessions under way so long; asked again, the first time counts."""
        return [] if self.draining else self._planned(self.sessions.drain(now + seconds, now), now)

    def recycle(self) -> bool:
        """Be ready for another session; False when the last one is not over, or there will be none."""
        if not self.over or self.draining:
            return False
        self.sessions.over = False
        return True

    def _of_player(  # noqa: PLR0911  # A table.
        self, connection: Connection, player: Participant, message: m.Message | m.Refused, now: float
    ) -> list[Action]:
        if type(message) in _UPSTREAM:
            return self._upstream(connection, player, message, now)  # type: ignore[arg-type]
        match message:
            case m.Refused():
                return [Drop(connection, message)]
            case m.Ping():
                return [Send(connection, m.Pong(time=message.time))]
            case m.ListStreamers():
                return [Send(connection, m.StreamerList(ids=self._routing.listed()))]
            case m.Subscribe():
                return self._subscribe(connection, player, message.streamer_id)
            case m.Unsubscribe():
                return self._routing.unsubscribe(player)
            case control.Control():
                return _ask_game(connection, player, message)
            case m.Pong():
                return []
            case _:
                return self._planned(self._of_opted_in(connection, player, message, now), now, player.session.id)

    def _of_opted_in(self, connection: Connection, player: Participant, message: m.Message, now: float) -> list[Action]:
        match message:
            case sm.SessionActivity():
                return self.sessions.active(player, now)
            case sm.SessionStats():
                return _reported(player, message, now)
            case sm.SessionEnd():
                return self.sessions.expel(player, CloseCode.OVER, life.MESSAGES[sm.Reason.LEFT])
            case sm.SessionRequestControl() if player.watches:
                return self.sessions.request_control(player)
            case sm.SessionHandOver() if not player.watches:
                return self.sessions.hand_over(connection, player, message.player, now)
            case _:
                return [Drop(connection, m.Refused.NOT_ALLOWED)]

    def _of_streamer(  # noqa: PLR0911  # A table.
        self, streamer: Streamer, message: m.FromStreamer | m.Refused, now: float
    ) -> list[Action]:
        match message:
            case m.Offer() | m.Answer() | m.IceCandidate():
                return self._routing.to_player(streamer, message)
            case m.EndpointId():
                return self._routing.identify(streamer, message.id)
            case m.Ping():
                return [Send(streamer.connection, m.Pong(time=message.time))]
            case m.DisconnectPlayer():
                return self._planned(self._disconnect_player(streamer, message, now), now)
            case m.LayerPreference():
                fed = [one.connection for one in streamer.players.values() if one.is_sfu]
                return [Send(connection, message) for connection in fed if connection is not None]
            case m.Pong():
                return []
            case m.Refused():
                return [Drop(streamer.connection, message)]

    def _of_sfu(self, sfu: Sfu, message: m.FromSfu | m.Refused, now: float) -> list[Action]:
        match message:
            case m.Refused():
                return [Drop(sfu.connection, message)]
            case m.StopStreaming():
                sfu.streamer.streaming = False
                return self._planned(self._forsaken(self._routing.forsake(sfu.streamer)), now)
            case _:
                return of_sfu(sfu, message, self._routing)

    def _subscribe(self, connection: Connection, player: Participant, wanted: str) -> list[Action]:
        streamer = self._routing.find(wanted)
        if streamer is None:
            return [Send(connection, m.SubscribeFailed(message="There is no such streamer."))]
        if not self._routing.has_room(streamer, player):
            return [Send(connection, m.SubscribeFailed(message="The streamer is full."))]
        return self._routing.subscribe(player, streamer)

    def _upstream(self, connection: Connection, player: Participant, message: m.ToUpstream, now: float) -> list[Action]:
        if player.streamer is None:
            return self._to_nobody(connection, player, message, now)
        if player.watches and restricted(message, player.streamer.is_sfu) is None:
            return [Drop(connection, m.Refused.NOT_ALLOWED)]
        return self._routing.to_streamer(connection, player, message)

    def _to_nobody(
        self, connection: Connection, player: Participant, message: m.ToUpstream, now: float
    ) -> list[Action]:
        dropped = Drop(connection, m.Refused.NOT_SUBSCRIBED)
        if not isinstance(message, m.Offer | m.Answer):
            # Ordinary stragglers after an unsubscribe; negotiating with nobody is an error of the player's.
            return [dropped]
        refusal = "Subscribe to a streamer first."
        failed = Send(connection, m.SubscribeFailed(message=refusal))
        expelled = self.sessions.expel(player, CloseCode.REFUSED, refusal)
        return self._planned([dropped, failed, *expelled], now, player.session.id)

    def _disconnect_player(self, streamer: Streamer, message: m.DisconnectPlayer, now: float) -> list[Action]:
        player = self._routing.player_of(streamer, message.player_id)
        reason = message.reason or ""
        if isinstance(player, Participant):
            # Unreal says so of every peer connection that ends, as in a reload: whoever is away has its grace time.
            return [] if player.away else self.sessions.let_go(player, reason, now)
        if player is None or (sfu := self._sfus.pop(player.connection or 0, None)) is None:
            return [Drop(streamer.connection, m.Refused.NOT_ITS_PLAYER)]
        closed = Close(sfu.connection, CloseCode.DISCONNECTED, close_reason(reason))
        left = self._routing.unsubscribe(player)
        return [closed, *left, *self._forsaken(self._routing.remove(sfu.streamer))]

    def _forsaken(self, players: list[Player]) -> list[Action]:
        """These have lost their streamer: a player's connection is closed, an SFU is told and loses its own players."""
        actions: list[Action] = []
        for player in players:
            if isinstance(player, Participant):
                # It may have ended with another of them.
                if self.sessions.takes_part(player):
                    actions += self.sessions.expel(player, CloseCode.RESTART, "the streamer left")
            elif sfu := self._sfus.get(player.connection or 0):
                sfu.streamer.streaming = False
                actions.append(Send(sfu.connection, m.StreamerDisconnected()))
                actions += self._forsaken(self._routing.forsake(sfu.streamer))
        return actions

    def _planned(self, actions: list[Action], now: float, only: str | None = None) -> list[Action]:
        self.next_deadline = self.sessions.next_deadline(now, only)
        return actions


def _ask_game(connection: Connection, player: Participant, message: control.Control) -> list[Action]:
    if player.watches:
        return [Drop(connection, m.Refused.NOT_ALLOWED)]
    payload = None if message.payload is UNSET else bytes(message.payload)
    if not control.allowed(message.action):
        return [Send(connection, control.failure(message.action, "no such action"))]
    if payload is not None and len(payload) > control.PAYLOAD_BYTES:
        return [Send(connection, control.failure(message.action, "the payload is too big"))]
    return [AskGame(connection, message.action, payload)]


def _reported(player: Participant, stats: sm.SessionStats, now: float) -> list[Action]:
    """Keep what a player reports, over what it reported before: some of it comes once."""
    before, player.stats = player.stats, sm.merged(player.stats, stats)
    if player.role is Role.OWNER:
        player.session.quality = quality.heard(player.session.quality, stats, before, now - player.reported)
    player.reported = now
    if stats.first_frame_seconds is UNSET or (before is not None and before.first_frame_seconds is not UNSET):
        return []
    return [FirstFrame(stats.first_frame_seconds)]
