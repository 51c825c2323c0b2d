"""Which sessions were bad, from what their pages reported."""

import pytest

from signalling.protocol.quality import FEWEST_REPORTS, Quality, heard
from signalling.protocol.session_messages import SessionStats


def after(*reports: SessionStats) -> Quality:
    """The quality after reports that come every five seconds."""
    quality, before = Quality(), None
    for stats in reports:
        quality, before = heard(quality, stats, before, 5.0), stats
    return quality


def frozen(*totals: float) -> list[SessionStats]:
    return [SessionStats(frames_per_second=60.0, freeze_seconds=total) for total in totals]


@pytest.mark.parametrize(("few", "bad"), [(0, False), (4, False), (5, True), (20, True)])
def test_more_than_a_fifth_of_few_frames_is_bad(few, bad):
    rates = [9.9] * few + [10.0] * (20 - few)
    assert after(*(SessionStats(frames_per_second=rate) for rate in rates)).bad is bad


def test_of_less_than_a_minute_nothing_is_said():
    poor = SessionStats(frames_per_second=1.0)
    assert not after(*[poor] * (FEWEST_REPORTS - 1)).bad
    assert after(*[poor] * FEWEST_REPORTS).bad


def test_what_stands_still_for_more_than_a_tenth_of_the_time_is_poor():
    assert after(*frozen(0.0, 0.5, 1.0, 1.5)).poor == 0
    assert after(*frozen(0.0, 0.6, 0.6, 1.3)).poor == 2


def test_a_total_that_is_smaller_counts_from_a_new_peer_connection():
    assert after(*frozen(9.0, 0.2, 0.4)).poor == 0
    assert after(*frozen(9.0, 0.9)).poor == 1


def test_what_was_frozen_before_the_first_report_is_nobody_s():
    assert after(*frozen(60.0, 60.0)).poor == 0


def test_reports_without_a_picture_s_figures_are_none():
    assert after(*[SessionStats(round_trip_seconds=2.0, packets_lost=900)] * 20) == Quality()
