"""Schedules: when something else than usual is kept ready, by the week, by a cron expression, or once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from components.settings.reading import Reader

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_DAY = "|".join(DAYS)
_SOME_DAYS = rf"({_DAY})(-({_DAY}))?"
_HOURS = r"([01]\d|2[0-3]):[0-5]\d"
_WEEKLY = re.compile(rf"(?P<days>daily|{_SOME_DAYS}(,{_SOME_DAYS})*) (?P<start>{_HOURS})-(?P<end>{_HOURS}|24:00)")
_WEEKLY_FORM = 'days and hours such as "Mon-Fri 08:00-20:00", "Sat,Sun 10:00-24:00" or "daily 22:00-06:00"'
_MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d"
_MOMENT_FORM = 'a local time such as "2026-12-24 16:00"'
_ZONE = r"UTC|[A-Z][A-Za-z]+(/[A-Za-z0-9_+-]+)+"
_ZONE_FORM = 'a time zone such as "Europe/Berlin"'


@dataclass(frozen=True)
class Weekly:
    """The same hours on some days of each week."""

    days: tuple[int, ...]
    """From Monday, 0."""
    start: time
    end: time
    """On the day after where it is not later than the start."""


@dataclass(frozen=True)
class Cron:
    """From each time of a cron expression on, for some hours."""

    expression: str
    """When it begins."""
    hours: float
    """For how long, in hours."""


@dataclass(frozen=True)
class Once:
    """From one local time to another."""

    start: datetime
    """When it begins, local time."""
    end: datetime
    """When it is over, local time."""


When: TypeAlias = Weekly | Cron | Once


@dataclass(frozen=True)
class Schedule:
    """One entry of a schedule."""

    name: str
    """When it holds, as the stack file says it."""
    when: When
    """Days and hours of every week; or `cron` with `hours`, or `from` and `until`."""
    timezone: str
    """Whose clocks are meant; without it the stack's `capacity.timezone`."""
    change: Mapping[str, float]
    """What it puts in place of the same keys of `buffer`; never empty."""


def read_timezone(reader: Reader, default: str) -> str:
    """The key `timezone`, a place whose clocks are meant."""
    zone = reader.text("timezone", _ZONE, _ZONE_FORM, default)
    try:
        ZoneInfo(zone)
    # An OSError where it is a folder of them, such as America/Argentina.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        if re.fullmatch(_ZONE, zone):
            reader.refusals.add(reader.key("timezone"), zone, "no time zone that is known", f"Use {_ZONE_FORM}")
        return "UTC"
    return zone


def read_schedule(reader: Reader, name: str, timezone: str) -> tuple[Schedule, ...]:
    """A list of schedules; those that name no time zone have this one."""
    if not reader.has(name):
        return ()
    return tuple(_read(entry, timezone) for entry in reader.sections(name))


def _read(reader: Reader, timezone: str) -> Schedule:
    zone = read_timezone(reader, timezone)
    shown, when = _read_when(reader)
    change = {
        **{key: reader.whole(key, 0, 10_000) for key in _WHOLE if reader.has(key)},
        **{key: reader.number(key, 0, most) for key, most in _NUMBERS.items() if reader.has(key)},
    }
    if not change:
        reader.refusals.add(
            reader.prefix.rstrip("."), shown, "changing nothing", f"Set one of {', '.join((*_WHOLE, *_NUMBERS))}"
        )
    reader.close()
    return Schedule(shown, when, zone, change)


_WHOLE = ("instances", "minimum", "maximum", "nodes")
_NUMBERS = {"percent": 1000.0, "nodes_percent": 1000.0, "arrivals_per_hour": 1_000_000.0}


def _read_when(reader: Reader) -> tuple[str, When]:
    """What the entry is called, and when it holds."""
    given = [key for key in ("when", "cron", "from") if reader.has(key)]
    if len(given) != 1:
        # Which of them is one too many is not said twice.
        for key in ("hours", "until"):
            reader.has(key)
        reader.refusals.add(
            reader.prefix.rstrip("."),
            {key: reader.values[key] for key in given},
            "not one of when, cron and from",
            f"Set when to {_WEEKLY_FORM}; or cron with hours; or from and until",
        )
        return "", _NEVER
    if given == ["when"]:
        return _read_weekly(reader)
    return _read_cron(reader) if given == ["cron"] else _read_once(reader)


_NEVER = Once(datetime(2000, 1, 1), datetime(2000, 1, 2))
"""Stands in for what was refused."""


def _read_weekly(reader: Reader) -> tuple[str, When]:
    text = reader.text("when", _WEEKLY.pattern, _WEEKLY_FORM)
    found = _WEEKLY.fullmatch(text)
    if found is None:
        return text, _NEVER
    days: set[int] = set()
    for part in ["Mon-Sun"] if found["days"] == "daily" else found["days"].split(","):
        first, _, last = part.partition("-")
        start, end = DAYS.index(first), DAYS.index(last or first)
        # Fri-Mon goes over the weekend.
        days |= {day % 7 for day in range(start, end + 1 if start <= end else end + 8)}
    return text, Weekly(tuple(sorted(days)), time.fromisoformat(found["start"]), _end(found["end"]))


def _end(text: str) -> time:
    return time(0) if text == "24:00" else time.fromisoformat(text)


def _read_cron(reader: Reader) -> tuple[str, When]:
    form = 'minute, hour, day of the month, month and day of the week, such as "0 18 * * 5"'
    text = reader.text("cron", r"\S+( \S+){4}", form)
    hours = reader.number("hours", 0.1, 24 * 31)
    try:
        next(CronSim(text, datetime.now(UTC)), None)
    except CronSimError as error:
        if re.fullmatch(r"\S+( \S+){4}", text):
            reader.refusals.add(reader.key("cron"), text, f"no cron expression ({error})", f"Use {form}")
        return text, _NEVER
    return f"{text} for {hours:g} h", Cron(text, hours)


def _read_once(reader: Reader) -> tuple[str, When]:
    moments = {}
    for key in ("from", "until"):
        text = reader.text(key, _MOMENT, _MOMENT_FORM)
        try:
            moments[key] = datetime.fromisoformat(text)
        except ValueError:
            if re.fullmatch(_MOMENT, text):
                reader.refusals.add(reader.key(key), text, "no such time", f"Use {_MOMENT_FORM}")
    if len(moments) < 2:
        return "", _NEVER
    start, end = moments["from"], moments["until"]
    shown = f"{start:%Y-%m-%d %H:%M} until {end:%Y-%m-%d %H:%M}"
    if end <= start:
        reader.refusals.add(
            reader.key("until"), reader.values["until"], f"not after from, {reader.values['from']}", "Make it later"
        )
    return shown, Once(start, end)
