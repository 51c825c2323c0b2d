"""Epic's protocol at the sidecar's machine, step by step: streamers and players, without sessions."""

import pytest

from signalling.protocol import messages as m
from signalling.protocol.actions import Close, CloseCode, Drop
from signalling.protocol.admission import NotAdmitted
from signalling.protocol.sidecar import Limits
from tests.unit.signalling.instance import ANYBODY, OTHER, PLAYER, STREAMER, Instance, frame, said, ticket


@pytest.fixture
def machine():
    return Instance(Limits(streamers=1, players=2, waiting=1))


@pytest.fixture
def streaming(machine):
    machine.connect_streamer(STREAMER)
    machine.hear(STREAMER, frame("endpointId", id="demo", protocolVersion="1.0.0"))
    return machine


@pytest.fixture
def session(streaming):
    """Players 1 and 2 are subscribed."""
    for connection in (PLAYER, OTHER):
        streaming.admit(connection)
        streaming.hear(connection, frame("subscribe", streamerId="demo"))
    return streaming


def test_a_streamer_is_asked_who_it_is_and_gets_no_ice_servers(machine):
    assert said(machine.connect_streamer(STREAMER)) == [
        (STREAMER, {"type": "identify"}),
        (STREAMER, {"type": "config", "peerConnectionOptions": {"iceServers": []}, "protocolVersion": "1.3.0"}),
    ]
    assert not machine.streaming
    assert said(machine.hear(STREAMER, frame("endpointId", id="demo"))) == [
        (STREAMER, {"type": "endpointIdConfirm", "committedId": "demo"})
    ]
    assert machine.streaming


def test_a_streamer_without_a_name_gets_one(machine):
    machine.connect_streamer(STREAMER)
    assert said(machine.hear(STREAMER, frame("endpointId", id=""))) == [
        (STREAMER, {"type": "endpointIdConfirm", "committedId": "UnknownStreamer"})
    ]


def test_a_second_streamer_is_refused_and_the_first_one_stays(streaming):
    assert said(streaming.connect_streamer(11)) == [(11, 1013, "this instance has its streamer")]
    assert streaming.streaming
    assert streaming.hear(11, frame("endpointId", id="demo")) == []


def test_several_streamers_get_different_names():
    machine = Instance(Limits(streamers=2))
    for connection in (1, 2):
        machine.connect_streamer(connection)
        machine.hear(connection, frame("endpointId", id="demo"))
    machine.admit(PLAYER)
    assert said(machine.hear(PLAYER, frame("listStreamers")))[0][1]["ids"] == ["demo", "demo1"]


def test_a_player_gets_its_config_first(streaming):
    assert said(streaming.admit(PLAYER)) == [
        (
            PLAYER,
            {
                "type": "config",
                "peerConnectionOptions": {"iceServers": [{"urls": ["stun:198.51.100.1:3478"]}]},
                "protocolVersion": "1.3.0",
            },
        )
    ]


def test_a_streamer_is_listed_once_it_has_sent_its_name(machine):
    machine.connect_streamer(STREAMER)
    machine.admit(PLAYER)
    assert said(machine.hear(PLAYER, frame("listStreamers"))) == [(PLAYER, {"type": "streamerList", "ids": []})]
    machine.hear(STREAMER, frame("endpointId", id="demo"))
    assert said(machine.hear(PLAYER, frame("listStreamers"))) == [(PLAYER, {"type": "streamerList", "ids": ["demo"]})]


def test_subscribing_connects_the_player(streaming):
    streaming.admit(PLAYER)
    assert said(streaming.hear(PLAYER, frame("subscribe", streamerId="demo"))) == [
        (STREAMER, {"type": "playerConnected", "playerId": "1", "dataChannel": True, "sfu": False})
    ]


def test_player_ids_are_decimal_strings_never_used_twice(streaming):
    seen = []
    for connection in range(100, 110):
        streaming.admit(connection)
        seen.append(said(streaming.hear(connection, frame("subscribe", streamerId="demo")))[0][1]["playerId"])
        streaming.lose(connection)
    assert seen == [str(number) for number in range(1, 11)]


@pytest.mark.parametrize("wanted", ["nobody", "", "Demo"])
def test_subscribing_to_nobody_fails(streaming, wanted):
    streaming.admit(PLAYER)
    (connection, message), *rest = said(streaming.hear(PLAYER, frame("subscribe", streamerId=wanted)))
    assert (connection, message["type"], rest) == (PLAYER, "subscribeFailed", [])


def test_subscribing_to_a_streamer_without_a_name_fails(machine):
    machine.connect_streamer(STREAMER)
    machine.admit(PLAYER)
    assert said(machine.hear(PLAYER, frame("subscribe", streamerId="UnknownStreamer")))[0][1]["type"] == (
        "subscribeFailed"
    )


def test_a_full_streamer_takes_nobody_else_but_lets_its_own_subscribe_again(session):
    session.admit(22)
    assert said(session.hear(22, frame("subscribe", streamerId="demo"))) == [
        (22, {"type": "subscribeFailed", "message": "The streamer is full."})
    ]
    assert [entry[1]["type"] for entry in said(session.hear(PLAYER, frame("subscribe", streamerId="demo")))] == [
        "playerDisconnected",
        "playerConnected",
    ]


def test_connections_are_limited_too(session):
    session.admit(22)
    assert session.refusal(ticket("one-more", limits=ANYBODY)) is NotAdmitted.NO_ROOM
    assert session.player_count == 3


def test_negotiation_travels_between_a_player_and_its_streamer(session):
    assert said(session.hear(STREAMER, frame("offer", sdp="v=0", playerId="1", multiplex=True, extra=1))) == [
        (PLAYER, {"type": "offer", "sdp": "v=0", "playerId": "1", "multiplex": True})
    ]
    assert said(session.hear(PLAYER, frame("answer", sdp="v=1", minBitrateBps=0, maxBitrateBps=0))) == [
        (STREAMER, {"type": "answer", "sdp": "v=1", "playerId": "1", "minBitrateBps": 0, "maxBitrateBps": 0})
    ]
    candidate = {"candidate": "candidate:1 1 UDP 1 198.51.100.1 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0}
    assert said(session.hear(PLAYER, frame("iceCandidate", candidate=candidate))) == [
        (STREAMER, {"type": "iceCandidate", "candidate": candidate, "playerId": "1"})
    ]
    assert said(session.hear(STREAMER, frame("iceCandidate", candidate=candidate, playerId="2"))) == [
        (OTHER, {"type": "iceCandidate", "candidate": candidate, "playerId": "2"})
    ]


def test_the_browser_may_make_the_offer(session):
    assert said(session.hear(PLAYER, frame("offer", sdp="v=0", minBitrateBps=1, maxBitrateBps=2))) == [
        (STREAMER, {"type": "offer", "sdp": "v=0", "playerId": "1", "minBitrateBps": 1, "maxBitrateBps": 2})
    ]
    assert said(session.hear(STREAMER, frame("answer", sdp="v=1", playerId="1"))) == [
        (PLAYER, {"type": "answer", "sdp": "v=1", "playerId": "1"})
    ]


def test_a_player_cannot_speak_for_another(session):
    assert said(session.hear(PLAYER, frame("answer", sdp="", playerId="2")))[0][1]["playerId"] == "1"
    preference = frame("layerPreference", spatialLayer=1, temporalLayer=2, playerId="2")
    assert said(session.hear(PLAYER, preference)) == [
        (STREAMER, {"type": "layerPreference", "spatialLayer": 1, "temporalLayer": 2, "playerId": "1"})
    ]


def test_an_old_unreal_names_its_players_by_numbers(session):
    assert said(session.hear(STREAMER, frame("offer", sdp="", playerId=2))) == [
        (OTHER, {"type": "offer", "sdp": "", "playerId": "2"})
    ]
    assert said(session.hear(STREAMER, frame("disconnectPlayer", playerId=2)))[0] == (OTHER, 1011, "")


@pytest.mark.parametrize("player_id", ["3", "", "-1", 3, None])
def test_a_streamer_reaches_its_own_players_only(session, player_id):
    session.admit(22)
    assert said(session.hear(STREAMER, frame("offer", sdp="", playerId=player_id))) == [
        (STREAMER, m.Refused.NOT_ITS_PLAYER)
    ]


def test_a_streamer_without_players_reaches_nobody():
    machine = Instance(Limits(streamers=2))
    for connection, name in ((1, "a"), (2, "b")):
        machine.connect_streamer(connection)
        machine.hear(connection, frame("endpointId", id=name))
    machine.admit(PLAYER)
    machine.hear(PLAYER, frame("subscribe", streamerId="a"))
    for message in (frame("offer", sdp="", playerId="1"), frame("disconnectPlayer", playerId="1")):
        assert said(machine.hear(2, message)) == [(2, m.Refused.NOT_ITS_PLAYER)]


def test_disconnect_player_closes_with_1011_and_tells_the_streamer(session):
    assert said(session.hear(STREAMER, frame("disconnectPlayer", playerId="1", reason="idle"))) == [
        (PLAYER, 1011, "idle"),
        (STREAMER, {"type": "playerDisconnected", "playerId": "1"}),
    ]
    assert session.hear(PLAYER, frame("listStreamers")) == []
    assert session.lose(PLAYER) == []


def test_a_close_reason_fits_its_frame(session):
    (close, *_) = session.hear(STREAMER, frame("disconnectPlayer", playerId="1", reason="ü" * 100))
    assert isinstance(close, Close)
    assert close.reason == "ü" * 61


@pytest.mark.parametrize(
    ("connection", "expected"), [(PLAYER, {"type": "pong", "time": 5}), (STREAMER, {"type": "pong", "time": 5})]
)
def test_pings_are_answered_and_pongs_are_not(session, connection, expected):
    assert said(session.hear(connection, frame("ping", time=5))) == [(connection, expected)]
    assert session.hear(connection, frame("pong", time=5)) == []


@pytest.mark.parametrize("kind", ["offer", "answer"])
def test_negotiating_without_a_subscription_is_refused(streaming, kind):
    streaming.admit(PLAYER)
    dropped, failed, closed = said(streaming.hear(PLAYER, frame(kind, sdp="")))
    assert dropped == (PLAYER, m.Refused.NOT_SUBSCRIBED)
    assert failed[1]["type"] == "subscribeFailed"
    assert closed[:2] == (PLAYER, 1008)
    assert streaming.player_count == 0


@pytest.mark.parametrize("message", [frame("iceCandidate", candidate={}), frame("layerPreference", spatialLayer=0)])
def test_stragglers_without_a_subscription_are_dropped(session, message):
    session.hear(PLAYER, frame("unsubscribe"))
    assert said(session.hear(PLAYER, message)) == [(PLAYER, m.Refused.NOT_SUBSCRIBED)]


def test_unsubscribing_and_leaving_tell_the_streamer_once(session):
    gone = [(STREAMER, {"type": "playerDisconnected", "playerId": "1"})]
    assert said(session.hear(PLAYER, frame("unsubscribe"))) == gone
    assert session.hear(PLAYER, frame("unsubscribe")) == []
    assert session.lose(PLAYER) == []
    assert said(session.lose(OTHER)) == [(STREAMER, {"type": "playerDisconnected", "playerId": "2"})]


def test_a_lost_streamer_closes_its_players_so_that_they_come_again(session):
    session.admit(22)
    assert said(session.lose(STREAMER)) == [
        (PLAYER, 1012, "the streamer left"),
        (OTHER, 1012, "the streamer left"),
    ]
    assert (session.streaming, session.player_count) == (False, 1)
    assert session.lose(PLAYER) == []


def test_a_new_name_is_told_to_subscribers(session):
    assert said(session.hear(STREAMER, frame("endpointId", id="other"))) == [
        (STREAMER, {"type": "endpointIdConfirm", "committedId": "other"}),
        (PLAYER, {"type": "streamerIdChanged", "newID": "other"}),
        (OTHER, {"type": "streamerIdChanged", "newID": "other"}),
    ]
    assert said(session.hear(STREAMER, frame("endpointId", id="other"))) == [
        (STREAMER, {"type": "endpointIdConfirm", "committedId": "other"})
    ]


def test_switching_leaves_the_streamer_before():
    machine = Instance(Limits(streamers=2))
    for connection, name in ((1, "a"), (2, "b")):
        machine.connect_streamer(connection)
        machine.hear(connection, frame("endpointId", id=name))
    machine.admit(PLAYER)
    machine.hear(PLAYER, frame("subscribe", streamerId="a"))
    assert said(machine.hear(PLAYER, frame("subscribe", streamerId="b"))) == [
        (1, {"type": "playerDisconnected", "playerId": "1"}),
        (2, {"type": "playerConnected", "playerId": "1", "dataChannel": True, "sfu": False}),
    ]


def test_a_failed_switch_keeps_the_subscription(session):
    session.hear(PLAYER, frame("subscribe", streamerId="nobody"))
    assert said(session.hear(PLAYER, frame("answer", sdp="")))[0][0] == STREAMER


@pytest.mark.parametrize("connection", [PLAYER, STREAMER])
@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("{", m.Refused.MALFORMED),
        (frame("offer"), m.Refused.MALFORMED),
        (frame("stats", data={}), m.Refused.UNKNOWN_TYPE),
        (frame("config", peerConnectionOptions={}), m.Refused.UNKNOWN_TYPE),
    ],
)
def test_broken_and_unknown_frames_are_dropped(session, connection, data, why):
    assert session.hear(connection, data) == [Drop(connection, why)]


def test_frames_of_strangers_are_nothing(session):
    assert session.hear(99, frame("listStreamers")) == []
    assert session.lose(99) == []


def test_the_code_that_stops_a_stock_player_s_reconnect_is_never_used():
    assert 1001 not in list(CloseCode)
