"""The planner and the simulator say the same, but for 2 % and what chance explains."""

from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest

from capacity import stack_file
from capacity.demand import Demand, StackDemand, of_mapping
from capacity.durations import exponential, fixed
from capacity.planning.plan import Planner, Sizes
from capacity.planning.plan import Pool as PlannedPool
from capacity.planning.stack_plan import StackPlan, first_day
from capacity.simulation.command import scenario_of, span
from capacity.simulation.result import simulate
from capacity.simulation.scenario import Application, Pool, Scenario
from tests.unit.capacity.agreement import Case, compare, grid, large_grid

STACKS = Path(__file__).resolve().parents[3] / "stacks"


PLAYERS = 400_000
"""Of each service. Of 72 an hour that is most of a year; of 3600 it is five days, in which chance still tells."""


@pytest.mark.parametrize("case", grid(), ids=str)
def test_planner_and_simulator_agree(case: Case) -> None:
    """``make bench NAME=planner_agreement`` simulates until chance explains little, and shows all within 5 %."""
    for each in compare(case, PLAYERS):
        assert each.surely_apart <= 0.02, each


@pytest.mark.parametrize(
    ("arrivals_per_hour", "slots", "warm", "least_nodes"),
    [
        # Few players, of whom it counts which one needs a node's first slot.
        (0.2, 2, 1, 0),
        (1, 2, 1, 0),
        (1, 3, 1, 0),
        (10, 2, 1, 0),
        # Nodes that are there whether they are needed or not.
        (1, 1, 1, 2),
        (10, 2, 2, 4),
    ],
)
def test_the_plan_of_a_quiet_service_is_what_is_simulated(
    arrivals_per_hour: float, slots: int, warm: int, least_nodes: int
) -> None:
    session, start, node = exponential(1200), fixed(60), fixed(480)
    demand = StackDemand({"a": Demand((arrivals_per_hour,), start, session)}, node)
    planner = Planner(demand, PlannedPool(slots, 1, least_nodes, 40, 1.0), {"a": 0.99})
    planned = planner.evaluate(0, Sizes({"a": warm}, 0)).promised["a"]
    seconds = 300_000 / arrivals_per_hour * 3600
    application = Application("a", [arrivals_per_hour / 3600], session, start, warm)
    result = simulate(Scenario((application,), Pool(node, 40, slots, least_nodes=least_nodes), seconds), 1)
    assert planned.chance_of_waiting == pytest.approx(result.chance_of_waiting(), rel=0.12)
    assert planned.mean_wait == pytest.approx(result.mean_wait(), rel=0.12)


def test_a_wrong_plan_does_not_agree() -> None:
    """One instance more or less is told apart."""
    case = next(each for each in large_grid() if each.slots)
    (right, *_), (wrong, *_) = (compare(each, PLAYERS) for each in (case, replace(case, instances=case.instances - 1)))
    assert replace(right, planned=wrong.planned).surely_apart > 0.05
    assert right.surely_apart <= 0.02


def test_a_proposed_week_keeps_its_service_level_through_the_day_s_rises() -> None:
    """Twenty weeks of the stack's own file: the players of an hour are those that the hours before left, too."""
    day = [2, 2, 1, 1, 1, 1, 2, 4, 8, 12, 14, 15, 16, 16, 15, 15, 14, 14, 12, 10, 8, 6, 4, 3]
    session = {"mean": 1500, "memoryless": True}
    applications = {
        name: {"arrivals_per_hour": [share * each for each in day * 7], "start_seconds": 60, "session_seconds": session}
        for name, share in (("showroom", 2.5), ("configurator", 0.8))
    }
    known = of_mapping({"node_seconds": 480, "applications": applications})
    chosen: dict[str, object] = {
        "slots": None,
        "gpus": None,
        "service_level": 0.99,
        "buffers": "proposed",
        "outage": [],
    }
    options = Namespace(**chosen, patience=None, crash_hours=None, node_loss_hours=None)
    begin = first_day("2027-01-04", "UTC")
    plan = StackPlan(stack_file.read("production-us-ashburn-1", STACKS), known, options, begin)
    result = simulate(scenario_of(plan, options, begin, span(known, 140.0)), 1)
    assert result.chance_of_waiting() <= 0.0125
    assert result.mean_nodes == pytest.approx(plan.proposed.totals.gpu_hours / 48, rel=0.05)
