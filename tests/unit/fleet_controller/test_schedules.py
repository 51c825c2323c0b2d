"""When schedules hold: days, nights, cron, single events, and the two nights a year when clocks are changed."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from capacity.controller.schedules import buffer_at, holds, in_force
from capacity.controller.settings import Buffer, Change, Cron, Once, Schedule, ServiceLevel, Weekly, When

BERLIN = "Europe/Berlin"
WEEK = Weekly((0, 1, 2, 3, 4), time(8), time(20))
NIGHT = Weekly((4,), time(22), time(2))
ALL_DAY = Weekly((5,), time(0), time(0))


def at(text: str, zone: str = BERLIN, fold: int = 0) -> datetime:
    """A local time as an instant."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("when", "moment", "expected"),
    [
        (WEEK, "2026-11-25 07:59:59", False),
        (WEEK, "2026-11-25 08:00:00", True),
        (WEEK, "2026-11-25 19:59:59", True),
        (WEEK, "2026-11-25 20:00:00", False),
        (WEEK, "2026-11-28 12:00:00", False),
        (NIGHT, "2026-11-27 21:59:00", False),
        (NIGHT, "2026-11-27 22:00:00", True),
        (NIGHT, "2026-11-28 01:59:00", True),
        (NIGHT, "2026-11-28 02:00:00", False),
        (NIGHT, "2026-11-28 22:30:00", False),
        (ALL_DAY, "2026-11-28 00:00:00", True),
        (ALL_DAY, "2026-11-28 23:59:59", True),
        (ALL_DAY, "2026-11-29 00:00:00", False),
        (Cron("0 18 1 * *", 4 * 3600), "2026-12-01 17:59:59", False),
        (Cron("0 18 1 * *", 4 * 3600), "2026-12-01 18:00:00", True),
        (Cron("0 18 1 * *", 4 * 3600), "2026-12-01 21:59:59", True),
        (Cron("0 18 1 * *", 4 * 3600), "2026-12-01 22:00:00", False),
        (Cron("0 20 * * 5", 10 * 3600), "2026-11-28 05:59:00", True),
        (Cron("0 20 * * 5", 10 * 3600), "2026-11-28 06:00:00", False),
        (Cron("*/10 * * * *", 300), "2026-11-28 06:04:59", True),
        (Cron("*/10 * * * *", 300), "2026-11-28 06:05:00", False),
        (Cron("0 0 29 2 *", 3600), "2028-02-29 00:30:00", True),
        (Once(datetime(2026, 12, 24, 16), datetime(2026, 12, 25, 2)), "2026-12-24 15:59:59", False),
        (Once(datetime(2026, 12, 24, 16), datetime(2026, 12, 25, 2)), "2026-12-24 16:00:00", True),
        (Once(datetime(2026, 12, 24, 16), datetime(2026, 12, 25, 2)), "2026-12-25 02:00:00", False),
    ],
)
def test_when_a_schedule_holds(when: When, moment: str, expected: bool) -> None:
    assert holds(when, BERLIN, at(moment)) is expected


def test_hours_are_those_of_the_place() -> None:
    moment = datetime(2026, 7, 1, 6, 30, tzinfo=UTC)
    assert holds(WEEK, BERLIN, moment)
    assert not holds(WEEK, "UTC", moment)
    assert not holds(WEEK, "America/New_York", moment)


@pytest.mark.parametrize("zone", [BERLIN, "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"])
@pytest.mark.parametrize("hours", [(8, 20), (22, 6), (1, 3)])
def test_the_wall_clock_decides_through_a_whole_year(zone: str, hours: tuple[int, int]) -> None:
    """Each quarter of an hour of a year, against the local hour that a clock there shows."""
    start, end = hours
    weekly = Weekly(tuple(range(7)), time(start), time(end))
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    while moment.year == 2026:
        hour = moment.astimezone(ZoneInfo(zone)).hour
        expected = start <= hour < end if start < end else hour >= start or hour < end
        assert holds(weekly, zone, moment) is expected, moment
        moment += timedelta(minutes=15)


def test_an_hour_that_comes_twice_counts_twice_and_one_that_is_left_out_does_not() -> None:
    early = Weekly((6,), time(2), time(3))
    assert holds(early, BERLIN, at("2026-10-25 02:30:00", fold=0))
    assert holds(early, BERLIN, at("2026-10-25 02:30:00", fold=1))
    assert not any(holds(early, BERLIN, at("2026-03-29 00:00:00") + timedelta(minutes=m)) for m in range(360))
    # A start that is left out counts from when the clocks go on.
    assert holds(Weekly((6,), time(2, 30), time(4)), BERLIN, at("2026-03-29 03:00:00"))


def test_a_cron_job_of_a_left_out_hour_runs_and_lasts_as_long_as_always() -> None:
    nightly = Cron("30 2 * * *", 3600)
    minutes = [at("2026-03-29 00:00:00") + timedelta(minutes=m) for m in range(600)]
    assert sum(holds(nightly, BERLIN, moment) for moment in minutes) == 60
    minutes = [at("2026-10-25 00:00:00") + timedelta(minutes=m) for m in range(600)]
    assert sum(holds(nightly, BERLIN, moment) for moment in minutes) == 60


def schedule(name: str, when: When, **change: int | float) -> Schedule:
    return Schedule(name, when, BERLIN, Change(**change))  # type: ignore[arg-type]  # Counts stay whole.


def test_the_last_schedule_that_holds_counts_for_each_key() -> None:
    event = Once(datetime(2026, 11, 25, 12), datetime(2026, 11, 25, 14))
    schedules = [schedule("week", WEEK, instances=6, nodes=2), schedule("event", event, instances=40, maximum=90)]
    buffer = Buffer(instances=1, minimum=3, maximum=50)
    assert buffer_at(buffer, schedules, at("2026-11-25 07:00")) == buffer
    assert buffer_at(buffer, schedules, at("2026-11-25 11:00")) == Buffer(instances=6, nodes=2, minimum=3, maximum=50)
    assert buffer_at(buffer, schedules, at("2026-11-25 13:00")) == Buffer(instances=40, nodes=2, minimum=3, maximum=90)
    assert [each.name for each in in_force(schedules, at("2026-11-25 13:00"))] == ["week", "event"]


def test_a_schedule_changes_how_many_players_a_service_level_expects() -> None:
    level = ServiceLevel(chance=0.99, arrivals_per_hour=10, start_seconds=60, provision_seconds=600)
    busy = [schedule("week", WEEK, arrivals_per_hour=200.0)]
    changed = buffer_at(Buffer(service_level=level), busy, at("2026-11-25 11:00")).service_level
    assert changed is not None and (changed.arrivals_per_hour, changed.chance) == (200.0, 0.99)
    assert buffer_at(Buffer(instances=3), busy, at("2026-11-25 11:00")) == Buffer(instances=3)
