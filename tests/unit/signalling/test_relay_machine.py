"""The matchmaker's machine for one player."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.protocol.actions import CloseCode
from signalling.protocol.messages import opaque
from signalling.protocol.relay import Abandon, ClosePlayer, Enqueue, Relay, Stage, ToInstance, ToPlayer

LIST = '{"type":"listStreamers"}'
SUBSCRIBE = '{"type":"subscribe","streamerId":"demo"}'
CONFIG = '{"type":"config","peerConnectionOptions":{}}'
ANSWER = '{"type":"streamerList","ids":["demo"]}'


@pytest.fixture
def relay():
    return Relay(opaque({"iceServers": [], "iceTransportPolicy": "relay"}))


@pytest.fixture
def queued(relay):
    relay.from_player(LIST)
    return relay


@pytest.fixture
def streaming(queued):
    queued.allocated()
    queued.from_instance(ANSWER)
    return queued


def test_the_config_comes_first(relay):
    (sent,) = relay.opened()
    assert json.loads(sent.data) == {
        "type": "config",
        "peerConnectionOptions": {"iceServers": [], "iceTransportPolicy": "relay"},
        "protocolVersion": "1.3.0",
    }


def test_a_player_queues_when_it_asks_for_the_list_and_only_once(relay):
    assert relay.from_player(LIST) == [Enqueue()]
    assert relay.from_player(LIST) == []
    assert relay.stage is Stage.QUEUED


def test_the_held_request_goes_to_the_instance_and_its_config_does_not_come_back(queued):
    assert queued.allocated() == [ToInstance(LIST)]
    assert queued.from_instance(CONFIG) == []
    assert queued.from_instance(ANSWER) == [ToPlayer(ANSWER)]
    assert queued.from_instance(CONFIG) == []


def test_a_player_that_knows_its_streamer_queues_too(relay):
    assert relay.from_player(SUBSCRIBE) == [Enqueue()]
    assert relay.from_player(LIST) == []
    assert relay.allocated() == [ToInstance(LIST), ToInstance(SUBSCRIBE)]


def test_an_unsubscribe_takes_the_held_subscription_back(queued):
    queued.from_player(SUBSCRIBE)
    queued.from_player('{"type":"unsubscribe"}')
    assert queued.allocated() == [ToInstance(LIST)]


@pytest.mark.parametrize("stage", ["relay", "queued", "streaming"])
def test_pings_are_answered_at_every_stage(request, stage):
    machine = request.getfixturevalue(stage)
    assert machine.from_player('{"type":"ping","time":1795397333123}') == [
        ToPlayer(b'{"type":"pong","time":1795397333123}')
    ]


@pytest.mark.parametrize("stage", ["relay", "queued"])
@pytest.mark.parametrize("kind", ["offer", "answer"])
def test_negotiating_before_there_is_an_instance_is_refused(request, stage, kind):
    machine = request.getfixturevalue(stage)
    failed, closed = machine.from_player(json.dumps({"type": kind, "sdp": "v=0"}))
    assert json.loads(failed.data)["type"] == "subscribeFailed"
    assert closed == ClosePlayer(CloseCode.REFUSED, "Subscribe to a streamer first.")
    assert machine.from_player(LIST) == []
    assert machine.allocated() == []


@pytest.mark.parametrize("data", ["", "{", '{"type":"hello"}', '{"type":"iceCandidate","candidate":{}}', b"\xff"])
def test_what_makes_no_sense_before_an_instance_is_dropped(queued, data):
    assert queued.from_player(data) == []
    assert queued.stage is Stage.QUEUED


def test_once_streaming_everything_passes_as_it_came(streaming):
    answer = '{"type":"answer", "sdp":"v=0", "new":"field"}'
    assert streaming.from_player(answer) == [ToInstance(answer)]
    offer = b'{"type":"offer","sdp":"v=0","playerId":"1"}'
    assert streaming.from_instance(offer) == [ToPlayer(offer)]


def test_an_instance_without_a_streamer_is_abandoned_unseen(queued):
    queued.allocated()
    assert queued.from_instance('{"type":"streamerList","ids":[]}') == [Abandon()]
    assert queued.instance_gone(1000, "") == []
    assert queued.stage is Stage.QUEUED
    assert queued.allocated() == [ToInstance(LIST)]


def test_an_instance_lost_before_it_answered_is_replaced_unseen(queued):
    queued.allocated()
    assert queued.instance_gone(None, "") == []
    assert queued.stage is Stage.QUEUED


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        (1011, 1011),
        (1008, 1008),
        (1013, 1013),
        (4001, 4001),
        (1000, 1012),
        (1001, 1012),
        (1006, 1012),
        (1012, 1012),
        (None, 1012),
    ],
)
def test_a_lost_session_closes_the_player_so_that_it_may_come_again(streaming, code, seen):
    (close,) = streaming.instance_gone(code, "why")
    assert close.code == seen
    assert streaming.instance_gone(code, "why") == []
    assert streaming.from_player(LIST) == []


@given(st.lists(st.tuples(st.booleans(), st.one_of(st.text(max_size=30), st.sampled_from([LIST, SUBSCRIBE, ANSWER])))))
def test_before_an_instance_nothing_goes_to_one(frames):
    machine = Relay(opaque({}))
    for from_player, data in frames:
        actions = machine.from_player(data) if from_player else machine.from_instance(data)
        assert not any(isinstance(action, ToInstance) for action in actions)
        if not from_player:
            assert actions == []
