"""Who may say what: every pair of a peer's place and a message has its expected answer, and every route its guard.

The table is whole by construction: a message or a place that it leaves out fails the test.
"""

import itertools
import json
from typing import Any

import pytest

from signalling.protocol import messages as m
from signalling.protocol import session_messages as sm
from signalling.protocol.control import Control
from signalling.tickets.claims import Role, SessionLimits
from tests.unit.signalling.instance import SFU, STREAMER, Instance, kinds, ticket

OWNER, SPECTATOR, STOCK, WAITING = 20, 21, 22, 23
"""An opted-in owner and spectator, a stock player that owns the session too, and one that is not subscribed."""
FED = 24
"""A stock spectator that watches through the SFU."""

FIELDS: dict[str, Any] = {
    "id": "demo",
    "streamerId": "demo",
    "sdp": "v=0",
    "candidate": {},
    "time": 1,
    "playerId": "2",
    "ticket": "t",
    "player": "p2",
    "role": "spectator",
    "action": "api/x",
}

UNKNOWN, DENIED, NOBODY, STRANGER = (
    m.Refused.UNKNOWN_TYPE,
    m.Refused.NOT_ALLOWED,
    m.Refused.NOT_SUBSCRIBED,
    m.Refused.NOT_ITS_PLAYER,
)
PONG, LIST, CONFIRMED, NOTHING = "pong", "streamerList", "endpointIdConfirm", None

#                     streamer      SFU          owner        spectator    stock        waiting      through SFU
TABLE: dict[str, tuple[Any, ...]] = {
    "endpointId":            (CONFIRMED,    CONFIRMED,   UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN),
    "listStreamers":         (UNKNOWN,      LIST,        LIST,        LIST,        LIST,        LIST,        LIST),
    "subscribe":             (UNKNOWN,      STREAMER,    STREAMER,    STREAMER,    STREAMER,    STREAMER,    SFU),
    "unsubscribe":           (UNKNOWN,      STREAMER,    STREAMER,    STREAMER,    STREAMER,    NOTHING,     SFU),
    "offer":                 (OWNER,        STRANGER,    STREAMER,    STREAMER,    STREAMER,    NOBODY,      SFU),
    "answer":                (OWNER,        STREAMER,    STREAMER,    STREAMER,    STREAMER,    NOBODY,      SFU),
    "iceCandidate":          (OWNER,        UNKNOWN,     STREAMER,    STREAMER,    STREAMER,    NOBODY,      SFU),
    "disconnectPlayer":      (OWNER,        UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN),
    "layerPreference":       (SFU,          UNKNOWN,     STREAMER,    DENIED,      STREAMER,    NOBODY,      SFU),
    "dataChannelRequest":    (UNKNOWN,      UNKNOWN,     DENIED,      DENIED,      DENIED,      NOBODY,      DENIED),
    "peerDataChannelsReady": (UNKNOWN,      UNKNOWN,     DENIED,      DENIED,      DENIED,      NOBODY,      DENIED),
    "peerDataChannels":      (UNKNOWN,      STRANGER,    UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN),
    "streamerDataChannels":  (UNKNOWN,      STRANGER,    UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN),
    "startStreaming":        (UNKNOWN,      NOTHING,     UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN),
    "stopStreaming":         (UNKNOWN,      FED,         UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN),
    "ping":                  (PONG,         PONG,        PONG,        PONG,        PONG,        PONG,        PONG),
    "pong":                  (NOTHING,      NOTHING,     NOTHING,     NOTHING,     NOTHING,     NOTHING,     NOTHING),
    "control":               (UNKNOWN,      UNKNOWN,     "game",      DENIED,      "game",      "game",      DENIED),
    "sessionActivity":       (UNKNOWN,      UNKNOWN,     NOTHING,     NOTHING,     UNKNOWN,     UNKNOWN,     UNKNOWN),
    "sessionStats":          (UNKNOWN,      UNKNOWN,     NOTHING,     NOTHING,     UNKNOWN,     UNKNOWN,     UNKNOWN),
    "sessionEnd":            (UNKNOWN,      UNKNOWN,     OWNER,       SPECTATOR,   UNKNOWN,     UNKNOWN,     UNKNOWN),
    "sessionRequestControl": (UNKNOWN,      UNKNOWN,     DENIED,      OWNER,       UNKNOWN,     UNKNOWN,     UNKNOWN),
    "sessionHandOver":       (UNKNOWN,      UNKNOWN,     STREAMER,    DENIED,      UNKNOWN,     UNKNOWN,     UNKNOWN),
    "sessionResume":         (UNKNOWN,      UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN),
    "sessionInvite":         (UNKNOWN,      UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN,     UNKNOWN),
}  # fmt: skip
"""Where the first thing goes that a message leads to: a connection, the type of a reply, or why it is dropped."""
PLACES = (STREAMER, SFU, OWNER, SPECTATOR, STOCK, WAITING, FED)
SERVER_ONLY = sorted({str(kind.__struct_config__.tag) for role in m.Role for kind in m.GETS[role]} - TABLE.keys())


@pytest.fixture
def instance():
    it = Instance(game_api=True)
    it.identify()
    it.connect_sfu(SFU)
    it.say(SFU, "endpointId", id="SFU")
    it.say(SFU, "subscribe", streamerId="demo")
    limits = SessionLimits(grace_seconds=0)
    watching: dict[str, Any] = {"role": Role.SPECTATOR, "limits": limits}
    it.subscribe(OWNER, admission=ticket(opted_in=True, limits=limits))
    it.subscribe(SPECTATOR, admission=ticket(player="p2", opted_in=True, **watching))
    it.subscribe(STOCK, admission=ticket(player="p3", limits=limits))
    it.admit(WAITING, ticket(player="p4", limits=limits))
    it.subscribe(FED, "SFU", admission=ticket(player="p5", **watching))
    return it


def test_the_table_is_whole():
    received = {kind.__struct_config__.tag for role in m.Role for kind in m.SENDS[role]}
    session = {kind.__struct_config__.tag for kind in sm.FROM_PLAYER}
    assert TABLE.keys() == received | session | {Control.__struct_config__.tag}
    assert all(len(row) == len(PLACES) for row in TABLE.values())


@pytest.mark.parametrize(("kind", "place"), [*itertools.product(TABLE, range(len(PLACES)))])
def test_each_message_from_each_place(instance, kind, place):
    source, expected = PLACES[place], TABLE[kind][place]
    fields = FIELDS | ({"streamerId": "SFU"} if source == FED else {})
    actions = kinds(instance.say(source, kind, **fields))
    if expected is NOTHING:
        assert actions == []
    elif isinstance(expected, int):
        assert actions[0][0] == expected
        assert not isinstance(actions[0][1], m.Refused)
    else:
        assert actions[0] == (source, expected)


@pytest.mark.parametrize(("kind", "place"), [*itertools.product(SERVER_ONLY, PLACES)])
def test_what_only_the_server_says_nobody_else_may(instance, kind, place):
    assert kinds(instance.say(place, kind, **FIELDS)) == [(place, m.Refused.UNKNOWN_TYPE)]


@pytest.mark.parametrize(("data", "place"), [*itertools.product(["{", '{"type":7}', b"\xff"], PLACES)])
def test_what_is_no_message_is_dropped_from_every_place(instance, data, place):
    assert kinds(instance.hear(place, data)) == [(place, m.Refused.MALFORMED)]


@pytest.fixture
def outsiders():
    """An instance, and connections that are none of its players: refused, gone, taken over, and put out."""
    limits = SessionLimits(grace_seconds=30, shared=True)
    it = Instance(game_api=True)
    it.identify()
    refused, gone, taken_over, put_out = range(40, 44)
    assert it.refusal(ticket("refused", limits=limits, resume=True)) is not None
    it.subscribe(gone, admission=ticket("gone", opted_in=True, limits=limits))
    it.lose(gone, 4001)
    for connection in (taken_over, OWNER):
        it.subscribe(connection, admission=ticket("taken", opted_in=True, limits=limits))
    it.say(STREAMER, "disconnectPlayer", playerId=it.subscribe(put_out, admission=ticket("out", limits=limits)))
    assert it.player_count == 1
    return it, (refused, gone, taken_over, put_out)


@pytest.mark.parametrize("kind", [*TABLE, *SERVER_ONLY])
def test_who_is_not_in_says_nothing(outsiders, kind):
    it, connections = outsiders
    for connection in connections:
        assert it.say(connection, kind, **FIELDS) == []


@pytest.mark.parametrize("kind", TABLE)
def test_a_streamer_says_nothing_that_a_player_who_is_away_loses_its_place_by(kind):
    it = Instance()
    it.identify()
    player_id = it.subscribe(OWNER, admission=ticket(limits=SessionLimits(grace_seconds=30)))
    it.lose(OWNER, 4001)
    it.say(STREAMER, kind, **FIELDS | {"playerId": player_id})
    (participant,) = it.sessions.participants
    assert (participant.id, participant.away, it.over) == (player_id, True, False)


def test_the_game_api_is_closed_unless_a_stack_opens_it():
    it = Instance()
    it.identify()
    it.subscribe(OWNER, admission=ticket())
    message = json.dumps({"type": "control", "action": "api/x"})
    assert kinds(it.hear(OWNER, message)) == [(OWNER, m.Refused.UNKNOWN_TYPE)]
