"""The sidecar's side of the protocol: streamers and their players, as a state machine without I/O.

Each of ``connect``, ``receive`` and ``disconnect`` is synchronous and returns what is to be done, in order. Nothing a
peer sends raises, and nothing reaches a player but from the streamer it is subscribed to.
"""

from dataclasses import dataclass, field
from itertools import count
from typing import Final

import msgspec

from signalling.protocol import messages as m
from signalling.protocol.actions import Action, Close, CloseCode, Connection, Drop, Send, close_reason
from signalling.protocol.endpoint_ids import unique_id


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one sidecar takes."""

    streamers: int = 1
    """Streamers connected at once: an instance is one Unreal application."""
    players: int = 8
    """Players subscribed to one streamer."""
    waiting: int = 8
    """Players connected and not subscribed, beyond those."""


@dataclass(slots=True)
class Streamer:
    """A streamer's connection."""

    connection: Connection
    id: str | None = None
    players: dict[str, Connection] = field(default_factory=dict)


@dataclass(slots=True)
class Player:
    """A player's connection. Its id is a decimal number in a string: Unreal 4 parses it as a number."""

    connection: Connection
    id: str
    streamer: Connection | None = None


class Sidecar:
    """The streamers and players of one instance."""

    def __init__(
        self, streamer_options: msgspec.Raw, player_options: msgspec.Raw, limits: Limits | None = None
    ) -> None:
        self._limits: Final = limits or Limits()
        self._streamer_config: Final = m.Config(
            peer_connection_options=streamer_options, protocol_version=m.PROTOCOL_VERSION
        )
        self._player_config: Final = m.Config(
            peer_connection_options=player_options, protocol_version=m.PROTOCOL_VERSION
        )
        self._streamers: Final[dict[Connection, Streamer]] = {}
        self._players: Final[dict[Connection, Player]] = {}
        self._ids: Final = count(1)

    @property
    def streaming(self) -> bool:
        """Whether a streamer is here that has sent its name."""
        return any(streamer.id is not None for streamer in self._streamers.values())

    @property
    def player_count(self) -> int:
        """The players connected, subscribed or not."""
        return len(self._players)

    @property
    def streamer_count(self) -> int:
        """The streamers connected."""
        return len(self._streamers)

    def connect_streamer(self, connection: Connection) -> list[Action]:
        """A streamer has connected."""
        if len(self._streamers) >= self._limits.streamers:
            return [Close(connection, CloseCode.FULL, "this instance has its streamer")]
        self._streamers[connection] = Streamer(connection)
        return [Send(connection, m.Identify()), Send(connection, self._streamer_config)]

    def connect_player(self, connection: Connection) -> list[Action]:
        """A player has connected."""
        if len(self._players) >= self._limits.players + self._limits.waiting:
            return [Close(connection, CloseCode.FULL, "this instance is full")]
        self._players[connection] = Player(connection, str(next(self._ids)))
        return [Send(connection, self._player_config)]

    def disconnect(self, connection: Connection) -> list[Action]:
        """A connection has gone, whoever ended it; unknown and forgotten ones are none of our business."""
        if player := self._players.pop(connection, None):
            return self._unsubscribe(player)
        if streamer := self._streamers.pop(connection, None):
            return [self._forget(player, CloseCode.RESTART, "the streamer left") for player in self._of(streamer)]
        return []

    def receive(self, connection: Connection, data: str | bytes) -> list[Action]:
        """A frame has come."""
        if player := self._players.get(connection):
            message = m.decode_from_player(data)
            return [Drop(connection, message)] if isinstance(message, m.Refused) else self._of_player(player, message)
        if streamer := self._streamers.get(connection):
            said = m.decode_from_streamer(data)
            return [Drop(connection, said)] if isinstance(said, m.Refused) else self._of_streamer(streamer, said)
        return []

    def _of_player(self, player: Player, message: m.FromPlayer) -> list[Action]:
        match message:
            case m.Offer() | m.Answer() | m.IceCandidate() | m.LayerPreference():
                return self._to_streamer(player, message)
            case m.Ping():
                return [Send(player.connection, m.Pong(time=message.time))]
            case m.ListStreamers():
                ids = [streamer.id for streamer in self._streamers.values() if streamer.id is not None]
                return [Send(player.connection, m.StreamerList(ids=ids))]
            case m.Subscribe():
                return self._subscribe(player, message.streamer_id)
            case m.Unsubscribe():
                return self._unsubscribe(player)
            case m.Pong():
                return []

    def _of_streamer(self, streamer: Streamer, message: m.FromStreamer) -> list[Action]:
        match message:
            case m.Offer() | m.Answer() | m.IceCandidate():
                return self._to_player(streamer, message)
            case m.EndpointId():
                return self._identify(streamer, message.id)
            case m.Ping():
                return [Send(streamer.connection, m.Pong(time=message.time))]
            case m.DisconnectPlayer():
                return self._disconnect_player(streamer, message)
            case m.LayerPreference() | m.Pong():
                # A streamer's layer preference is meant for an SFU.
                return []

    def _identify(self, streamer: Streamer, wanted: str) -> list[Action]:
        taken = {other.id for other in self._streamers.values() if other is not streamer and other.id is not None}
        before, streamer.id = streamer.id, unique_id(wanted, taken)
        actions: list[Action] = [Send(streamer.connection, m.EndpointIdConfirm(committed_id=streamer.id))]
        if streamer.id != before:
            changed = m.StreamerIdChanged(new_id=streamer.id)
            actions += [Send(player.connection, changed) for player in self._of(streamer)]
        return actions

    def _subscribe(self, player: Player, wanted: str) -> list[Action]:
        streamer = next((known for known in self._streamers.values() if known.id == wanted), None)
        if streamer is None:
            return [Send(player.connection, m.SubscribeFailed(message="There is no such streamer."))]
        again = player.streamer == streamer.connection
        if len(streamer.players) - again >= self._limits.players:
            return [Send(player.connection, m.SubscribeFailed(message="The streamer is full."))]
        actions = self._unsubscribe(player)
        player.streamer = streamer.connection
        streamer.players[player.id] = player.connection
        connected = m.PlayerConnected(player_id=player.id, data_channel=True, sfu=False)
        return [*actions, Send(streamer.connection, connected)]

    def _unsubscribe(self, player: Player) -> list[Action]:
        if player.streamer is None:
            return []
        streamer = self._streamers[player.streamer]
        del streamer.players[player.id]
        player.streamer = None
        return [Send(streamer.connection, m.PlayerDisconnected(player_id=player.id))]

    def _to_streamer(self, player: Player, message: m.Routed) -> list[Action]:
        if player.streamer is not None:
            return [Send(player.streamer, msgspec.structs.replace(message, player_id=player.id))]
        dropped = Drop(player.connection, m.Refused.NOT_SUBSCRIBED)
        if isinstance(message, m.IceCandidate | m.LayerPreference):
            # Ordinary stragglers after an unsubscribe; negotiating with nobody is an error of the player's.
            return [dropped]
        refusal = "Subscribe to a streamer first."
        failed = Send(player.connection, m.SubscribeFailed(message=refusal))
        return [dropped, failed, self._forget(player, CloseCode.REFUSED, refusal)]

    def _to_player(self, streamer: Streamer, message: m.Offer | m.Answer | m.IceCandidate) -> list[Action]:
        player_id = str(message.player_id)
        connection = streamer.players.get(player_id)
        if connection is None:
            return [Drop(streamer.connection, m.Refused.NOT_ITS_PLAYER)]
        if message.player_id != player_id:
            message = msgspec.structs.replace(message, player_id=player_id)
        return [Send(connection, message)]

    def _disconnect_player(self, streamer: Streamer, message: m.DisconnectPlayer) -> list[Action]:
        connection = streamer.players.get(str(message.player_id))
        if connection is None:
            return [Drop(streamer.connection, m.Refused.NOT_ITS_PLAYER)]
        player = self._players[connection]
        gone = self._unsubscribe(player)
        return [self._forget(player, CloseCode.DISCONNECTED, message.reason or ""), *gone]

    def _of(self, streamer: Streamer) -> list[Player]:
        return [self._players[connection] for connection in streamer.players.values()]

    def _forget(self, player: Player, code: CloseCode, reason: str) -> Close:
        del self._players[player.connection]
        return Close(player.connection, code, close_reason(reason))
