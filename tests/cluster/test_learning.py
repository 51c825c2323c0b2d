"""A real Prometheus with a past is asked what it knows, and the stack file gets its buffers."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from capacity import demand as demands
from capacity.learning.learned import demand_of, learn
from capacity.learning.prometheus import Prometheus, PrometheusError
from capacity.stack_file import read
from tests.cluster.backfill import DAY, HOUR, Past, answering, players, pods, sessions
from tests.ports import free_port

pytestmark = pytest.mark.cluster

CHECKOUT = Path(__file__).resolve().parents[2]
WEEKS = 3
BY_HOUR = [24.0 if hour // 24 < 5 and 8 <= hour % 24 < 20 else 3.0 for hour in range(168)]
"""Players an hour of the week."""


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, float]]:
    """The address of a Prometheus, and the end of its past."""
    folder = tmp_path_factory.mktemp("past")
    end = time.time() // HOUR * HOUR - 2 * HOUR
    chance, made = random.Random(7), Past()
    players(made, "showroom", BY_HOUR, end, WEEKS, chance)
    pods(made, "showroom", end, 5, 80, chance)
    sessions(made, "showroom", end, 5, 80, chance)
    made.write(folder)
    with ExitStack() as stack:
        yield stack.enter_context(answering(folder)), end


def test_what_is_learned_is_what_was(past: tuple[str, float]) -> None:
    address, end = past
    with Prometheus(address) as prometheus:
        learned = learn(prometheus, end - WEEKS * 7 * DAY, end, "UTC", 0.9)
    hours = learned.hours["showroom"]
    busy, quiet = (
        [each for each, rate in zip(hours, BY_HOUR, strict=True) if rate == wanted] for wanted in (24.0, 3.0)
    )
    assert sum(each.mean for each in busy) / len(busy) == pytest.approx(24, rel=0.05)
    assert sum(each.mean for each in quiet) / len(quiet) == pytest.approx(3, rel=0.1)
    assert sum(each.planned >= 24 for each in busy) / len(busy) > 0.75
    start, session = learned.starts["showroom"], learned.sessions["showroom"]
    assert start.quantile(0.5) == pytest.approx(55, rel=0.08)
    assert start.quantile(0.95) == pytest.approx(90, rel=0.12)
    assert session.mean == pytest.approx(1500, rel=0.15)
    assert learned.node is not None
    assert learned.node.quantile(0.5) == pytest.approx(480, rel=0.08)


def test_the_command_writes_a_demand_and_a_diff_that_applies(past: tuple[str, float], tmp_path: Path) -> None:
    address, end = past
    stack = tmp_path / "Pulumi.production-us-ashburn-1.yaml"
    original = (CHECKOUT / "stacks" / stack.name).read_text()
    stack.write_text(original)
    asked = [
        "--prometheus",
        address,
        "--until",
        str(end),
        "--weeks",
        str(WEEKS),
        "--write",
        str(tmp_path / "demand.yaml"),
    ]
    found = subprocess.run(
        [sys.executable, "-m", "capacity", "learn", "--stack", str(stack), *asked, "--timezone", "Europe/Berlin"],
        cwd=CHECKOUT,
        env={**os.environ, "COLUMNS": "160"},
        check=False,
        capture_output=True,
        text=True,
    )
    assert found.returncode == 0, found.stderr
    assert "showroom: start" in found.stderr
    subprocess.run(["patch", "--silent", str(stack)], input=found.stdout, text=True, check=True)
    (showroom, configurator) = yaml.safe_load(stack.read_text())["config"]["pixel:apps"]
    assert configurator == yaml.safe_load(original)["config"]["pixel:apps"][1]
    assert showroom["buffer"]["instances"] >= 1
    assert all(each["timezone"] == "Europe/Berlin" for each in showroom["buffer"]["schedule"])
    # More is kept by day than by night.
    by_day = [each["instances"] for each in showroom["buffer"]["schedule"] if "instances" in each]
    assert max(by_day) > showroom["buffer"]["instances"] or min(by_day) < showroom["buffer"]["instances"]
    written = demands.read(tmp_path / "demand.yaml")
    assert len(written.applications["showroom"].arrivals_per_hour) == 168
    assert written.applications["showroom"].start.quantile(0.5) == pytest.approx(55, rel=0.1)


def test_what_is_not_known_is_said(past: tuple[str, float]) -> None:
    address, end = past
    with Prometheus(address) as prometheus:
        early = learn(prometheus, end - 40 * DAY, end - 30 * DAY, "UTC", 0.9)
        with pytest.raises(ValueError, match="no player of production-us-ashburn-1 was seen"):
            demand_of(early, read("production-us-ashburn-1", CHECKOUT / "stacks"), None)
        with pytest.raises(PrometheusError, match="parse error"):
            prometheus.at("sum(", end)
    with (
        Prometheus(f"http://127.0.0.1:{free_port()}") as nobody,
        pytest.raises(PrometheusError, match="does not answer"),
    ):
        nobody.at("up", end)
