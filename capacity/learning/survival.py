"""How long things take, where some had not ended when one looked: the estimate of E. Kaplan and P. Meier (1958). Pure.

To leave out what has not ended would make everything seem shorter than it is, and the tail most of all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from capacity.durations import Duration

FEWEST: Final = 8
"""Ends that must have been seen: of fewer nothing is said."""
_STEPS: Final = 200
_TAIL: Final = 0.9
"""From this share on the tail goes on as it has begun, without memory."""
_ENDS: Final = 4
"""That a tail is told from, at least, and a tenth of all: where many had not ended it has to begin sooner."""
_LAST: Final = 1e-5
"""What the tail leaves out."""
_LEFT: Final = 0.7
"""Of what is left at each level of the tail so much is at the next: few enough for straight lines between."""


@dataclass(frozen=True)
class Seen:
    """One thing that takes time."""

    seconds: float
    ended: bool
    """Whether it took so long; else it took longer, nobody knows how much."""


def estimate(seen: Sequence[Seen]) -> Duration | None:
    """The distribution; nothing of fewer than `FEWEST` ends."""
    ordered = sorted(seen, key=lambda each: (each.seconds, not each.ended))
    if sum(each.ended for each in ordered) < FEWEST:
        return None
    steps: list[tuple[float, float]] = []
    alive, left = 1.0, len(ordered)
    for each in ordered:
        if each.ended:
            alive *= 1 - 1 / left
            steps.append((1 - alive, each.seconds))
        left -= 1
    return _table(steps, ordered)


def of_buckets(bounds: Sequence[float], counts: Sequence[float]) -> Duration | None:
    """The distribution of a histogram: upper bounds, the last infinite, and how many are at or below each."""
    if not counts or counts[-1] < FEWEST:
        return None
    steps, before = [], 0.0
    for bound, count in zip(bounds, counts, strict=True):
        if math.isfinite(bound) and count > before:
            steps.append((count / counts[-1], bound))
            before = count
    within = [Seen(bound, True) for _, bound in steps]
    beyond = [Seen(steps[-1][1], False)] if steps and steps[-1][0] < 1 else []
    return _table(steps, [*within, *beyond]) if steps else None


def _table(steps: list[tuple[float, float]], seen: Sequence[Seen]) -> Duration:
    """Steps (share that has ended, seconds) as a table of quantiles, with a tail."""
    thinned = steps[:: max(len(steps) // _STEPS, 1)]
    if thinned[-1] != steps[-1]:
        thinned.append(steps[-1])
    levels, seconds = [0.0], [thinned[0][1]]
    for level, each in thinned:
        if level > levels[-1] + 1e-9 and level < 1 - 1e-9:
            levels.append(level)
            seconds.append(each)
    scale, last, at = _scale_of_tail(steps, seen), levels[-1], seconds[-1]
    left = (1 - last) * _LEFT
    while left > _LAST:
        levels.append(1 - left)
        seconds.append(at + scale * math.log((1 - last) / left))
        left *= _LEFT
    levels.append(1.0)
    seconds.append(seconds[-1] + scale)
    return Duration(tuple(levels), tuple(seconds))


def _scale_of_tail(steps: Sequence[tuple[float, float]], seen: Sequence[Seen]) -> float:
    """Seconds of the tail on average: time that was spent beyond its beginning, for each end that was seen there."""
    few = steps[: -max(_ENDS, math.ceil(len(steps) * (1 - _TAIL)))] or steps[:1]
    begin = next((seconds for level, seconds in few if level >= _TAIL), few[-1][1])
    spent = sum(max(each.seconds - begin, 0.0) for each in seen)
    # Where all took the same time none ended later, and what had not ended might have at any moment.
    ends = sum(each.ended and each.seconds > begin for each in seen)
    return spent / max(ends, 1) if spent else max(begin * 0.1, 1.0)
