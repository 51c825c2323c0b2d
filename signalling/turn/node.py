"""What is known of this node's coturn, and what follows for it."""

import os
import time
from collections import deque
from typing import Final

from signalling.turn import relay_sockets
from signalling.turn.allocations import Allocations
from signalling.turn.coturn_log import LogReader
from signalling.turn.following import Follower
from signalling.turn.settings import CompanionSettings

RATE_SECONDS: Final = 30.0
"""Over which traffic is averaged: an allocation reports every few seconds, or every few minutes if it is quiet."""


class TurnNode:
    """The figures of one node, and the two readers that they come from."""

    def __init__(self, its: CompanionSettings) -> None:
        self._its: Final = its
        self.follower: Final = Follower(its)
        self.log: Final = LogReader(its.log_file)
        self.allocations: Final = Allocations()
        self._sent: Final[deque[tuple[float, int]]] = deque()

    def held(self) -> int:
        """Allocations now. coturn and this process have one user."""
        return relay_sockets.count(os.getuid(), self._its.relay_ports)

    @property
    def limit(self) -> int:
        """Allocations that it may hold."""
        return self._its.most_allocations

    @property
    def peers(self) -> int:
        """Addresses that players may reach."""
        return self.follower.peers

    def peers_age(self) -> float:
        """Seconds since the API server was last heard of them; infinite before the first time."""
        try:
            return max(time.time() - self._its.turn_peers_file.stat().st_mtime, 0.0)
        except OSError:
            return float("inf")

    @property
    def draining(self) -> bool:
        """New allocations are refused."""
        return self.follower.refusing

    def look(self) -> None:
        """Follow, read the log, remember how much was sent."""
        self.follower.look()
        self.log.read()

    def remember(self, now: float) -> None:
        """Note what was sent until now, for the rate."""
        # What comes from a player is sent on to an instance.
        self._sent.append((now, sum(volume.bytes for volume in self.allocations.totals.values())))
        while self._sent[0][0] < now - RATE_SECONDS:
            self._sent.popleft()

    def bits_per_second(self) -> float:
        """What the node has sent in the last half minute, of relayed packets."""
        if len(self._sent) < 2:
            return 0.0
        (since, before), (until, after) = self._sent[0], self._sent[-1]
        return 8 * (after - before) / (until - since)

    def status(self) -> dict[str, object]:
        """For matchmakers, and for people.

        The load is the greater of two shares: of the allocations it may hold, and of what it can send, where that is
        known.
        """
        held, rate = self.held(), self.bits_per_second()
        bandwidth = self._its.turn_bandwidth_mbps * 1_000_000
        load = max(held / self.limit, rate / bandwidth if bandwidth else 0.0)
        return {
            "allocations": held,
            "limit": self.limit,
            "bits_per_second": round(rate),
            "load": round(load, 4),
            "draining": self.draining,
        }
