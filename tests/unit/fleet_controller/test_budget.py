"""GPU hours: counted once by whoever counts, over restarts and midnights."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity.controller.budget import Ledger, Restraint, counted, restraint
from capacity.controller.cluster import Node
from capacity.controller.settings import Budget
from tests.unit.fleet_controller.situations import NOW, nodes

HOUR = timedelta(hours=1)


def hours(ledger: Ledger) -> float:
    return ledger.gpu_seconds / 3600


def test_a_day_is_what_its_nodes_were_there() -> None:
    ledger = counted(Ledger(), nodes(2), 1, "UTC", NOW)
    # Both have been there for two hours when the first controller begins.
    assert hours(ledger) == 4
    ledger = counted(ledger, nodes(3), 1, "UTC", NOW + HOUR)
    # The third was made before the last count, and nobody had seen it.
    assert hours(ledger) == 7
    assert hours(counted(ledger, nodes(3), 2, "UTC", NOW + 2 * HOUR)) == 13


def test_a_node_that_came_in_between_counts_from_then() -> None:
    young = Node("young", NOW + timedelta(minutes=45))
    ledger = counted(counted(Ledger(), (), 1, "UTC", NOW), (young,), 1, "UTC", NOW + HOUR)
    assert hours(ledger) == 0.25


def test_a_node_that_went_while_nobody_watched_counts_to_the_end() -> None:
    ledger = counted(Ledger(), nodes(1), 1, "UTC", NOW)
    assert hours(counted(ledger, (), 1, "UTC", NOW + HOUR)) == 3
    assert hours(counted(counted(ledger, (), 1, "UTC", NOW + HOUR), (), 1, "UTC", NOW + 5 * HOUR)) == 3


@pytest.mark.parametrize(("zone", "night"), [("UTC", "2026-11-26T00:00"), ("Europe/Berlin", "2026-11-25T23:00")])
def test_a_day_begins_at_the_midnight_of_its_place(zone: str, night: str) -> None:
    midnight = datetime.fromisoformat(night).replace(tzinfo=UTC)
    before = counted(Ledger(), nodes(1), 1, zone, midnight - HOUR)
    after = counted(before, nodes(1), 1, zone, midnight + HOUR)
    assert (before.day, after.day) == ("2026-11-25", "2026-11-26")
    assert hours(after) == 1
    # Somebody was away for two days.
    assert hours(counted(before, nodes(1), 1, zone, midnight + 49 * HOUR)) == 1


@settings(deadline=None)
@given(st.lists(st.integers(1, 7200), min_size=1, max_size=20))
def test_however_often_it_is_counted_the_sum_is_the_same(steps: list[int]) -> None:
    """Also by two who both count from what was written down last."""
    there, ledger, now = nodes(3), Ledger(), NOW
    start = counted(ledger, there, 1, "UTC", now)
    ledger = start
    for seconds in steps:
        now += timedelta(seconds=seconds)
        counted(ledger, there, 1, "UTC", now - timedelta(seconds=0.5))
        ledger = counted(ledger, there, 1, "UTC", now)
    assert ledger.gpu_seconds == pytest.approx(counted(start, there, 1, "UTC", now).gpu_seconds)


@pytest.mark.parametrize(
    ("used", "expected"),
    [(9.9, Restraint.NONE), (10, Restraint.SOFT), (11.9, Restraint.SOFT), (12, Restraint.HARD), (99, Restraint.HARD)],
)
def test_a_budget_has_a_soft_and_a_hard_end(used: float, expected: Restraint) -> None:
    assert restraint(Ledger("2026-11-25", used * 3600), Budget(soft=10, hard=12)) is expected
    assert restraint(Ledger("2026-11-25", used * 3600), Budget()) is Restraint.NONE
