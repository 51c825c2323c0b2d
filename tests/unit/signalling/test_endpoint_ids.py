import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.protocol.endpoint_ids import unique_id


@pytest.mark.parametrize(
    ("wanted", "taken", "got"),
    [
        ("X", [], "X"),
        ("", [], "UnknownStreamer"),
        ("", ["UnknownStreamer"], "UnknownStreamer1"),
        ("X", ["X"], "X1"),
        ("X", ["X", "X1"], "X2"),
        ("X", ["X", "X7"], "X8"),
        ("X7", ["X7"], "X8"),
        ("X7", ["X"], "X7"),
        ("X", ["X", "Y5"], "X1"),
        ("1", ["1"], "2"),
        ("a\nb", ["a\nb"], "a\nb1"),
    ],
)
def test_a_collision_takes_the_next_number(wanted, taken, got):
    assert unique_id(wanted, taken) == got


@given(st.text(alphabet="aX019", max_size=25), st.sets(st.text(alphabet="aX019", max_size=25), max_size=8))
def test_no_name_is_given_twice(wanted, taken):
    name = unique_id(wanted, taken)
    assert name and name not in taken
