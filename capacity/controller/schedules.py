"""Which schedules hold at a moment, and what a buffer then is. Times are those of clocks on the wall, also when these
are put forward or back.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim

from capacity.controller.settings import Buffer, Change, Cron, Once, Schedule, Weekly, When

_DAY: Final = timedelta(days=1)
_CHANGE: Final = timedelta(hours=3)
"""More than any clock is put forward or back by."""


def holds(when: When, timezone: str, now: datetime) -> bool:
    """Whether a schedule holds; ``now`` knows its time zone.

    Of an hour that clocks show twice both count; a start within one that they leave out counts from its end.
    """
    zone = ZoneInfo(timezone)
    match when:
        case Weekly():
            return _holds_weekly(when, now.astimezone(zone))
        case Cron():
            return _begun(when, timezone, now.astimezone(UTC).replace(second=0, microsecond=0))
        case Once():
            start, end = (each.replace(tzinfo=zone).astimezone(UTC) for each in (when.start, when.end))
            return start <= now < end


def in_force(schedules: Iterable[Schedule], now: datetime) -> list[Schedule]:
    """Those that hold, in their order."""
    return [each for each in schedules if holds(each.when, each.timezone, now)]


def buffer_at(buffer: Buffer, schedules: Iterable[Schedule], now: datetime) -> Buffer:
    """A buffer with the schedules that hold laid over it: for each key the last one that names it counts."""
    for schedule in in_force(schedules, now):
        buffer = _changed(buffer, schedule.change)
    return buffer


def _holds_weekly(weekly: Weekly, local: datetime) -> bool:
    time, today = local.time(), local.weekday() in weekly.days
    if weekly.start < weekly.end:
        return today and weekly.start <= time < weekly.end
    # Past midnight: of the day's evening, or of the night after the day before.
    yesterday = (local.date() - _DAY).weekday() in weekly.days
    return (today and time >= weekly.start) or (yesterday and time < weekly.end)


@lru_cache(maxsize=256)
def _begun(cron: Cron, timezone: str, minute: datetime) -> bool:
    """Whether a time of a cron expression was so short before a minute; the same one is asked for many times."""
    lasts = timedelta(seconds=cron.seconds)
    # Around a change of clocks the expression's times do not come in order.
    for time in CronSim(cron.expression, (minute - lasts - _CHANGE).astimezone(ZoneInfo(timezone))):
        begun = time.astimezone(UTC)
        if begun <= minute < begun + lasts:
            return True
        if begun > minute + _CHANGE:
            break
    return False


def _changed(buffer: Buffer, change: Change) -> Buffer:
    given = {key: value for key, value in msgspec.structs.asdict(change).items() if value is not None}
    arrivals = given.pop("arrivals_per_hour", None)
    if arrivals is not None and buffer.service_level is not None:
        given["service_level"] = msgspec.structs.replace(buffer.service_level, arrivals_per_hour=arrivals)
    return msgspec.structs.replace(buffer, **given)
