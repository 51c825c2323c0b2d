"""The node buffer: slots kept free, on nodes that are ordered the moment that slots are taken.

A node is ordered when the slots that are needed (players, instance buffers, node buffer) exceed what is up or ordered,
and removed when it has not been needed for the surplus time, the one unneeded longest first. So the nodes are layers:
the n-th is there while the need has reached into it within the surplus time, except for the provisioning time after it
was ordered. Two things go beyond that, for which times stand in that are fitted to simulations: nodes of several slots
become empty late, and nodes whose times vary overtake each other.

Sessions that end give slots back. That is what the rule of thumb (rate x provisioning time) leaves out: it holds while
nobody leaves, as in the first minutes of a rush.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy import stats

from capacity.durations import Duration
from capacity.planning.demand_process import Floats, Players
from capacity.planning.rises import Rises

_MOMENTS: Final = 24
"""At which growth during provisioning is looked at (Gauss and Legendre's)."""
_LEVELS: Final = 500
"""Of provisioning times that vary."""
_OVERTAKING: Final = 0.33
"""What half the mean difference of two provisioning times is worth, were very many nodes ordered."""
_OF_FEW: Final = 0.35
"""How much less where few are, times the root of the players who come meanwhile and stay. Both are fitted to
simulations in which waiting holds nobody up: spreads of 0.3, sessions of 900 to 3000 seconds, 180 to 7200 players an
hour."""

_EMPTYING: Final = 0.23
"""How long a surplus node takes to become empty, in sessions, for each slot beside one: fitted to simulations of nodes
of 3 and 4 slots, sessions of 900 to 3600 seconds, 360 and 1800 players an hour."""
_MOST_OTHERS: Final = 5
"""So many slots of them count: measured with nodes of 8."""
_EVEN: Final = 7.0
"""Of the logarithm of how uneven the number of players is, divided by a node's slots with a remainder."""


@dataclass(frozen=True)
class NodeBuffer:
    """A pool's nodes, without its buffers' sizes."""

    players: Players
    """Of all applications of the pool."""
    provisioning: Duration
    slots: int
    """Instances of one node."""
    surplus_seconds: float
    gives_back: bool = True
    """Whether sessions end meanwhile; if not, every player needs a slot that was not there before."""
    least_nodes: int = 0
    """That are there whether they are needed or not."""

    @cached_property
    def _rises(self) -> Rises:
        """When a layer is ordered: the number of players rises to its mark for the first time in the surplus time."""
        return Rises(self.players, self._kept)

    @cached_property
    def _kept(self) -> float:
        """Seconds that a node is kept when it is not needed: as long as a session is left on it, too.

        The time in which the last sessions end is taken as exponential, beginning with the surplus time. Players go to
        the fullest nodes, so few are added meanwhile; sessions of one length that began together end together.
        """
        session = self.players.session
        emptying = _EMPTYING * min(self.slots - 1, _MOST_OTHERS) * session.mean * min(session.spread, 1.0)
        if not emptying:
            return self.surplus_seconds
        return self.surplus_seconds + emptying * math.exp(-self.surplus_seconds / emptying)

    @cached_property
    def _lead(self) -> float:
        """Seconds that all nodes would take in place of times that vary.

        If players come independently of each other and nobody leaves, it is the mean (Palm's theorem). But nodes are
        ordered several at once, as the number of players rises, and the more evenly come the more their times differ,
        those that were ordered later before others: that is worth a shorter time. The first part of it is that a rise
        by chance goes with the root of those who come and stay, of which the mean counts. The rest is measured: how
        much the mean of several moments varies less than one, but for the chance in which nodes come then.
        """
        mean = self.provisioning.mean
        if not self.gives_back or self.provisioning.spread == 0:
            return mean
        levels = (np.arange(_LEVELS) + 0.5) / _LEVELS
        seconds = np.array([self.provisioning.quantile(level) for level in levels])
        seconds *= mean / seconds.mean()
        apart = float((seconds * (2 * levels - 1)).mean())
        rises = np.sqrt([self.players.gone_after(each) for each in seconds])
        few = _OF_FEW / math.sqrt(self.players.mean * self.players.gone_after(mean))
        return float(np.interp(rises.mean(), rises, seconds)) - max(_OVERTAKING - few, 0.0) * apart

    @cached_property
    def _even(self) -> bool:
        """Whether a node's first slot may be anybody's: there are so many players that none is more likely to be it."""
        return self.slots == 1 or self.players.mean * (1 - math.cos(2 * math.pi / self.slots)) > _EVEN

    def _first_slots(self, warm: int | None) -> Floats | None:
        """Of each mark, whether who reaches it needs a node's first slot: a part of all where nobody knows which."""
        if warm is None:
            return None if self.slots == 1 else np.full(self.players.most + 1, 1 / self.slots)
        needs = np.arange(self.players.most + 1) + warm
        first = 1 / self.slots if self._even else (needs - 1) % self.slots == 0
        return np.asarray(first * (needs > self.least_nodes * self.slots), dtype=np.float64)

    def kind(self, warm: int | None) -> int | None:
        """The least number of warm slots for which nodes are ordered for the same players; None where for any."""
        there = self.least_nodes * self.slots
        if warm is None or warm < there:
            return warm
        return None if self._even else there + (warm - there) % self.slots

    def _reached(self, seconds: float, most: int, warm: int | None) -> Floats:
        """For each growth from 0 to `most`: how many orders of a node stand `seconds` old with that growth since."""
        if self.gives_back:
            starts, gone = self._rises.starts(seconds, self._first_slots(warm))
            return self.players.growth(starts, gone, seconds, most)
        return self.players.rate / self.slots * _poisson(self.players.rate * seconds, most)

    def missing(self, buffer: int, most: int, *, sooner: float = 0.0, warm: int | None = None) -> Floats:
        """The chance that n or more instances have no slot, for n from 0 to `most`; nodes come `sooner` seconds early.
        Beyond the players `warm` slots are kept, of either buffer; None where that is not known yet.

        A slot is missing if the player, or the instance for the next, that would take it stands as many above the
        mark at which the slot's node was ordered as the buffer is large, and the node is not up yet.
        """
        lead = max(self._lead - sooner, 0.0)
        key = lead, self.kind(warm)
        if key not in self._standing:
            self._standing[key] = self._standing_orders(*key)
        chances = np.zeros(most + 1)
        found = self._standing[key][buffer : buffer + most]
        chances[1 : len(found) + 1] = found
        chances[0] = 1.0
        return np.minimum.accumulate(np.clip(chances, 0.0, 1.0))

    @cached_property
    def _standing(self) -> dict[tuple[float, int | None], Floats]:
        return {}

    def _standing_orders(self, lead: float, warm: int | None) -> Floats:
        """For each growth: orders of a slot that are not done, with that growth since it was needed."""
        reach = int(self.players.rate * lead + 8 * math.sqrt(self.players.rate * lead) + 32)
        points, weights = np.polynomial.legendre.leggauss(_MOMENTS)
        standing = np.zeros(reach + self.slots)
        for point, weight in zip(points, weights, strict=True):
            standing += weight * lead / 2 * self._reached(lead / 2 * (point + 1), len(standing) - 1, warm)
        # A node's first slot orders it, and so all of its slots.
        return np.convolve(standing, np.ones(self.slots))[self.slots - 1 :]

    def nodes(self, warm: int) -> float:
        """Nodes up or ordered, on average, of a pool that keeps `warm` slots beyond its players, of either buffer."""
        _, spent = self.players.below(self._kept)
        chances = self.players.chances
        reached = 1 - np.cumsum(chances) + chances
        lingering = np.zeros_like(reached)
        lingering[1:] = self.players.rate * chances[:-1] * spent[1:]
        # The layer of each mark: 1 below the first player's, since the warm slots are needed always.
        there = np.concatenate([np.ones(warm), np.minimum(reached + lingering, 1.0)[1:]])
        return float(there[:: self.slots].sum())


def _poisson(mean: float, most: int) -> Floats:
    return np.asarray(stats.poisson.pmf(np.arange(most + 1), mean), dtype=np.float64)
