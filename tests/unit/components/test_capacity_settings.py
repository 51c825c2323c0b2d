"""What a stack file says about capacity: buffers, schedules, budget; each mistake gives one refusal with its remedy."""

import re
from datetime import datetime, time
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.settings import Settings, SettingsError, load
from components.settings.buffer import BufferSettings, ServiceLevel
from components.settings.capacity import (
    BudgetSettings,
    CapacitySettings,
    RollbackSettings,
    TurnCapacitySettings,
    scales_turn,
)
from components.settings.schedules import Cron, Once, Schedule, Weekly
from tests.unit.components.settings_cases import patched

MANUAL = Path(__file__).resolve().parents[3] / "docs" / "capacity.md"
LEVEL = {"chance": 0.99, "arrivals_per_hour": 120, "start_seconds": 45, "provision_seconds": 480}
BUFFER = "pixel:apps[0].buffer"
ENTRY = f"{BUFFER}.schedule[0]"
OFF = "capacity.enabled off"


def config(buffer: dict[str, Any], capacity: dict[str, Any] | None = None, **app: Any) -> dict[str, Any]:
    """A stack file with this buffer and, unless told otherwise, with a controller."""
    found = patched("pixel:capacity", {"enabled": True} if capacity is None else capacity)
    found["pixel:images"]["capacity"] = "fra.ocir.io/acme/pixel/capacity:1.0.0"
    found["pixel:apps"][0] |= {"buffer": buffer, **app}
    return found


def scheduled(**entry: Any) -> dict[str, Any]:
    return config({"instances": 2, "schedule": [entry]})


def refusal_of(found: dict[str, Any]) -> str:
    with pytest.raises(SettingsError) as caught:
        load(found)
    (refusal,) = caught.value.refusals
    assert refusal.endswith(".")
    return refusal


def test_the_manual_s_example_is_one() -> None:
    (text,) = re.findall(r"```yaml\n(pixel:.*?)```", MANUAL.read_text(), re.DOTALL)
    example = yaml.safe_load(text)
    (app,) = example["pixel:apps"]
    settings = load(config(app["buffer"], example["pixel:capacity"], priority=app["priority"]))
    assert settings.capacity.budget == BudgetSettings(soft=200, hard=260)
    assert settings.apps[0].buffer.service_level == ServiceLevel(0.99, 60, 60, 480)
    assert [type(each.when) for each in settings.apps[0].buffer.schedule] == [Weekly, Cron, Once]


BAD: list[tuple[str, dict[str, Any], str, list[str]]] = [
    # what is wrong, the file, the key in the refusal, what else it says
    ("nothing says how much", config({}), f"{BUFFER}.instances", ["missing", "from 0 to 1000"]),
    ("a text for a number", config({"instances": 1, "percent": "10"}), f"{BUFFER}.percent", ['"10"', "not a number"]),
    ("far too much", config({"instances": 1, "percent": 5000}), f"{BUFFER}.percent", ["5000", "from 0 to 1000"]),
    ("true for a number", config({"percent": True}), f"{BUFFER}.percent", ["true", "not a number"]),
    ("no maximum at all", config({"instances": 1, "maximum": 0}), f"{BUFFER}.maximum", ["is 0", "from 1 to 10000"]),
    ("a maximum below", config({"instances": 4, "maximum": 3}), f"{BUFFER}.maximum", ["is 3", "4 that instances"]),
    ("a minimum above", config({"minimum": 9, "maximum": 4}), f"{BUFFER}.maximum", ["is 4", "9 that minimum", "Raise"]),
    (
        "a schedule above",
        config({"instances": 1, "maximum": 4, "schedule": [{"when": "daily 08:00-20:00", "instances": 6}]}),
        f"{BUFFER}.maximum",
        ["is 4", "6 that instances"],
    ),
    (
        "a promise of all",
        config({"service_level": LEVEL | {"chance": 1}}),
        f"{BUFFER}.service_level.chance",
        ["0.99999"],
    ),
    (
        "a promise without a rate",
        config({"service_level": {key: value for key, value in LEVEL.items() if key != "arrivals_per_hour"}}),
        f"{BUFFER}.service_level.arrivals_per_hour",
        ["missing", "a number from 0"],
    ),
    ("too many for the pool", config({"instances": 5}), "pixel:pools.gpu.max", ["room for 8", "ask for 10"]),
    ("an unknown key", config({"instances": 1, "maximun": 3}), f"{BUFFER}.maximun", ["Did you mean maximum?"]),
    ("no list", config({"schedule": {"when": "daily 08:00-20:00"}}), f"{BUFFER}.schedule", ["not a list"]),
    ("neither when nor cron", scheduled(instances=3), ENTRY, ["not one of when, cron and from", "Mon-Fri 08:00"]),
    (
        "both when and cron",
        scheduled(when="daily 08:00-20:00", cron="0 8 * * *", hours=1, instances=3),
        ENTRY,
        ["not one of when, cron and from"],
    ),
    ("a day of no week", scheduled(when="Mo-Fr 08:00-20:00", instances=3), f"{ENTRY}.when", ['"Mo-Fr', "Sat,Sun"]),
    (
        "an hour of no day",
        scheduled(when="Mon 08:00-25:00", instances=3),
        f"{ENTRY}.when",
        ["25:00", "of the wrong form"],
    ),
    ("nothing changed", scheduled(when="Mon 08:00-09:00"), ENTRY, ["Mon 08:00-09:00", "changing nothing", "instances"]),
    (
        "no place",
        scheduled(when="Mon 08:00-09:00", timezone="Berlin", instances=3),
        f"{ENTRY}.timezone",
        ["Europe/Berlin"],
    ),
    (
        "no such place",
        scheduled(when="Mon 08:00-09:00", timezone="Europe/Bonn", instances=3),
        f"{ENTRY}.timezone",
        ['"Europe/Bonn"', "no time zone that is known"],
    ),
    (
        "a folder of places",
        scheduled(when="Mon 08:00-09:00", timezone="America/Argentina", instances=3),
        f"{ENTRY}.timezone",
        ['"America/Argentina"', "no time zone that is known"],
    ),
    (
        "no cron expression",
        scheduled(cron="0 8 * *", hours=1, instances=3),
        f"{ENTRY}.cron",
        ["wrong form", "0 18 * * 5"],
    ),
    (
        "an hour that cron has not",
        scheduled(cron="0 30 * * *", hours=1, instances=3),
        f"{ENTRY}.cron",
        ["no cron expression", "Bad hour"],
    ),
    ("cron without end", scheduled(cron="0 8 * * *", instances=3), f"{ENTRY}.hours", ["missing", "from 0.1 to 744"]),
    (
        "an end before the start",
        scheduled(**{"from": "2026-12-24 16:00", "until": "2026-12-24 15:00", "instances": 3}),
        f"{ENTRY}.until",
        ["2026-12-24 15:00", "not after from", "later"],
    ),
    (
        "a day that is none",
        scheduled(**{"from": "2026-02-30 16:00", "until": "2026-03-01 15:00", "instances": 3}),
        f"{ENTRY}.from",
        ["2026-02-30", "no such time"],
    ),
    ("no end", scheduled(**{"from": "2026-12-24 16:00", "instances": 3}), f"{ENTRY}.until", ["missing", "local time"]),
    ("a priority of nobody", config({"instances": 1}, priority=-1), "pixel:apps[0].priority", ["-1", "from 0"]),
    ("nobody to keep it", config({"percent": 10}, {"enabled": False}), f"{BUFFER}.percent", [OFF, "to true"]),
    ("nobody to add nodes", config({"instances": 1, "nodes": 1}, {}), f"{BUFFER}.nodes", [OFF]),
    (
        "nobody to look at the clock",
        config({"instances": 1, "schedule": [{"when": "Mon 08:00-09:00", "instances": 2}]}, {}),
        f"{BUFFER}.schedule",
        [OFF, "Mon 08:00-09:00"],
    ),
    (
        "a budget of nobody",
        config({"instances": 1}, {"budget": {"gpu_hours": {"soft": 3}}}),
        "pixel:capacity.budget",
        [OFF],
    ),
    (
        "limits the wrong way round",
        config({"instances": 1}, {"enabled": True, "budget": {"gpu_hours": {"soft": 30, "hard": 20}}}),
        "pixel:capacity.budget.gpu_hours.hard",
        ["20", "below soft, 30"],
    ),
    (
        "a budget in money",
        config({"instances": 1}, {"enabled": True, "budget": {"dollars": 3}}),
        "pixel:capacity.budget.dollars",
        ["unknown", "gpu_hours"],
    ),
    (
        "too few to compare",
        config({"instances": 1}, {"enabled": True, "rollback": {"sessions": 2}}),
        "pixel:capacity.rollback.sessions",
        ["2", "from 5"],
    ),
    (
        "more ports than there are",
        config({"instances": 1}, {"enabled": True, "turn": {"allocations": 20_000}}),
        "pixel:capacity.turn.allocations",
        ["20000", "to 16384"],
    ),
    ("an unknown key of capacity", config({"instances": 1}, {"enable": True}), "pixel:capacity.enable", ["enabled"]),
    (
        "shared by nobody's scaling",
        config({"minimum": 1, "maximum": 5}, sessions="shared"),
        "pixel:apps[0].sessions",
        ["KEDA", "monitoring.enabled"],
    ),
    ("shared, how", config({"minimum": 1}, sessions="shrd"), "pixel:apps[0].sessions", ["Did you mean shared?"]),
]


@pytest.mark.parametrize(("found", "key", "words"), [each[1:] for each in BAD], ids=[each[0] for each in BAD])
def test_a_bad_file_gives_one_refusal(found: dict[str, Any], key: str, words: list[str]) -> None:
    refusal = refusal_of(found)
    assert refusal.startswith(f"{key} is "), refusal
    for word in words:
        assert word in refusal


def test_a_controller_needs_its_image() -> None:
    found = config({"instances": 1})
    del found["pixel:images"]["capacity"]
    assert refusal_of(found).startswith("pixel:images.capacity is missing")
    found["pixel:images"]["capacity"] = "fra.ocir.io/acme/pixel/capacity:latest"
    assert "moves" in refusal_of(found)


def test_node_buffers_need_somebody_who_adds_nodes() -> None:
    found = config({"instances": 1, "nodes": 1})
    found["pixel:cluster"]["autoscaler"] = False
    found["pixel:pools"]["gpu"]["min"] = 8
    assert "cluster.autoscaler off" in refusal_of(found)


def test_the_bandwidth_of_turn_nodes_has_to_be_known() -> None:
    found = config({"instances": 1})
    turn = found["pixel:pools"]["turn"]
    turn["shape"] = "VM.Standard2.4"
    del turn["ocpus"], turn["memory_gb"]
    assert refusal_of(found).startswith("pixel:monitoring.turn_node_gbits is missing")
    turn["max"] = turn["min"]
    assert not scaling(load(found))


def scaling(its: Settings) -> bool:
    return scales_turn(its.capacity, its.pools, its.cluster)


def test_turn_nodes_follow_what_they_carry_where_their_number_may_change() -> None:
    assert scaling(load(config({"instances": 1})))
    assert not scaling(load(config({"instances": 1}, {})))


def test_everything_that_a_buffer_can_say() -> None:
    schedule = [
        {"when": "Mon-Fri 08:00-20:00", "instances": 6, "nodes": 2},
        {"when": "Fri-Mon,Wed 22:00-06:00", "timezone": "Asia/Tokyo", "percent": 5},
        {"when": "daily 00:00-24:00", "arrivals_per_hour": 7.5},
        {"cron": "0 18 1 * *", "hours": 4, "minimum": 3},
        {"from": "2026-12-24 16:00", "until": "2026-12-25 02:00", "maximum": 9, "nodes_percent": 1},
    ]
    buffer = {
        **{"instances": 2, "percent": 12.5, "service_level": LEVEL, "minimum": 1, "maximum": 8},
        **{"nodes": 1, "nodes_percent": 25, "schedule": schedule},
    }
    its = load(config(buffer, {"enabled": True, "timezone": "Europe/Berlin"}, priority=3))
    assert its.apps[0].priority == 3
    assert its.apps[0].buffer == BufferSettings(
        2, 12.5, ServiceLevel(0.99, 120.0, 45.0, 480.0), 1, 8, 1, 25.0, its.apps[0].buffer.schedule
    )
    week = tuple(range(7))
    assert its.apps[0].buffer.schedule == (
        Schedule(
            "Mon-Fri 08:00-20:00",
            Weekly((0, 1, 2, 3, 4), time(8), time(20)),
            "Europe/Berlin",
            {"instances": 6, "nodes": 2},
        ),
        Schedule("Fri-Mon,Wed 22:00-06:00", Weekly((0, 2, 4, 5, 6), time(22), time(6)), "Asia/Tokyo", {"percent": 5.0}),
        Schedule("daily 00:00-24:00", Weekly(week, time(0), time(0)), "Europe/Berlin", {"arrivals_per_hour": 7.5}),
        Schedule("0 18 1 * * for 4 h", Cron("0 18 1 * *", 4.0), "Europe/Berlin", {"minimum": 3}),
        Schedule(
            "2026-12-24 16:00 until 2026-12-25 02:00",
            Once(datetime(2026, 12, 24, 16), datetime(2026, 12, 25, 2)),
            "Europe/Berlin",
            {"maximum": 9, "nodes_percent": 1.0},
        ),
    )
    assert (its.apps[0].buffer.most_instances, its.apps[0].buffer.most_nodes) == (6, 2)


def test_everything_that_capacity_can_say() -> None:
    capacity = {
        "enabled": True,
        "replicas": 3,
        "timezone": "America/New_York",
        "schedules": [{"when": "Sat,Sun 00:00-24:00", "instances": 0}],
        "budget": {"gpu_hours": {"soft": 20, "hard": 24.5}},
        "rollback": {"enabled": False, "margin": 0.1, "sessions": 50, "risk": 0.05},
        "turn": {"allocations": 400, "bandwidth_percent": 60},
    }
    assert load(config({"instances": 1}, capacity)).capacity == CapacitySettings(
        True,
        3,
        "America/New_York",
        (Schedule("Sat,Sun 00:00-24:00", Weekly((5, 6), time(0), time(0)), "America/New_York", {"instances": 0}),),
        BudgetSettings(20.0, 24.5),
        RollbackSettings(False, 0.1, 50, 0.05),
        TurnCapacitySettings(400, 60),
    )


def test_without_a_controller_a_buffer_is_a_number() -> None:
    its = load(patched("pixel:apps/0/buffer", {"instances": 3}))
    assert its.apps[0].buffer == BufferSettings(instances=3)
    assert its.apps[0].buffer.fixed
    assert not its.capacity.enabled


def test_instances_that_players_share_have_bounds_and_no_buffer() -> None:
    found = config({"minimum": 2, "maximum": 6}, sessions="shared")
    found["pixel:autoscaling"] = {"keda": True}
    found["pixel:monitoring"] = {"enabled": True}
    app = load(found).apps[0]
    assert (app.shared, app.buffer.minimum, app.buffer.maximum) == (True, 2, 6)
    found["pixel:apps"][0]["buffer"] = {"minimum": 2, "maximum": 6, "instances": 3}
    assert "nothing to an application whose sessions are shared" in refusal_of(found)
    found["pixel:apps"][0]["buffer"] = {"minimum": 2}
    assert refusal_of(found).startswith(f"{BUFFER}.maximum is missing")
