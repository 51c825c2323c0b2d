"""Whatever is sent in whatever order: nothing raises, nothing reaches a wrong player, and the books stay in order."""

import json
from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from signalling.protocol import messages as m
from signalling.protocol.actions import Close, CloseCode, Drop, Send
from signalling.protocol.sidecar import Limits, Sidecar

OPTIONS = m.opaque({"iceServers": []})
LIMITS = Limits(streamers=2, players=2, waiting=2)
CONNECTIONS = st.integers(1, 6)
NAMES = st.sampled_from(["", "a", "b", "a1", "UnknownStreamer"])
IDS = st.sampled_from(["1", "2", "3", "9", 1, 2, "", None])
ANY = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), lambda it: st.lists(it, max_size=2))
TYPES = st.sampled_from([kind.__struct_config__.tag for role in m.Role for kind in m.SENDS[role]] + ["config", "stats"])
LIKELY = st.fixed_dictionaries(
    {"type": TYPES},
    optional={
        "id": NAMES,
        "streamerId": NAMES,
        "playerId": IDS,
        "sdp": st.text(max_size=5),
        "candidate": ANY,
        "time": ANY,
        "reason": st.text(max_size=200),
        "sfu": ANY,
    },
)
FRAMES = st.one_of(
    LIKELY.map(json.dumps),
    st.dictionaries(st.sampled_from(["type", "sdp", "id", "playerId", "time"]), ANY).map(json.dumps),
    st.text(max_size=20),
    st.binary(max_size=20),
)


class Peers(RuleBasedStateMachine):
    """Follows who is connected, in which role, and who is subscribed to whom, from the actions alone."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = Sidecar(OPTIONS, OPTIONS, LIMITS)
        self.roles: dict[int, m.Role] = {}
        self.numbers = 0
        self.players = 0
        self.at: dict[int, int] = {}
        self.streamer_of: dict[str, int] = {}
        self.player_of: dict[str, int] = {}

    @rule(slot=CONNECTIONS, streamer=st.sampled_from([True, False, False]))
    def connect(self, slot: int, streamer: bool) -> None:
        if slot in self.at:
            return
        self.numbers += 1
        connection = self.at[slot] = self.numbers
        self.roles[connection] = m.Role.STREAMER if streamer else m.Role.PLAYER
        self.players += not streamer
        connect = self.machine.connect_streamer if streamer else self.machine.connect_player
        self.follow(connection, connect(connection))

    @rule(slot=CONNECTIONS)
    def disconnect(self, slot: int) -> None:
        if (connection := self.at.pop(slot, None)) is not None:
            self.roles.pop(connection, None)
            self.follow(connection, self.machine.disconnect(connection))

    @rule(slot=CONNECTIONS, data=FRAMES)
    def receive(self, slot: int, data: str | bytes) -> None:
        if (connection := self.at.get(slot)) is not None:
            self.follow(connection, self.machine.receive(connection, data))

    @rule(slot=CONNECTIONS, name=st.sampled_from("ab"))
    def usual(self, slot: int, name: str) -> None:
        """What brings sessions about more often than chance would."""
        connection = self.at.get(slot, 0)
        frame = {"type": "subscribe", "streamerId": name}
        if self.roles.get(connection) is m.Role.STREAMER:
            frame = {"type": "endpointId", "id": name}
        self.follow(connection, self.machine.receive(connection, json.dumps(frame)))

    @rule(
        slot=CONNECTIONS, kind=st.sampled_from(["offer", "answer", "iceCandidate", "disconnectPlayer"]), data=st.data()
    )
    def negotiate(self, slot: int, kind: str, data: st.DataObject) -> None:
        """A whole message, about any player there has ever been."""
        connection = self.at.get(slot, 0)
        player_id = data.draw(st.sampled_from([*self.player_of, *map(str, range(1, self.players + 1)), "0"]))
        frame = {"type": kind, "sdp": "v=0", "candidate": {}, "playerId": player_id}
        self.follow(connection, self.machine.receive(connection, json.dumps(frame)))

    def follow(self, source: int, actions: Sequence[object]) -> None:
        for action in actions:
            match action:
                case Send(connection, message):
                    assert connection in self.roles, "sent to a connection that is gone or was closed"
                    role = self.roles[connection]
                    assert isinstance(message, m.GETS[role])
                    written = json.loads(m.encode(message))
                    self.account(source, connection, role, written)
                case Close(connection, code, reason):
                    assert code in CloseCode and len(reason.encode()) <= 123
                    self.roles.pop(connection, None)
                    self.forget(connection)
                case Drop(connection, why):
                    assert connection == source and isinstance(why, m.Refused)
        if source not in self.roles:
            self.forget(source)

    def forget(self, connection: int) -> None:
        for player_id, streamer in list(self.streamer_of.items()):
            if streamer == connection:
                del self.streamer_of[player_id]

    def account(self, source: int, target: int, role: m.Role, written: dict[str, object]) -> None:
        player_id = written.get("playerId")
        match written["type"], role:
            case "playerConnected", m.Role.STREAMER:
                assert player_id not in self.streamer_of
                self.streamer_of[str(player_id)] = target
                self.player_of[str(player_id)] = source
            case "playerDisconnected", m.Role.STREAMER:
                assert self.streamer_of.pop(str(player_id)) == target
            case (("offer" | "answer" | "iceCandidate" | "layerPreference"), m.Role.STREAMER):
                assert self.streamer_of[str(player_id)] == target
                assert self.player_of[str(player_id)] == source
            case (("offer" | "answer" | "iceCandidate"), m.Role.PLAYER):
                assert self.streamer_of[str(player_id)] == source
                assert self.player_of[str(player_id)] == target
            case "streamerIdChanged", m.Role.PLAYER:
                subscribed = [self.player_of[one] for one, streamer in self.streamer_of.items() if streamer == source]
                assert target in subscribed
            case _:
                assert target == source

    @invariant()
    def within_limits(self) -> None:
        assert self.machine.streamer_count <= LIMITS.streamers
        assert self.machine.player_count <= LIMITS.players + LIMITS.waiting
        streamers = list(self.streamer_of.values())
        assert all(streamers.count(one) <= LIMITS.players for one in streamers)
        assert self.machine.player_count == sum(role is m.Role.PLAYER for role in self.roles.values())


Peers.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestPeers = Peers.TestCase
