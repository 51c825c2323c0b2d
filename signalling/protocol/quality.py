"""Whether a session was bad: decided from what its owners' pages report of the picture.

Only what an application's version can do something about counts, for versions are compared by it: a picture that stands
still, or one of few frames. Round trips and losses belong to the player's network.
"""

from dataclasses import dataclass, replace
from typing import Final

from msgspec import UNSET

from signalling.protocol.session_messages import SessionStats

FEWEST_FRAMES: Final = 10.0
"""A second; with fewer a picture is no motion any more."""
MOST_FROZEN: Final = 0.1
"""Of the time between two reports."""
FEWEST_REPORTS: Final = 12
"""A minute of a page that reports every five seconds. Of a shorter session nothing is said."""
MOST_POOR: Final = 0.2
"""Of all reports of a session that is not bad."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What was reported of a session's picture so far."""

    reports: int = 0
    poor: int = 0

    @property
    def bad(self) -> bool:
        """The session was a bad one."""
        return self.reports >= FEWEST_REPORTS and self.poor > MOST_POOR * self.reports


def heard(quality: Quality, stats: SessionStats, before: SessionStats | None, seconds: float) -> Quality:
    """The quality with another report, which comes so many seconds after the one ``before`` of the same player."""
    if stats.frames_per_second is UNSET and stats.freeze_seconds is UNSET:
        return quality
    poor = _few(stats) or _frozen(stats, before, seconds)
    return replace(quality, reports=quality.reports + 1, poor=quality.poor + poor)


def _few(stats: SessionStats) -> bool:
    return stats.frames_per_second is not UNSET and stats.frames_per_second < FEWEST_FRAMES


def _frozen(stats: SessionStats, before: SessionStats | None, seconds: float) -> bool:
    if stats.freeze_seconds is UNSET or before is None or before.freeze_seconds is UNSET:
        return False
    # A total that is smaller than before counts from the start of another peer connection.
    since = before.freeze_seconds if stats.freeze_seconds >= before.freeze_seconds else 0.0
    return stats.freeze_seconds - since > MOST_FROZEN * seconds
