"""The size of the TURN pool."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.turn.capacity import SHRINK_BELOW, TARGET, TurnPool, wanted_nodes


@pytest.mark.parametrize(
    ("nodes", "full", "wanted"),
    [
        (2, 0.0, 2),
        (2, 1.2, 2),
        (2, 1.21, 3),
        (3, 1.21, 3),
        (3, 1.0, 3),  # Two would do, but each would be half full at once.
        (3, 0.89, 2),
        (6, 0.1, 2),
        (4, 2.0, 5 - 1),
        (4, 9.0, 8),
        (9, 9.0, 8),
        (0, 0.0, 2),
    ],
)
def test_the_size_follows_the_load_within_its_bounds(nodes, full, wanted):
    assert wanted_nodes(TurnPool(nodes, full, minimum=2, maximum=8)) == wanted


@given(st.integers(0, 20), st.floats(0, 20), st.integers(0, 5), st.integers(5, 20))
def test_what_is_wanted_bears_the_load_and_is_no_swing(nodes, full, minimum, maximum):
    wanted = wanted_nodes(TurnPool(nodes, full, minimum, maximum))
    assert minimum <= wanted <= maximum
    assert wanted == maximum or full <= wanted * TARGET + 1e-9
    assert wanted_nodes(TurnPool(wanted, full, minimum, maximum)) == wanted
    if minimum < wanted < nodes:
        assert wanted == math.ceil(full / SHRINK_BELOW) or wanted == maximum
