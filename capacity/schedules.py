"""Which schedules hold at a moment, and what a buffer then is: for the fleet controller that keeps it, and for plans
and simulations of it. Times are those of clocks on the wall, also when these are put forward or back.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Final, TypeAlias
from zoneinfo import ZoneInfo

import msgspec
from cronsim import CronSim
from msgspec import Meta

from capacity.buffer import Buffer, Change

_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_CHANGE: Final = timedelta(hours=3)
"""More than any clock is put forward or back by."""


class Weekly(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="weekly"):
    """The same hours on some days of each week."""

    days: tuple[Annotated[int, Meta(ge=0, le=6)], ...]
    """From Monday, 0."""
    start: time
    end: time
    """On the day after where it is not later than the start."""


class Cron(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="cron"):
    """From each time of a cron expression on, for a while."""

    expression: str
    seconds: Annotated[int, Meta(gt=0)]


class Once(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="once"):
    """From one local time to another."""

    start: datetime
    end: datetime


When: TypeAlias = Weekly | Cron | Once


class Schedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When something else than usual holds."""

    name: str
    """As the stack file has it."""
    when: When
    timezone: str
    change: Change


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
            start, end = _once(when, zone)
            return start <= now < end


def in_force(schedules: Iterable[Schedule], now: datetime) -> list[Schedule]:
    """Those that hold, in their order."""
    return [each for each in schedules if holds(each.when, each.timezone, now)]


def buffer_at(buffer: Buffer, schedules: Iterable[Schedule], now: datetime) -> Buffer:
    """A buffer with the schedules that hold laid over it: for each key the last one that names it counts."""
    for schedule in in_force(schedules, now):
        buffer = _changed(buffer, schedule.change)
    return buffer


def changes(
    buffer: Buffer, schedules: Sequence[Schedule], start: datetime, end: datetime
) -> Iterator[tuple[datetime, Buffer]]:
    """What a buffer is from ``start`` on, then each moment before ``end`` at which it becomes another, and which.

    These are the moments at which the controller's own answer changes; it acts within a second of them.
    """
    moments = {start}
    for each in schedules:
        moments.update(moment for moment in _moments(each.when, each.timezone, start, end) if start < moment < end)
    before: Buffer | None = None
    for moment in sorted(moments):
        if (now := buffer_at(buffer, schedules, moment)) != before:
            yield moment, now
        before = now


def stretch_after(schedule: Schedule, moment: datetime) -> tuple[datetime, datetime] | None:
    """The first time after a moment at which an event begins, and its end; of one that goes on, that.

    Nothing of what is over, and of the week's own hours, which are no event.
    """
    match schedule.when:
        case Weekly():
            return None
        case Once():
            start, end = _once(schedule.when, ZoneInfo(schedule.timezone))
            return (start, end) if end > moment else None
        case Cron():
            lasts = timedelta(seconds=schedule.when.seconds)
            begun = next(_times(schedule.when, schedule.timezone, moment - lasts), None)
            return None if begun is None else (begun, begun + lasts)


def _moments(when: When, timezone: str, start: datetime, end: datetime) -> Iterator[datetime]:
    """Moments at which a schedule may begin or end to hold; some more do no harm."""
    zone = ZoneInfo(timezone)
    match when:
        case Weekly():
            day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
            while day <= last:
                for clock in (when.start, when.end):
                    # An hour that clocks show twice begins twice.
                    for fold in (0, 1):
                        yield datetime.combine(day, clock.replace(fold=fold), zone).astimezone(UTC)
                day += _DAY
            yield from _clock_changes(zone, start, end)
        case Cron():
            lasts = timedelta(seconds=when.seconds)
            for begun in _times(when, timezone, start - lasts - _CHANGE):
                if begun > end + _CHANGE:
                    break
                yield begun
                # It is asked for by the minute.
                yield begun + -(-lasts // _MINUTE) * _MINUTE
        case Once():
            yield from _once(when, zone)


def _clock_changes(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """Moments at which clocks are put forward or back."""
    moment = start.astimezone(UTC).replace(second=0, microsecond=0)
    minutes = range(_DAY // _MINUTE)
    while moment < end:
        offset = moment.astimezone(zone).utcoffset()
        changed = bisect_left(
            minutes, True, key=lambda minute: (moment + minute * _MINUTE).astimezone(zone).utcoffset() != offset
        )
        if changed < len(minutes):
            yield moment + changed * _MINUTE
        moment += _DAY


def _once(once: Once, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From the first time that clocks show the start to the last that they show the end."""
    return _moment(once.start, zone, fold=0), _moment(once.end, zone, fold=1)


def _moment(clock: datetime, zone: ZoneInfo, fold: int) -> datetime:
    """When clocks show a time; of one that they leave out, when they are put forward."""
    before, after = (clock.replace(tzinfo=zone, fold=each).astimezone(UTC) for each in (0, 1))
    if after < before:
        return next(_clock_changes(zone, after, before), before)
    return after if fold else before


def _times(cron: Cron, timezone: str, after: datetime) -> Iterator[datetime]:
    """A cron expression's times. Around a change of clocks they do not come in order."""
    for each in CronSim(cron.expression, after.astimezone(ZoneInfo(timezone))):
        yield each.astimezone(UTC)


def _holds_weekly(weekly: Weekly, local: datetime) -> bool:
    clock, today = local.time(), local.weekday() in weekly.days
    if weekly.start < weekly.end:
        return today and weekly.start <= clock < weekly.end
    # Past midnight: of the day's evening, or of the night after the day before.
    yesterday = (local.date() - _DAY).weekday() in weekly.days
    return (today and clock >= weekly.start) or (yesterday and clock < weekly.end)


@lru_cache(maxsize=256)
def _begun(cron: Cron, timezone: str, minute: datetime) -> bool:
    """Whether a time of a cron expression was so short before a minute; the same one is asked for many times."""
    lasts = timedelta(seconds=cron.seconds)
    for begun in _times(cron, timezone, minute - lasts - _CHANGE):
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
