"""What coturn's reports say, as a table: allocations and traffic of each session, and totals."""

import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from signalling.ice.credentials import session_of

LINGER_SECONDS: Final = 60.0
"""How long a session's figures stay after its last allocation: Prometheus is to see the last ones, each 15 seconds."""
FORGET_SECONDS: Final = 900.0
"""After how long without a word an allocation is taken for gone. Clients refresh theirs within ten minutes."""


class Direction(StrEnum):
    """From whom to whom a packet goes; each one that is relayed counts as it comes and as it goes."""

    FROM_PLAYER = "from_player"
    TO_PLAYER = "to_player"
    FROM_INSTANCE = "from_instance"
    TO_INSTANCE = "to_instance"


class Transport(StrEnum):
    """How a player reaches the relay."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    UNKNOWN = "unknown"
    """The allocation is older than this process, and has not been refreshed since."""


_KEY: Final = re.compile(
    rb"turn/realm/[^/]+/user/(?P<user>.+)/allocation/(?P<id>\d+)/(?P<what>status|traffic|traffic/peer)"
)
_STATUS: Final = re.compile(rb"(?P<word>new|refreshed) lifetime=\d+, type=(?P<type>[A-Z/]+)")
_TRAFFIC: Final = re.compile(
    rb"rcvp=(?P<in_packets>\d+), rcvb=(?P<in_bytes>\d+), sentp=(?P<out_packets>\d+), sentb=(?P<out_bytes>\d+)"
)
_TRANSPORTS: Final = {b"UDP": Transport.UDP, b"TCP": Transport.TCP, b"TLS/TCP": Transport.TLS}


@dataclass(slots=True)
class Volume:
    """So much went one way."""

    packets: int = 0
    bytes: int = 0

    def add(self, packets: int, size: int) -> None:
        """As much more."""
        self.packets += packets
        self.bytes += size


def _volumes() -> dict[Direction, Volume]:
    return {direction: Volume() for direction in Direction}


@dataclass(slots=True)
class _Allocation:
    transport: Transport
    heard: float


@dataclass(slots=True)
class SessionTraffic:
    """What is known of one session."""

    allocations: dict[bytes, _Allocation] = field(default_factory=dict)
    volumes: dict[Transport, dict[Direction, Volume]] = field(default_factory=lambda: defaultdict(_volumes))
    heard: float = 0.0

    def by_transport(self) -> Counter[Transport]:
        """The number of its allocations now."""
        return Counter(each.transport for each in self.allocations.values())


class Allocations:
    """Takes reports; what it says of traffic is a few seconds old, as the reports are."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock: Final = clock
        self._sessions: Final[dict[str, SessionTraffic]] = {}
        self.totals: Final = _volumes()
        self.made: Final = Counter(dict.fromkeys((Transport.UDP, Transport.TCP, Transport.TLS), 0))
        """Allocations since the start, gone ones too."""

    def receive(self, key: bytes, value: bytes) -> None:
        """One report; what is none is passed over."""
        found = _KEY.fullmatch(key)
        if found is None:
            return
        name = session_of(found["user"].decode(errors="replace"))
        if found["what"] != b"status":
            self._traffic(name, found["id"], found["what"] == b"traffic/peer", value)
        elif value == b"deleted":
            if session := self._sessions.get(name):
                session.allocations.pop(found["id"], None)
                session.heard = self._clock()
        else:
            self._status(name, found["id"], value)

    def forget(self) -> None:
        """coturn has started anew: what it held is gone."""
        for session in self._sessions.values():
            session.allocations.clear()
            session.heard = self._clock()

    def sessions(self) -> Iterator[tuple[str, SessionTraffic]]:
        """The sessions with an allocation here, and those whose last one has just gone."""
        now = self._clock()
        for name, session in list(self._sessions.items()):
            for number, allocation in list(session.allocations.items()):
                if now - allocation.heard > FORGET_SECONDS:
                    del session.allocations[number]
            if session.allocations or now - session.heard <= LINGER_SECONDS:
                yield name, session
            else:
                del self._sessions[name]

    def _status(self, name: str, number: bytes, value: bytes) -> None:
        status = _STATUS.match(value)
        if status is None:
            return
        transport = _TRANSPORTS.get(status["type"], Transport.UNKNOWN)
        if status["word"] == b"new":
            self.made[transport] += 1
        self._heard(name, number).transport = transport

    def _traffic(self, name: str, number: bytes, peer: bool, value: bytes) -> None:
        traffic = _TRAFFIC.fullmatch(value)
        if traffic is None:
            return
        volumes = self._sessions_volumes(name, number)
        came, went = (
            (Direction.FROM_INSTANCE, Direction.TO_INSTANCE) if peer else (Direction.FROM_PLAYER, Direction.TO_PLAYER)
        )
        for direction, way in ((came, "in"), (went, "out")):
            packets, size = int(traffic[f"{way}_packets"]), int(traffic[f"{way}_bytes"])
            self.totals[direction].add(packets, size)
            volumes[direction].add(packets, size)

    def _sessions_volumes(self, name: str, number: bytes) -> dict[Direction, Volume]:
        transport = self._heard(name, number).transport
        return self._sessions[name].volumes[transport]

    def _heard(self, name: str, number: bytes) -> _Allocation:
        now = self._clock()
        session = self._sessions.setdefault(name, SessionTraffic())
        session.heard = now
        allocation = session.allocations.setdefault(number, _Allocation(Transport.UNKNOWN, now))
        allocation.heard = now
        return allocation
