"""Whatever is sent in whatever order: nothing raises, nothing reaches a wrong player, and the books stay in order."""

import json
from collections.abc import Mapping, Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from signalling.protocol import messages as m
from signalling.protocol import session as life
from signalling.protocol import session_messages as sm
from signalling.protocol.actions import AskGame, Close, CloseCode, Drop, FirstFrame, Send
from signalling.protocol.sidecar import Limits
from signalling.tickets.claims import AdmissionTicket, Role, SessionLimits
from tests.unit.signalling.instance import Instance, ticket

LIMITS = Limits(streamers=2, sfus=1, players=2, waiting=2)
SLOTS = st.integers(1, 7)
NAMES = st.sampled_from(["", "a", "b", "a1", "UnknownStreamer", "SFU"])
IDS = st.sampled_from(["1", "2", "3", "9", 1, 2, "", None])
ANY = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), lambda it: st.lists(it, max_size=2))
TYPES = st.sampled_from(
    [kind.__struct_config__.tag for role in m.Role for kind in m.SENDS[role]]
    + [kind.__struct_config__.tag for kind in sm.FROM_PLAYER]
    + ["config", "stats", "control"]
)
LIKELY = st.fixed_dictionaries(
    {"type": TYPES},
    optional={
        "id": NAMES,
        "streamerId": NAMES,
        "playerId": IDS,
        "sdp": st.sampled_from(["", "m=application 9 x\r\na=mid:0\r\n", "\x0b"]),
        "candidate": ANY,
        "time": ANY,
        "reason": st.text(max_size=200),
        "sfu": ANY,
        "player": st.sampled_from(["s", "p2", "p3", "x"]),
        "action": st.sampled_from(["api/x", "../x"]),
        "payload": ANY,
        "framesPerSecond": ANY,
        "firstFrameSeconds": st.floats(0, 100),
    },
)
FRAMES = st.one_of(
    LIKELY.map(json.dumps),
    st.dictionaries(st.sampled_from(["type", "sdp", "id", "playerId", "time"]), ANY).map(json.dumps),
    st.text(max_size=20),
    st.binary(max_size=20),
)
SESSION_LIMITS = SessionLimits(max_seconds=300, idle_seconds=60, grace_seconds=20, warning_seconds=30, players=3)
SHARED = SessionLimits(max_seconds=300, grace_seconds=20, shared=True, players=3)


@st.composite
def tickets(draw: st.DrawFn) -> AdmissionTicket:
    """Tickets to one session or to several that share the instance."""
    shared = draw(st.booleans())
    session = draw(st.sampled_from(["s", "t"])) if shared else "s"
    player = draw(st.sampled_from([session, f"{session}2", f"{session}3"]))
    return ticket(
        session,
        player,
        Role.OWNER if player == session else Role.SPECTATOR,
        opted_in=draw(st.booleans()),
        resume=draw(st.booleans()),
        fresh=draw(st.booleans()),
        limits=SHARED if shared else SESSION_LIMITS,
    )


class Peers(RuleBasedStateMachine):
    """Follows who is connected, in which role, and who is subscribed to whom, from the actions alone."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = Instance(LIMITS, game_api=True)
        self.roles: dict[int, m.Role] = {}
        self.opted_in: set[int] = set()
        self.numbers = 0
        self.at: dict[int, int] = {}
        self.streamer_of: dict[str, int] = {}
        self.ids: set[str] = set()
        """Every id a streamer was ever told."""
        self.last_now = self.machine.time

    @initialize(shared=st.booleans(), sfu=st.booleans(), watching=st.booleans())
    def scene(self, shared: bool, sfu: bool, watching: bool) -> None:
        """What chance would seldom bring about: streamers with players."""
        for slot, name in ((1, "a"), (2, "b")):
            self.connect(slot, m.Role.STREAMER)
            self.usual(slot, name)
        if sfu:
            self.connect(3, m.Role.SFU)
            self.say(3, {"type": "endpointId", "id": "SFU"})
            self.usual(3, "a")
        limits = SHARED if shared else SESSION_LIMITS
        self.connect_player(4, ticket(opted_in=True, limits=limits))
        self.connect_player(5, ticket(player="s2", role=Role.SPECTATOR, opted_in=True, limits=limits))
        self.usual(4, "a")
        if watching:
            self.usual(5, "SFU" if sfu else "b")

    def say(self, slot: int, frame: Mapping[str, object]) -> None:
        connection = self.at.get(slot, 0)
        before = {one: self.owner_of(one) for one in self.ids}
        actions = self.machine.hear(connection, json.dumps(frame))
        if self.roles.get(connection) in {m.Role.STREAMER, m.Role.SFU} and "playerId" in frame:
            # Whatever it leads to for somebody else concerns the player it names, its streamer or its own players.
            for action in actions:
                if isinstance(action, Send) and action.connection != connection and _is_negotiation(action.message):
                    named = before.get(str(frame["playerId"]))
                    assert action.connection == named or frame["type"] in {"streamerDataChannels", "answer"}
        self.follow(connection, actions)

    @rule(slot=SLOTS, role=st.sampled_from([m.Role.STREAMER, m.Role.STREAMER, m.Role.SFU]))
    def connect(self, slot: int, role: m.Role) -> None:
        if slot in self.at:
            return
        connection = self.take(slot, role)
        connect = self.machine.connect_sfu if role is m.Role.SFU else self.machine.connect_streamer
        self.follow(connection, connect(connection))

    @rule(slot=SLOTS, admission=tickets())
    def connect_player(self, slot: int, admission: AdmissionTicket) -> None:
        if slot in self.at or self.machine.refusal(admission) is not None:
            return
        connection = self.take(slot, m.Role.PLAYER)
        if admission.opted_in:
            self.opted_in.add(connection)
        actions = self.machine.admit(connection, admission)
        first = next(action for action in actions if isinstance(action, Send) and action.connection == connection)
        assert isinstance(first.message, m.Config)
        self.follow(connection, actions)

    def take(self, slot: int, role: m.Role) -> int:
        self.numbers += 1
        connection = self.at[slot] = self.numbers
        self.roles[connection] = role
        return connection

    @rule(slot=SLOTS, code=st.sampled_from([None, 1000, 1001, 1009, 4000, 4001]))
    def disconnect(self, slot: int, code: int | None) -> None:
        if (connection := self.at.pop(slot, None)) is not None:
            role = self.roles.pop(connection, None)
            actions = self.machine.lose(connection, code)
            if role is None:
                assert actions == []
            if role in {m.Role.STREAMER, m.Role.SFU}:
                self.forget(connection)
            self.follow(connection, actions)

    @rule(slot=SLOTS, data=FRAMES)
    def receive(self, slot: int, data: str | bytes) -> None:
        if (connection := self.at.get(slot)) is not None:
            self.follow(connection, self.machine.hear(connection, data), data)

    @rule(slot=SLOTS, name=st.sampled_from("ab"))
    def usual(self, slot: int, name: str) -> None:
        """What brings streams about more often than chance would."""
        connection = self.at.get(slot, 0)
        frame = {"type": "subscribe", "streamerId": name}
        if self.roles.get(connection) is m.Role.STREAMER:
            frame = {"type": "endpointId", "id": name}
        self.say(slot, frame)

    @rule(
        slot=st.sampled_from([1, 1, 1, 2, 3, 4, 5]),
        kind=st.sampled_from(["offer", "answer", "iceCandidate", "disconnectPlayer", "streamerDataChannels"]),
        data=st.data(),
    )
    def negotiate(self, slot: int, kind: str, data: st.DataObject) -> None:
        """A whole message, about any player there has ever been."""
        player_id = data.draw(st.sampled_from(sorted({*self.ids, "0"})))
        self.say(slot, {"type": kind, "sdp": "v=0", "candidate": {}, "playerId": player_id})

    @rule(slot=SLOTS, again=st.booleans(), fresh=st.booleans())
    def speak_to_the_absent(self, slot: int, again: bool, fresh: bool) -> None:
        """A player is lost while its streamer speaks to it, and may come again."""
        participant = self.machine.sessions.connected.get(self.at.get(slot, 0))
        if participant is None or participant.streamer is None:
            return
        streamer = participant.streamer.connection
        self.disconnect(slot, 4001)
        (its_slot,) = (one for one, connection in self.at.items() if connection == streamer)
        self.say(its_slot, {"type": "offer", "sdp": "v=0", "playerId": participant.id})
        if again:
            its = participant.session
            back = ticket(its.id, participant.name, opted_in=True, resume=True, fresh=fresh, limits=its.limits)
            self.connect_player(slot, back)

    @rule(seconds=st.sampled_from([1, 10, 25, 100]))
    def wait(self, seconds: int) -> None:
        self.follow(0, self.machine.wait(seconds))

    @precondition(lambda self: self.numbers > 10)
    @rule(seconds=st.sampled_from([0, 50]))
    def drain(self, seconds: int) -> None:
        self.follow(0, self.machine.drain(seconds, self.machine.time))

    @rule(session=st.sampled_from("st"), seconds=st.sampled_from([0, 40]))
    def end(self, session: str, seconds: int) -> None:
        self.follow(0, self.machine.end(session, sm.Reason.TERMINATED, seconds, self.machine.time))

    @rule()
    def recycle(self) -> None:
        if self.machine.recycle():
            assert not list(self.machine.sessions.participants) or all(
                session.limits.shared for session in self.machine.sessions.under_way.values()
            )

    def follow(self, source: int, actions: Sequence[object], data: str | bytes = "") -> None:
        if self.roles.get(source) is m.Role.SFU and m.decode_from_sfu(data) == m.StopStreaming():
            self.forget(source)
        for action in actions:
            match action:
                case Send(connection, message):
                    assert connection in self.roles, "sent to a connection that is gone or was closed"
                    role = self.roles[connection]
                    allowed = m.GETS[role] + (sm.TO_PLAYER if connection in self.opted_in else ())
                    assert isinstance(message, allowed) or message.__struct_config__.tag == "response"
                    self.account(source, connection, role, json.loads(m.encode(message)))
                case Close(connection, code, reason):
                    assert code in CloseCode and len(reason.encode()) <= 123
                    assert self.roles.pop(connection) is not m.Role.STREAMER or connection == source
                    self.forget(connection)
                case Drop(connection, why):
                    assert connection == source and isinstance(why, m.Refused)
                case AskGame(connection, path, _):
                    assert connection == source and ".." not in path
                case FirstFrame(seconds):
                    assert seconds >= 0

    def forget(self, connection: int) -> None:
        """A streamer's players have lost it; what they hear of that is checked where they are closed."""
        for player_id, streamer in list(self.streamer_of.items()):
            if streamer == connection:
                del self.streamer_of[player_id]

    def owner_of(self, player_id: str) -> int | None:
        """The connection whose messages a streamer gets under this id, as the machine has it."""
        machine = self.machine
        for participant in machine.sessions.participants:
            if participant.id == player_id:
                return participant.connection
        return next((sfu.connection for sfu in machine._sfus.values() if sfu.player.id == player_id), None)

    def account(self, source: int, target: int, role: m.Role, written: dict[str, object]) -> None:
        player_id = written.get("playerId")
        match written["type"], role:
            case "playerConnected", m.Role.STREAMER | m.Role.SFU:
                assert player_id not in self.streamer_of
                self.streamer_of[str(player_id)] = target
                self.ids.add(str(player_id))
            case "playerDisconnected", m.Role.STREAMER | m.Role.SFU:
                assert self.streamer_of.pop(str(player_id)) == target
            case "streamerDataChannels", m.Role.STREAMER:
                assert self.streamer_of.get(str(player_id)) == source, "an SFU speaks of somebody else's player"
                assert self.owner_of(str(written["sfuId"])) == source
            case "layerPreference", m.Role.SFU if self.roles.get(source) is m.Role.STREAMER:
                assert source in self.streamer_of.values()
            case (
                (
                    "answer"
                    | "iceCandidate"
                    | "layerPreference"
                    | "dataChannelRequest"
                    | "peerDataChannelsReady"
                    | "offer"
                ),
                m.Role.STREAMER | m.Role.SFU,
            ) if self.streamer_of.get(str(player_id)) == target:
                assert self.owner_of(str(player_id)) == source
            case (("offer" | "answer" | "iceCandidate"), m.Role.PLAYER | m.Role.SFU):
                # Its own streamer's; or at a resume, what that had sent before.
                known = [one for one, streamer in self.streamer_of.items() if self.owner_of(one) == target]
                assert known and (source == target or self.streamer_of[known[0]] == source)
                assert player_id is None or player_id in known
            case "peerDataChannels", m.Role.PLAYER:
                known = [one for one, streamer in self.streamer_of.items() if streamer == source]
                assert target in map(self.owner_of, known)
            case "streamerIdChanged", _:
                known = [one for one, streamer in self.streamer_of.items() if streamer == source]
                assert target in map(self.owner_of, known)
            case "streamerDisconnected", m.Role.SFU:
                # It drops its own players by itself.
                self.forget(target)
            case (("sessionState" | "sessionPlayers" | "sessionControlRequested"), _):
                pass
            case _:
                assert target == source, written

    @invariant()
    def within_limits(self) -> None:
        machine = self.machine
        assert machine.streamer_count <= LIMITS.streamers
        assert machine.player_count <= LIMITS.players + LIMITS.waiting
        streamers = list(self.streamer_of.values())
        assert all(streamers.count(one) <= LIMITS.players + 1 for one in streamers)
        assert machine.player_count == sum(role is m.Role.PLAYER for role in self.roles.values())

    @invariant()
    def in_order(self) -> None:
        machine = self.machine
        for connection, participant in machine.sessions.connected.items():
            assert participant.connection == connection and machine.sessions.takes_part(participant)
        for session in machine.sessions.under_way.values():
            assert any(session.owners), "a session without an owner"
        alone = [one for one in machine.sessions.under_way.values() if not one.limits.shared]
        assert len(alone) <= 1 and not (alone and len(machine.sessions.under_way) > 1)
        subscribed = {one.id for one in machine.sessions.participants if one.streamer is not None}
        subscribed |= {sfu.player.id for sfu in machine._sfus.values() if sfu.player.streamer is not None}
        assert subscribed == set(self.streamer_of), "a streamer knows something else than the machine"
        moments = [life.next_deadline(each, machine.time) for each in machine.sessions.under_way.values()]
        assert machine.next_deadline == min((moment for moment in moments if moment is not None), default=None)
        assert machine.next_deadline is None or machine.next_deadline > machine.time


def _is_negotiation(message: m.Message) -> bool:
    return isinstance(message, m.Offer | m.Answer | m.IceCandidate | m.PeerDataChannels)


Peers.TestCase.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
TestPeers = Peers.TestCase
