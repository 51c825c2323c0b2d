"""What is learned from counts and times of which the truth is known; and the diff that comes of it."""

import math
import random
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from statistics import NormalDist
from typing import cast
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from capacity import proposal
from capacity.learning.arrivals import by_hour, hour_of_week
from capacity.learning.observed import DAY, NODES, PODS, Pod, pods, provisionings, starts
from capacity.learning.prometheus import Prometheus, Series
from capacity.learning.survival import FEWEST, Seen, estimate, of_buckets

BERLIN = ZoneInfo("Europe/Berlin")
STACKS = Path(__file__).resolve().parents[3] / "stacks"


def censored(count: int, seed: int) -> list[Seen]:
    """Lognormal times with a median of 55 and sigma 0.6, a fifth of which are cut off."""
    chance = random.Random(seed)
    seen = []
    for _ in range(count):
        took, cut = chance.lognormvariate(4, 0.6), chance.uniform(20, 250)
        seen.append(Seen(min(took, cut), took <= cut))
    return seen


def test_times_that_were_cut_off_do_not_make_the_rest_seem_shorter() -> None:
    seen = censored(6000, 1)
    found = estimate(seen)
    assert found is not None
    for level in (0.1, 0.5, 0.9, 0.99):
        true = math.exp(4 + 0.6 * NormalDist().inv_cdf(level))
        assert found.quantile(level) == pytest.approx(true, rel=0.08), level
    assert found.mean == pytest.approx(math.exp(4.18), rel=0.04)
    naive = estimate([each for each in seen if each.ended])
    assert naive is not None
    assert naive.mean < 0.93 * found.mean


def test_what_waits_for_hours_is_not_taken_for_what_came_at_once() -> None:
    """The cloud had no nodes for an afternoon: a third of what waited for one has seen none come."""
    chance = random.Random(1)
    came = [Seen(chance.lognormvariate(6.17, 0.15), True) for _ in range(40)]
    found = estimate([*came, *(Seen(7200 + 600 * number, False) for number in range(20))])
    assert found is not None
    assert found.chance_within(max(each.seconds for each in came)) == pytest.approx(2 / 3)
    assert found.chance_within(7200) < 0.75


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("cut", [70, 100, 400])
def test_the_tail_of_what_was_cut_off_early_is_as_long_as_it_is(seed: int, cut: float) -> None:
    """Memoryless times of 100 s on average, of which half or more are cut off."""
    chance = random.Random(seed)
    both = [(chance.expovariate(0.01), chance.uniform(20, cut)) for _ in range(2000)]
    found = estimate([Seen(min(each), each[0] <= each[1]) for each in both])
    assert found is not None
    assert found.mean == pytest.approx(100, rel=0.25)
    assert found.quantile(0.99) == pytest.approx(461, rel=0.35)


def test_of_few_nothing_is_said() -> None:
    assert estimate([Seen(5, True)] * (FEWEST - 1) + [Seen(9, False)] * 50) is None
    assert of_buckets([1, math.inf], [3, FEWEST - 1]) is None


@given(st.lists(st.builds(Seen, st.floats(0, 1e4), st.booleans()), min_size=1, max_size=60))
def test_any_observations_make_a_distribution(seen: list[Seen]) -> None:
    found = estimate(seen)
    if found is not None:
        assert found.seconds[-1] >= max(each.seconds for each in seen if each.ended) - 1e-6
        assert 0 <= found.mean < math.inf


def test_a_histogram_s_buckets_keep_their_shares() -> None:
    found = of_buckets([10, 30, 60, 120, math.inf], [0, 200, 800, 980, 1000])
    assert found is not None
    assert found.chance_within(30) == pytest.approx(0.2)
    assert found.chance_within(60) == pytest.approx(0.8)
    assert found.chance_within(120) == pytest.approx(0.98)
    assert found.seconds[-1] > 120


def test_hours_of_the_week_are_those_of_clocks_there() -> None:
    assert hour_of_week(datetime(2026, 3, 2, 7, 30, tzinfo=UTC).timestamp(), BERLIN) == 8
    assert hour_of_week(datetime(2026, 7, 6, 6, 30, tzinfo=UTC).timestamp(), BERLIN) == 8
    assert hour_of_week(datetime(2026, 3, 1, 23, 30, tzinfo=UTC).timestamp(), BERLIN) == 0


def weeks(counts: list[float], start: datetime) -> list[tuple[float, float]]:
    """The same hour of some weeks."""
    return [(start.timestamp() + 3600 + 604800 * week, count) for week, count in enumerate(counts)]


def test_what_is_planned_is_above_the_mean_by_what_is_not_known() -> None:
    monday = datetime(2026, 1, 5, 8, tzinfo=BERLIN)
    few = by_hour(weeks([12, 11, 13, 12], monday), BERLIN, 0.9)[8]
    many = by_hour(weeks([12, 11, 13, 12] * 3, monday), BERLIN, 0.9)[8]
    wild = by_hour(weeks([2, 30, 3, 13], monday), BERLIN, 0.9)[8]
    assert few.mean == many.mean == wild.mean == 12
    assert 12 < many.planned < few.planned < wild.planned
    assert by_hour(weeks([0, 0, 0, 0], monday), BERLIN, 0.9)[8].planned < 0.5


def test_an_hour_that_was_never_seen_counts_as_its_neighbour() -> None:
    found = by_hour(weeks([12, 12], datetime(2026, 3, 2, 8, tzinfo=BERLIN)), BERLIN, 0.9)
    assert len(found) == 168
    assert found[9] == found[7] == found[8]
    assert by_hour([], BERLIN, 0.9) == ()


def pod(scheduled: float | None, ready: float | None, last: float, node: float | None = None) -> Pod:
    return Pod("showroom", 100.0, scheduled, ready, last, node)


def test_a_pod_that_was_not_ready_when_last_seen_took_longer() -> None:
    found = starts([pod(101, 160, 900), pod(101, None, 141), pod(None, None, 500)])
    assert found == {"showroom": [Seen(59, True), Seen(40, False)]}


class Days:
    """A Prometheus that was asked day by day: what each expression was over the day that ends at a time."""

    def __init__(self, told: dict[str, dict[float, list[Series]]]) -> None:
        self._told = {{**PODS, "nodes": NODES}[name]: days for name, days in told.items()}

    def at(self, expression: str, time: float) -> list[Series]:
        return self._told.get(expression, {}).get(time, [])


def days(name: str, value: float, *until: int, **labels: str) -> dict[float, list[Series]]:
    its = {"namespace": "pixel-instances", "pod": name} | labels
    return {day * DAY: [Series(its, (day * DAY,), (value,))] for day in until}


def test_the_first_readiness_counts_on_whatever_day_another_came() -> None:
    """A warm instance of three days whose streamer went away on the second, and came back."""
    began = 0.5 * DAY
    told = {
        "created": days("a", began, 1, 2, 3),
        "scheduled": days("a", began + 1, 1, 2, 3),
        "ready": days("a", began + 61, 1, 2) | days("a", 1.7 * DAY, 3),
        "last": days("a", 3 * DAY, 3) | days("a", 2 * DAY, 2) | days("a", DAY, 1),
        "application": days("a", 1, 1, 2, 3, label_app_pixel_app="showroom"),
    }
    prometheus = cast("Prometheus", Days(told))
    assert starts(pods(prometheus, 0, 3 * DAY)) == {"showroom": [Seen(60, True)]}
    # Where the first days are not looked at, nothing is known of its start.
    assert pods(prometheus, DAY, 3 * DAY) == []


def test_a_node_s_name_may_have_been_another_s_before() -> None:
    began = 2.5 * DAY
    told = {
        "created": days("a", began, 3),
        "scheduled": days("a", began + 400, 3),
        "last": days("a", 3 * DAY, 3),
        "application": days("a", 1, 3, label_app_pixel_app="showroom"),
        "node": days("a", 1, 3, node="10.0.1.5"),
        "nodes": {
            DAY: [Series({"node": "10.0.1.5"}, (DAY,), (0.2 * DAY,))],
            3 * DAY: [Series({"node": "10.0.1.5"}, (3 * DAY,), (began + 300,))],
            4 * DAY: [Series({"node": "10.0.1.5"}, (4 * DAY,), (3.5 * DAY,))],
        },
    }
    found = pods(cast("Prometheus", Days(told)), 0, 4 * DAY)
    assert [each.node_created for each in found] == [began + 300]
    assert provisionings(found) == [Seen(400, True)]


def test_only_who_waited_for_a_new_node_saw_how_long_one_takes() -> None:
    at_once, new, older, still = (
        pod(101, 160, 900, 50),
        pod(580, 640, 900, 320),
        pod(240, 300, 900, 20),
        pod(None, None, 400),
    )
    assert provisionings([at_once, new, older, still]) == [Seen(480, True), Seen(140, False), Seen(300, False)]


BUFFER = {
    "instances": 3,
    "nodes": 1,
    "schedule": [{"when": "Mon-Fri 08:00-20:00", "timezone": "Europe/Berlin", "instances": 6}],
}


@pytest.mark.parametrize("path", sorted(STACKS.glob("Pulumi.*.yaml")), ids=lambda path: path.stem)
def test_a_diff_changes_what_it_says_and_no_other_letter(path: Path, tmp_path: Path) -> None:
    assert shutil.which("patch")
    copy = tmp_path / path.name
    copy.write_text(path.read_text())
    name = "demo" if "local" in path.stem else "showroom"
    diff = proposal.of_applications(copy, {name: {"buffer": BUFFER, "resources.cpu": "1500m"}})
    subprocess.run(["patch", "--silent", str(copy)], input=diff, text=True, check=True)
    expected = yaml.safe_load(path.read_text())
    (app,) = (each for each in expected["config"]["pixel:apps"] if each["name"] == name)
    app["buffer"] = BUFFER
    app["resources"]["cpu"] = "1500m"
    assert yaml.safe_load(copy.read_text()) == expected
    comments = [line for line in path.read_text().splitlines() if "#" in line]
    assert [line for line in copy.read_text().splitlines() if "#" in line] == comments
    assert proposal.of_applications(copy, {name: {"buffer": BUFFER}}) == ""


SCHEDULED = """config:
  pixel:apps:
    - name: showroom
      # What players like.
      buffer:
        instances: 2
        service_level: {chance: 0.99, arrivals_per_hour: 60, start_seconds: 60, provision_seconds: 480}
        maximum: 40
        schedule:
          - {when: "Mon-Fri 08:00-20:00", instances: 4, nodes: 2}
          # The trade fair.
          - {from: "2027-03-01 08:00", until: "2027-03-05 19:00", instances: 8}
      # Before the others.
      priority: 10
"""


def test_what_happens_once_stays_and_so_do_bounds_and_comments(tmp_path: Path) -> None:
    path = tmp_path / "Pulumi.a.yaml"
    path.write_text(SCHEDULED)
    weekly = {"when": "daily 00:00-06:00", "timezone": "UTC", "instances": 1}
    changes = {"buffer.service_level": None, "buffer.instances": 3, "buffer.schedule": [weekly]}
    diff = proposal.of_applications(path, {"showroom": changes})
    subprocess.run(["patch", "--silent", str(path)], input=diff, text=True, check=True)
    level = "        service_level: {chance: 0.99, arrivals_per_hour: 60, start_seconds: 60, provision_seconds: 480}\n"
    before = '- {when: "Mon-Fri 08:00-20:00", instances: 4, nodes: 2}'
    expected = SCHEDULED.replace("instances: 2\n", "instances: 3\n", 1).replace(level, "")
    assert path.read_text() == expected.replace(before, "- {when: daily 00:00-06:00, timezone: UTC, instances: 1}")
    assert proposal.of_applications(path, {"showroom": {"buffer.schedule": [weekly]}}) == ""


def test_a_diff_names_what_it_cannot_change(tmp_path: Path) -> None:
    copy = tmp_path / "Pulumi.a.yaml"
    copy.write_text((STACKS / "Pulumi.production-us-ashburn-1.yaml").read_text())
    with pytest.raises(ValueError, match="no application arcade; it has showroom, configurator"):
        proposal.of_applications(copy, {"arcade": {"buffer": {"instances": 1}}})
    copy.write_text("config:\n   pixel:apps:\n   -  {name:   a}\n")
    with pytest.raises(ValueError, match="would not stay as it is"):
        proposal.of_applications(copy, {"a": {}})
