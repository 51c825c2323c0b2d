"""How long somebody will wait, and when to say so."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.matchmaker.estimates import (
    LEAST_SERVED,
    MOST_SERVED,
    WINDOW,
    Announcement,
    ServiceRate,
    rounded,
    worth_saying,
)


def served_every(seconds: float, times: int, start: float = 0.0) -> tuple[ServiceRate, float]:
    """A queue that has somebody in it all the time, served so often; and what the time is then."""
    rate, now = ServiceRate(), start
    rate.waiting(now, anybody=True)
    for _ in range(times):
        now += seconds
        rate.served(now)
    return rate, now


def test_nothing_is_said_before_enough_has_been_seen():
    rate, now = served_every(10, LEAST_SERVED - 1)
    assert rate.estimate(1, now) is None
    rate.served(now + 10)
    assert rate.estimate(1, now + 10) is not None


def test_the_estimate_grows_with_the_position():
    rate, now = served_every(20, 30)
    assert [rate.estimate(position, now) for position in (1, 3, 10)] == [20, 60, 210]


def test_what_happens_while_nobody_waits_says_nothing():
    rate = ServiceRate()
    for second in range(100):
        rate.served(float(second))
    assert rate.estimate(1, 100.0) is None
    rate.waiting(100.0, anybody=True)
    for number in range(1, 11):
        rate.served(100.0 + 30 * number)
    rate.waiting(400.0, anybody=False)
    rate.waiting(10_000.0, anybody=True)
    assert rate.estimate(1, 10_000.0) == 35, "ten services in 300 s, and none of the time between"


def test_a_queue_that_has_stopped_moving_takes_longer_and_longer_and_then_nobody_knows():
    rate, now = served_every(10, 20)
    soon, later = rate.estimate(5, now), rate.estimate(5, now + 300)
    assert soon is not None and later is not None and later > 2 * soon
    assert rate.estimate(5, now + 2 * WINDOW) is None


def test_no_estimate_goes_far_beyond_what_was_seen():
    rate, now = served_every(10, 10)
    assert rate.estimate(1000, now) is None


def test_of_a_fast_queue_the_newest_count():
    rate, now = served_every(10, MOST_SERVED)
    for _ in range(MOST_SERVED):
        now += 1
        rate.served(now)
    assert rate.estimate(20, now) == pytest.approx(20, abs=5)


def test_an_old_rate_is_forgotten():
    rate, now = served_every(1, 100)
    for _ in range(40):
        now += 60
        rate.served(now)
    assert rate.estimate(1, now) == pytest.approx(60, abs=5)


@pytest.mark.parametrize("seed", range(20))
def test_the_estimate_is_right_on_average(seed):
    """Services at random, as ended sessions and started nodes come: whoever is told a time waits about that long."""
    random = Random(seed)
    rate, now = ServiceRate(), 0.0
    rate.waiting(now, anybody=True)
    for _ in range(40):
        now += random.expovariate(1 / 15)
        rate.served(now)
    estimate = rate.estimate(10, now)
    assert estimate is not None and 150 * 0.5 < estimate < 150 * 1.7, "three standard errors of forty services"


@given(st.lists(st.tuples(st.sampled_from(["wait", "empty", "serve"]), st.floats(0, 1000)), max_size=60))
def test_whatever_happens_an_estimate_is_a_time_or_nothing(steps):
    rate, now = ServiceRate(), 0.0
    for step, passed in steps:
        now += passed
        if step == "serve":
            rate.served(now)
        else:
            rate.waiting(now, anybody=step == "wait")
        estimate = rate.estimate(3, now)
        assert estimate is None or 0 < estimate < 3 * WINDOW


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.1, 5), (7.6, 10), (59, 60), (61, 60), (130, 135), (299, 300), (330, 360), (4000, 4020)]
)
def test_estimates_are_no_finer_than_anybody_could_know(seconds, said):
    assert rounded(seconds) == said


def told(position: int, estimate: float | None = None, at: float = 0.0) -> Announcement:
    return Announcement(position, estimate, at)


@pytest.mark.parametrize(
    ("before", "now", "news"),
    [
        (None, told(500), True),
        (told(3), told(3, at=100), False),
        (told(3), told(2), True),
        (told(11), told(10), True),
        (told(500), told(499), False),
        (told(500), told(499, at=31), True),
        (told(500), told(450), True),
        (told(50), told(55), True),
        (told(50), told(54), False),
        (told(3, 60), told(3, 45), False),
        (told(3, 60), told(3, 45, at=6), True),
        (told(3, 60), told(3, None, at=6), True),
    ],
)
def test_what_is_news(before, now, news):
    assert worth_saying(before, now) is news
