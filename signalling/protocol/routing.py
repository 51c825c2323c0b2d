"""Who is subscribed to whom, and what travels between them: Epic's protocol without sessions.

Nothing reaches a player but from the streamer it is subscribed to, and nothing reaches a streamer but from its players.
An SFU is a player to its streamer and a streamer to its players.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from msgspec import UNSET

from signalling.protocol import messages as m
from signalling.protocol.actions import Action, Connection, Drop, Send
from signalling.protocol.endpoint_ids import unique_id

KEPT_MESSAGES: Final = 128
"""What is kept for a player that is away; a whole negotiation has a quarter of it."""
KEPT_BYTES: Final = 262_144

_FOR_SFU_ONLY: Final = frozenset({m.DataChannelRequest, m.PeerDataChannelsReady})
"""An old Unreal closes its connection when it gets one."""


@dataclass(slots=True, eq=False)
class Streamer:
    """Who makes offers: a streamer, or an SFU as its players see it."""

    connection: Connection
    is_sfu: bool = False
    name: str | None = None
    """What players subscribe to; None until it has said it."""
    streaming: bool = False
    """Listed to players."""
    players: "dict[str, Player]" = field(default_factory=dict)
    """Those subscribed, by their ids."""


@dataclass(slots=True, eq=False)
class Player:
    """Who gets offers: a player, or an SFU as its streamer sees it."""

    connection: Connection | None
    """None while it is away and may come back."""
    id: str
    """What the streamer knows it by. A decimal number in a string: Unreal 4 parses it as a number."""
    is_sfu: bool = False
    watches: bool = False
    """It has no data channel: its input is not its to send."""
    streamer: Streamer | None = None
    kept: list[m.Message] = field(default_factory=list)
    """What came for it while it was away."""
    kept_bytes: int = 0

    def keep(self, message: m.Message) -> bool:
        """Keep a message until it is back; False when there is no room."""
        self.kept_bytes += len(m.encode(message))
        self.kept.append(message)
        return len(self.kept) <= KEPT_MESSAGES and self.kept_bytes <= KEPT_BYTES

    def take_kept(self) -> list[m.Message]:
        """What was kept, which is kept no longer."""
        kept, self.kept, self.kept_bytes = self.kept, [], 0
        return kept


class Routing:
    """The streamers, and their players."""

    def __init__(self, most_players: int) -> None:
        """``most_players`` may be subscribed to a streamer at once."""
        self._most_players: Final = most_players
        self._streamers: Final[dict[Connection, Streamer]] = {}
        self._ids: Final = count(1)

    @property
    def streamers(self) -> Iterator[Streamer]:
        """All streamers, SFUs among them."""
        return iter(self._streamers.values())

    def next_id(self) -> str:
        """An id no player had before."""
        return str(next(self._ids))

    def add(self, streamer: Streamer) -> None:
        """A streamer has connected."""
        self._streamers[streamer.connection] = streamer

    def remove(self, streamer: Streamer) -> list[Player]:
        """A streamer is gone; gives the players it had, which have none now."""
        self._streamers.pop(streamer.connection, None)
        return self.forsake(streamer)

    def forsake(self, streamer: Streamer) -> list[Player]:
        """Take a streamer's players from it; gives them."""
        players = list(streamer.players.values())
        streamer.players.clear()
        for player in players:
            player.streamer = None
        return players

    def listed(self) -> list[str]:
        """What players may subscribe to."""
        return [one.name for one in self._streamers.values() if one.streaming and one.name is not None]

    def named(self) -> list[str]:
        """What an SFU may subscribe to."""
        return [one.name for one in self._streamers.values() if one.name is not None]

    def identify(self, streamer: Streamer, wanted: str) -> list[Action]:
        """A streamer says its name: from here on it is listed, under that name or one like it."""
        taken = {one.name for one in self._streamers.values() if one is not streamer and one.name is not None}
        before, streamer.name = streamer.name, unique_id(wanted, taken)
        streamer.streaming = True
        actions: list[Action] = [Send(streamer.connection, m.EndpointIdConfirm(committed_id=streamer.name))]
        if streamer.name != before:
            for player in list(streamer.players.values()):
                actions += self._deliver(player, m.StreamerIdChanged(new_id=streamer.name))
        return actions

    def find(self, name: str) -> Streamer | None:
        """The streamer of this name that players may subscribe to."""
        return next((one for one in self._streamers.values() if one.name == name), None)

    def has_room(self, streamer: Streamer, player: Player) -> bool:
        """Whether one more player, if it is one more, finds room."""
        return len(streamer.players) - (player.streamer is streamer) < self._most_players

    def subscribe(self, player: Player, streamer: Streamer) -> list[Action]:
        """Connect a player to a streamer, and disconnect it from the one before."""
        actions = self.unsubscribe(player)
        player.streamer = streamer
        streamer.players[player.id] = player
        connected = m.PlayerConnected(player_id=player.id, data_channel=not player.watches, sfu=player.is_sfu)
        return [*actions, Send(streamer.connection, connected)]

    def unsubscribe(self, player: Player) -> list[Action]:
        """Disconnect a player from its streamer."""
        player.take_kept()
        streamer = player.streamer
        if streamer is None:
            return []
        del streamer.players[player.id]
        player.streamer = None
        return [Send(streamer.connection, m.PlayerDisconnected(player_id=player.id))]

    def to_streamer(self, connection: Connection, player: Player, message: m.ToUpstream) -> list[Action]:
        """A player's message goes to its streamer; ``message`` becomes what is sent."""
        streamer = player.streamer
        if streamer is None:
            return [Drop(connection, m.Refused.NOT_SUBSCRIBED)]
        if not streamer.is_sfu and type(message) in _FOR_SFU_ONLY:
            return [Drop(connection, m.Refused.NOT_ALLOWED)]
        message.player_id = player.id
        return [Send(streamer.connection, message)]

    def to_player(self, streamer: Streamer, message: m.ToDownstream) -> list[Action]:
        """A streamer's message goes to the player of its that it names; ``message`` becomes what is sent."""
        player = self.player_of(streamer, message.player_id)
        if player is None:
            return [Drop(streamer.connection, m.Refused.NOT_ITS_PLAYER)]
        # Of an SFU's offer the player must not think that it is a streamer's.
        message.player_id = UNSET if streamer.is_sfu else player.id
        if player.connection is not None:
            return [Send(player.connection, message)]
        return self._deliver(player, message)

    def player_of(self, streamer: Streamer, player_id: object) -> Player | None:
        """A streamer's player by the id it gives, which from an old Unreal is a number."""
        return streamer.players.get(player_id if isinstance(player_id, str) else str(player_id))

    def _deliver(self, player: Player, message: m.Message) -> list[Action]:
        if player.connection is not None:
            return [Send(player.connection, message)]
        # A player that missed something cannot go on as if nothing had happened: it needs a new offer.
        return [] if player.keep(message) else self.unsubscribe(player)
