"""Every signalling message, defined once, and the tables that say who may send which.

The fields are those of protocol version 1.3.0. Clients check strictly, so a message that is passed on is rebuilt from
its definition: fields that are not in it never travel further. ``Raw`` marks what the server must not interpret.
``playerCount`` and ``stats`` are missing: nobody sends the first any more, and nobody listens to the second.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from functools import reduce
from operator import or_
from typing import Any, Final, TypeAlias, get_args

import msgspec
from msgspec import UNSET, Raw, UnsetType

PROTOCOL_VERSION: Final = "1.3.0"

PlayerId: TypeAlias = str | int
"""A string by the protocol; Unreal 4 also sends it as a number."""

Opaque: TypeAlias = Raw | UnsetType
"""An optional field of any shape, passed on as it came."""


class Message(msgspec.Struct, tag_field="type", rename="camel", omit_defaults=True, kw_only=True):
    """What all messages have: ``type``, taken from each definition's tag."""


class Config(Message, tag="config"):
    """Server to all: the first thing a player gets, which builds its peer connection from it."""

    peer_connection_options: Raw
    protocol_version: str | UnsetType = UNSET


class Identify(Message, tag="identify"):
    """Server to streamer or SFU: who are you?"""


class EndpointId(Message, tag="endpointId"):
    """Streamer or SFU to server: its name; from here on it is listed."""

    id: str
    protocol_version: str | UnsetType = UNSET


class EndpointIdConfirm(Message, tag="endpointIdConfirm"):
    """Server to streamer: the name it got."""

    committed_id: str


class StreamerIdChanged(Message, tag="streamerIdChanged"):
    """Server to player: the streamer it is subscribed to has another name now."""

    new_id: str = msgspec.field(name="newID")


class ListStreamers(Message, tag="listStreamers"):
    """Player or SFU to server: which streamers are there?"""


class StreamerList(Message, tag="streamerList"):
    """Server to player: the streamers that sent their name."""

    ids: list[str]


class Subscribe(Message, tag="subscribe"):
    """Player to server: connect me to this streamer (and disconnect me from the one before)."""

    streamer_id: str = ""


class Unsubscribe(Message, tag="unsubscribe"):
    """Player to server: disconnect me from my streamer."""


class SubscribeFailed(Message, tag="subscribeFailed"):
    """Server to player: no such streamer, or it is full. The stock player stops reconnecting."""

    message: str


class PlayerConnected(Message, tag="playerConnected"):
    """Server to streamer: make an offer to this player."""

    player_id: str
    data_channel: bool
    sfu: bool


class PlayerDisconnected(Message, tag="playerDisconnected"):
    """Server to streamer: this player is gone."""

    player_id: str


class Offer(Message, tag="offer"):
    """Streamer to player, or player to streamer when the browser makes the offer."""

    sdp: str
    player_id: PlayerId | UnsetType | None = UNSET
    sfu: Opaque = UNSET
    multiplex: Opaque = UNSET
    scalability_mode: Opaque = UNSET
    min_bitrate_bps: Opaque = UNSET
    max_bitrate_bps: Opaque = UNSET


class Answer(Message, tag="answer"):
    """The reply to an offer, in the other direction."""

    sdp: str
    player_id: PlayerId | UnsetType | None = UNSET
    min_bitrate_bps: Opaque = UNSET
    max_bitrate_bps: Opaque = UNSET


class IceCandidate(Message, tag="iceCandidate"):
    """Both ways: one ICE candidate, which the server does not read."""

    candidate: Raw
    player_id: PlayerId | UnsetType | None = UNSET


class DisconnectPlayer(Message, tag="disconnectPlayer"):
    """Streamer to server: close this player's connection."""

    player_id: PlayerId
    reason: str | UnsetType | None = UNSET


class Ping(Message, tag="ping"):
    """Keepalive. ``time`` is declared an int32 but filled by a millisecond clock: echoed as it came, never checked."""

    time: Raw


class Pong(Message, tag="pong"):
    """The answer to a ping, with its ``time``."""

    time: Raw


class LayerPreference(Message, tag="layerPreference"):
    """Player to streamer, or streamer to the SFUs it has: the layers somebody wants of a scalable stream."""

    spatial_layer: Opaque = UNSET
    temporal_layer: Opaque = UNSET
    player_id: PlayerId | UnsetType | None = UNSET


class DataChannelRequest(Message, tag="dataChannelRequest"):
    """Player to SFU, right after its answer: it wants data channels."""

    player_id: PlayerId | UnsetType | None = UNSET


class PeerDataChannels(Message, tag="peerDataChannels"):
    """SFU to player: the streams of its data channels."""

    send_stream_id: Opaque = UNSET
    recv_stream_id: Opaque = UNSET
    player_id: PlayerId | UnsetType | None = UNSET


class PeerDataChannelsReady(Message, tag="peerDataChannelsReady"):
    """Player to SFU: its side of the data channels is there."""

    player_id: PlayerId | UnsetType | None = UNSET


class StreamerDataChannels(Message, tag="streamerDataChannels"):
    """SFU to streamer: the streams of the data channels of one of the SFU's players."""

    sfu_id: PlayerId | UnsetType | None = UNSET
    send_stream_id: Opaque = UNSET
    recv_stream_id: Opaque = UNSET
    player_id: PlayerId | UnsetType | None = UNSET


class StartStreaming(Message, tag="startStreaming"):
    """SFU to server: list me."""


class StopStreaming(Message, tag="stopStreaming"):
    """SFU to server: list me no more, and send my players away."""


class StreamerDisconnected(Message, tag="streamerDisconnected"):
    """Server to SFU: the streamer it is subscribed to is gone. A player's connection is closed instead."""


ToUpstream: TypeAlias = Offer | Answer | IceCandidate | LayerPreference | DataChannelRequest | PeerDataChannelsReady
"""What travels from a player to its streamer, or to the SFU that stands for one, with the player's id in it."""
ToDownstream: TypeAlias = Offer | Answer | IceCandidate | PeerDataChannels
"""What travels the other way."""

FromStreamer: TypeAlias = EndpointId | Offer | Answer | IceCandidate | DisconnectPlayer | LayerPreference | Ping | Pong
FromPlayer: TypeAlias = (
    ListStreamers
    | Subscribe
    | Unsubscribe
    | Offer
    | Answer
    | IceCandidate
    | LayerPreference
    | DataChannelRequest
    | PeerDataChannelsReady
    | Ping
    | Pong
)
FromSfu: TypeAlias = (
    EndpointId
    | ListStreamers
    | Subscribe
    | Unsubscribe
    | Offer
    | Answer
    | PeerDataChannels
    | StreamerDataChannels
    | StartStreaming
    | StopStreaming
    | Ping
    | Pong
)
ToStreamer: TypeAlias = (
    Identify
    | Config
    | EndpointIdConfirm
    | PlayerConnected
    | PlayerDisconnected
    | Offer
    | Answer
    | IceCandidate
    | LayerPreference
    | StreamerDataChannels
    | Ping
    | Pong
)
ToPlayer: TypeAlias = (
    Config
    | StreamerList
    | StreamerIdChanged
    | SubscribeFailed
    | Offer
    | Answer
    | IceCandidate
    | PeerDataChannels
    | Ping
    | Pong
)
ToSfu: TypeAlias = (
    Identify
    | Config
    | EndpointIdConfirm
    | StreamerIdChanged
    | StreamerDisconnected
    | StreamerList
    | PlayerConnected
    | PlayerDisconnected
    | Offer
    | Answer
    | IceCandidate
    | LayerPreference
    | DataChannelRequest
    | PeerDataChannelsReady
    | Ping
    | Pong
)


class Role(Enum):
    """Who is at the other end of a connection."""

    STREAMER = "streamer"
    PLAYER = "player"
    SFU = "sfu"


SENDS: Final[Mapping[Role, tuple[type[Message], ...]]] = {
    Role.STREAMER: get_args(FromStreamer),
    Role.PLAYER: get_args(FromPlayer),
    Role.SFU: get_args(FromSfu),
}
"""What each role may send; anything else is refused as unknown, whoever else may send it."""

GETS: Final[Mapping[Role, tuple[type[Message], ...]]] = {
    Role.STREAMER: get_args(ToStreamer),
    Role.PLAYER: get_args(ToPlayer),
    Role.SFU: get_args(ToSfu),
}
"""What each role may be sent: an old Unreal closes its connection on any other type."""


class Refused(Enum):
    """Why a frame or a message was dropped; also the label of the metric that counts them."""

    MALFORMED = "malformed"
    UNKNOWN_TYPE = "unknown_type"
    NOT_SUBSCRIBED = "not_subscribed"
    NOT_ITS_PLAYER = "not_its_player"
    NOT_ALLOWED = "not_allowed"
    """Known, and not for somebody in this place to send."""


class _Envelope(msgspec.Struct):
    type: str


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_ENCODER: Final = msgspec.json.Encoder()
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeError, RecursionError)


class Reader:
    """Reads the frames of those who may send certain messages; never raises."""

    def __init__(self, kinds: Sequence[type[Message]]) -> None:
        self._decode: Final = msgspec.json.Decoder(reduce(or_, kinds)).decode
        self._known: Final = {kind.__struct_config__.tag for kind in kinds}

    def __call__(self, data: str | bytes) -> Any:  # noqa: ANN401  # One of the kinds it was made for.
        """The message, or why it is none."""
        try:
            # The strict decode of bytes matters: opaque fields are copied, not read, and would carry broken text along.
            return self._decode(data if isinstance(data, str) else data.decode())
        except _UNREADABLE:
            kind = type_of(data)
            return Refused.UNKNOWN_TYPE if kind is not None and kind not in self._known else Refused.MALFORMED


_STREAMER: Final = Reader(SENDS[Role.STREAMER])
_PLAYER: Final = Reader(SENDS[Role.PLAYER])
_SFU: Final = Reader(SENDS[Role.SFU])


def decode_from_streamer(data: str | bytes) -> FromStreamer | Refused:
    """Read a frame of a streamer; never raises."""
    message: FromStreamer | Refused = _STREAMER(data)
    return message


def decode_from_player(data: str | bytes) -> FromPlayer | Refused:
    """Read a frame of a player; never raises."""
    message: FromPlayer | Refused = _PLAYER(data)
    return message


def decode_from_sfu(data: str | bytes) -> FromSfu | Refused:
    """Read a frame of an SFU; never raises."""
    message: FromSfu | Refused = _SFU(data)
    return message


def type_of(data: str | bytes) -> str | None:
    """The ``type`` of a frame, whatever else is in it; None when it is not a message at all."""
    try:
        return _ENVELOPE.decode(data).type
    except _UNREADABLE:
        return None


def encode(message: Message) -> bytes:
    """The frame of a message."""
    return _ENCODER.encode(message)


def opaque(value: object) -> Raw:
    """Plain data as an opaque field."""
    return Raw(_ENCODER.encode(value))
