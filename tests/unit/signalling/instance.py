"""The sidecar's machine with a clock to turn, tickets to come in with, and its actions as plain data."""

import json
from typing import Any

from signalling.protocol import messages as m
from signalling.protocol.actions import Action, AskGame, Close, Drop, FirstFrame, Send
from signalling.protocol.sidecar import Limits, Sidecar
from signalling.tickets.claims import AdmissionTicket, Role, SessionLimits

OPTIONS = m.opaque({"iceServers": []})
PLAYER_OPTIONS = m.opaque({"iceServers": [{"urls": ["stun:198.51.100.1:3478"]}]})
ANYBODY = SessionLimits(grace_seconds=0, shared=True, players=100)
STREAMER, SFU, PLAYER, OTHER = 10, 15, 20, 21


def frame(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, **fields})


def said(actions: list[Action]) -> list[Any]:
    """What was sent, closed and dropped, as plain data."""
    result: list[Any] = []
    for action in actions:
        match action:
            case Send(connection, message):
                result.append((connection, json.loads(m.encode(message))))
            case Close(connection, code, reason):
                result.append((connection, int(code), reason))
            case Drop(connection, why):
                result.append((connection, why))
            case AskGame(connection, path, payload):
                result.append((connection, "game", path, payload))
            case FirstFrame(seconds):
                result.append(("first frame", seconds))
    return result


def kinds(actions: list[Action]) -> list[tuple[int, Any]]:
    """Connection and type of what was sent, connection and code of what was closed."""
    return [(entry[0], entry[1]["type"] if isinstance(entry[1], dict) else entry[1]) for entry in said(actions)]


def ticket(session: str = "s", player: str = "", role: Role = Role.OWNER, **more: Any) -> AdmissionTicket:
    """A ticket to a session of its own instance, whose owner is named like it."""
    return AdmissionTicket(session=session, player=player or session, app="demo", instance="demo-1", role=role, **more)


class Instance(Sidecar):
    """The machine at the time ``time``; a player comes with a ticket, or as anybody does outside a cluster."""

    def __init__(self, limits: Limits | None = None, **more: Any) -> None:
        super().__init__(OPTIONS, PLAYER_OPTIONS, limits, **more)
        self.time = 1000.0

    def admit(self, connection: int, admission: AdmissionTicket | None = None) -> list[Action]:
        who = f"anybody-{connection}"
        admission = admission or ticket(who, limits=ANYBODY)
        assert self.refusal(admission) is None
        return self.connect_player(connection, admission, self.time)

    def hear(self, connection: int, data: str | bytes) -> list[Action]:
        return self.receive(connection, data, self.time)

    def say(self, connection: int, kind: str, **fields: Any) -> list[Action]:
        return self.hear(connection, frame(kind, **fields))

    def lose(self, connection: int, code: int | None = None) -> list[Action]:
        return self.disconnect(connection, self.time, code)

    def identify(self, name: str = "demo", connection: int = STREAMER) -> None:
        self.connect_streamer(connection)
        self.say(connection, "endpointId", id=name, protocolVersion="1.0.0")

    def subscribe(self, connection: int, name: str = "demo", admission: AdmissionTicket | None = None) -> str:
        """Bring a player in and subscribe it; gives the id its streamer knows it by."""
        self.admit(connection, admission)
        return self.resubscribe(connection, name)

    def resubscribe(self, connection: int, name: str = "demo") -> str:
        (*_, (_, connected)) = said(self.say(connection, "subscribe", streamerId=name))
        assert connected["type"] == "playerConnected"
        return str(connected["playerId"])

    def wait(self, seconds: float) -> list[Action]:
        """Let time pass as the shell does: stopping at each deadline."""
        actions: list[Action] = []
        until = self.time + seconds
        while self.next_deadline is not None and self.next_deadline <= until:
            self.time = self.next_deadline
            before = self.next_deadline
            actions += self.tick(self.time)
            assert self.next_deadline is None or self.next_deadline > before, "a deadline that does not pass"
        self.time = until
        return actions
