"""The planner and the simulator say the same, within 5 % or as closely as chance allows to tell."""

import pytest

from tests.unit.capacity.agreement import Case, compare, small_grid


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
