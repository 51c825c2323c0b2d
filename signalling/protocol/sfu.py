"""Selective forwarding units: one streamer's player, and a streamer to any number of others."""

from dataclasses import dataclass

from signalling.protocol import messages as m
from signalling.protocol.actions import Action, Connection, Drop, Send
from signalling.protocol.routing import Player, Routing, Streamer


@dataclass(slots=True, eq=False)
class Sfu:
    """An SFU's connection, in both of its parts."""

    connection: Connection
    player: Player
    streamer: Streamer


def new_sfu(connection: Connection, routing: Routing) -> Sfu:
    """An SFU that has just connected."""
    player = Player(connection, routing.next_id(), is_sfu=True)
    return Sfu(connection, player, Streamer(connection, is_sfu=True))


def of_sfu(sfu: Sfu, message: m.FromSfu, routing: Routing) -> list[Action]:  # noqa: PLR0911  # A table.
    """What an SFU's message leads to, but for ``stopStreaming``, which is the caller's."""
    match message:
        case m.Offer() | m.PeerDataChannels():
            return routing.to_player(sfu.streamer, message)
        case m.Answer():
            return routing.to_streamer(sfu.connection, sfu.player, message)
        case m.StreamerDataChannels():
            return _streamer_data_channels(sfu, message, routing)
        case m.EndpointId():
            return routing.identify(sfu.streamer, message.id)
        case m.ListStreamers():
            return [Send(sfu.connection, m.StreamerList(ids=routing.named()))]
        case m.Subscribe():
            return _subscribe(sfu, message.streamer_id, routing)
        case m.Unsubscribe():
            return routing.unsubscribe(sfu.player)
        case m.StartStreaming():
            sfu.streamer.streaming = sfu.streamer.name is not None
            return []
        case m.Ping():
            return [Send(sfu.connection, m.Pong(time=message.time))]
        case m.StopStreaming() | m.Pong():
            return []


def _subscribe(sfu: Sfu, wanted: str, routing: Routing) -> list[Action]:
    """An SFU that asks for nobody is not told so: it would not listen, and it asks again by itself."""
    streamer = routing.find(wanted)
    # One that fed itself, or another SFU, would send its stream in a circle.
    if streamer is None or streamer.is_sfu:
        return [Drop(sfu.connection, m.Refused.NOT_ALLOWED)]
    return routing.subscribe(sfu.player, streamer)


def _streamer_data_channels(sfu: Sfu, message: m.StreamerDataChannels, routing: Routing) -> list[Action]:
    """The one message of an SFU's that speaks of a player of the SFU's to the streamer."""
    player, upstream = routing.player_of(sfu.streamer, message.player_id), sfu.player.streamer
    if player is None:
        return [Drop(sfu.connection, m.Refused.NOT_ITS_PLAYER)]
    if upstream is None:
        return [Drop(sfu.connection, m.Refused.NOT_SUBSCRIBED)]
    message.player_id, message.sfu_id = player.id, sfu.player.id
    return [Send(upstream.connection, message)]
