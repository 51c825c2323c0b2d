"""When schedules hold: days, nights, cron, single events, and the two nights a year when clocks are changed."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.buffer import Buffer, Change, ServiceLevel
from capacity.schedules import Cron, Once, Schedule, Weekly, When, buffer_at, changes, holds, in_force, stretch_after

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


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        # Clocks go from 02:00 to 03:00.
        ((3, 29, 2, 30), (3, 29, 5, 0), at("2026-03-29 03:00:00"), at("2026-03-29 05:00:00")),
        ((3, 29, 1, 0), (3, 29, 2, 30), at("2026-03-29 01:00:00"), at("2026-03-29 03:00:00")),
        ((3, 29, 2, 10), (3, 29, 2, 50), at("2026-03-29 03:00:00"), at("2026-03-29 03:00:00")),
        # Clocks go from 03:00 to 02:00.
        ((10, 25, 2, 30), (10, 25, 4, 0), at("2026-10-25 02:30:00", fold=0), at("2026-10-25 04:00:00")),
        ((10, 25, 1, 0), (10, 25, 2, 30), at("2026-10-25 01:00:00"), at("2026-10-25 02:30:00", fold=1)),
    ],
)
def test_an_event_holds_while_clocks_are_between_its_times(
    start: tuple[int, ...], end: tuple[int, ...], first: datetime, last: datetime
) -> None:
    event = Once(datetime(2026, *start), datetime(2026, *end))  # type: ignore[arg-type]
    minutes = [first - timedelta(hours=3) + timedelta(minutes=m) for m in range(720)]
    assert [each for each in minutes if holds(event, BERLIN, each)] == [
        each for each in minutes if first <= each < last
    ]


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


zones = st.sampled_from([BERLIN, "UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"])
clocks = st.times().map(lambda each: each.replace(second=0, microsecond=0, fold=0))
moments = st.datetimes(datetime(2027, 3, 1), datetime(2027, 4, 20)).map(
    lambda each: each.replace(second=0, microsecond=0)
)
days = st.sets(st.integers(0, 6), min_size=1).map(lambda each: tuple(sorted(each)))
expressions = st.sampled_from(
    ["0 18 * * 5", "30 2 * * *", "15 */5 * * *", "0 0 1 * *", "*/7 1-3 * * *", "0 12 28 3 *", "59 23 * * 0"]
)
whens = st.one_of(
    st.builds(Weekly, days, clocks, clocks),
    st.builds(Cron, expressions, st.integers(360, 90_000)),
    st.tuples(moments, st.integers(1, 10_000)).map(lambda each: Once(each[0], each[0] + timedelta(minutes=each[1]))),
)
counts = st.one_of(st.none(), st.integers(0, 9))
its_changes = st.builds(Change, instances=counts, percent=counts, minimum=counts, maximum=counts, nodes=counts)
lists = st.lists(st.builds(Schedule, st.just("a schedule"), whens, zones, its_changes), max_size=5)


@settings(max_examples=150, deadline=None)
@given(
    schedules=lists,
    start=moments,
    hours=st.integers(1, 21 * 24),
    asked=st.lists(st.floats(0, 1, exclude_max=True), min_size=5, max_size=40),
)
def test_between_its_changes_a_buffer_is_what_the_controller_says(
    schedules: list[Schedule], start: datetime, hours: int, asked: list[float]
) -> None:
    """At any second, over a change of clocks in spring and autumn, and just before and after each change."""
    first, lasts = start.replace(tzinfo=UTC), timedelta(hours=hours)
    buffer = Buffer(instances=1)
    found = list(changes(buffer, schedules, first, first + lasts))
    assert found[0][0] == first
    assert [each for each, _ in found] == sorted({each for each, _ in found})
    assert all(one != two for (_, one), (_, two) in pairwise(found))
    edges = [each + timedelta(seconds=seconds) for each, _ in found for seconds in (-1, 0, 1)]
    for moment in [*(first + share * lasts for share in asked), *edges]:
        if first <= moment < first + lasts:
            kept = [each for since, each in found if since <= moment][-1]
            assert kept == buffer_at(buffer, schedules, moment), moment


def test_changes_come_at_the_minute_and_at_nothing_else() -> None:
    event = Once(datetime(2026, 11, 25, 12, 15), datetime(2026, 11, 25, 12, 45))
    schedules = [schedule("week", WEEK, instances=6), schedule("event", event, instances=40)]
    found = list(changes(Buffer(instances=1), schedules, at("2026-11-25 00:00"), at("2026-11-26 00:00")))
    assert [(f"{moment.astimezone(ZoneInfo(BERLIN)):%H:%M}", each.instances) for moment, each in found] == [
        ("00:00", 1),
        ("08:00", 6),
        ("12:15", 40),
        ("12:45", 6),
        ("20:00", 1),
    ]


def test_the_next_stretch_of_an_event() -> None:
    event = schedule("event", Once(datetime(2026, 11, 25, 12), datetime(2026, 11, 25, 14)), instances=9)
    both = (at("2026-11-25 12:00"), at("2026-11-25 14:00"))
    assert stretch_after(event, at("2026-11-01 00:00")) == stretch_after(event, at("2026-11-25 13:00")) == both
    assert stretch_after(event, at("2026-11-25 14:00")) is None
    monthly = schedule("month", Cron("0 18 1 * *", 4 * 3600), instances=9)
    assert stretch_after(monthly, at("2026-11-25 14:00")) == (at("2026-12-01 18:00"), at("2026-12-01 22:00"))
    assert stretch_after(monthly, at("2026-12-01 20:00")) == (at("2026-12-01 18:00"), at("2026-12-01 22:00"))
    assert stretch_after(schedule("week", WEEK, instances=9), at("2026-11-25 14:00")) is None
