"""A stack's plan for a week: the buffers of each hour as stretches, and what they come to in GPU hours and money."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from capacity.demand import HOURS
from capacity.planning.plan import Hour, Planner, Promised, Sizes

T = TypeVar("T")

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Totals:
    """Per day, on average over the week."""

    gpu_hours: float
    money: float


@dataclass(frozen=True)
class Week:
    """Every hour of a week."""

    hours: tuple[Hour, ...]
    totals: Totals

    def worst(self, application: str) -> Promised | None:
        """The hour in which most players wait; nothing for an application without players."""
        found = [hour.promised[application] for hour in self.hours if application in hour.promised]
        return max(found, key=lambda each: (each.chance_of_waiting, each.arrivals_per_hour), default=None)


def plan(planner: Planner, sizes: Callable[[int], Sizes]) -> Week:
    """Evaluate the buffers that `sizes` gives for each hour."""
    known: dict[object, Hour] = {}
    hours = []
    for hour in range(HOURS):
        its = sizes(hour)
        key = (tuple(planner.rates(hour).items()), tuple(its.instances.items()), its.slots)
        if key not in known:
            known[key] = planner.evaluate(hour, its)
        hours.append(known[key])
    gpu_hours = 24 * planner.pool.gpus * sum(hour.nodes for hour in hours) / HOURS
    return Week(tuple(hours), Totals(gpu_hours, gpu_hours * planner.pool.gpu_hour_price))


def proposed(planner: Planner) -> Week:
    """The week with the buffers that keep the service levels."""
    known: dict[object, Sizes] = {}

    def sizes(hour: int) -> Sizes:
        before = planner.rates(hour - 1) if hour else planner.rates(HOURS - 1)
        key = (tuple(planner.rates(hour).items()), tuple(before.items()))
        if key not in known:
            known[key] = planner.propose(hour)
        return known[key]

    return plan(planner, sizes)


@dataclass(frozen=True)
class Stretch(Generic[T]):
    """Hours of the same days in which a number, or several, stay the same."""

    days: tuple[int, ...]
    """From Monday, 0."""
    start: int
    """The first hour."""
    end: int
    """The hour after the last, up to 24."""
    value: T

    @property
    def when(self) -> str:
        """As a stack file's schedule has it."""
        first, last = self.days[0], self.days[-1]
        together = len(self.days) > 2 and last - first == len(self.days) - 1
        days = f"{DAYS[first]}-{DAYS[last]}" if together else ",".join(DAYS[day] for day in self.days)
        return f"{days} {self.start:02}:00-{self.end:02}:00"


def stretches(values: Sequence[T], usual: T | None = None) -> tuple[Stretch[T], ...]:
    """The hours of a week, less those that are as usual: runs within a day, and days with the same run joined."""
    runs: dict[tuple[int, int, T], list[int]] = {}
    for day in range(7):
        start = 0
        for hour in range(24):
            here = values[24 * day + hour]
            if hour == 23 or values[24 * day + hour + 1] != here:
                if here != usual:
                    runs.setdefault((start, hour + 1, here), []).append(day)
                start = hour + 1
    # Days and hours tell them apart: values are never compared.
    return tuple(
        Stretch(tuple(days), *run) for run, days in sorted(runs.items(), key=lambda each: (each[1], each[0][0]))
    )


def usual(values: Sequence[int]) -> int:
    """The number that needs the fewest exceptions."""
    return min(set(values), key=lambda value: (len(stretches(values, value)), value))
