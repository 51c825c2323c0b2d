"""Reading and writing single messages."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.protocol import messages as m

EVERY = {kind.__struct_config__.tag: kind for role in m.Role for kind in (*m.SENDS[role], *m.GETS[role])}

READ = {
    m.Role.STREAMER: m.decode_from_streamer,
    m.Role.PLAYER: m.decode_from_player,
    m.Role.SFU: m.decode_from_sfu,
}

FIELDS = {
    "config": {"peerConnectionOptions", "protocolVersion"},
    "identify": set(),
    "endpointId": {"id", "protocolVersion"},
    "endpointIdConfirm": {"committedId"},
    "streamerIdChanged": {"newID"},
    "listStreamers": set(),
    "streamerList": {"ids"},
    "subscribe": {"streamerId"},
    "unsubscribe": set(),
    "subscribeFailed": {"message"},
    "playerConnected": {"dataChannel", "sfu", "playerId"},
    "playerDisconnected": {"playerId"},
    "offer": {"sdp", "playerId", "sfu", "multiplex", "scalabilityMode", "minBitrateBps", "maxBitrateBps"},
    "answer": {"sdp", "playerId", "minBitrateBps", "maxBitrateBps"},
    "iceCandidate": {"candidate", "playerId"},
    "disconnectPlayer": {"playerId", "reason"},
    "ping": {"time"},
    "pong": {"time"},
    "layerPreference": {"spatialLayer", "temporalLayer", "playerId"},
    "dataChannelRequest": {"playerId"},
    "peerDataChannels": {"playerId", "sendStreamId", "recvStreamId"},
    "peerDataChannelsReady": {"playerId"},
    "streamerDataChannels": {"sfuId", "playerId", "sendStreamId", "recvStreamId"},
    "startStreaming": set(),
    "stopStreaming": set(),
    "streamerDisconnected": set(),
}


@pytest.mark.parametrize("tag", sorted(FIELDS))
def test_fields_are_those_of_the_protocol(tag):
    assert {field.encode_name for field in msgspec.structs.fields(EVERY[tag])} == FIELDS[tag]


def test_there_is_no_message_beside_the_table():
    assert EVERY.keys() == FIELDS.keys()


@pytest.mark.parametrize(
    ("role", "tag"),
    [
        (m.Role.STREAMER, "config"),
        (m.Role.STREAMER, "startStreaming"),
        (m.Role.PLAYER, "playerConnected"),
        (m.Role.PLAYER, "disconnectPlayer"),
        (m.Role.PLAYER, "streamerDataChannels"),
        (m.Role.PLAYER, "sessionEnd"),
        (m.Role.SFU, "dataChannelRequest"),
        (m.Role.SFU, "iceCandidate"),
    ],
)
def test_a_message_of_the_wrong_direction_is_unknown(role, tag):
    assert READ[role](json.dumps({"type": tag, "playerId": "1"})) is m.Refused.UNKNOWN_TYPE


@pytest.mark.parametrize("time", ["1", "99999999999999999999999999", "1e400", "-0.0", '"text"', "null", '{"a":[1]}'])
def test_a_ping_s_time_is_echoed_to_the_letter(time):
    ping = m.decode_from_player(f'{{"type":"ping","time":{time}}}')
    assert isinstance(ping, m.Ping)
    assert m.encode(m.Pong(time=ping.time)) == f'{{"type":"pong","time":{time}}}'.encode()


def test_opaque_fields_keep_their_text_and_unknown_ones_do_not_travel():
    answer = m.decode_from_player('{"type":"answer","sdp":"v=0","maxBitrateBps":1e7,"evil":true,"minBitrateBps":null}')
    assert isinstance(answer, m.Answer)
    assert m.encode(answer) == b'{"type":"answer","sdp":"v=0","minBitrateBps":null,"maxBitrateBps":1e7}'


@pytest.mark.parametrize(
    "data",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"type":5}',
        '{"type":"ping"}',
        '{"type":"ping","time":NaN}',
        '{"type":"ping","time":01}',
        '{"type":"ping","time":"\\ud800"}',
        '{"type":"offer","sdp":5}',
        '{"type":"iceCandidate"}',
        '{"type":"ping","time":' + "[" * 100_000 + "]" * 100_000 + "}",
        "[" * 100_000,
        b"\xff\xfe",
        b'{"type":"ping","time":"\xff"}',
        '{"type":"ping","time":"\ud800"}',
        '{"type":"offer","sdp":"","playerId":' + "9" * 5000 + "}",
    ],
)
def test_broken_frames_are_malformed(data):
    assert m.decode_from_player(data) is m.Refused.MALFORMED
    for role in (m.Role.STREAMER, m.Role.SFU):
        assert READ[role](data) in {m.Refused.MALFORMED, m.Refused.UNKNOWN_TYPE}


def test_an_unknown_type_is_told_from_a_broken_frame():
    assert m.decode_from_player('{"type":"requestInstance"}') is m.Refused.UNKNOWN_TYPE
    assert m.type_of('{"type":"requestInstance","more":[1,2]}') == "requestInstance"


def test_a_binary_frame_reads_like_a_text_frame():
    data = '{"type":"subscribe","streamerId":"grün"}'
    assert m.decode_from_player(data.encode()) == m.decode_from_player(data) == m.Subscribe(streamer_id="grün")


@given(st.one_of(st.text(), st.binary()))
def test_nothing_makes_the_readers_raise(data):
    for read in READ.values():
        read(data)
    m.type_of(data)
