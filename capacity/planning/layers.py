"""Both buffers at once: an instance that is ordered needs a slot first, and then its start time.

What is on order for an application is what was ordered during one start time, and whatever of the orders before had no
slot then; the two are independent, since players come independently of the past. Exact for start times that do not vary
(S. Graves, "A multi-echelon inventory model for a repairable item with one-for-one replenishment", Management Science
31, 1985), and for those that do while slots do not lack (`base_stock`). That players who wait also leave later comes on
top, as what is expected of it.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy import stats

from capacity.durations import Duration
from capacity.planning import base_stock, poisson
from capacity.planning.base_stock import Promise
from capacity.planning.demand_process import Floats
from capacity.planning.node_buffer import NodeBuffer

_NEGLIGIBLE: Final = 1e-12
_AGES: Final = 500
"""Quantiles of a session that are looked at."""
_EXCESS: Final = 6.0
"""Standard deviations above a buffer that are looked at, in steps of a twelfth."""
_MOST_LONGER: Final = 0.9
"""Of all waits, those that come of waits before."""


@dataclass(frozen=True)
class Layers:
    """One application's instance buffer over the node buffer of its pool."""

    rate: float
    """Players of the application, each second."""
    start: Duration
    nodes: NodeBuffer
    node_buffer: int
    """Slots."""
    others: int | None = None
    """Warm instances of the pool's other applications. Where they are not known, neither is for whom a node comes."""

    def promise(self, buffer: int) -> Promise:
        """What an instance buffer promises."""
        ordered = self._ordered(self._warm(buffer))
        beyond = np.arange(len(ordered)) - buffer
        chance = self._empty(buffer)
        waiting = float((ordered * np.clip(beyond, 0, None)).sum())
        more, longer = self._held_up(buffer, chance, waiting)
        return Promise(
            chance_of_waiting=min(chance * more, 1.0),
            waiting=waiting * longer,
            mean_wait=waiting * longer / self.rate if self.rate else 0.0,
        )

    def buffer_for(self, service_level: float) -> int:
        """The smallest instance buffer that keeps a service level."""
        buffer = base_stock.buffer_for(service_level, self.rate, self.start.mean)
        while self._empty(buffer) > 1 - service_level:
            buffer += 1
        while self.promise(buffer).chance_of_waiting > 1 - service_level:
            buffer += 1
        return buffer

    def _held_up(self, buffer: int, chance: float, waiting: float) -> tuple[float, float]:
        """How many times as many players wait, and wait in all, as who has waited also leaves later, with its slot.

        A player who would have left by now had it not waited is one more without a slot. Of those who waited some time
        ago as many are there still for that reason as have sessions of just that length. So what they add while players
        wait is what is expected of the number that waited a session ago, given that some wait now, beyond what is
        expected at any moment, for which nodes are there. It makes others wait in turn, and so on: a geometric series.
        The numbers at two moments are taken as normal; that fewer wait than at any moment a session after many did, as
        where all sessions are of one length, is left out.
        """
        if not 0 < chance < 1 or not waiting or not self.nodes.gives_back or not self.nodes.provisioning.mean:
            return 1.0, 1.0
        for_slots = max(1 - poisson.expected_beyond(buffer, self.rate * self.start.mean) / waiting, 0.0)
        alike = self._alike
        mark = float(stats.norm.isf(chance))
        above = mark + (np.arange(12 * _EXCESS) + 0.5) / 12
        excess = (above - mark) * stats.norm.pdf(above)
        apart = np.sqrt(1 - alike**2)
        still = stats.norm.cdf((alike[:, None] * above - mark) / apart[:, None]) @ (excess / excess.sum())
        longer = for_slots * float(np.mean(np.maximum(still - chance, 0.0)))
        # What is expected beyond the mark, of those who stood just at it.
        beyond = apart * _excess((1 - alike) * mark / apart) - _excess(np.asarray(mark))
        more = for_slots * float(np.mean(np.maximum(beyond, 0.0))) * float(stats.norm.pdf(mark)) / chance
        return 1 + more, 1 / (1 - min(longer, _MOST_LONGER))

    @cached_property
    def _alike(self) -> Floats:
        """The correlation of the slots that are lacking now and a session ago, for each of the lengths of sessions.

        They lack by how much the number of players has grown within the time of a node.
        """
        players, lead = self.nodes.players, self.nodes.provisioning.mean
        found = []
        for level in (np.arange(_AGES) + 0.5) / _AGES:
            seconds = players.session.quantile(level)
            both = players.gone_after(seconds + lead) + players.gone_after(abs(seconds - lead))
            found.append((both / 2 - players.gone_after(seconds)) / players.gone_after(lead))
        return np.clip(found, 0.0, 1 - _NEGLIGIBLE)

    def _warm(self, buffer: int) -> int | None:
        """The slots that are kept beyond players, as far as it matters."""
        return None if self.others is None else self.nodes.kind(buffer + self.others + self.node_buffer)

    def _empty(self, buffer: int) -> float:
        """The chance that so many are on order, or more, leaving aside what those who wait add."""
        return float(self._ordered(self._warm(buffer))[buffer:].sum())

    def _ordered(self, warm: int | None) -> Floats:
        if warm not in self._known:
            self._known[warm] = self._on_order(self.start.mean, 0.0, warm)
        return self._known[warm]

    @cached_property
    def _known(self) -> dict[int | None, Floats]:
        return {}

    def chance_to_wait_longer(self, seconds: float, buffer: int) -> float:
        """The chance that a player waits longer than `seconds`.

        Of what is on order when the player comes, `old` is still on order by then; of what players after this one order
        meanwhile, `new` has come, and served those before. The player's own order may have come too. It waits while the
        first number exceeds the others by the buffer. The three are independent: the first two are parts of a Poisson
        process, split by when an order was placed. That those who wait leave later is left out here.
        """
        old = self._on_order(self.start.beyond(seconds), max(seconds - self.start.mean, 0.0), self._warm(buffer))
        # The integral of the chance to be there, from nothing to `seconds`.
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

    def _on_order(self, start: float, sooner: float, warm: int | None) -> Floats:
        """The chance of each number on order."""
        starting = _poisson(self.rate * start)
        missing = self._missing(sooner, warm)
        return np.convolve(starting, missing)

    def _missing(self, sooner: float, warm: int | None) -> Floats:
        """The chance of each number of this application's instances without a slot."""
        nodes = self.nodes
        if nodes.players.rate == 0 or nodes.provisioning.mean <= sooner:
            return np.ones(1)
        most = _reach(nodes.players.rate * nodes.provisioning.mean)
        chances = nodes.missing(self.node_buffer, most, sooner=sooner, warm=warm)
        each = -np.diff(np.append(chances, 0.0))
        share = self.rate / nodes.players.rate
        if share > 1 - _NEGLIGIBLE:
            return _shortened(each)
        numbers = np.arange(most + 1)
        of_ours: Floats = stats.binom.pmf(numbers[:, None], numbers[None, :], share) @ each
        return _shortened(of_ours)


def _excess(mark: Floats) -> Floats:
    """What is expected of a normal number's excess over a mark."""
    return np.asarray(stats.norm.pdf(mark) - mark * stats.norm.sf(mark), dtype=np.float64)


def _reach(mean: float) -> int:
    return int(mean + 8 * mean**0.5 + 24)


def _poisson(mean: float) -> Floats:
    return np.asarray(stats.poisson.pmf(np.arange(_reach(mean)), mean), dtype=np.float64)


def _shortened(chances: Floats) -> Floats:
    """Without the end that nothing is in."""
    held = np.flatnonzero(chances > _NEGLIGIBLE * 1e-3)
    return chances[: held[-1] + 1] if len(held) else chances[:1]
