"""Sessions at the sidecar's machine: grace, resume, limits, taking over, draining, and what opted-in players hear."""

from typing import Any

import pytest

from signalling.protocol import messages as m
from signalling.protocol.admission import NotAdmitted
from signalling.protocol.routing import KEPT_MESSAGES
from signalling.protocol.session_messages import Reason
from signalling.protocol.sidecar import Limits
from signalling.tickets.claims import Role, SessionLimits
from tests.unit.signalling.instance import OTHER, PLAYER, STREAMER, Instance, kinds, said, ticket

AGAIN = 30
"""A later connection of the same player."""
LIMITS = SessionLimits(max_seconds=600, idle_seconds=120, grace_seconds=30, warning_seconds=60)
OWNER = ticket(opted_in=True, limits=LIMITS)
STOCK = ticket(limits=LIMITS)
SPECTATOR = ticket(player="p2", role=Role.SPECTATOR, opted_in=True, limits=LIMITS)
GONE = (STREAMER, {"type": "playerDisconnected", "playerId": "1"})


def back(of=OWNER, fresh: bool = False):
    """The same player's ticket when it comes again."""
    return ticket(of.session, of.player, of.role, opted_in=of.opted_in, limits=of.limits, resume=True, fresh=fresh)


@pytest.fixture
def machine():
    it = Instance()
    it.identify()
    return it


@pytest.fixture
def playing(machine):
    """An opted-in owner that is subscribed."""
    machine.subscribe(PLAYER, admission=OWNER)
    return machine


@pytest.fixture
def watched(playing):
    """The same with a spectator, player 2."""
    playing.subscribe(OTHER, admission=SPECTATOR)
    return playing


def test_an_opted_in_player_hears_its_config_its_state_and_its_company(machine):
    assert said(machine.admit(PLAYER, OWNER)) == [
        (
            PLAYER,
            {
                "type": "config",
                "peerConnectionOptions": {"iceServers": [{"urls": ["stun:198.51.100.1:3478"]}]},
                "protocolVersion": "1.3.0",
            },
        ),
        (
            PLAYER,
            {
                "type": "sessionState",
                "state": "ready",
                "role": "owner",
                "graceSeconds": 30.0,
                "maxSeconds": 600.0,
                "idleSeconds": 120.0,
            },
        ),
        (
            PLAYER,
            {"type": "sessionPlayers", "you": "s", "players": [{"player": "s", "role": "owner", "connected": True}]},
        ),
    ]


def test_a_stock_player_hears_of_none_of_it(machine):
    assert kinds(machine.admit(PLAYER, STOCK)) == [(PLAYER, "config")]
    assert kinds(machine.admit(OTHER, SPECTATOR)) == [
        (OTHER, "config"),
        (OTHER, "sessionState"),
        (OTHER, "sessionPlayers"),
    ]
    assert said(machine.say(PLAYER, "sessionEnd")) == [(PLAYER, m.Refused.UNKNOWN_TYPE)]


def test_a_player_offline_for_less_than_the_grace_resumes_as_if_nothing_had_happened(playing):
    assert playing.lose(PLAYER, 4001) == []
    playing.wait(29)
    playing.say(STREAMER, "iceCandidate", playerId="1", candidate={"candidate": "x"})
    actions = said(playing.admit(AGAIN, back()))
    assert [(connection, message["type"]) for connection, message in actions] == [
        (AGAIN, "config"),
        (AGAIN, "sessionState"),
        (AGAIN, "sessionPlayers"),
        (AGAIN, "iceCandidate"),
    ]
    assert actions[1][1]["state"] == "resumed"
    assert actions[-1][1] == {"type": "iceCandidate", "playerId": "1", "candidate": {"candidate": "x"}}
    assert said(playing.say(AGAIN, "answer", sdp="v=1"))[0] == (
        STREAMER,
        {"type": "answer", "sdp": "v=1", "playerId": "1"},
    )
    assert playing.wait(59) == []


def test_a_player_offline_for_longer_is_gone_and_its_session_over(playing):
    playing.lose(PLAYER, 4001)
    assert said(playing.wait(30)) == [GONE]
    assert playing.over and not list(playing.sessions.participants)
    assert playing.refusal(back()) is NotAdmitted.OVER
    assert playing.refusal(back(fresh=True)) is NotAdmitted.OVER
    assert playing.next_deadline is None


@pytest.mark.parametrize(("code", "seconds"), [(None, 30), (4001, 30), (1009, 30), (1006, 30), (4000, 10), (1000, 0)])
def test_how_a_connection_ended_says_how_long_its_player_is_awaited(playing, code, seconds):
    actions = playing.lose(PLAYER, code)
    if seconds:
        assert actions == playing.wait(seconds - 0.1) == []
        actions = playing.wait(0.1)
    assert said(actions) == [GONE]
    assert playing.over


def test_a_reload_gets_a_new_offer_and_a_new_id(playing):
    playing.lose(PLAYER, 4000)
    actions = said(playing.admit(AGAIN, back(fresh=True)))
    assert actions[0] == GONE
    assert actions[2][1]["state"] == "ready"
    assert playing.resubscribe(AGAIN) == "2"


@pytest.mark.parametrize("code", [None, 4000, 4001])
def test_a_streamer_that_gives_up_a_player_who_is_away_does_not_end_its_session(playing, code):
    playing.lose(PLAYER, code)
    assert playing.say(STREAMER, "disconnectPlayer", playerId="1", reason="the peer connection is closed") == []
    assert playing.say(STREAMER, "disconnectPlayer", playerId=1) == []
    assert not playing.over
    assert kinds(playing.admit(AGAIN, back())) == [
        (AGAIN, "config"),
        (AGAIN, "sessionState"),
        (AGAIN, "sessionPlayers"),
    ]
    assert said(playing.say(AGAIN, "answer", sdp="v=1"))[0][1]["playerId"] == "1"
    # It is here now, and the streamer's word counts again.
    assert said(playing.say(STREAMER, "disconnectPlayer", playerId="1", reason="no"))[:2] == [
        (AGAIN, 1011, "no"),
        GONE,
    ]
    assert playing.wait(9.9) == []
    assert not playing.over
    playing.wait(0.1)
    assert playing.over


def test_a_reload_of_which_the_streamer_hears_first_comes_back(playing):
    assert said(playing.say(STREAMER, "disconnectPlayer", playerId="1", reason="closed")) == [
        (PLAYER, 1011, "closed"),
        GONE,
    ]
    assert playing.lose(PLAYER, 4000) == []
    assert playing.refusal(back()) == NotAdmitted.OVER, "there is no peer connection to go on with"
    assert said(playing.admit(AGAIN, back(fresh=True)))[1][1]["state"] == "ready"
    assert playing.resubscribe(AGAIN) == "2"
    playing.wait(60)
    assert not playing.over


def test_a_player_whom_the_streamer_disconnects_leaves_at_once_where_there_is_no_grace(machine):
    machine.subscribe(PLAYER, admission=ticket(limits=SessionLimits(grace_seconds=0)))
    machine.say(STREAMER, "disconnectPlayer", playerId="1")
    assert machine.over


def test_a_spectator_whom_the_streamer_disconnects_is_away_first(watched):
    actions = said(watched.say(STREAMER, "disconnectPlayer", playerId="2", reason="no"))
    assert actions[0] == (OTHER, 1011, "no")
    told = next(message for connection, message, *_ in actions if connection == PLAYER)
    assert [each["connected"] for each in told["players"]] == [True, False]
    watched.wait(10)
    assert not watched.over
    assert watched.player_count == 1


def test_a_player_whom_the_streamer_gave_up_while_away_is_awaited_no_longer_than_any_other(playing):
    playing.lose(PLAYER, 4001)
    playing.wait(20)
    assert playing.say(STREAMER, "disconnectPlayer", playerId="1") == []
    assert playing.wait(9.9) == []
    assert said(playing.wait(0.1)) == [GONE]
    assert playing.over


def test_a_reload_outlives_the_streamer_s_word_and_gets_its_new_offer(playing):
    playing.lose(PLAYER, 4000)
    assert playing.say(STREAMER, "disconnectPlayer", playerId="1") == []
    assert said(playing.admit(AGAIN, back(fresh=True)))[0] == GONE
    assert playing.resubscribe(AGAIN) == "2"


def test_a_spectator_who_is_away_is_not_the_streamer_s_to_disconnect_either(watched):
    watched.lose(OTHER, 4001)
    assert watched.say(STREAMER, "disconnectPlayer", playerId="2") == []
    assert kinds(watched.admit(AGAIN, back(SPECTATOR)))[1] == (AGAIN, "sessionState")
    assert said(watched.say(AGAIN, "answer", sdp="v=0"))[0][1]["playerId"] == "2"


def test_a_stock_player_is_led_back_with_a_new_offer(machine):
    machine.subscribe(PLAYER, admission=STOCK)
    machine.lose(PLAYER)
    assert said(machine.admit(AGAIN, back(STOCK, fresh=True)))[0] == GONE
    assert machine.resubscribe(AGAIN) == "2"


def test_what_is_kept_for_a_lost_player_is_bounded(playing):
    playing.lose(PLAYER)
    for _ in range(KEPT_MESSAGES):
        assert playing.say(STREAMER, "iceCandidate", playerId="1", candidate={}) == []
    assert said(playing.say(STREAMER, "iceCandidate", playerId="1", candidate={})) == [GONE]
    assert playing.refusal(back()) is NotAdmitted.OVER
    assert playing.refusal(back(fresh=True)) is None


def test_what_is_kept_is_bounded_in_bytes_too(playing):
    playing.lose(PLAYER)
    assert playing.say(STREAMER, "offer", playerId="1", sdp="x" * 200_000) == []
    assert said(playing.say(STREAMER, "offer", playerId="1", sdp="x" * 100_000)) == [GONE]


def test_another_connection_of_a_player_takes_its_place(playing):
    actions = said(playing.admit(AGAIN, back()))
    assert actions[0][1] == {
        "type": "sessionState",
        "state": "ended",
        "reason": "taken_over",
        "message": "The session goes on in another window.",
    }
    assert actions[1][:2] == (PLAYER, 4011)
    assert actions[3][1]["state"] == "resumed"
    assert playing.lose(PLAYER, 4011) == []
    assert playing.hear(PLAYER, "{}") == []
    assert said(playing.say(STREAMER, "offer", playerId="1", sdp=""))[0][0] == AGAIN


def test_a_player_that_never_subscribed_cannot_resume_without_an_offer(machine):
    machine.admit(PLAYER, OWNER)
    machine.lose(PLAYER)
    assert machine.refusal(back()) is NotAdmitted.OVER
    assert machine.refusal(back(fresh=True)) is None


def test_a_session_this_instance_has_not_seen_begins_with_a_fresh_resume_only(machine):
    assert machine.refusal(back()) is NotAdmitted.OVER
    assert machine.refusal(back(fresh=True)) is None


def test_an_instance_has_one_session(playing):
    assert playing.refusal(ticket("other")) is NotAdmitted.OVER
    assert playing.refusal(ticket("other", limits=SessionLimits(shared=True))) is NotAdmitted.OVER


def test_a_session_begins_with_its_owner(machine):
    assert machine.refusal(SPECTATOR) is NotAdmitted.OVER


def test_players_of_a_session_are_limited_and_one_that_is_away_keeps_its_place(machine):
    limits = SessionLimits(players=2)
    machine.subscribe(PLAYER, admission=ticket(limits=limits))
    machine.subscribe(OTHER, admission=ticket(player="p2", role=Role.SPECTATOR, limits=limits))
    machine.lose(OTHER)
    assert machine.refusal(ticket(player="p3", role=Role.SPECTATOR, limits=limits)) is NotAdmitted.NO_ROOM
    assert machine.refusal(ticket(player="p2", role=Role.SPECTATOR, limits=limits)) is None


def test_shared_sessions_come_and_go_by_themselves(machine):
    shared = SessionLimits(shared=True, grace_seconds=5, players=3)
    for number, session in enumerate(("a", "b", "c")):
        machine.subscribe(PLAYER + number, admission=ticket(session, limits=shared, opted_in=True))
    assert machine.refusal(ticket("d", limits=shared)) is NotAdmitted.NO_ROOM
    assert machine.refusal(ticket("d")) is NotAdmitted.OVER
    machine.lose(PLAYER)
    assert said(machine.wait(5)) == [GONE]
    assert not machine.over and len(machine.sessions.under_way) == 2
    assert machine.refusal(ticket("d", limits=shared)) is None


def test_the_session_ends_with_its_owner_for_spectators_too(watched):
    actions = said(watched.lose(PLAYER, 1000))
    assert actions == [
        GONE,
        (OTHER, {"type": "sessionState", "state": "ended", "reason": "left", "message": "The session was left."}),
        (OTHER, 4010, "The session was left."),
        (STREAMER, {"type": "playerDisconnected", "playerId": "2"}),
    ]
    assert watched.over and watched.player_count == 0


def test_a_spectator_that_leaves_leaves_the_session_to_the_others(watched):
    actions = said(watched.lose(OTHER, 1000))
    assert actions[0] == (STREAMER, {"type": "playerDisconnected", "playerId": "2"})
    assert actions[1][0] == PLAYER and len(actions[1][1]["players"]) == 1
    assert not watched.over


def test_company_hears_who_is_away(watched):
    (told,) = said(watched.lose(OTHER))
    assert told[0] == PLAYER
    assert [one["connected"] for one in told[1]["players"]] == [True, False]


def test_leaving_on_purpose_has_no_grace(playing):
    assert said(playing.say(PLAYER, "sessionEnd")) == [
        (PLAYER, {"type": "sessionState", "state": "ended", "reason": "left", "message": "The session was left."}),
        (PLAYER, 4010, "The session was left."),
        GONE,
    ]
    assert playing.over


def test_a_lost_streamer_ends_the_session_and_leaves_the_word_to_the_matchmaker(watched):
    watched.admit(22, ticket(player="p3", role=Role.SPECTATOR, opted_in=True, limits=LIMITS))
    watched.lose(OTHER)
    assert said(watched.lose(STREAMER)) == [(PLAYER, 1012, "the streamer left"), (22, 1012, "the streamer left")]
    assert watched.over
    assert watched.wait(100) == []


def test_a_streamer_that_comes_back_does_not_make_a_session_less_over(playing):
    playing.lose(STREAMER)
    playing.identify()
    assert playing.streaming and playing.over


def test_a_streamer_lost_before_any_session_leaves_the_instance_as_it_was(machine):
    machine.lose(STREAMER)
    machine.identify()
    assert machine.streaming and not machine.over


def test_the_longest_duration_is_warned_of_and_then_ends_the_session(watched):
    assert watched.say(PLAYER, "sessionActivity") == []
    for _ in range(5):
        watched.wait(100)
        watched.say(PLAYER, "sessionActivity")
    assert said(watched.wait(40)) == [
        (who, {"type": "sessionState", "state": "ending", "reason": "time_limit", "seconds": 60.0})
        for who in (PLAYER, OTHER)
    ]
    watched.say(PLAYER, "sessionActivity")
    actions = said(watched.wait(60))
    assert actions[0][1]["state"] == "ended" and actions[0][1]["reason"] == "time_limit"
    assert (PLAYER, 4010, "The session has reached its longest duration.") in actions
    assert (OTHER, 4010, "The session has reached its longest duration.") in actions
    assert watched.over


def test_an_idle_owner_is_warned_and_input_takes_the_warning_back(playing):
    (warning,) = said(playing.wait(60))
    assert warning == (PLAYER, {"type": "sessionState", "state": "ending", "reason": "idle", "seconds": 60.0})
    ((_, taken_back),) = said(playing.say(PLAYER, "sessionActivity"))
    assert (taken_back["state"], taken_back["maxSeconds"]) == ("ready", 540.0)
    assert said(playing.wait(119))[0][1]["state"] == "ending"
    assert said(playing.wait(1))[0][1] == {
        "type": "sessionState",
        "state": "ended",
        "reason": "idle",
        "message": "There was no input for too long.",
    }
    assert playing.over


def test_a_spectator_s_input_counts_for_nothing(watched):
    watched.wait(60)
    assert watched.say(OTHER, "sessionActivity") == []
    watched.wait(60)
    assert watched.over


def test_a_stock_player_is_not_idle_while_it_is_connected(machine):
    machine.subscribe(PLAYER, admission=STOCK)
    assert machine.wait(540) == []
    assert not machine.over
    machine.wait(60)
    assert machine.over


def test_a_player_that_is_away_is_not_idle_and_comes_back_to_a_whole_time(playing):
    playing.wait(110)
    playing.lose(PLAYER)
    assert playing.wait(20) == []
    playing.admit(AGAIN, back())
    assert playing.wait(59) == []


def test_without_limits_a_session_goes_on(machine):
    machine.subscribe(PLAYER, admission=ticket(opted_in=True))
    assert machine.next_deadline is None
    assert "maxSeconds" not in said(machine.admit(AGAIN, ticket(opted_in=True)))[2][1]


def test_who_comes_late_hears_the_warning_too(playing):
    playing.wait(60)
    actions = said(playing.admit(OTHER, SPECTATOR))
    assert [message["type"] for connection, message in actions if connection == OTHER] == [
        "config",
        "sessionState",
        "sessionState",
        "sessionPlayers",
    ]
    assert actions[2][1]["state"] == "ending"


def test_an_operator_ends_a_session_after_a_warning(watched):
    assert kinds(watched.end("s", Reason.TERMINATED, 20, watched.time)) == [
        (PLAYER, "sessionState"),
        (OTHER, "sessionState"),
    ]
    assert said(watched.wait(20))[0][1]["reason"] == "terminated"
    assert watched.over
    assert watched.end("s", Reason.TERMINATED, 0, watched.time) == []


def test_an_operator_may_end_a_session_at_once_or_change_its_mind(playing):
    playing.end("s", Reason.TERMINATED, 20, playing.time)
    playing.end("s", Reason.TERMINATED, 100, playing.time)
    playing.wait(50)
    assert not playing.over
    actions = said(playing.end("s", Reason.TERMINATED, 0, playing.time))
    assert actions[1] == (PLAYER, 4010, "The session was ended by an operator.")


def test_players_hear_of_an_end_that_has_moved(playing):
    def told(seconds: float) -> list[Any]:
        return [(PLAYER, {"type": "sessionState", "state": "ending", "reason": "terminated", "seconds": seconds})]

    assert said(playing.end("s", Reason.TERMINATED, 40, playing.time)) == told(40.0)
    assert said(playing.end("s", Reason.TERMINATED, 40, playing.time)) == []
    assert said(playing.end("s", Reason.TERMINATED, 10, playing.time)) == told(10.0)


def test_a_pod_that_goes_gives_no_more_time_than_an_operator_has_given(playing):
    playing.end("s", Reason.MAINTENANCE, 50, playing.time)
    playing.drain(3600, playing.time)
    playing.wait(50)
    assert playing.over


def test_an_operator_gives_no_more_time_than_the_pod_has(playing):
    playing.drain(50, playing.time)
    playing.end("s", Reason.MAINTENANCE, 3600, playing.time)
    playing.wait(50)
    assert playing.over


def test_draining_tells_players_takes_nobody_new_and_gives_time(watched):
    assert said(watched.drain(300, watched.time)) == [
        (who, {"type": "sessionState", "state": "ending", "reason": "maintenance", "seconds": 300.0})
        for who in (PLAYER, OTHER)
    ]
    assert watched.draining
    assert watched.drain(1, watched.time) == []
    assert watched.refusal(ticket(player="p3", role=Role.SPECTATOR)) is NotAdmitted.NO_ROOM
    watched.lose(PLAYER)
    assert watched.refusal(back()) is None
    assert said(watched.admit(AGAIN, back()))[2][1]["state"] == "ending"
    watched.say(AGAIN, "sessionActivity")
    watched.wait(100)
    watched.say(AGAIN, "sessionActivity")
    watched.wait(100)
    watched.say(AGAIN, "sessionActivity")
    actions = said(watched.wait(100))
    assert (AGAIN, 1012, "The server is going down for maintenance.") in actions
    assert not watched.sessions.under_way


def test_draining_without_a_session_is_done_at_once(machine):
    assert machine.drain(300, machine.time) == []
    assert machine.refusal(OWNER) is NotAdmitted.NO_ROOM
    assert machine.next_deadline is None
    assert not machine.recycle()


def test_an_instance_is_used_again_only_once_its_session_is_over(playing):
    assert not playing.recycle()
    playing.say(PLAYER, "sessionEnd")
    assert playing.recycle()
    assert not playing.over
    assert playing.subscribe(AGAIN, admission=ticket("next")) == "2"


def test_control_is_asked_for_and_handed_over(watched):
    assert said(watched.say(OTHER, "sessionRequestControl")) == [
        (PLAYER, {"type": "sessionControlRequested", "player": "p2"})
    ]
    actions = said(watched.say(PLAYER, "sessionHandOver", player="p2"))
    assert actions[:2] == [GONE, (STREAMER, {"type": "playerDisconnected", "playerId": "2"})]
    company = [
        {"player": "s", "role": "spectator", "connected": True},
        {"player": "p2", "role": "owner", "connected": True},
    ]
    assert actions[2:] == [
        (PLAYER, {"type": "sessionPlayers", "you": "s", "players": company}),
        (OTHER, {"type": "sessionPlayers", "you": "p2", "players": company}),
    ]
    assert said(watched.say(PLAYER, "answer", sdp=""))[0] == (PLAYER, m.Refused.NOT_SUBSCRIBED)


def test_after_a_hand_over_both_come_again_in_their_new_roles(watched):
    watched.say(PLAYER, "sessionHandOver", player="p2")
    for before, again, of, role, channel in (
        (PLAYER, 40, OWNER, "spectator", False),
        (OTHER, 41, SPECTATOR, "owner", True),
    ):
        watched.lose(before, 4000)
        actions = said(watched.admit(again, back(of, fresh=True)))
        assert next(message for _, message in actions if message["type"] == "sessionState")["role"] == role
        (connected,) = said(watched.say(again, "subscribe", streamerId="demo"))
        assert connected[1]["dataChannel"] is channel
    watched.lose(40, 1000)
    assert not watched.over
    watched.lose(41, 1000)
    assert watched.over


def test_who_gave_control_away_does_not_get_it_back_by_coming_again(watched):
    watched.say(PLAYER, "sessionHandOver", player="p2")
    watched.say(PLAYER, "sessionEnd")
    assert watched.player_count == 1
    actions = said(watched.admit(AGAIN, OWNER))
    assert next(message for _, message in actions if message["type"] == "sessionState")["role"] == "spectator"
    (connected,) = said(watched.say(AGAIN, "subscribe", streamerId="demo"))
    assert connected[1]["dataChannel"] is False


@pytest.mark.parametrize("to", ["nobody", "s", ""])
def test_control_goes_to_a_spectator_only(watched, to):
    assert said(watched.say(PLAYER, "sessionHandOver", player=to)) == [(PLAYER, m.Refused.NOT_ALLOWED)]


def test_control_goes_to_one_that_is_there_and_understands_it(playing):
    playing.subscribe(OTHER, admission=ticket(player="p2", role=Role.SPECTATOR, limits=LIMITS))
    assert said(playing.say(PLAYER, "sessionHandOver", player="p2")) == [(PLAYER, m.Refused.NOT_ALLOWED)]
    playing.lose(OTHER)
    playing.admit(AGAIN, ticket(player="p2", role=Role.SPECTATOR, limits=LIMITS, opted_in=True))
    playing.lose(AGAIN)
    assert said(playing.say(PLAYER, "sessionHandOver", player="p2")) == [(PLAYER, m.Refused.NOT_ALLOWED)]


@pytest.mark.parametrize(("who", "kind"), [(OTHER, "sessionHandOver"), (PLAYER, "sessionRequestControl")])
def test_control_is_the_owner_s_to_give_and_the_spectator_s_to_ask_for(watched, who, kind):
    assert said(watched.say(who, kind, player="s")) == [(who, m.Refused.NOT_ALLOWED)]


def report(machine: Instance, who: int, frames: float, times: int) -> None:
    for _ in range(times):
        machine.time += 5
        machine.say(who, "sessionStats", framesPerSecond=frames)


def test_a_session_whose_owner_reports_few_frames_was_bad_once_it_is_over(playing):
    report(playing, PLAYER, 3, 12)
    assert list(playing.sessions.bad) == []
    playing.say(PLAYER, "sessionEnd")
    assert list(playing.sessions.bad) == [OWNER.session]


def test_what_a_spectator_sees_makes_no_session_bad(watched):
    report(watched, OTHER, 3, 12)
    report(watched, PLAYER, 30, 12)
    watched.say(PLAYER, "sessionEnd")
    assert not watched.sessions.under_way and not watched.sessions.bad


def test_reports_are_kept_and_the_first_frame_counts_once(playing):
    assert said(playing.say(PLAYER, "sessionStats", framesPerSecond=29.9, firstFrameSeconds=1.2)) == [
        ("first frame", 1.2)
    ]
    assert playing.say(PLAYER, "sessionStats", framesPerSecond=30, packetsLost=-3, firstFrameSeconds=9) == []
    (participant,) = playing.sessions.participants
    assert (participant.stats.frames_per_second, participant.stats.packets_lost) == (30, -3)
    playing.admit(AGAIN, back(fresh=True))
    assert participant.stats is None


@pytest.mark.parametrize(
    "stats",
    [
        {"framesPerSecond": -1},
        {"framesPerSecond": "30"},
        {"packetsReceived": 1.5},
        {"packetsReceived": 2**80},
        {"candidateType": "other"},
        {"protocol": "quic"},
        {"turn": "x" * 65},
        {"turn": 'a"} 1\nfake{x="'},
    ],
)
def test_a_report_that_is_none_is_dropped(playing, stats):
    assert said(playing.say(PLAYER, "sessionStats", **stats)) == [(PLAYER, m.Refused.MALFORMED)]


@pytest.mark.parametrize("kind", ["sessionResume", "sessionInvite"])
def test_what_is_for_the_matchmaker_goes_no_further(playing, kind):
    assert said(playing.say(PLAYER, kind, ticket="x")) == [(PLAYER, m.Refused.UNKNOWN_TYPE)]


def test_a_player_that_sends_without_end_is_closed_and_others_are_not():
    it = Instance(Limits(messages_per_second=10))
    it.identify()
    it.subscribe(PLAYER, admission=OWNER)
    it.subscribe(OTHER, admission=SPECTATOR)
    for _ in range(90):
        assert len(it.say(PLAYER, "iceCandidate", candidate={})) == 1
    it.time += 1
    for _ in range(16):
        if PLAYER not in it.sessions.connected:
            break
        last = it.say(PLAYER, "iceCandidate", candidate={})
    assert (PLAYER, 1008, "too many messages") in said(last)


def test_a_player_s_bytes_count_too():
    it = Instance(Limits(messages_per_second=10))
    it.identify()
    it.subscribe(PLAYER, admission=OWNER)
    assert (PLAYER, 1008, "too many messages") in said(it.say(PLAYER, "answer", sdp="x" * 110_000))


def test_a_deadline_is_known_as_soon_as_it_is_set(machine):
    machine.admit(PLAYER, OWNER)
    assert machine.next_deadline == machine.time + 60
    machine.lose(PLAYER)
    assert machine.next_deadline == machine.time + 30
