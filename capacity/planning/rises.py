"""Rises of the number of players: to a mark that it has stayed below for long, and how it goes on from there.

Of memoryless sessions only their number counts, and the chance to have stayed below a mark is exact. Others remember
how long they have lasted. Where all are of one length, a rise is one of young sessions: those that end next began
before it, and are few, so the number rises on further. Given how many players there are, the past is told from the
future by their ages only; how many of them are younger than some age stands for all of these.

To have stayed below is looked at backwards in time, in which players come and go by the same law (the queue with
infinitely many servers is reversible): those who are there vanish at their ages, those who have left appear. Given how
many of the first are young, the second less the first are followed as a birth-and-death process, and with each
difference how many have vanished on average. How far that varies stands as it would if nothing had been looked at
before, so it is approximate: for memoryless sessions rises come out within 2 % of the exact ones.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
from scipy import interpolate, linalg

from capacity.planning.demand_process import Floats, Players

_MARKS: Final = 15
"""Numbers of players that are looked at; between them chances are interpolated."""
_YOUNG: Final = 7
"""Numbers of young sessions that are looked at for each mark (Gauss and Hermite's)."""
_WIDTH: Final = 6.0
"""Standard deviations that the number may have been below the mark."""
_BORDERS: Final = 60
"""Between young and old sessions that are looked at."""
_FIRST_STEP: Final = 0.05
"""Of time, in players that come meanwhile; at first much happens."""
_GROWTH: Final = 1.04
"""Of each step over the one before."""
_LARGEST_STEP: Final = 1 / 300
"""Of all the time."""
_IMPLICIT: Final = 0.55
"""The part of each step whose rates are those of its end."""
_LEAST: Final = 1e-12
"""In place of chances of nothing, where one divides by them or takes logarithms."""


@dataclass(frozen=True)
class Rises:
    """The moments at which the number of players reaches a mark that it has stayed below for some seconds."""

    players: Players
    seconds: float

    def starts(self, after: float, counted: Floats | None = None) -> tuple[Floats, float]:
        """How many rises there are each second to each mark, to reckon with what is left of them `after` seconds, and
        the chance with which each of the players who are there has left then. Of each mark, from 0 on, so much of them
        is `counted`; of none given, all.
        """
        if self.players.memoryless:
            rises = self.memoryless if counted is None else self.memoryless * counted
            return rises, self.players.gone_after(after)
        return self.by_ages(after, counted)

    def by_ages(self, after: float, counted: Floats | None = None) -> tuple[Floats, float]:
        """The same of sessions of any kind.

        A rise counts for that mark, and all for that chance, with which as many leave on average, as evenly: the more
        the chances of young and old sessions differ, the more evenly they leave.
        """
        marks, young, rises = self._of_ages
        if counted is not None:
            rises = rises * counted[1:]
        parts = (
            (young, self._young_gone(after)),
            (marks - 1 - young, self._old_gone(after)),
            # The player that reaches the mark has only come.
            (np.ones_like(young), self.players.session.chance_within(after)),
        )
        leavers = np.sum([count * gone for count, gone in parts], axis=0)
        evenly = float(np.sum([(rises * count).sum() * gone**2 for count, gone in parts]))
        chance = evenly / max(float((rises * leavers).sum()), _LEAST)
        seeming = np.clip(leavers / max(chance, _LEAST), 0.0, None)
        low = np.floor(seeming).astype(np.int64)
        above = seeming - low
        starts = np.bincount(low.ravel(), (rises * (1 - above)).ravel(), low.max() + 2)
        starts += np.bincount(low.ravel() + 1, (rises * above).ravel(), low.max() + 2)
        return np.asarray(starts, dtype=np.float64), chance

    @cached_property
    def memoryless(self) -> Floats:
        """Rises to each mark each second if all that counts of players is their number."""
        stayed, _ = self.players.below(self.seconds)
        rises = np.zeros(self.players.most + 1)
        rises[1:] = self.players.rate * self.players.chances[:-1] * stayed[1:]
        return rises

    @cached_property
    def _border(self) -> float:
        """Seconds that a young session has lasted at most: those on either side end as differently as can be.

        That is the difference of the rates at which they end, squared, times the shares of both: where young are the
        share s of all in the system, and F of all sessions end young, it goes with (s - F)^2 / (s (1 - s)).
        """
        players = self.players
        ages = np.linspace(0, min(self.seconds, players.session.mean / 2), _BORDERS + 1)[1:]
        shares = np.array([players.gone_after(age) for age in ages])
        ended = np.array([players.session.chance_within(age) for age in ages])
        return float(ages[np.argmax((shares - ended) ** 2 / (shares * (1 - shares)))])

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
        between = np.exp(interpolate.PchipInterpolator(some, logarithms, axis=1)(np.maximum(marks, some[0])))
        rises = self.players.rate * self.players.chances[:-1] * between * (weights / weights.sum())[:, None]
        return marks, young(marks), rises

    def _stayed(self, young: Floats, old: Floats) -> Floats:
        """The chance that there were never more players in the seconds before, for several mixes of those there now."""
        below = -np.arange(self._deepest(young, old) + 1.0)
        chances = np.zeros((len(young), len(below)))
        chances[:, 0] = 1.0
        # Those who have vanished, times the chance of each number below the mark.
        vanished = np.zeros_like(chances)
        for since, until in pairwise(self._moments()):
            usual = self._usual(since, until, young[:, None], old[:, None], below)
            seconds = until - since
            known = chances > _LEAST
            gone = np.where(known, vanished / np.where(known, chances, 1.0), usual.vanished)
            gone = np.clip(gone, np.maximum(-below, 0.0), usual.those)
            vanish = usual.vanish * (usual.those - gone)
            down = np.clip(vanish + usual.appeared_vanish * (below + gone + vanish * seconds / 2), 0.0, None)
            # Of those who vanish each is one more; where more have vanished already, fewer of them are left to.
            fewer = (usual.vanish - usual.appeared_vanish) * usual.varies * chances
            fewer[:, -1] = 0.0
            more = fewer.copy()
            more[:, 1:] += (vanish * chances - fewer)[:, :-1]
            chances, vanished = _step((chances, vanished + more * seconds), self.players.rate * seconds, down * seconds)
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

    def _usual(self, since: float, until: float, young: Floats, old: Floats, below: Floats) -> "_Usual":
        """What is to be expected between two moments, backwards, if nothing is known of the time in between."""
        players, share = self.players, self.players.gone_after(self._border)
        gone = players.gone_after((since + until) / 2)
        density = (players.gone_after(until) - players.gone_after(since)) / (until - since)
        if until <= self._border:
            those, known, part, left = young, np.zeros_like(young), gone / share, share - players.gone_after(since)
        else:
            those, known, part, left = old, young, (gone - share) / (1 - share), 1 - players.gone_after(since)
        # Of those there now so many have vanished, and of the others so many have appeared and not vanished again.
        vanished, appeared = known + those * part, players.mean * gone
        doubt = those * part * (1 - part)
        more = below - (appeared - vanished)
        return _Usual(
            those=known + those,
            vanished=vanished - more * doubt / (doubt + appeared),
            varies=doubt * appeared / (doubt + appeared),
            vanish=density / max(left, _LEAST),
            appeared_vanish=max(players.rate - players.mean * density, 0.0) / appeared,
        )


@dataclass(frozen=True)
class _Usual:
    """Of those who are there now, and of those who have left before, at each number below the mark."""

    those: Floats
    """Who vanish sooner or later in this part of the time, or have."""
    vanished: Floats
    """Of them, until now, on average."""
    varies: Floats
    """The variance of that."""
    vanish: float
    """The chance of each to, each second."""
    appeared_vanish: float
    """The same of each who has appeared."""


def _step(states: tuple[Floats, Floats], up: float, down: Floats) -> tuple[Floats, Floats]:
    """A step of birth-and-death processes, one in each row: column 0 is the mark, beyond which they end.

    `up` and `down` are rates, times the step's length. A little more than half of it is implicit: with that it is as
    good as of the second order, and what is too quick for it dies away.
    """
    down[:, -1] = 0.0
    columns = []
    for state in states:
        change = -(up + down) * state
        change[:, :-1] += up * state[:, 1:]
        change[:, 1:] += (down * state)[:, :-1]
        columns.append((state + (1 - _IMPLICIT) * change).ravel())
    bands = np.zeros((3, *down.shape))
    bands[0, :, 1:] = -_IMPLICIT * up
    bands[1] = 1 + _IMPLICIT * (up + down)
    bands[2] = -_IMPLICIT * down
    solved = linalg.solve_banded(
        (1, 1), bands.reshape(3, -1), np.column_stack(columns), overwrite_ab=True, overwrite_b=True, check_finite=False
    )
    return solved[:, 0].reshape(down.shape), solved[:, 1].reshape(down.shape)
