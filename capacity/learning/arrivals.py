"""Players an hour for each hour of the week, from counts of some weeks. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import fmean, pvariance
from typing import Final
from zoneinfo import ZoneInfo

from scipy import stats

from capacity.demand import HOURS

HOUR: Final = 3600.0


@dataclass(frozen=True)
class HourOfWeek:
    """What was counted in one hour of the week."""

    weeks: int
    mean: float
    """Players in that hour."""
    planned: float
    """What to plan with: the mean is not above it, with the caution that was asked for."""


def hour_of_week(time: float, zone: ZoneInfo) -> int:
    """The hour of the week that a time falls into, from Monday 00:00 on, as clocks there show it."""
    local = datetime.fromtimestamp(time, zone)
    return 24 * local.weekday() + local.hour


def by_hour(counts: Iterable[tuple[float, float]], zone: ZoneInfo, caution: float) -> tuple[HourOfWeek, ...]:
    """The hours of a week from counts: each is the time at which an hour ended, and the players of that hour.

    Counts of the same hour in other weeks vary more than chance alone would have them: the more they do over the whole
    week, the further above the mean is what is planned with. Hours that were never seen count as their neighbours.
    """
    seen: list[list[float]] = [[] for _ in range(HOURS)]
    for time, count in counts:
        seen[hour_of_week(time - HOUR / 2, zone)].append(max(count, 0.0))
    scatter = _scatter(seen)
    known = {hour: _hour(each, scatter, caution) for hour, each in enumerate(seen) if each}
    if not known:
        return ()
    return tuple(known[min(known, key=lambda other: _apart(other, hour))] for hour in range(HOURS))


def _hour(counts: Sequence[float], scatter: float, caution: float) -> HourOfWeek:
    # Jeffreys' prior, of half a player; with scatter every player counts for less.
    shape, weight = sum(counts) / scatter + 0.5, len(counts) / scatter
    return HourOfWeek(len(counts), fmean(counts), float(stats.gamma.ppf(caution, shape, scale=1 / weight)))


def _scatter(seen: Sequence[Sequence[float]]) -> float:
    """How many times larger the variance from week to week is than players coming independently would make it."""
    ratios = [
        pvariance(counts) * len(counts) / (len(counts) - 1) / fmean(counts)
        for counts in seen
        if len(counts) > 1 and fmean(counts) >= 1
    ]
    return max(fmean(ratios), 1.0) if ratios else 1.0


def _apart(one: int, other: int) -> int:
    return min((one - other) % HOURS, (other - one) % HOURS)
