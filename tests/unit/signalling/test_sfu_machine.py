"""Selective forwarding units at the sidecar's machine."""

import pytest

from signalling.protocol import messages as m
from tests.unit.signalling.instance import OTHER, PLAYER, SFU, STREAMER, Instance, frame, kinds, said


@pytest.fixture
def machine():
    it = Instance()
    it.identify()
    it.connect_sfu(SFU)
    return it


@pytest.fixture
def fed(machine):
    """The SFU, player 1 of the streamer, has its stream; player 2 watches the SFU and player 3 the streamer."""
    machine.say(SFU, "endpointId", id="SFU")
    machine.say(SFU, "subscribe", streamerId="demo")
    machine.say(SFU, "startStreaming")
    machine.subscribe(PLAYER, "SFU")
    machine.subscribe(OTHER, "demo")
    return machine


def test_it_introduces_itself_as_a_streamer_does(machine):
    assert kinds(machine.connect_sfu(16)) == [(16, 1013)]
    machine.lose(SFU)
    assert said(machine.connect_sfu(SFU)) == [
        (SFU, {"type": "identify"}),
        (SFU, {"type": "config", "peerConnectionOptions": {"iceServers": []}, "protocolVersion": "1.3.0"}),
    ]
    assert said(machine.say(SFU, "endpointId", id="demo")) == [
        (SFU, {"type": "endpointIdConfirm", "committedId": "demo1"})
    ]
    assert machine.streamer_count == 1


def test_it_does_not_make_an_instance_ready():
    it = Instance()
    it.connect_sfu(SFU)
    it.say(SFU, "endpointId", id="SFU")
    assert not it.streaming


def test_it_sees_every_streamer_and_players_see_those_that_stream(machine):
    machine.say(SFU, "endpointId", id="SFU")
    machine.say(SFU, "stopStreaming")
    machine.admit(PLAYER)
    assert said(machine.say(SFU, "listStreamers")) == [(SFU, {"type": "streamerList", "ids": ["demo", "SFU"]})]
    assert said(machine.say(PLAYER, "listStreamers")) == [(PLAYER, {"type": "streamerList", "ids": ["demo"]})]
    machine.say(SFU, "startStreaming")
    assert said(machine.say(PLAYER, "listStreamers"))[0][1]["ids"] == ["demo", "SFU"]


def test_nobody_streams_without_a_name(machine):
    machine.say(SFU, "startStreaming")
    machine.admit(PLAYER)
    assert said(machine.say(PLAYER, "listStreamers"))[0][1]["ids"] == ["demo"]


def test_it_subscribes_as_a_player_that_is_one(machine):
    assert said(machine.say(SFU, "subscribe", streamerId="demo")) == [
        (STREAMER, {"type": "playerConnected", "playerId": "1", "dataChannel": True, "sfu": True})
    ]
    assert said(machine.say(SFU, "subscribe", streamerId="demo")) == [
        (STREAMER, {"type": "playerDisconnected", "playerId": "1"}),
        (STREAMER, {"type": "playerConnected", "playerId": "1", "dataChannel": True, "sfu": True}),
    ]
    assert said(machine.say(SFU, "unsubscribe")) == [(STREAMER, {"type": "playerDisconnected", "playerId": "1"})]
    assert machine.say(SFU, "unsubscribe") == []


@pytest.mark.parametrize("wanted", ["nobody", "", "SFU"])
def test_subscribing_to_nobody_or_to_itself_is_answered_with_nothing(machine, wanted):
    machine.say(SFU, "endpointId", id="SFU")
    assert said(machine.say(SFU, "subscribe", streamerId=wanted)) == [(SFU, m.Refused.NOT_ALLOWED)]


def test_its_negotiation_with_the_streamer(fed):
    offer = frame("offer", sdp="v=0", playerId="1", multiplex=True, scalabilityMode="L1T1")
    assert said(fed.hear(STREAMER, offer)) == [
        (SFU, {"type": "offer", "sdp": "v=0", "playerId": "1", "multiplex": True, "scalabilityMode": "L1T1"})
    ]
    assert said(fed.say(SFU, "answer", sdp="v=1")) == [(STREAMER, {"type": "answer", "sdp": "v=1", "playerId": "1"})]
    candidate = {"candidate": "", "sdpMid": "0"}
    assert said(fed.say(STREAMER, "iceCandidate", candidate=candidate, playerId="1")) == [
        (SFU, {"type": "iceCandidate", "candidate": candidate, "playerId": "1"})
    ]


def test_it_cannot_answer_for_another_player(fed):
    assert said(fed.say(SFU, "answer", sdp="", playerId="3"))[0][1]["playerId"] == "1"


def test_its_negotiation_with_a_player(fed):
    offer = frame("offer", sdp="v=0", playerId="2", sfu=True, scalabilityMode="L3T3")
    assert said(fed.hear(SFU, offer)) == [
        (PLAYER, {"type": "offer", "sdp": "v=0", "sfu": True, "scalabilityMode": "L3T3"})
    ]
    assert said(fed.say(PLAYER, "answer", sdp="v=1")) == [(SFU, {"type": "answer", "sdp": "v=1", "playerId": "2"})]
    assert said(fed.say(PLAYER, "dataChannelRequest")) == [(SFU, {"type": "dataChannelRequest", "playerId": "2"})]
    channels = frame("peerDataChannels", playerId="2", sendStreamId=1, recvStreamId=2)
    assert said(fed.hear(SFU, channels)) == [
        (PLAYER, {"type": "peerDataChannels", "sendStreamId": 1, "recvStreamId": 2})
    ]
    assert said(fed.say(PLAYER, "peerDataChannelsReady")) == [(SFU, {"type": "peerDataChannelsReady", "playerId": "2"})]
    assert said(fed.say(SFU, "streamerDataChannels", playerId="2", sendStreamId=3, recvStreamId=4)) == [
        (
            STREAMER,
            {"type": "streamerDataChannels", "sfuId": "1", "playerId": "2", "sendStreamId": 3, "recvStreamId": 4},
        )
    ]


@pytest.mark.parametrize("kind", ["offer", "peerDataChannels", "streamerDataChannels"])
@pytest.mark.parametrize("player_id", ["1", "3", "9", None])
def test_it_reaches_its_own_players_only(fed, kind, player_id):
    assert said(fed.say(SFU, kind, sdp="", playerId=player_id)) == [(SFU, m.Refused.NOT_ITS_PLAYER)]


def test_layers_are_asked_of_the_sfu_by_its_players_and_by_the_streamer(fed):
    wanted = {"spatialLayer": 1, "temporalLayer": 2}
    assert said(fed.say(PLAYER, "layerPreference", **wanted)) == [
        (SFU, {"type": "layerPreference", **wanted, "playerId": "2"})
    ]
    assert said(fed.say(STREAMER, "layerPreference", **wanted, playerId="2")) == [
        (SFU, {"type": "layerPreference", **wanted, "playerId": "2"})
    ]


@pytest.mark.parametrize("kind", ["dataChannelRequest", "peerDataChannelsReady"])
def test_what_is_for_an_sfu_never_reaches_a_streamer(fed, kind):
    assert said(fed.say(OTHER, kind)) == [(OTHER, m.Refused.NOT_ALLOWED)]


def test_it_hears_that_its_streamer_has_another_name(fed):
    assert (SFU, {"type": "streamerIdChanged", "newID": "new"}) in said(fed.say(STREAMER, "endpointId", id="new"))


def test_it_hears_that_its_streamer_is_gone_and_loses_its_players(fed):
    assert said(fed.lose(STREAMER)) == [
        (SFU, {"type": "streamerDisconnected"}),
        (PLAYER, 1012, "the streamer left"),
        (OTHER, 1012, "the streamer left"),
    ]
    fed.admit(22)
    assert said(fed.say(22, "listStreamers"))[0][1]["ids"] == []
    assert said(fed.say(SFU, "answer", sdp="")) == [(SFU, m.Refused.NOT_SUBSCRIBED)]


def test_when_it_stops_its_players_come_again(fed):
    assert said(fed.say(SFU, "stopStreaming")) == [(PLAYER, 1012, "the streamer left")]
    assert said(fed.say(STREAMER, "offer", sdp="", playerId="1"))[0][0] == SFU


def test_when_it_goes_the_streamer_and_its_players_hear_of_it(fed):
    assert said(fed.lose(SFU)) == [
        (STREAMER, {"type": "playerDisconnected", "playerId": "1"}),
        (PLAYER, 1012, "the streamer left"),
    ]
    assert fed.lose(SFU) == []


def test_a_streamer_may_disconnect_it(fed):
    assert said(fed.say(STREAMER, "disconnectPlayer", playerId="1", reason="no")) == [
        (SFU, 1011, "no"),
        (STREAMER, {"type": "playerDisconnected", "playerId": "1"}),
        (PLAYER, 1012, "the streamer left"),
    ]
    assert fed.say(SFU, "listStreamers") == []


@pytest.mark.parametrize(
    "kind", ["iceCandidate", "disconnectPlayer", "layerPreference", "dataChannelRequest", "config"]
)
def test_what_an_sfu_does_not_send_is_unknown(fed, kind):
    assert said(fed.say(SFU, kind, candidate={}, playerId="2")) == [(SFU, m.Refused.UNKNOWN_TYPE)]


def test_pings_are_answered_and_pongs_are_not(fed):
    assert said(fed.say(SFU, "ping", time=7)) == [(SFU, {"type": "pong", "time": 7})]
    assert fed.say(SFU, "pong", time=7) == []
