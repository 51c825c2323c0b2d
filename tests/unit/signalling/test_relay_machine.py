"""The matchmaker's machine for one player."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.protocol.actions import CloseCode
from signalling.protocol.messages import encode, opaque
from signalling.protocol.relay import (
    HELD,
    HELD_BYTES,
    Abandon,
    ClosePlayer,
    Ending,
    Enqueue,
    Invite,
    Relay,
    RelayAction,
    Resume,
    Seen,
    Stage,
    ToInstance,
    ToPlayer,
)
from signalling.protocol.session_messages import Reason, SessionState, SessionTicket, State
from signalling.tickets.claims import Role

LIST = '{"type":"listStreamers"}'
SUBSCRIBE = '{"type":"subscribe","streamerId":"demo"}'
CONFIG = '{"type":"config","peerConnectionOptions":{}}'
ANSWER = '{"type":"streamerList","ids":["demo"]}'
NOBODY = '{"type":"streamerList","ids":[]}'
CANDIDATE = '{"type":"iceCandidate","candidate":{}}'
END = '{"type":"sessionEnd"}'
READY = encode(SessionState(state=State.READY, role=Role.OWNER)).decode()


def made(*, opted_in: bool = False) -> Relay:
    return Relay(opaque({"iceServers": [], "iceTransportPolicy": "relay"}), opted_in=opted_in)


@pytest.fixture
def relay():
    return made()


@pytest.fixture
def queued(relay):
    relay.from_player(LIST)
    return relay


@pytest.fixture
def streaming(queued):
    queued.allocated()
    queued.from_instance(ANSWER)
    return queued


@pytest.fixture
def opted():
    return made(opted_in=True)


@pytest.fixture
def playing(opted):
    opted.from_player(LIST)
    opted.allocated()
    for frame in (CONFIG, READY, ANSWER):
        opted.from_instance(frame)
    return opted


def said(actions: list[RelayAction]) -> list[dict[str, Any]]:
    return [json.loads(action.data) for action in actions if isinstance(action, ToPlayer)]


# Of every player


def test_the_config_comes_first(relay):
    assert said(relay.opened()) == [
        {
            "type": "config",
            "peerConnectionOptions": {"iceServers": [], "iceTransportPolicy": "relay"},
            "protocolVersion": "1.3.0",
        }
    ]


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


@pytest.mark.parametrize("stage", ["relay", "queued", "streaming", "opted", "playing"])
def test_pings_are_answered_at_every_stage(request, stage):
    machine = request.getfixturevalue(stage)
    assert machine.from_player('{"type":"ping","time":1795397333123}') == [
        ToPlayer(b'{"type":"pong","time":1795397333123}')
    ]


@pytest.mark.parametrize("stage", ["relay", "queued"])
@pytest.mark.parametrize("kind", ["offer", "answer"])
def test_negotiating_before_there_is_an_instance_is_refused(request, stage, kind):
    machine = request.getfixturevalue(stage)
    actions = machine.from_player(json.dumps({"type": kind, "sdp": "v=0"}))
    assert said(actions)[0]["type"] == "subscribeFailed"
    assert actions[-1] == ClosePlayer(CloseCode.REFUSED, "Subscribe to a streamer first.")
    assert machine.from_player(LIST) == []
    assert machine.allocated() == []


@pytest.mark.parametrize("data", ["", "{", '{"type":"hello"}', CANDIDATE, END, b"\xff"])
def test_what_makes_no_sense_before_an_instance_is_dropped(queued, data):
    assert queued.from_player(data) == []
    assert queued.stage is Stage.QUEUED


def test_once_streaming_everything_passes_as_it_came(streaming):
    for frame in ('{"type":"answer", "sdp":"v=0", "new":"field"}', '{"type":"vendor"}', "no message", END):
        assert streaming.from_player(frame) == [ToInstance(frame)]
    offer = b'{"type":"offer","sdp":"v=0","playerId":"1"}'
    assert streaming.from_instance(offer) == [ToPlayer(offer)]


def test_an_instance_without_a_streamer_is_abandoned_unseen(queued):
    queued.allocated()
    assert queued.from_instance(NOBODY) == [Abandon()]
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
        (1009, 1009),
        (1013, 1013),
        (4900, 4900),
        (4999, 4999),
        (4010, 1001),
        (4011, 1001),
        (4001, 1012),
        (4899, 1012),
        (1000, 1012),
        (1001, 1012),
        (1006, 1012),
        (1012, 1012),
        (None, 1012),
    ],
)
def test_what_the_player_s_close_says_of_the_session(streaming, code, seen):
    (close,) = streaming.instance_gone(code, "why")
    assert close.code == seen
    assert streaming.instance_gone(code, "why") == []
    assert streaming.from_player(LIST) == []
    assert streaming.from_instance(ANSWER) == []


def test_a_session_that_is_over_before_it_answered_is_not_replaced(queued):
    queued.allocated()
    assert queued.instance_gone(4010, "over") == [ClosePlayer(1001, "over")]


def test_a_player_that_cannot_be_served_comes_again_where_that_makes_sense():
    assert made().fail(Reason.NO_INSTANCE, "none", retry=True) == [ClosePlayer(1012, "none")]
    assert made().fail(Reason.FORBIDDEN, "no", retry=False) == [ClosePlayer(1008, "no")]


def test_a_stock_player_hears_nothing_of_sessions(streaming):
    assert streaming.from_instance(READY) == []
    machine = made()
    machine.from_player(LIST)
    ticket = SessionTicket(ticket="t", session="s")
    assert [*machine.waits(3, 5.0), *machine.starting(), *machine.ticket(ticket)] == []
    assert machine.taken_over() == [ClosePlayer(1001, "Another connection took this place.")]


def test_a_stock_player_has_its_picture_a_while_after_its_answer(streaming):
    assert streaming.settled() == []
    streaming.from_player('{"type":"answer","sdp":"v=0"}')
    assert streaming.answered
    assert streaming.settled() == [Seen()]
    assert streaming.settled() == []


# Of players that opted in


def test_the_ticket_follows_the_config(opted):
    messages = said(opted.opened(SessionTicket(ticket="t", session="s")))
    assert [message["type"] for message in messages] == ["config", "sessionTicket"]
    assert messages[1] == {"type": "sessionTicket", "ticket": "t", "session": "s"}


def test_it_is_told_its_position_while_it_waits(opted):
    assert opted.waits(1, None) == []
    opted.from_player(LIST)
    assert said(opted.waits(3, 45.0)) == [
        {"type": "sessionState", "state": "queued", "position": 3, "estimateSeconds": 45.0}
    ]
    assert said(opted.waits(2, None)) == [{"type": "sessionState", "state": "queued", "position": 2}]
    assert said(opted.starting()) == [{"type": "sessionState", "state": "starting"}]
    opted.allocated()
    assert opted.waits(1, None) == [] == opted.starting()


def test_what_an_instance_says_of_the_session_waits_until_it_has_a_streamer(opted):
    opted.from_player(LIST)
    opted.allocated()
    assert opted.from_instance(READY) == []
    assert opted.from_instance(NOBODY) == [Abandon()]
    assert opted.allocated() == [ToInstance(LIST)]
    assert opted.from_instance(READY) == []
    assert opted.from_instance(ANSWER) == [ToPlayer(READY), ToPlayer(ANSWER)]
    assert opted.from_instance(READY) == [ToPlayer(READY)]


def test_what_a_session_s_end_says_arrives_before_the_close(opted):
    opted.from_player(LIST)
    opted.allocated()
    ended = encode(SessionState(state=State.ENDED, reason=Reason.TERMINATED, message="over"))
    assert opted.from_instance(ended) == []
    assert opted.instance_gone(4010, "over") == [ToPlayer(ended), ClosePlayer(1001, "over")]


def test_coming_back_with_a_peer_connection_that_stands_asks_for_nothing(opted):
    assert opted.from_player('{"type":"sessionResume","ticket":"t","fresh":false}') == [Resume("t", False)]
    assert opted.stage is Stage.RESUMING
    assert opted.from_player(CANDIDATE) == []
    assert opted.from_player('{"type":"sessionResume","ticket":"u"}') == []
    assert opted.allocated(going_on=True) == [ToInstance(CANDIDATE)]
    assert opted.from_instance(CONFIG) == []
    assert opted.from_instance(READY) == [ToPlayer(READY)]
    assert opted.seen


def test_coming_back_afresh_asks_the_instance_for_the_list(opted):
    opted.from_player('{"type":"sessionResume","ticket":"t","fresh":true}')
    assert opted.from_player(LIST) == []
    assert opted.allocated() == [ToInstance(LIST)]
    opted = made(opted_in=True)
    opted.from_player('{"type":"sessionResume","ticket":"t","fresh":true}')
    assert opted.allocated() == []
    assert opted.from_instance(READY) == [ToPlayer(READY)], "nothing is asked that could be answered first"
    assert opted.from_player(LIST) == [ToInstance(LIST)]
    assert opted.from_instance(ANSWER) == [ToPlayer(ANSWER)]


def test_coming_back_into_the_queue_waits_for_an_instance(opted):
    opted.from_player('{"type":"sessionResume","ticket":"t","fresh":true}')
    opted.from_player(LIST)
    assert opted.enqueued() == [Enqueue()]
    assert opted.enqueued() == []
    assert opted.allocated() == [ToInstance(LIST)]


def test_what_cannot_be_resumed_is_said_and_the_connection_ends(opted):
    opted.from_player('{"type":"sessionResume","ticket":"t","fresh":false}')
    actions = opted.fail(Reason.SESSION_OVER, "over", retry=True)
    assert said(actions) == [
        {"type": "sessionState", "state": "failed", "reason": "session_over", "message": "over", "retry": True}
    ]
    assert actions[-1] == ClosePlayer(1001, "over")
    assert opted.allocated(going_on=True) == [] == opted.fail(Reason.FULL, "", retry=True)


def test_resuming_is_for_the_first_message_only(playing, queued):
    assert playing.from_player('{"type":"sessionResume","ticket":"t"}') == []
    assert queued.from_player('{"type":"sessionResume","ticket":"t"}') == []


def test_only_so_much_is_held_while_an_instance_is_connected_again(opted):
    opted.from_player('{"type":"sessionResume","ticket":"t"}')
    for _ in range(HELD):
        assert opted.from_player(CANDIDATE) == []
    assert opted.from_player(CANDIDATE) == [ClosePlayer(1008, "too much at once")]
    other = made(opted_in=True)
    other.from_player('{"type":"sessionResume","ticket":"t"}')
    big = json.dumps({"type": "offer", "sdp": "x" * HELD_BYTES})
    assert other.from_player(big) == [ClosePlayer(1008, "too much at once")]


def test_the_owner_may_invite_and_nobody_else(playing):
    assert playing.from_player('{"type":"sessionInvite"}') == [Invite(Role.SPECTATOR)]
    assert said(playing.invitation("t", Role.SPECTATOR, 60)) == [
        {"type": "sessionInvitation", "ticket": "t", "role": "spectator", "seconds": 60}
    ]
    playing.from_instance(encode(SessionState(state=State.RESUMED, role=Role.SPECTATOR)))
    assert playing.from_player('{"type":"sessionInvite"}') == []


@pytest.mark.parametrize("broken", ['{"type":"sessionState","state":5}', '{"type":"sessionState","role":"king"}'])
def test_a_state_that_makes_no_sense_changes_no_role(playing, broken):
    playing.from_instance(broken)
    assert playing.role is Role.OWNER


def test_leaving_on_purpose_is_known_and_passed_on(playing, opted):
    assert playing.from_player(END) == [Ending(), ToInstance(END)]
    waiting = made(opted_in=True)
    waiting.from_player(LIST)
    assert waiting.from_player(END) == [Ending(), ClosePlayer(1001, "")]


@pytest.mark.parametrize(
    "frame",
    ['{"type":"sessionActivity"}', '{"type":"sessionStats","firstFrameSeconds":1.5}'],
)
def test_a_player_that_does_or_sees_something_has_been_served(playing, frame):
    assert playing.from_player(frame) == [Seen(), ToInstance(frame)]
    assert playing.from_player(frame) == [ToInstance(frame)]


@pytest.mark.parametrize(
    "frame",
    [
        '{"type":"sessionStats","framesPerSecond":30}',
        '{"type":"sessionRequestControl"}',
        '{"type":"sessionHandOver","player":"p"}',
    ],
)
def test_what_is_for_the_sidecar_is_passed_on(playing, opted, frame):
    assert playing.from_player(frame) == [ToInstance(frame)]
    assert made(opted_in=True).from_player(frame) == []


@pytest.mark.parametrize("frame", ['{"type":"sessionStats","bitrate":-1}', '{"type":"sessionInvite","role":"king"}'])
def test_what_is_malformed_goes_nowhere(playing, frame):
    assert playing.from_player(frame) == []


def test_an_instance_that_dies_before_the_first_frame_is_said_and_the_player_comes_again(playing):
    actions = playing.instance_gone(1012, "going")
    assert said(actions)[0]["reason"] == "instance_failed" and said(actions)[0]["retry"] is True
    assert actions[-1].code == 1012


def test_one_that_has_said_why_needs_no_other_word(playing):
    ended = encode(SessionState(state=State.ENDED, reason=Reason.MAINTENANCE))
    assert playing.from_instance(ended) == [ToPlayer(ended)]
    assert playing.instance_gone(1012, "going") == [ClosePlayer(1012, "the instance is gone")]


def test_one_that_dies_later_ends_the_session(playing):
    playing.from_player('{"type":"sessionActivity"}')
    actions = playing.instance_gone(1012, "going")
    assert said(actions)[0].items() >= {"state": "ended", "reason": "instance_failed"}.items()
    assert actions[-1].code == 1012


def test_one_that_is_lost_later_is_only_closed(playing):
    playing.from_player('{"type":"sessionActivity"}')
    assert playing.instance_gone(4001, "lost") == [ClosePlayer(1012, "the instance is gone")]


# Whatever comes


FRAMES = st.one_of(
    st.sampled_from(
        [LIST, SUBSCRIBE, ANSWER, NOBODY, CONFIG, CANDIDATE, END, READY, '{"type":"sessionResume","ticket":"t"}']
    ),
    st.text(max_size=30),
    st.binary(max_size=30),
)


@given(st.lists(st.tuples(st.booleans(), FRAMES)), st.booleans())
def test_before_an_instance_nothing_goes_to_one(frames, opted_in):
    machine = made(opted_in=opted_in)
    for from_player, data in frames:
        actions = machine.from_player(data) if from_player else machine.from_instance(data)
        assert not any(isinstance(action, ToInstance) for action in actions)
        assert from_player or actions == []


STEPS = st.one_of(
    st.tuples(st.just("player"), FRAMES),
    st.tuples(st.just("instance"), FRAMES),
    st.tuples(st.sampled_from(["allocated", "going on", "enqueued", "settled", "taken over"]), st.just(b"")),
    st.tuples(st.just("gone"), st.sampled_from([None, 1000, 1008, 1012, 4010, 4011, 4950])),
)


@given(st.lists(STEPS, max_size=40), st.booleans())
def test_a_closed_machine_stays_closed_and_a_stock_player_hears_of_no_session(steps, opted_in):
    machine = made(opted_in=opted_in)
    for step, data in steps:
        closed = machine.stage is Stage.CLOSED
        calls: dict[str, Any] = {
            "player": lambda data=data: machine.from_player(data),
            "instance": lambda data=data: machine.from_instance(data),
            "allocated": machine.allocated,
            "going on": lambda: machine.allocated(going_on=True),
            "enqueued": machine.enqueued,
            "settled": machine.settled,
            "taken over": machine.taken_over,
            "gone": lambda data=data: machine.instance_gone(data, "why"),
        }
        actions = calls[step]()
        if closed:
            assert actions == [] and machine.stage is Stage.CLOSED
        assert sum(isinstance(action, ClosePlayer) for action in actions) == (
            machine.stage is Stage.CLOSED and not closed
        )
        if not opted_in:
            frames = [action.data for action in actions if isinstance(action, ToPlayer)]
            assert not any(b"sessionState" in (x if isinstance(x, bytes) else x.encode()) for x in frames)
