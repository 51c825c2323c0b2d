"""What a stack file schedules: read, planned and simulated as the fleet controller keeps it."""

import json
from argparse import Namespace
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from capacity import stack_file
from capacity.controller.cluster import Fleet
from capacity.controller.decisions import decide
from capacity.controller.memory import Memory
from capacity.controller.settings import StackSettings
from capacity.demand import DemandError, of_mapping
from capacity.durations import fixed
from capacity.planning.command import numbers_of
from capacity.planning.stack_plan import StackPlan, first_day
from capacity.simulation.command import Span, scenario_of
from capacity.simulation.result import BUSY, WARM, Result, simulate
from capacity.simulation.scenario import DAY, HOUR
from components.settings import load
from components.workloads.capacity import controller_settings
from tests.unit.fleet_controller.situations import cluster

STACKS = Path(__file__).resolve().parents[3] / "stacks"
PATH = STACKS / "Pulumi.production-us-ashburn-1.yaml"
CONFIG: dict[str, Any] = yaml.safe_load(PATH.read_text())["config"]
MINUTE = timedelta(minutes=1)
WEEKS = [
    {"when": "Mon-Fri 08:00-20:00", "instances": 6, "nodes": 2},
    {"cron": "0 18 * * 5", "hours": 4, "instances": 10, "timezone": "Asia/Tokyo"},
    {"from": "2027-03-12 08:00", "until": "2027-03-15 19:00", "instances": 20},
]


def config(buffer: dict[str, Any], schedules: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The stack with another buffer of its first application, and schedules for all of them."""
    changed = deepcopy(CONFIG)
    changed["pixel:apps"][0] |= {"buffer": buffer, "versions": [{"tag": "1.4.2", "weight": 100}]}
    changed["pixel:capacity"] = {"enabled": True, "timezone": "America/New_York"}
    if schedules:
        changed["pixel:capacity"]["schedules"] = schedules
    return changed


def controller(its: dict[str, Any]) -> StackSettings:
    """What the program gives the controller."""
    return msgspec.json.decode(json.dumps(controller_settings(load(its))), type=StackSettings)


def options(**more: Any) -> Namespace:
    nothing = dict.fromkeys(("slots", "gpus", "service_level", "patience", "crash_hours", "node_loss_hours"))
    return Namespace(**nothing, buffers="now", outage=[], **more)


def planned(its: dict[str, Any], day: str, arrivals: float = 0.0) -> StackPlan:
    demand = {"arrivals_per_hour": arrivals, "start_seconds": 60, "session_seconds": 1500}
    names = [each["name"] for each in its["pixel:apps"]]
    known = of_mapping({"node_seconds": 300, "applications": dict.fromkeys(names, demand)})
    stack = stack_file.stack_of(PATH, its)
    return StackPlan(stack, known, options(), first_day(day, stack.timezone))


clocks = st.times().map(lambda each: f"{each:%H:%M}")
days = st.sampled_from(["daily", "Mon-Fri", "Sat,Sun", "Fri-Mon", "Tue"])
whens = st.one_of(
    st.tuples(days, clocks, clocks).map(lambda each: {"when": f"{each[0]} {each[1]}-{each[2]}"}),
    st.fixed_dictionaries(
        {
            "cron": st.sampled_from(["0 18 * * 5", "30 2 * * *", "15 */5 * * *", "0 0 14 * *"]),
            "hours": st.floats(0.1, 30).map(lambda each: round(each, 2)),
        }
    ),
    st.tuples(st.datetimes(datetime(2027, 3, 12), datetime(2027, 3, 17)), st.integers(1, 3000)).map(
        lambda each: {
            "from": f"{each[0]:%Y-%m-%d %H:%M}",
            "until": f"{each[0] + timedelta(minutes=each[1]):%Y-%m-%d %H:%M}",
        }
    ),
)
keys = st.fixed_dictionaries(
    {"instances": st.integers(0, 12)},
    optional={
        "percent": st.sampled_from([20, 100]),
        "minimum": st.integers(0, 9),
        "maximum": st.integers(1, 15),
        "nodes": st.integers(0, 4),
        "nodes_percent": st.sampled_from([10, 50]),
    },
)
zones = st.sampled_from([{}, {"timezone": "Asia/Kolkata"}, {"timezone": "Europe/Berlin"}])
schedules = st.lists(st.tuples(whens, keys, zones).map(lambda each: {**each[0], **each[1], **each[2]}), max_size=4)


def simulated(plan: StackPlan, begin: datetime, lasts: float) -> Result:
    """Minute by minute, where nodes and instances are there at once."""
    scenario = scenario_of(plan, options(), begin, Span(lasts, 0.0))
    # With nodes of one slot none is kept for a last instance on it: their number is that of slots.
    slots = scenario.pool.most_nodes * scenario.pool.slots
    pool = replace(scenario.pool, surplus_seconds=0.0, provisioning=fixed(0), slots=1, most_nodes=slots)
    applications = tuple(replace(each, start=fixed(0)) for each in scenario.applications)
    return simulate(replace(scenario, applications=applications, pool=pool, bins=int(lasts // 60)))


def fleets(plan: StackPlan) -> list[Fleet]:
    return [
        Fleet(f"{its.name}-{number}", its.name, str(number), 1, 1, weight=weight)
        for its in plan.stack.applications
        for number, weight in enumerate(its.weights)
    ]


@settings(
    max_examples=20,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(
    own=schedules,
    stacks=schedules,
    usual=keys,
    minutes=st.lists(st.integers(0, 4 * 24 * 60 - 1), min_size=10, max_size=30),
)
def test_at_any_moment_the_simulation_keeps_what_the_controller_would(
    own: list[dict[str, Any]], stacks: list[dict[str, Any]], usual: dict[str, Any], minutes: list[int]
) -> None:
    """From a Friday on, over the Sunday on which New York's clocks are put forward."""
    # What the settings refuse is no schedule: a bound below the usual number.
    most = max(each.get(key, 0) for each in (usual, *own) for key in ("instances", "minimum"))
    buffer = {**usual, "maximum": max(usual.get("maximum", 0), most, 1), **({"schedule": own} if own else {})}
    its = config(buffer, stacks)
    its["pixel:apps"][0]["versions"] = CONFIG["pixel:apps"][0]["versions"]
    plan, decides = planned(its, "2027-03-12"), controller(its)
    begin = first_day("2027-03-12", "America/New_York")
    result = simulated(plan, begin, 4 * DAY)
    there = cluster(*fleets(plan))
    for minute in minutes:
        moment = begin.astimezone(UTC) + minute * MINUTE
        figures = decide(there, decides, Memory(), moment).figures
        for number, application in enumerate(result.scenario.applications):
            kept = sum(each.target for each in figures.fleets if each.application == application.name)
            assert result.by_application[minute, number, WARM] == pytest.approx(kept, abs=1e-6), moment
        slots = sum(each.target for each in figures.fleets) + figures.pools["gpu"].wanted
        assert result.by_nodes[minute].sum() == pytest.approx(max(slots, result.scenario.pool.least_nodes)), moment


def test_percentages_follow_the_sessions_and_a_minimum_is_used_up() -> None:
    its = config({"instances": 0, "percent": 20, "nodes_percent": 50, "minimum": 30, "schedule": []})
    plan = planned(its, "2027-03-01", arrivals=48.0)
    result = simulated(plan, first_day("2027-03-01", "UTC"), DAY)
    minutes = result.by_application[:, 0]
    assert minutes[0, WARM] > 25
    busy = minutes[600:, BUSY].mean()
    assert busy == pytest.approx(20, rel=0.2)
    assert minutes[600:, WARM].mean() == pytest.approx(max(30 - busy, busy / 5), rel=0.1)


@pytest.mark.parametrize("path", sorted(STACKS.glob("Pulumi.production-*.yaml")), ids=lambda path: path.stem)
def test_a_stack_file_is_read_as_the_program_reads_it(path: Path) -> None:
    read = yaml.safe_load(path.read_text())["config"]
    level = {"chance": 0.99, "arrivals_per_hour": 60, "start_seconds": 60, "provision_seconds": 480}
    scheduled = {"instances": 2, "percent": 10, "service_level": level, "nodes": 1, "minimum": 4, "maximum": 40}
    elsewhere = [{"when": "Fri-Mon 22:00-24:00", "arrivals_per_hour": 30, "timezone": "Asia/Tokyo"}]
    read["pixel:capacity"] |= {"schedules": elsewhere}
    for buffer in (read["pixel:apps"][0]["buffer"], {**scheduled, "schedule": WEEKS}):
        read["pixel:apps"][0]["buffer"] = buffer
        ours, theirs = stack_file.stack_of(path, read), controller(read)
        assert ours.timezone == theirs.timezone
        for its, application in zip(ours.applications, theirs.applications, strict=True):
            assert its.buffer == application.buffer
            assert its.schedules == (*theirs.schedules, *application.schedule)
            assert its.priority == application.priority


def test_the_plan_has_the_hours_of_its_week_and_lists_events() -> None:
    monthly = {"cron": "0 9 1 * *", "hours": 2, "instances": 12}
    plan = planned(config({"instances": 1, "schedule": [*WEEKS, monthly]}), "2027-03-10", arrivals=30.0)
    assert plan.monday.date().isoformat() == "2027-03-08"
    kept = [hour.sizes.instances["showroom"] for hour in plan.present.hours]
    # The hours are those of UTC, as nothing else is said of the players; New York is five behind, and four from Sunday.
    assert [hour for hour in range(24) if kept[hour] == 6] == list(range(13, 24))
    assert [kept[24 + hour] for hour in (0, 1)] == [6, 1]
    # Friday evening in Tokyo.
    assert [hour for hour in range(168) if kept[hour] == 10] == [4 * 24 + hour for hour in (9, 10, 11, 12)]
    fair, month = plan.events()
    assert (fair.application, f"{fair.start:%a %H:%M}", fair.kept.instances) == (
        "showroom",
        "Fri 08:00",
        {"showroom": 20},
    )
    assert f"{month.start:%Y-%m-%d %H:%M %Z}" == "2027-04-01 09:00 EDT"
    assert month.kept.instances == {"showroom": 12}
    needed = [hour.sizes.instances["showroom"] for hour in plan.proposed.hours]
    assert fair.needed.instances == {"showroom": max(needed)}
    events = numbers_of(plan)["events"]
    assert [each["schedule"] for each in events] == ["2027-03-12 08:00 until 2027-03-15 19:00", "0 9 1 * * for 2 h"]
    json.dumps(events)
    assert not list(planned(config({"instances": 1, "schedule": WEEKS}), "2027-03-22").events())


def test_an_hour_promises_what_its_smallest_buffer_does() -> None:
    late = [{"when": "daily 08:30-09:15", "instances": 5}, {"when": "daily 12:20-12:40", "instances": 0}]
    plan = planned(config({"instances": 2, "schedule": [{**each, "timezone": "UTC"} for each in late]}), "2027-03-08")
    kept = [hour.sizes.instances["showroom"] for hour in plan.present.hours]
    assert kept[7:14] == [2, 2, 2, 2, 2, 0, 2]


def test_players_of_an_hour_come_in_that_hour_also_after_a_change_of_clocks() -> None:
    at_eight = [60.0 if hour % 24 == 8 else 0.0 for hour in range(168)]
    demand = {"arrivals_per_hour": at_eight, "start_seconds": 60, "session_seconds": 600}
    known = of_mapping({"timezone": "Europe/Berlin", "node_seconds": 300, "applications": {"showroom": demand}})
    begin = first_day("2027-03-26", "Europe/Berlin")
    stack = replace(stack_file.stack_of(PATH, config({"instances": 1})), timezone="Europe/Berlin")
    plan = StackPlan(stack, known, options(), begin)
    scenario = scenario_of(plan, options(), begin, Span(5 * DAY, DAY))
    came = simulate(scenario).players.arrival
    # The settling is Thursday. On Sunday the third hour is left out, so that eight o'clock comes an hour earlier.
    hours = sorted({int(each // HOUR) for each in came})
    assert hours == [8, 24 + 8, 48 + 8, 72 + 7, 96 + 7]


def test_a_day_that_is_none_is_refused_and_the_default_is_a_monday() -> None:
    with pytest.raises(DemandError, match="--from is 'tomorrow': no date"):
        first_day("tomorrow", "UTC")
    found = first_day(None, "Asia/Tokyo")
    assert (found.weekday(), found.hour, found.minute) == (0, 0, 0)
    assert timedelta(0) <= found - datetime.now(UTC) + timedelta(days=1) <= timedelta(days=8)
