"""Frames into the machine, from each port: nothing raises, nothing grows, and nothing reaches a wrong session."""

import gc
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from signalling.protocol import messages as m
from signalling.protocol import session_messages as sm
from signalling.protocol.actions import Action, AskGame, Close, Drop, FirstFrame, Send
from signalling.protocol.control import ControlResponse
from signalling.protocol.sidecar import Limits
from signalling.tickets.claims import Role, SessionLimits
from tests.fuzz.frames import Frames
from tests.unit.signalling.instance import SFU, STREAMER, Instance, ticket

SHARED: Final = SessionLimits(max_seconds=500, idle_seconds=100, grace_seconds=20, shared=True, players=20)
SESSIONS: Final = ("a", "b", "c")
ROUND: Final = 2_000
"""Frames to one instance, before the next one is made."""
PAGE: Final = 4096


@dataclass(slots=True)
class Outcome:
    """What became of the frames."""

    frames: int = 0
    sent: int = 0
    closed: int = 0
    dropped: int = 0
    grown_bytes: int = 0
    """Resident memory at the end, over that after the first third."""


class World:
    """An instance with three sessions that share it: each with an owner and a spectator, through streamer and SFU."""

    def __init__(self) -> None:
        self.instance = Instance(Limits(players=20, waiting=20), game_api=True)
        self.sessions: dict[int, str] = {}
        """The session of each player's connection that was ever made."""
        self.ids: dict[str, str] = {}
        """And of each id that a streamer was told."""
        self._numbers = iter(range(100, 1_000_000))
        self.restore()

    def restore(self) -> None:
        """Bring back what the frames have ended."""
        it = self.instance
        if not it.streamer_count:
            it.connect_streamer(STREAMER)
        if not it.streaming:
            it.say(STREAMER, "endpointId", id="demo")
        if SFU not in it._sfus:
            it.connect_sfu(SFU)
        self.follow(SFU, "", it.say(SFU, "endpointId", id="SFU"))
        if it._sfus[SFU].player.streamer is None:
            self.follow(SFU, "", it.say(SFU, "subscribe", streamerId=it._streamers[STREAMER].name))
        known = {participant.name: participant for participant in it.sessions.participants}
        for session in SESSIONS:
            for name, role, streamer in ((session, Role.OWNER, STREAMER), (f"{session}2", Role.SPECTATOR, SFU)):
                participant = known.get(name)
                if participant is None or participant.away:
                    # Every other one goes on as if nothing had happened.
                    seamless = participant is not None and participant.streamer is not None and int(participant.id) % 2
                    self._bring(session, name, role, streamer, fresh=not seamless)

    def _bring(self, session: str, name: str, role: Role, streamer: int, *, fresh: bool) -> None:
        admission = ticket(session, name, role, opted_in=name != "c", limits=SHARED, resume=True, fresh=fresh)
        if self.instance.refusal(admission) is not None:
            return
        connection = next(self._numbers)
        self.sessions[connection] = session
        before = {participant.name: participant.id for participant in self.instance.sessions.participants}
        self.follow(connection, "", self.instance.admit(connection, admission))
        if not fresh:
            assert self.instance.sessions.connected[connection].id == before[name], "resumed as somebody else"
            return
        part = self.instance._sfus[SFU].streamer if streamer == SFU else self.instance._streamers[streamer]
        self.follow(connection, "", self.instance.say(connection, "subscribe", streamerId=part.name))

    def lose(self, number: int, code: int | None) -> None:
        """One of the players is away until the next ``restore``."""
        players = self.players()
        if players:
            lost = players[number % len(players)]
            self.follow(lost, "", self.instance.lose(lost, code))

    def players(self) -> list[int]:
        """Connections of players that are here."""
        return list(self.instance.sessions.connected)

    def known(self) -> list[str]:
        """The ids that streamers know players by now."""
        it = self.instance
        return [one.id for one in it.sessions.participants] + [sfu.player.id for sfu in it._sfus.values()]

    def send(self, source: int, data: str | bytes) -> list[Action]:
        """A frame comes; what it leads to is checked and given."""
        actions = self.instance.hear(source, data)
        self.follow(source, data, actions)
        return actions

    def follow(self, source: int, data: str | bytes, actions: list[Action]) -> None:
        """Everything stays in the session it belongs to."""
        for action in actions:
            match action:
                case Send(target, message):
                    m.encode(message)
                    self._note(source, target, message)
                    self._check(source, target, message, data)
                case Close(target, _, reason):
                    assert len(reason.encode()) <= 123
                    if source in self.sessions and target in self.sessions:
                        assert self.sessions[target] == self.sessions[source], f"{data!r} closed somebody else's player"
                case Drop(target, _) | AskGame(target, _, _):
                    assert target == source
                case FirstFrame():
                    pass

    def _note(self, source: int, target: int, message: m.Message) -> None:
        if isinstance(message, m.PlayerConnected):
            # Nobody but a player, or a streamer's SFU, is connected by its own word.
            self.ids[message.player_id] = self.sessions.get(source, "sfu")

    def _check(self, source: int, target: int, message: m.Message, data: str | bytes) -> None:
        role = m.Role.PLAYER if target in self.sessions else m.Role.SFU if target == SFU else m.Role.STREAMER
        allowed = m.GETS[role] + ((*sm.TO_PLAYER, ControlResponse) if role is m.Role.PLAYER else ())
        assert isinstance(message, allowed), f"{data!r} sent {message!r} to a {role.value}"
        theirs = self.sessions.get(source)
        if theirs is not None and role is m.Role.PLAYER:
            assert self.sessions[target] == theirs, f"{data!r} of session {theirs} reached {self.sessions[target]}"
        elif theirs is not None:
            named = getattr(message, "player_id", None)
            assert named is None or self.ids[str(named)] == theirs, f"{data!r} spoke for {named}"
        elif role is m.Role.PLAYER and isinstance(message, m.Offer | m.Answer | m.IceCandidate | m.PeerDataChannels):
            named = _named(source, data)
            assert self.ids[named] == self.sessions[target], f"{data!r} reached a player it does not name"


def _named(source: int, data: str | bytes) -> str:
    read = m.decode_from_sfu if source == SFU else m.decode_from_streamer
    return str(getattr(read(data), "player_id", None))


def resident() -> int:
    """Bytes of memory this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def fuzz(port: m.Role, frames: int, seed: int) -> Outcome:
    """Send so many generated frames from one port; AssertionError when one leads to what must not be."""
    supply, outcome = Frames(port, seed), Outcome()
    before = 0
    while outcome.frames < frames:
        world = World()
        for number in range(min(ROUND, frames - outcome.frames)):
            source = _source(port, world, number)
            if source is None:
                world.restore()
                continue
            _count(outcome, world.send(source, supply.next()))
            outcome.frames += 1
            if number % 50 == 49:
                world.instance.time += supply.chance.choice((0.1, 5, 30))
                world.follow(STREAMER, "", world.instance.tick(world.instance.time))
                world.restore()
                world.lose(supply.chance.randrange(100), supply.chance.choice((None, 4000, 4001)))
            if not number % 10:
                supply.players = world.known()
            _bounded(world.instance)
        if not before and outcome.frames >= frames // 3:
            gc.collect()
            before = resident()
    gc.collect()
    outcome.grown_bytes = resident() - before
    return outcome


def _source(port: m.Role, world: World, number: int) -> int | None:
    if port is m.Role.STREAMER:
        return STREAMER
    if port is m.Role.SFU:
        return SFU
    players = world.players()
    return players[number % len(players)] if players else None


def _count(outcome: Outcome, actions: list[Action]) -> None:
    for action in actions:
        outcome.sent += isinstance(action, Send)
        outcome.closed += isinstance(action, Close)
        outcome.dropped += isinstance(action, Drop)


def _bounded(instance: Instance) -> None:
    assert len(instance.sessions.under_way) <= len(SESSIONS)
    assert sum(1 for _ in instance.sessions.participants) <= 2 * len(SESSIONS)
