"""What coturn's console lists, as figures: allocations and traffic of each session, and totals that only grow."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from signalling.ice.credentials import session_of
from signalling.turn.console import Listed

LINGER_SECONDS: Final = 60.0
"""How long a session's figures stay after its last allocation: Prometheus is to see the last ones, each 15 seconds."""


class Direction(StrEnum):
    """Which way; what comes from the player goes on to an instance, and the other way round."""

    FROM_PLAYER = "from_player"
    TO_PLAYER = "to_player"


_TRANSPORTS: Final[Mapping[str, str]] = {"UDP": "udp", "TCP": "tcp", "TLS/TCP": "tls"}
"""How a player reaches the relay, in the words of ICE."""


@dataclass(slots=True)
class Volume:
    """So much went one way."""

    packets: int = 0
    bytes: int = 0


def _volumes() -> dict[Direction, Volume]:
    return {direction: Volume() for direction in Direction}


@dataclass(slots=True)
class SessionTraffic:
    """What is known of one session."""

    allocations: Counter[str] = field(default_factory=Counter)
    """Its allocations now, by transport."""
    volumes: dict[str, dict[Direction, Volume]] = field(default_factory=lambda: defaultdict(_volumes))
    """What they have carried, and those before them, by transport."""
    seen: float = 0.0


class Allocations:
    """Takes one listing after the other."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock: Final = clock
        self._listed: dict[int, Listed] = {}
        self._sessions: Final[dict[str, SessionTraffic]] = {}
        self.totals: Final = _volumes()

    def update(self, listing: Iterable[Listed]) -> None:
        """Make this what there is; what was carried since the last time is added to the totals."""
        now = self._clock()
        for session in self._sessions.values():
            session.allocations.clear()
        before, self._listed = self._listed, {each.number: each for each in listing}
        for number, each in self._listed.items():
            session = self._sessions.setdefault(session_of(each.user), SessionTraffic())
            session.seen = now
            transport = _TRANSPORTS.get(each.protocol, each.protocol.lower())
            session.allocations[transport] += 1
            for direction, packets, size in _since(before.get(number), each):
                for volume in (self.totals[direction], session.volumes[transport][direction]):
                    volume.packets += packets
                    volume.bytes += size
        for name, session in list(self._sessions.items()):
            if now - session.seen > LINGER_SECONDS:
                del self._sessions[name]

    def sessions(self) -> Iterator[tuple[str, SessionTraffic]]:
        """The sessions with an allocation here, and those whose last one has just gone."""
        yield from self._sessions.items()


def _since(before: Listed | None, now: Listed) -> Iterator[tuple[Direction, int, int]]:
    """Packets and bytes that an allocation has carried since it was listed before, each way.

    Of a coturn that has started anew the numbers start anew too: then all that is listed is new.
    """
    ways = {
        Direction.FROM_PLAYER: ("packets_from_player", "bytes_from_player"),
        Direction.TO_PLAYER: ("packets_to_player", "bytes_to_player"),
    }
    same = before is not None and before.user == now.user
    for direction, keys in ways.items():
        packets, size = (getattr(now, key) for key in keys)
        earlier = [getattr(before, key) for key in keys] if same else [0, 0]
        if earlier[0] > packets or earlier[1] > size:
            earlier = [0, 0]
        yield direction, packets - earlier[0], size - earlier[1]
