"""One stack in one week: its buffers as the fleet controller would have them, as they should be, and its events."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from capacity import stack_file
from capacity.buffer import Buffer, instances_of, slots_of
from capacity.demand import HOURS, DemandError, StackDemand, check_share
from capacity.planning import week
from capacity.planning.plan import Planner, Pool, Sizes
from capacity.schedules import Cron, Once, Schedule, changes, stretch_after
from capacity.stack_file import Stack

SERVICE_LEVEL: Final = 0.99

_HOUR: Final = timedelta(hours=1)
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True)
class Event:
    """A schedule that the hours of the planned week do not show, the next time that it holds."""

    application: str
    schedule: str
    start: datetime
    """On the stack's clocks."""
    end: datetime
    kept: Sizes
    """The least that is in force meanwhile: of this application, and free slots of all."""
    needed: Sizes
    """The most that its hours of the week need. That more players than usual come is not known here."""


def first_day(text: str | None, timezone: str) -> datetime:
    """The beginning of a day in a place; where none is given, of this week's Monday if that is today, else the next.

    Raises:
        DemandError: for a text that is no date.
    """
    zone = ZoneInfo(timezone)
    if text is None:
        today = datetime.now(zone).date()
        day = today + timedelta(days=-today.weekday() % 7)
    else:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise DemandError(f"--from is {text!r}: no date; use one such as 2027-03-01") from None
    return datetime.combine(day, time(0), zone)


def level_of(options: argparse.Namespace, of_stack: float | None) -> float:
    """The chance to find something ready that is planned for."""
    level: float = options.service_level if options.service_level is not None else (of_stack or SERVICE_LEVEL)
    check_share("--service-level", level)
    return level


class StackPlan:
    """The week of a day: what is kept in each of its hours, and what is needed."""

    def __init__(
        self, stack: Stack, known: StackDemand, options: argparse.Namespace, begin: datetime, *, rush: bool = False
    ) -> None:
        self.stack = stack
        monday = begin.date() - timedelta(days=begin.weekday())
        self.monday = datetime.combine(monday, time(0), ZoneInfo(known.timezone))
        """On the clocks of the hours of the week, which are those of the demand file."""
        pool = Pool(
            slots=options.slots or stack.slots,
            gpus=options.gpus or stack.known_shape.gpus,
            least_nodes=stack.least_nodes,
            most_nodes=stack.most_nodes,
            gpu_hour_price=stack.gpu_hour_price,
        )
        self.applications = {each.name: each for each in stack.applications if each.name in known.applications}
        levels = {
            name: level_of(options, its.buffer.service_level.chance if its.buffer.service_level else None)
            for name, its in self.applications.items()
        }
        self.planner = Planner(known, pool, levels, rush=rush)
        self.present = week.plan(self.planner, self._present)
        self.proposed = week.proposed(self.planner)

    def _present(self, hour: int) -> Sizes:
        """The least that the stack file keeps ready in an hour of the week, events left out."""
        # On a wall clock: with an hour that is put forward or back in this week, too.
        start = self.monday + hour * _HOUR
        instances, slots = {}, 0
        for name, its in self.applications.items():
            usual = tuple(each for each in its.schedules if not isinstance(each.when, Once))
            instances[name], free = self._least(its, usual, start, _HOUR)
            slots += free
        return Sizes(instances, slots)

    def _least(
        self, its: stack_file.Application, schedules: tuple[Schedule, ...], start: datetime, lasts: timedelta
    ) -> tuple[int, int]:
        """Warm instances and free slots, the least of each."""
        found = [
            self._kept(its, buffer, moment) for moment, buffer in changes(its.buffer, schedules, start, start + lasts)
        ]
        instances, slots = zip(*found, strict=True)
        return min(instances), min(slots)

    def _kept(self, its: stack_file.Application, buffer: Buffer, moment: datetime) -> tuple[int, int]:
        demand = self.planner.demand.applications[its.name]
        sessions = demand.rate(self.planner.demand.hour(moment)) * demand.session.mean
        instances = sum(instances_of(buffer, part, sessions) for part in its.parts)
        return instances, slots_of(buffer, self.planner.pool.slots, sessions)

    def events(self) -> Iterator[Event]:
        """Those that begin or go on from the week on: each event with a date, and cron jobs of other weeks."""
        for name, its in self.applications.items():
            for schedule in its.schedules:
                stretch = stretch_after(schedule, self.monday)
                if stretch is None or (isinstance(schedule.when, Cron) and stretch[0] < self.monday + _WEEK):
                    continue
                yield self._event(name, schedule.name, *stretch)

    def _event(self, name: str, schedule: str, start: datetime, end: datetime) -> Event:
        least = {each: self._least(its, its.schedules, start, end - start) for each, its in self.applications.items()}
        # Longer than a week it has every hour of one.
        hours = {self.planner.demand.hour(start + n * _HOUR) for n in range(min((end - start) // _HOUR + 1, HOURS))}
        needed = [self.proposed.hours[hour].sizes for hour in hours]
        zone = ZoneInfo(self.stack.timezone)
        return Event(
            name,
            schedule,
            start.astimezone(zone),
            end.astimezone(zone),
            kept=Sizes({name: least[name][0]}, sum(slots for _, slots in least.values())),
            needed=Sizes({name: max(each.instances[name] for each in needed)}, max(each.slots for each in needed)),
        )
