"""Which region is next, as pure functions and a machine without I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import asin, cos, radians, sin, sqrt
from typing import Final

from signalling.regions.settings import PeerSettings, Place, RegionSettings

STALE_SECONDS: Final = 20.0
"""What a peer said longer ago says nothing: it may be gone."""
_EARTH_KM: Final = 6371.0


def distance(one: Place, other: Place) -> float:
    """Kilometres between two places, along the surface."""
    north, east = radians(other.latitude - one.latitude), radians(other.longitude - one.longitude)
    level = cos(radians(one.latitude)) * cos(radians(other.latitude))
    return 2 * _EARTH_KM * asin(min(1.0, sqrt(sin(north / 2) ** 2 + level * sin(east / 2) ** 2)))


def ranked(here: RegionSettings) -> tuple[PeerSettings, ...]:
    """The peers in the order in which they are tried: the nearest first; without places by weight."""

    def key(peer: PeerSettings) -> tuple[float, int, str]:
        known = here.place is not None and peer.place is not None
        far = distance(here.place, peer.place) if here.place and peer.place else float("inf")
        return (far if known else float("inf"), -peer.weight, peer.name)

    return tuple(sorted(here.peers, key=key))


@dataclass(frozen=True, slots=True)
class Heard:
    """What a peer said of its room."""

    room: Mapping[str, int]
    """Sessions that could begin at once, by application."""
    at: float


class Rooms:
    """What is known of the peers' room, less those sent there since."""

    def __init__(self, here: RegionSettings) -> None:
        self._peers: Final = ranked(here)
        self._heard: Final[dict[str, Heard]] = {}
        self._sent: Final[dict[tuple[str, str], int]] = {}

    @property
    def peers(self) -> Sequence[PeerSettings]:
        """In the order in which they are tried."""
        return self._peers

    def hear(self, peer: str, room: Mapping[str, int], now: float) -> None:
        """A peer told its room."""
        self._heard[peer] = Heard(room, now)
        for key in [key for key in self._sent if key[0] == peer]:
            del self._sent[key]

    def of(self, peer: str, now: float) -> Mapping[str, int] | None:
        """A peer's room as it is known; None if it is not."""
        heard = self._heard.get(peer)
        return None if heard is None or now - heard.at > STALE_SECONDS else heard.room

    def choose(self, application: str, now: float) -> PeerSettings | None:
        """The next peer with room, and one place less there until it tells again; None if there is none."""
        for peer in self._peers:
            room = (self.of(peer.name, now) or {}).get(application, 0)
            sent = self._sent.get((peer.name, application), 0)
            if room > sent:
                self._sent[peer.name, application] = sent + 1
                return peer
        return None
