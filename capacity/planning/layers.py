"""Both buffers at once: an instance that is ordered needs a slot first, and then its start time.

What is on order for an application is what was ordered during one start time, and whatever of the orders before had no
slot then; the two are independent, since players come independently of the past. Exact for start times that do not vary
(S. Graves, "A multi-echelon inventory model for a repairable item with one-for-one replenishment", Management Science
31, 1985), and for those that do while slots do not lack (`base_stock`). That players who wait leave later is not in it;
a correction that simulation has shown stands in.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy import stats

from capacity.durations import Duration
from capacity.planning import poisson
from capacity.planning.base_stock import Promise
from capacity.planning.demand_process import Floats
from capacity.planning.node_buffer import NodeBuffer

_NEGLIGIBLE: Final = 1e-12
_HELD_UP: Final = 0.6
"""How long slots are lacking, in geometric means of a wait and a node's time: measured by simulation."""
_BEGINNINGS: Final = 0.25
"""How much of what makes waits longer lets more players wait: measured by simulation."""
_MOST_ENDED: Final = 0.9
"""Of sessions that a node's time is longer than, so many are taken to end in it."""


@dataclass(frozen=True)
class Layers:
    """One application's instance buffer over the node buffer of its pool."""

    rate: float
    """Players of the application, each second."""
    start: Duration
    nodes: NodeBuffer
    node_buffer: int
    """Slots."""

    def promise(self, buffer: int) -> Promise:
        """What an instance buffer promises."""
        ordered = self._ordered
        beyond = np.arange(len(ordered)) - buffer
        chance = float(ordered[min(buffer, len(ordered)) :].sum())
        waiting = float((ordered * np.clip(beyond, 0, None)).sum())
        longer = self._held_up(buffer, chance, waiting)
        return Promise(
            chance_of_waiting=min(chance * (1 + _BEGINNINGS * longer), 1.0),
            waiting=waiting * (1 + longer),
            mean_wait=waiting * (1 + longer) / self.rate if self.rate else 0.0,
        )

    def buffer_for(self, service_level: float) -> int:
        """The smallest instance buffer that keeps a service level."""
        # From the far end: the chance to find a buffer empty falls as it grows.
        waiting = np.cumsum(self._ordered[::-1])[::-1]
        kept = np.flatnonzero(waiting <= 1 - service_level)
        buffer = int(kept[0]) if len(kept) else len(waiting)
        while self.promise(buffer).chance_of_waiting > 1 - service_level:
            buffer += 1
        return buffer

    def _held_up(self, buffer: int, chance: float, waiting: float) -> float:
        """By which part waits for slots make waits longer: who has waited also leaves later, and keeps its slot.

        While players wait, as many fewer sessions end as would have ended of theirs. That goes on as long as slots are
        lacking: between one player's wait and the time of a node, and nearer to the latter the more players come.
        """
        lead, session = self.nodes.provisioning.mean, self.nodes.players.session
        if not chance or not lead or not self.nodes.gives_back:
            return 0.0
        ended = min(session.chance_within(lead), _MOST_ENDED)
        for_slots = 1 - poisson.expected_beyond(buffer, self.rate * self.start.mean) / waiting
        lacking = math.sqrt(waiting / self.rate / chance * lead)
        return _HELD_UP * max(for_slots, 0.0) * lacking * -math.log1p(-ended) / lead

    @cached_property
    def _ordered(self) -> Floats:
        return self._on_order(self.start.mean, 0.0)

    def chance_to_wait_longer(self, seconds: float, buffer: int) -> float:
        """The chance that a player waits longer than `seconds`; `base_stock` explains the three parts of it.

        That those who wait leave later is left out here.
        """
        old = self._on_order(self.start.beyond(seconds), max(seconds - self.start.mean, 0.0))
        new = self.rate * (seconds - self.start.mean + self.start.beyond(seconds))
        own = self.start.chance_within(seconds)
        at_least = np.cumsum(old[::-1])[::-1]
        later = stats.poisson.pmf(np.arange(len(old)), new)

        def exceeds(least: int) -> float:
            shifted = at_least[least : least + len(later)]
            return float((shifted * later[: len(shifted)]).sum())

        # A player whose instance lacks a slot is not served by it before its turn.
        return (1 - own) * exceeds(buffer) + own * exceeds(buffer + int(self._slots_suffice))

    @cached_property
    def _slots_suffice(self) -> bool:
        return self.nodes.provisioning.mean == 0

    def _on_order(self, start: float, sooner: float) -> Floats:
        """The chance of each number on order."""
        starting = _poisson(self.rate * start)
        missing = self._missing(sooner)
        return np.convolve(starting, missing)

    def _missing(self, sooner: float) -> Floats:
        """The chance of each number of this application's instances without a slot."""
        nodes = self.nodes
        if nodes.players.rate == 0 or nodes.provisioning.mean <= sooner:
            return np.ones(1)
        most = _reach(nodes.players.rate * nodes.provisioning.mean)
        chances = nodes.missing(self.node_buffer, most, sooner=sooner)
        each = -np.diff(np.append(chances, 0.0))
        share = self.rate / nodes.players.rate
        if share > 1 - _NEGLIGIBLE:
            return _shortened(each)
        numbers = np.arange(most + 1)
        of_ours: Floats = stats.binom.pmf(numbers[:, None], numbers[None, :], share) @ each
        return _shortened(of_ours)


def _reach(mean: float) -> int:
    return int(mean + 8 * mean**0.5 + 24)


def _poisson(mean: float) -> Floats:
    return np.asarray(stats.poisson.pmf(np.arange(_reach(mean)), mean), dtype=np.float64)


def _shortened(chances: Floats) -> Floats:
    """Without the end that nothing is in."""
    held = np.flatnonzero(chances > _NEGLIGIBLE * 1e-3)
    return chances[: held[-1] + 1] if len(held) else chances[:1]
