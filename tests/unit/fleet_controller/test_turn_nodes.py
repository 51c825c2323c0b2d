"""TURN nodes: another one in time, and none goes while it carries anything."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.controller.cluster import Node, Relay
from capacity.controller.decisions import decide
from capacity.controller.figures import Figures
from capacity.controller.memory import Memory
from capacity.controller.metrics import ControllerMetrics
from capacity.controller.settings import StackSettings
from capacity.controller.turn import FULL, TurnPlan, load_of, planned
from tests.unit.fleet_controller.situations import NOW, TURN, cluster, nodes, placeholders, stack


def carrying(*allocations: int) -> dict[str, Relay]:
    return {f"turn-{i + 1}": Relay(number, 0) for i, number in enumerate(allocations)}


@pytest.mark.parametrize(
    ("there", "allocations", "expected"),
    [
        (1, (0,), TurnPlan(1, 1)),
        (1, (70,), TurnPlan(1, 1)),
        (1, (71,), TurnPlan(2, 2)),
        (2, (71, 60), TurnPlan(2, 2)),
        (2, (71, 70), TurnPlan(3, 3)),
        # Down only when the others would be half full.
        (2, (40, 11), TurnPlan(2, 2)),
        (2, (40, 10), TurnPlan(1, 2, leave=("turn-2",))),
        (3, (0, 5, 0), TurnPlan(1, 3, leave=("turn-1", "turn-3"))),
        # More than the pool may have.
        (4, (100, 100, 100, 100), TurnPlan(4, 4, cut=2)),
    ],
)
def test_the_pool_by_what_it_carries(there: int, allocations: tuple[int, ...], expected: TurnPlan) -> None:
    assert planned(nodes(there, "turn"), carrying(*allocations), TURN) == expected


def test_bandwidth_counts_as_well() -> None:
    assert planned(nodes(1, "turn"), {"turn-1": Relay(3, 0.8e9)}, TURN) == TurnPlan(2, 2)


def leaving(*closed: bool) -> tuple[Node, ...]:
    return tuple(Node(f"turn-{i + 1}", NOW, cordoned=each, leaving=each) for i, each in enumerate(closed))


def test_a_node_that_leaves_is_let_go_once_it_is_empty() -> None:
    assert planned(leaving(False, True), carrying(10, 3), TURN) == TurnPlan(1, 2)
    assert planned(leaving(False, True), carrying(10, 0), TURN) == TurnPlan(1, 1, release=("turn-2",))
    # Nobody knows what it carries.
    assert planned(leaving(False, True), carrying(10), TURN) == TurnPlan(1, 2)


def test_a_silent_node_lets_none_go_and_orders_none() -> None:
    assert planned(nodes(3, "turn"), carrying(0, 0), TURN) == TurnPlan(3, 3)
    assert planned(nodes(2, "turn"), carrying(71), TURN) == TurnPlan(2, 2)


def test_a_node_that_leaves_comes_back_before_a_new_one_is_ordered() -> None:
    assert planned(leaving(False, True), carrying(75, 3), TURN) == TurnPlan(2, 2, stay=("turn-2",))


def test_what_an_operator_cordons_is_the_operator_s() -> None:
    closed = (Node("turn-1", NOW), Node("turn-2", NOW, cordoned=True))
    assert planned(closed, carrying(90, 0), TURN) == TurnPlan(2, 3)
    drained = (Node("turn-1", NOW), Node("turn-2", NOW, cordoned=True, draining=True))
    assert planned(drained, carrying(90, 0), TURN) == TurnPlan(2, 2, release=("turn-2",))


def figures_of(its: StackSettings) -> Figures:
    """Of a pool whose second node was cordoned to be emptied, and still carries something."""
    there = leaving(False, True)
    found = cluster(turn_nodes=there, turn_placeholders=placeholders(2, "turn"), relays=carrying(10, 3))
    return decide(found, its, Memory(), NOW).figures


def shown(figures: Figures, its: StackSettings, name: str, **labels: str) -> float | None:
    metrics = ControllerMetrics(its, figures=lambda: figures, leading=lambda: True, matchmakers=lambda: 1)
    return metrics.registry.get_sample_value(name, labels)


def test_the_nodes_that_are_wanted_are_shown_beside_the_placeholders_that_are_kept() -> None:
    its = stack(turn=TURN)
    figures = figures_of(its)
    assert shown(figures, its, "pixel_turn_nodes_wanted") == 1
    assert shown(figures, its, "pixel_placeholders_target", pool="turn") == 2


def test_of_a_pool_that_keeps_its_size_no_wish_is_shown() -> None:
    its = stack()
    assert shown(figures_of(its), its, "pixel_turn_nodes_wanted") is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 120), st.floats(0, 1.2e9)), max_size=6))
def test_what_is_wanted_bears_the_load_and_is_no_swing(carried: list[tuple[int, float]]) -> None:
    relays = {f"turn-{i + 1}": Relay(*each) for i, each in enumerate(carried)}
    wanted = planned(nodes(len(carried), "turn"), relays, TURN).wanted
    assert TURN.min_nodes <= wanted <= TURN.max_nodes
    load = load_of(relays, TURN)
    assert wanted == TURN.max_nodes or load <= wanted * FULL + 1e-6
    # The same load on as many as were wanted.
    moved = {f"turn-{i + 1}": Relay(0, 0) for i in range(wanted)}
    moved["turn-1"] = Relay(sum(each[0] for each in carried), sum(each[1] for each in carried))
    again = planned(nodes(wanted, "turn"), moved, TURN)
    assert (again.wanted, again.leave) == (wanted, ())


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.booleans(), st.one_of(st.none(), st.integers(0, 120))), min_size=1, max_size=6)
)
def test_no_node_that_carries_something_is_let_go(found: list[tuple[bool, bool, int | None]]) -> None:
    there = tuple(
        Node(f"turn-{i + 1}", NOW, cordoned=closed, leaving=closed and ours)
        for i, (closed, ours, _) in enumerate(found)
    )
    relays = {f"turn-{i + 1}": Relay(n, 0) for i, (_, _, n) in enumerate(found) if n is not None}
    plan = planned(there, relays, TURN)
    assert all(relays[name].allocations == 0 for name in plan.release)
    assert plan.wanted <= TURN.max_nodes
    closed = {node.name for node in there if node.cordoned}
    assert set(plan.release) <= closed and set(plan.stay) <= closed
    assert not set(plan.leave) & closed
    # One placeholder for each node that stays, and for each that still carries something.
    gone = set(plan.release)
    assert plan.placeholders >= sum(node.cordoned and node.name not in gone | set(plan.stay) for node in there)
