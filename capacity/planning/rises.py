"""Rises of the number of players: to a mark that it has stayed below for long, and how it goes on from there.

Of memoryless sessions only their number counts, and the chance to have stayed below a mark is exact. Others remember
how long they have lasted. Where all are of one length, a rise is one of young sessions: those that end next began
before it, and are few, so the number rises on further. Given how many players there are, the past is told from the
future by their ages only; how many of them are younger than some age stands for all of these.

To have stayed below is looked at backwards in time, in which players come and go by the same law (the queue with
infinitely many servers is reversible): those who are there vanish at their ages, those who have left appear. Given how
many of the first are young, the second less the first are followed as a birth-and-death process. Its rates are what is
expected at each difference, so it is approximate: for memoryless sessions rises come out within 5 % of the exact ones,
and within 1 % from a few hundred players on.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from scipy import linalg

from capacity.planning.demand_process import Floats, Players

_MARKS: Final = 25
"""Numbers of players that are looked at; between them chances are interpolated."""
_YOUNG: Final = 7
"""Numbers of young sessions that are looked at for each mark (Gauss and Hermite's)."""
_WIDTH: Final = 6.0
"""Standard deviations that the number may have been below the mark."""
_FIRST_STEP: Final = 0.05
"""Of time, in players that come meanwhile; at first much happens."""
_GROWTH: Final = 1.04
"""Of each step over the one before."""
_LARGEST_STEP: Final = 1 / 150
"""Of all the time."""
_LEAST: Final = 1e-12
"""In place of chances of nothing, where one divides by them or takes logarithms."""


@dataclass(frozen=True)
class Rises:
    """The moments at which the number of players reaches a mark that it has stayed below for some seconds."""

    players: Players
    seconds: float

    def starts(self, after: float) -> Floats:
        """How many rises there are each second to each mark, to reckon with what is left of them `after` seconds."""
        return self.memoryless if self.players.memoryless else self.by_ages(after)

    def by_ages(self, after: float) -> Floats:
        """The same of sessions of any kind.

        A rise whose sessions end less often than those of usual ages do counts for a smaller mark: that from which as
        many of usual ages end.
        """
        marks, young, rises = self._of_ages
        leavers = young * self._young_gone(after) + (marks - 1 - young) * self._old_gone(after)
        # The player that reaches the mark has only come.
        leavers += self.players.session.chance_within(after)
        seeming = np.clip(leavers / max(self.players.gone_after(after), _LEAST), 0.0, None)
        low = np.floor(seeming).astype(np.int64)
        above = seeming - low
        starts = np.bincount(low.ravel(), (rises * (1 - above)).ravel(), low.max() + 2)
        starts += np.bincount(low.ravel() + 1, (rises * above).ravel(), low.max() + 2)
        return np.asarray(starts, dtype=np.float64)

    @cached_property
    def memoryless(self) -> Floats:
        """The same if all that counts of players is their number, whenever one looks at what is left."""
        stayed, _ = self.players.below(self.seconds)
        rises = np.zeros(self.players.most + 1)
        rises[1:] = self.players.rate * self.players.chances[:-1] * stayed[1:]
        return rises

    @cached_property
    def _border(self) -> float:
        """Seconds that a young session has lasted at most."""
        return min(self.seconds, self.players.session.mean / 2)

    def _young_gone(self, after: float) -> float:
        """The share of the young sessions that have ended some seconds later."""
        session, border = self.players.session, self._border
        return 1 - (session.beyond(after) - session.beyond(border + after)) / (session.mean - session.beyond(border))

    def _old_gone(self, after: float) -> float:
        session, border = self.players.session, self._border
        return 1 - session.beyond(border + after) / session.beyond(border)

    @cached_property
    def _of_ages(self) -> tuple[Floats, Floats, Floats]:
        """Marks, young sessions and rises each second; a row for each number of young ones, a column for each mark."""
        share = self.players.gone_after(self._border)
        scores, weights = np.polynomial.hermite_e.hermegauss(_YOUNG)
        marks = np.arange(1.0, self.players.most + 1)

        def young(these: Floats) -> Floats:
            others = these - 1
            expected = others * share + scores[:, None] * np.sqrt(others * share * (1 - share))
            return np.asarray(np.clip(expected, 0, others), dtype=np.float64)

        # Far below the mean few rises are first in long, and none matter.
        fewest = max(self.players.mean - _WIDTH * math.sqrt(self.players.mean), marks[0])
        some = np.unique(np.linspace(fewest, marks[-1], _MARKS).round())
        counts = young(some)
        stayed = self._stayed(counts.ravel(), (some - 1 - counts).ravel()).reshape(counts.shape)
        logarithms = np.log(np.maximum(stayed, _LEAST))
        between = np.exp([np.interp(marks, some, row) for row in logarithms])
        rises = self.players.rate * self.players.chances[:-1] * between * (weights / weights.sum())[:, None]
        return marks, young(marks), rises

    def _stayed(self, young: Floats, old: Floats) -> Floats:
        """The chance that there were never more players in the seconds before, for several mixes of those there now."""
        below = -np.arange(self._deepest(young, old) + 1.0)
        chances = np.zeros((len(young), len(below)))
        chances[:, 0] = 1.0
        for since, until in pairwise(self._moments()):
            vanish = self._vanish(since, until, young[:, None], old[:, None], below)
            chances = _step(chances, self.players.rate * (until - since), vanish * (until - since))
        return np.asarray(chances.sum(axis=1), dtype=np.float64)

    def _deepest(self, young: Floats, old: Floats) -> int:
        """How far below the mark is looked at."""
        share, gone = self.players.gone_after(self._border), self.players.gone_after(self.seconds)
        come = self.players.mean * gone
        drop = float(np.max(young + old * (gone - share) / (1 - share))) - come
        return int(max(drop, 0.0) + _WIDTH * math.sqrt(2 * come + 1) + 8)

    def _moments(self) -> Iterator[float]:
        """Backwards from the rise, finely at first; the border of ages is among them."""
        at, step = 0.0, _FIRST_STEP / self.players.rate
        yield at
        for stop in sorted({self._border, self.seconds}):
            while at < stop:
                at = min(at + step, stop)
                step = min(step * _GROWTH, self.seconds * _LARGEST_STEP)
                yield at

    def _vanish(self, since: float, until: float, young: Floats, old: Floats, below: Floats) -> Floats:
        """How many vanish each second, backwards between two moments, at each number below the mark."""
        players, share = self.players, self.players.gone_after(self._border)
        gone = players.gone_after((since + until) / 2)
        density = (players.gone_after(until) - players.gone_after(since)) / (until - since)
        if until <= self._border:
            those, known, part, left = young, np.zeros_like(young), gone / share, share - gone
        else:
            those, known, part, left = old, young, (gone - share) / (1 - share), 1 - gone
        # Of those there now so many have vanished, and of the others so many have appeared and not vanished again.
        vanished, appeared = known + those * part, players.mean * gone
        doubt = those * part * (1 - part)
        more = below - (appeared - vanished)
        vanished = np.clip(vanished - more * doubt / (doubt + appeared), np.maximum(known, -below), known + those)
        appeared_vanish = max(players.rate - players.mean * density, 0.0) / appeared
        rates = (below + vanished) * appeared_vanish + (known + those - vanished) * density / max(left, _LEAST)
        return np.asarray(np.clip(rates, 0.0, None), dtype=np.float64)


def _step(chances: Floats, up: float, down: Floats) -> Floats:
    """An implicit step of birth-and-death processes, one in each row: column 0 is the mark, beyond which they end.

    `up` and `down` are rates, times the step's length.
    """
    down[:, -1] = 0.0
    bands = np.zeros((3, *chances.shape))
    bands[0, :, 1:] = -up
    bands[1] = 1 + up + down
    bands[2] = -down
    solved = linalg.solve_banded(
        (1, 1), bands.reshape(3, -1), chances.ravel(), overwrite_ab=True, overwrite_b=True, check_finite=False
    )
    return np.asarray(solved, dtype=np.float64).reshape(chances.shape)
