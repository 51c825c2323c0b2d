"""Players in the system over time: how many, how the number grows, and how long it stays below a mark.

With players that come independently and never wait long, their number is that of an infinite-server queue: Poisson with
the mean rate x session length. For how long it stays below a mark its memoryless form stands in (a birth-and-death
process), whose passage times follow by recursion, and are brought back from their Laplace transforms by A. Talbot's
method (J. Inst. Maths Applics 23, 1979), exact to about ten digits for such sums of falling exponentials.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import stats

from capacity.durations import Duration

Floats: TypeAlias = npt.NDArray[np.float64]
Complexes: TypeAlias = npt.NDArray[np.complex128]

_NODES: Final = 24
"""Of Talbot's contour; more lose digits to cancellation."""
_MEMORYLESS: Final = 0.01
_WIDTH: Final = 8.0
"""Standard deviations on each side of the mean that are looked at."""


@dataclass(frozen=True)
class Players:
    """The number of players in the system."""

    rate: float
    """That come, each second."""
    session: Duration

    @cached_property
    def mean(self) -> float:
        """Players, on average."""
        return self.rate * self.session.mean

    @cached_property
    def most(self) -> int:
        """No more are looked at."""
        return math.ceil(self.mean + _WIDTH * math.sqrt(self.mean) + _WIDTH)

    @cached_property
    def chances(self) -> Floats:
        """The chance of each number, from 0 to `most`."""
        return np.asarray(stats.poisson.pmf(np.arange(self.most + 1), self.mean), dtype=np.float64)

    @cached_property
    def memoryless(self) -> bool:
        """Whether what is left of a session does not depend on how long it has lasted, to a hundredth."""
        mean = self.session.mean
        return all(
            abs(self.gone_after(part * mean) + math.expm1(-part)) <= _MEMORYLESS for part in (0.1, 0.2, 0.5, 1, 2, 4)
        )

    def gone_after(self, seconds: float) -> float:
        """The share of those in the system who have left after some seconds: what is left of a session in progress."""
        return 1 - self.session.beyond(seconds) / self.session.mean

    def below(self, seconds: float) -> tuple[Floats, Floats]:
        """Of the number one below each mark, from mark 0 to `most`: the chance to stay below for so long, and the time
        that is expected to be spent below meanwhile. Of the mark 0 both are 0: there is nothing below it.
        """
        if seconds <= 0:
            return np.ones(self.most + 1), np.zeros(self.most + 1)
        points, weights = _talbot(seconds)
        passages = self._passages(points)
        stay = (weights * (1 - passages) / points).sum(axis=1).real
        spent = (weights * (1 - passages) / points**2).sum(axis=1).real
        stay[0], spent[0] = 0.0, 0.0
        return np.clip(stay, 0.0, 1.0), np.clip(spent, 0.0, seconds)

    def _passages(self, points: Complexes) -> Complexes:
        """The transform of the time from one below each mark up to it."""
        leave = 1 / self.session.mean
        passages = np.ones((self.most + 1, len(points)), dtype=np.complex128)
        for mark in range(1, self.most + 1):
            down = (mark - 1) * leave
            passages[mark] = self.rate / (self.rate + points + down * (1 - passages[mark - 1]))
        return passages

    def growth(self, starts: Floats, gone: float, seconds: float, most: int) -> Floats:
        """How much the number has grown after some seconds, from 0 to `most`, starting at k with the weight starts[k].

        The sum of the weights is kept. Of those who were there each has left with the chance `gone`; those who came and
        stayed are Poisson. Their difference is read off its generating function on the unit circle.
        """
        # The share of those who came meanwhile and left again is in it: the integral of the chance to be there still.
        come = self.mean * self.gone_after(seconds)
        reach = _WIDTH * math.sqrt(2 * come + 1) + 2 * come + most + 16
        size = 1 << math.ceil(math.log2(2 * reach))
        circle = np.exp(-2j * np.pi * np.arange(size) / size)
        left = np.zeros(size, dtype=np.complex128)
        held = np.flatnonzero(starts)
        leaving = 1 - gone + gone / circle
        power = leaving ** held[0] if len(held) else leaving
        for before, at in zip(held, [*held[1:], None], strict=True):
            left += starts[before] * power
            if at is not None:
                power = power * leaving ** (at - before)
        grown = np.fft.ifft(left * np.exp(come * (circle - 1))).real
        return np.clip(grown[: most + 1], 0.0, None)


def _talbot(seconds: float) -> tuple[Complexes, Complexes]:
    """Points and weights: a function at `seconds` is the real part of the weighted sum of its transform there.

    With the fixed contour of J. Abate and P. Valko, Int. J. Numer. Meth. Engng 60, 2004.
    """
    radius = 2 * _NODES / 5
    angle = np.arange(1, _NODES) * np.pi / _NODES
    cotangent = 1 / np.tan(angle)
    points = np.concatenate([[radius], radius * angle * (cotangent + 1j)]).astype(np.complex128)
    sigma = angle + (angle * cotangent - 1) * cotangent
    weights = np.concatenate([[0.5 * np.exp(radius)], np.exp(points[1:]) * (1 + 1j * sigma)]).astype(np.complex128)
    return points / seconds, weights * 2 / 5 / seconds
