"""The planner and the simulator say the same, within 5 % or as closely as chance allows to tell."""

from argparse import Namespace
from pathlib import Path

import pytest

from capacity import stack_file
from capacity.demand import of_mapping
from capacity.planning.stack_plan import StackPlan, first_day
from capacity.simulation.command import scenario_of, span
from capacity.simulation.result import simulate
from tests.unit.capacity.agreement import Case, compare, small_grid

STACKS = Path(__file__).resolve().parents[3] / "stacks"


@pytest.mark.parametrize("case", list(small_grid()), ids=str)
def test_planner_and_simulator_agree(case: Case) -> None:
    found = compare(case, 1_200_000 if case.rate > 0.1 or case.cap else 500_000)
    for each in found:
        assert each.agrees(0.05), each
    # Else chance would allow anything.
    assert found[0].error <= 0.03 * found[0].simulated
    assert found[1].error <= 0.05 * found[1].simulated


def test_a_wrong_plan_does_not_agree() -> None:
    """One instance more or less is told apart."""
    case = next(each for each in small_grid() if each.slots)
    right, wrong = compare(case, 400_000), compare(Case(**{**vars(case), "instances": case.instances - 1}), 400_000)
    planned = wrong[0].planned
    assert not type(right[0])("chance of waiting", planned, right[0].simulated, right[0].error).agrees(0.05)


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
