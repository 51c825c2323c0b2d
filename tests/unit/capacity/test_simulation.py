"""The compiled simulation does what the plain one does, and both do what was promised."""

import math
from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capacity.durations import exponential, fixed, lognormal
from capacity.simulation.draws import draw
from capacity.simulation.result import BUSY, play
from capacity.simulation.scenario import Application, Change, Outage, Pool, Scenario
from capacity.simulation.world import GAVE_UP, INTERRUPTED, QUEUED, SERVED
from tests.unit.capacity.reference import Service

FATES = {"queued": QUEUED, "served": SERVED, "gave up": GAVE_UP, "interrupted": INTERRUPTED}

durations = st.one_of(
    st.floats(5, 400).map(fixed),
    st.floats(5, 400).map(exponential),
    st.tuples(st.floats(5, 400), st.floats(0.2, 1.5)).map(lambda each: lognormal(*each)),
)
changes = st.lists(st.builds(Change, st.floats(0, 4000), st.integers(0, 6)), max_size=3).map(tuple)


@st.composite
def applications(draws: st.DrawFn, number: int) -> Application:
    return Application(
        name=f"app-{number}",
        rates=draws(st.lists(st.floats(0, 0.08), min_size=1, max_size=1)),
        session=draws(durations),
        start=draws(durations),
        buffer=draws(st.integers(0, 5)),
        buffer_percent=draws(st.sampled_from([0.0, 30.0, 100.0])),
        changes=draws(changes),
        most=draws(st.one_of(st.none(), st.integers(1, 12))),
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
        changes=draws(changes),
        least_nodes=draws(st.integers(0, min(most, 3))),
        surplus_seconds=draws(st.sampled_from([0.0, 50.0, 900.0])),
        loss=draws(st.one_of(st.none(), durations)),
        outages=draws(st.sampled_from([(), (Outage(500, 900),), (Outage(500, 900), Outage(850, 2000))])),
    )
    number = draws(st.integers(1, 3))
    return Scenario(
        tuple(draws(applications(each)) for each in range(number)), pool, seconds=draws(st.floats(600, 5000)), bins=7
    )


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
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
