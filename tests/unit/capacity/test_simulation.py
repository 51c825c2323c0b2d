"""The compiled simulation does what the plain one does, and both do what was promised."""

import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capacity.demand import DemandError
from capacity.durations import exponential, fixed, lognormal
from capacity.planning import base_stock
from capacity.simulation import trace
from capacity.simulation.command import outage_of
from capacity.simulation.draws import NEVER, Players, arrivals, draw
from capacity.simulation.result import BUSY, PENDING, STARTING, WARM, play, simulate
from capacity.simulation.scenario import DAY, HOUR, Application, Change, Outage, Pool, Scenario, SlotsChange
from capacity.simulation.world import GAVE_UP, INTERRUPTED, QUEUED, SERVED
from tests.unit.capacity.reference import Service

CHECKOUT = Path(__file__).resolve().parents[3]
FATES = {"queued": QUEUED, "served": SERVED, "gave up": GAVE_UP, "interrupted": INTERRUPTED}

durations = st.one_of(
    st.floats(5, 400).map(fixed),
    st.floats(5, 400).map(exponential),
    st.tuples(st.floats(5, 400), st.floats(0.2, 1.5)).map(lambda each: lognormal(*each)),
)
percents = st.sampled_from([0.0, 30.0, 100.0])
mosts = st.one_of(st.none(), st.integers(1, 12))
fewest = st.integers(0, 4)
slot_changes = st.lists(st.builds(SlotsChange, st.floats(0, 4000), st.integers(0, 6)), max_size=3).map(tuple)
changes = st.lists(
    st.builds(Change, st.floats(0, 4000), st.integers(0, 6), percents, fewest, mosts, fewest, percents), max_size=3
).map(tuple)


@st.composite
def applications(draws: st.DrawFn, number: int) -> Application:
    return Application(
        name=f"app-{number}",
        rates=draws(st.lists(st.floats(0, 0.08), min_size=1, max_size=1)),
        session=draws(durations),
        start=draws(durations),
        buffer=draws(st.integers(0, 5)),
        buffer_percent=draws(percents),
        least=draws(fewest),
        most=draws(mosts),
        slots=draws(fewest),
        slots_percent=draws(percents),
        changes=draws(changes),
        priority=draws(st.integers(0, 2)),
        reuse=draws(st.booleans()),
        patience=draws(st.one_of(st.none(), durations)),
        crash=draws(st.one_of(st.none(), durations)),
    )


@st.composite
def scenarios(draws: st.DrawFn) -> Scenario:
    most = draws(st.integers(1, 12))
    pool = Pool(
        provisioning=draws(durations),
        most_nodes=most,
        slots=draws(st.integers(1, 3)),
        buffer=draws(st.integers(0, 6)),
        changes=draws(slot_changes),
        least_nodes=draws(st.integers(0, min(most, 3))),
        surplus_seconds=draws(st.sampled_from([0.0, 50.0, 900.0])),
        loss=draws(st.one_of(st.none(), durations)),
        outages=draws(st.sampled_from([(), (Outage(500, 900),), (Outage(500, 900), Outage(850, 2000))])),
    )
    number = draws(st.integers(1, 3))
    return Scenario(
        tuple(draws(applications(each)) for each in range(number)), pool, seconds=draws(st.floats(600, 5000)), bins=7
    )


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenario=scenarios(), seed=st.integers(0, 2**32 - 1), levels=st.integers(1, 3))
def test_plain_python_gives_the_same_to_the_last_digit(scenario: Scenario, seed: int, levels: int) -> None:
    draws = draw(scenario, seed)
    priority = np.random.default_rng(seed).integers(0, levels, len(draws.players))
    draws = replace(draws, players=replace(draws.players, priority=priority))
    ours, plain = play(scenario, draws), Service(scenario, draws).play()
    assert ours.wait.tolist() == plain.wait
    assert ours.outcome.tolist() == [FATES[each] for each in plain.fate]
    assert ours.interrupted == plain.cut
    assert math.isclose(ours.by_nodes.sum() / 7 * scenario.seconds, plain.node_seconds, rel_tol=1e-9, abs_tol=1e-6)
    busy = ours.by_application[:, :, BUSY].sum() / 7 * scenario.seconds
    assert math.isclose(busy, plain.busy_seconds, rel_tol=1e-9, abs_tol=1e-6)


def came(*players: tuple[float, int, float], priority: tuple[int, ...] = ()) -> Players:
    """Players by hand: arrival, application, session."""
    arrival, application, session = (np.array(each) for each in zip(*players, strict=True))
    return Players(
        arrival.astype(np.float64),
        application.astype(np.int64),
        session.astype(np.float64),
        np.full(len(players), NEVER),
        np.array(priority or [0] * len(players), dtype=np.int64),
    )


def app(name: str = "a", buffer: int = 0, **more: object) -> Application:
    return Application(name, [0.0], fixed(100), fixed(30), buffer, **more)  # type: ignore[arg-type]


def test_a_player_is_served_at_once_and_the_instance_and_the_node_are_replaced_meanwhile() -> None:
    scenario = Scenario((app(buffer=1),), Pool(fixed(200), 10), seconds=1000, bins=1000)
    result = simulate(scenario, players=came((10, 0, 600), (100, 0, 600), (400, 0, 100)))
    # The second comes before the first one's replacement, which waits for its node: 10 + 200 + 30.
    assert result.wait.tolist() == [0, 140, 0]
    assert result.by_nodes[5].tolist() == [1, 0]
    assert result.by_nodes[50].tolist() == [1, 1]


def test_a_node_buffer_spares_the_wait_for_a_node() -> None:
    scenario = Scenario((app(buffer=1),), Pool(fixed(200), 10, buffer=1), seconds=1000)
    assert simulate(scenario, players=came((10, 0, 600), (15, 0, 600))).wait.tolist() == [0, 25]


def test_a_minimum_of_nodes_is_used_up_and_not_refilled() -> None:
    kept = Scenario((app(),), Pool(fixed(200), 10, least_nodes=2), seconds=1000)
    refilled = Scenario((app(),), Pool(fixed(200), 10, buffer=2), seconds=1000)
    players = came((10, 0, 900), (11, 0, 900), (500, 0, 100))
    assert simulate(kept, players=players).wait.tolist() == [30, 30, 230]
    assert simulate(refilled, players=players).wait.tolist() == [30, 30, 30]


def test_in_a_full_pool_the_greater_application_gets_the_slot_and_no_session_ends() -> None:
    applications = (app("small", buffer=2, priority=0), app("great", buffer=0, priority=1))
    scenario = Scenario(applications, Pool(fixed(10), 2), seconds=1000, bins=1000)
    result = simulate(scenario, players=came((100, 1, 300), (200, 0, 300), (210, 0, 50)))
    # The idle instance of the small one makes room; its last one plays; then both slots are in sessions.
    assert result.wait.tolist() == [30, 0, 250]
    assert result.interrupted == 0
    equal = replace(applications[1], priority=0)
    waited = simulate(
        replace(scenario, applications=(applications[0], equal)), players=came((100, 1, 300), (200, 0, 300))
    )
    assert waited.wait.tolist() == [430, 0]


def test_players_are_served_by_their_priority_then_in_order() -> None:
    scenario = Scenario((app(buffer=0),), Pool(fixed(0), 1), seconds=1000)
    result = simulate(scenario, players=came((0, 0, 100), (10, 0, 100), (20, 0, 100), priority=(0, 0, 1)))
    begun = (result.wait + result.players.arrival).tolist()
    assert begun[2] < begun[1]


def test_an_outage_puts_nodes_off_and_a_lost_node_cuts_its_sessions() -> None:
    pool = Pool(fixed(100), 5, outages=(Outage(0, 500),))
    waited = simulate(Scenario((app(),), pool, seconds=1000), players=came((10, 0, 50)))
    assert waited.wait.tolist() == [500 + 100 + 30 - 10]
    lossy = Pool(fixed(100), 5, slots=2, loss=fixed(400))
    lost = simulate(Scenario((app(),), lossy, seconds=2000), players=came((10, 0, 900), (11, 0, 900), (12, 0, 5)))
    assert lost.outcome.tolist() == [INTERRUPTED, INTERRUPTED, SERVED]
    assert lost.interrupted == 2


def test_an_instance_that_crashes_is_replaced() -> None:
    crashing = app(buffer=1, crash=fixed(50))
    result = simulate(Scenario((crashing,), Pool(fixed(0), 5), seconds=500, bins=500), players=came((40, 0, 100)))
    assert result.outcome.tolist() == [INTERRUPTED]
    assert result.by_application[70, 0, STARTING] == pytest.approx(0, abs=1)
    assert result.mean(WARM) > 0


def test_who_has_no_patience_leaves_and_counts() -> None:
    impatient = app(patience=fixed(20))
    players = replace(came((10, 0, 50)), patience=np.array([20.0]))
    result = simulate(Scenario((impatient,), Pool(fixed(100), 5), seconds=1000), players=players)
    assert result.outcome.tolist() == [GAVE_UP]
    assert result.waits().tolist() == [20]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenario=scenarios(), seed=st.integers(0, 2**32 - 1))
def test_whatever_happens_caps_hold_and_buffers_are_restored(scenario: Scenario, seed: int) -> None:
    quiet = 6000.0
    pool = replace(scenario.pool, loss=None, changes=(), outages=())
    calm = tuple(replace(each, crash=None, changes=()) for each in scenario.applications)
    played = replace(scenario, applications=calm, pool=pool, seconds=scenario.seconds + 40 * quiet, bins=2000)
    draws = draw(replace(played, seconds=600.0), seed)
    result = play(played, draws)
    its = result.by_application
    slots = pool.most_nodes * pool.slots
    assert its[:, :, (BUSY, WARM, STARTING)].sum(axis=(1, 2)).max(initial=0) <= slots + 1e-6
    assert result.by_nodes.sum(axis=1).max() <= max(pool.most_nodes, pool.least_nodes) + 1e-6
    for number, application in enumerate(calm):
        if application.most is not None:
            assert its[:, number, (BUSY, WARM, STARTING)].sum(axis=1).max() <= application.most + 1e-6
    # Long after the last player, where there is room for all of them.
    kept = [max(each.buffer, each.least) for each in calm]
    wanted = [min(idle, slots if each.most is None else each.most) for idle, each in zip(kept, calm, strict=True)]
    if sum(wanted) + pool.buffer <= slots:
        assert its[-1, :, WARM].tolist() == pytest.approx(wanted)
        assert its[-1, :, PENDING].sum() == 0


def test_arrivals_follow_the_hours_of_the_week() -> None:
    rates = [0.01 if hour % 24 < 12 else 0.002 for hour in range(168)]
    times = arrivals(replace(app(), rates=rates), 28 * DAY, np.random.default_rng(1))
    mornings = (times % DAY < 12 * HOUR).sum()
    assert mornings / len(times) == pytest.approx(5 / 6, abs=0.01)
    assert len(times) == pytest.approx(28 * 12 * 3600 * 0.012, rel=0.05)
    assert (np.diff(times) >= 0).all()


def test_the_same_seed_gives_the_same_day() -> None:
    scenario = Scenario((Application("a", [0.05], exponential(600), fixed(60), 4),), Pool(fixed(480), 100), seconds=DAY)
    one, again, other = (simulate(scenario, seed) for seed in (1, 1, 2))
    assert one.wait.tolist() == again.wait.tolist() != other.wait.tolist()
    assert one.chance_of_waiting() == pytest.approx(base_stock.promise(4, 0.05, 60).chance_of_waiting, rel=0.5)


RECORDED = """arrival,session_seconds,application,priority
2026-03-02T08:00:00Z,300,showroom,
2026-03-02T08:01:40+00:00,60,configurator,2
2026-03-02T07:59:50Z,10,showroom,0
"""


def test_recorded_players_are_played_from_the_first_on(tmp_path: Path) -> None:
    path = tmp_path / "players.csv"
    path.write_text(RECORDED)
    recording = trace.read(path, ["showroom", "configurator"])
    players = recording.players
    assert recording.begin == datetime(2026, 3, 2, 7, 59, 50, tzinfo=UTC)
    assert players.arrival.tolist() == [0, 10, 110]
    assert players.session.tolist() == [10, 300, 60]
    assert players.application.tolist() == [0, 0, 1]
    assert players.priority.tolist() == [0, 0, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "needs a line of names"),
        ("arrival,session_seconds\n", "needs a line of names"),
        ("arrival,session_seconds\nsoon,5\n", "line 2: .*arrival is seconds or a time"),
        ("arrival,session_seconds\n1,-5\n", "use 0 or more"),
        ("arrival,session_seconds,application\n1,5,arcade\n", "no application 'arcade'; known: showroom"),
    ],
)
def test_a_recording_that_cannot_be_played_says_where(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "players.csv"
    path.write_text(text)
    with pytest.raises(trace.TraceError, match=message):
        trace.read(path, ["showroom"])


def test_a_pool_and_an_outage_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="a pool of 3 to 2 nodes"):
        Pool(fixed(1), 2, least_nodes=3)
    assert outage_of("30-32.5", HOUR) == Outage(31 * HOUR, 33.5 * HOUR)
    with pytest.raises(DemandError, match="--outage is 'soon'"):
        outage_of("soon", 0)


def capacity(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "capacity", "simulate", "--stack", "production-us-ashburn-1", *arguments]
    return subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True, text=True)


def test_the_command_writes_a_report_that_needs_nothing_else(tmp_path: Path) -> None:
    given = ["--arrivals", "20/h", "--provisioning", "480", "--start", "60", "--session", "1500", "--days", "3"]
    failures = ["--node-loss-hours", "100", "--crash-hours", "50", "--outage", "20-24", "--patience", "300"]
    report = tmp_path / "report.html"
    found = capacity(*given, *failures, "--report", str(report), "--json")
    assert found.returncode == 0, found.stderr
    numbers = json.loads(found.stdout)
    assert {each["application"] for each in numbers["applications"]} == {"showroom", "configurator"}
    assert numbers["interrupted"] > 0
    assert numbers["money"] == pytest.approx(2 * numbers["gpu_hours"])
    text = report.read_text()
    assert text.count("<svg") == 4
    assert "Cost against buffer" in text
    assert not re.search(r"(src|href)=.https?:", text)
    assert capacity(*given, *failures, "--report", str(report)).returncode == 0
    assert report.read_text() == text, "the same seed, another report"


def test_the_command_plays_a_recording(tmp_path: Path) -> None:
    path = tmp_path / "players.csv"
    path.write_text(RECORDED)
    given = ["--arrivals", "20/h", "--provisioning", "480", "--start", "60", "--session", "1500"]
    found = capacity(*given, "--trace", str(path), "--json")
    assert found.returncode == 0, found.stderr
    assert [each["players"] for each in json.loads(found.stdout)["applications"]] == [2, 1]
