"""How long something takes, as a distribution: a start, a node's provisioning, a session.

One form serves for all of them, whether assumed or measured: a table of quantiles with straight lines between. What
planning asks of it (mean, chance, areas under the curve) is exact for that table, and so is what simulation draws.
Standard library only.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from statistics import NormalDist
from typing import Final

_STEPS: Final = 512
_LAST: Final = 1e-9
"""What a table leaves out of the tail of a distribution that has no end."""


@dataclass(frozen=True)
class Duration:
    """A distribution of seconds: `seconds[i]` is the quantile at `levels[i]`, from 0 to 1, both rising.

    Raises:
        ValueError: for a table that is none.
    """

    levels: tuple[float, ...]
    seconds: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.levels) != len(self.seconds) or len(self.levels) < 2:
            raise ValueError("a table of quantiles has as many seconds as levels, and two at least")
        if self.levels[0] != 0 or self.levels[-1] != 1:
            raise ValueError(f"levels go from 0 to 1, not from {self.levels[0]} to {self.levels[-1]}")
        if any(a >= b for a, b in pairwise(self.levels)) or any(a > b for a, b in pairwise(self.seconds)):
            raise ValueError("levels and their seconds must rise")
        if self.seconds[0] < 0 or not math.isfinite(self.seconds[-1]):
            raise ValueError("seconds are 0 or more, and finite")

    @cached_property
    def mean(self) -> float:
        """Seconds, on average."""
        return self._areas[-1]

    @cached_property
    def spread(self) -> float:
        """Standard deviation divided by the mean; 0 for what never takes anything."""
        if self.mean == 0:
            return 0.0
        second = sum(
            (q - p) * (a * a + a * b + b * b) / 3
            for (p, q), (a, b) in zip(pairwise(self.levels), pairwise(self.seconds), strict=True)
        )
        return math.sqrt(max(second - self.mean**2, 0.0)) / self.mean

    @cached_property
    def _areas(self) -> tuple[float, ...]:
        """The integral of the quantiles from 0 up to each level."""
        pieces = (
            (q - p) * (a + b) / 2 for (p, q), (a, b) in zip(pairwise(self.levels), pairwise(self.seconds), strict=True)
        )
        return (0.0, *accumulate(pieces))

    def quantile(self, level: float) -> float:
        """What a share `level` of all stays below or at."""
        if level <= 0:
            return self.seconds[0]
        if level >= 1:
            return self.seconds[-1]
        i = bisect_left(self.levels, level)
        low, high = self.levels[i - 1], self.levels[i]
        return self.seconds[i - 1] + (self.seconds[i] - self.seconds[i - 1]) * (level - low) / (high - low)

    def chance_within(self, seconds: float) -> float:
        """The share that takes `seconds` or less."""
        if seconds >= self.seconds[-1]:
            return 1.0
        if seconds < self.seconds[0]:
            return 0.0
        # The last of several equal seconds: a step of the table belongs to what is within.
        i = bisect_left(self.seconds, math.nextafter(seconds, math.inf))
        low, high = self.seconds[i - 1], self.seconds[i]
        return self.levels[i - 1] + (self.levels[i] - self.levels[i - 1]) * (seconds - low) / (high - low)

    def beyond(self, seconds: float) -> float:
        """The part of the mean that lies past `seconds`: the integral of the chance to take longer than each moment."""
        level = self.chance_within(seconds)
        if level >= 1:
            return 0.0
        if level <= 0:
            return self.mean - seconds
        i = bisect_left(self.levels, level)
        at = self.quantile(level)
        inner = self._areas[i] - (self.levels[i] - level) * (at + self.seconds[i]) / 2
        return self.mean - inner - (1 - level) * seconds

    def scaled(self, factor: float) -> "Duration":
        """The same, with every second worth `factor`."""
        return Duration(self.levels, tuple(each * factor for each in self.seconds))


def fixed(seconds: float) -> Duration:
    """Always the same."""
    return Duration((0.0, 1.0), (seconds, seconds))


def exponential(mean: float) -> Duration:
    """Without memory: however long it has taken, it takes as long again on average."""
    return _tabulated(lambda level: -math.log1p(-level), mean)


def lognormal(mean: float, spread: float) -> Duration:
    """Most near the middle and some far longer; `spread` is the standard deviation divided by the mean."""
    sigma = math.sqrt(math.log1p(spread**2))
    normal = NormalDist()
    return _tabulated(lambda level: math.exp(sigma * normal.inv_cdf(level)) if level > 0 else 0.0, mean)


def through(quantiles: Mapping[float, float]) -> Duration:
    """Through measured quantiles. Below the first the line goes to half of it, above the last on as before it ended.

    Raises:
        ValueError: for fewer than two quantiles, or such as do not rise.
    """
    if len(quantiles) < 2:
        raise ValueError("two quantiles at least, such as {0.5: 40, 0.99: 95}")
    levels, seconds = zip(*sorted(quantiles.items()), strict=True)
    if levels[0] > 0:
        levels, seconds = (0.0, *levels), (seconds[0] / 2, *seconds)
    if levels[-1] < 1:
        levels, seconds = (*levels, 1.0), (*seconds, _end_of_tail(levels, seconds))
    return Duration(tuple(map(float, levels)), tuple(map(float, seconds)))


def _end_of_tail(levels: Sequence[float], seconds: Sequence[float]) -> float:
    """Where the straight line through the last two quantiles has 3 times what is left: the mean of an exponential tail.

    An exponential tail that begins at the last quantile has the same mean as a straight line twice as long as the
    tail's own scale, which the last two quantiles tell.
    """
    (p, a), (q, b) = zip(levels[-2:], seconds[-2:], strict=True)
    scale = (b - a) / math.log((1 - p) / (1 - q)) if p < q else 0.0
    return b + 2 * scale


def _tabulated(quantile: Callable[[float], float], mean: float) -> Duration:
    """A table of a distribution without end, ever finer in its tail, and exact in its mean."""
    body = [i / _STEPS for i in range(_STEPS)]
    tail = [1 - (1 / _STEPS) * 0.8**i for i in range(1, math.ceil(math.log(_LAST * _STEPS) / math.log(0.8)))]
    levels = (*body, *tail, 1.0)
    seconds = tuple(quantile(min(level, 1 - _LAST)) for level in levels)
    table = Duration(levels, seconds)
    return table.scaled(mean / table.mean)
