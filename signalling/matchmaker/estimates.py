"""How long a player will still wait, as far as that can be known; and when it is worth saying. Pure.

Only what happens while somebody waits tells how fast a queue moves: with an empty one, players are served as they come.
So time counts while somebody waits, and within it the players that were served, by whatever replica.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

WINDOW: Final = 1800.0
"""Seconds of waiting that count: a rate older than that is another day's."""
MOST_SERVED: Final = 200
"""Newest services that count: of a fast queue fewer seconds are enough."""
LEAST_SERVED: Final = 6
"""Fewer say nothing: the rate would be wrong by more than two fifths (one over the root of the number)."""
FARTHEST: Final = 2.0
"""No estimate is longer than so many times what has been observed."""


class ServiceRate:
    """How fast one application's queue moves. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._waited = 0.0
        """Seconds in which somebody waited: the clock of this queue."""
        self._since: float | None = None
        """When somebody began to wait; None while nobody does."""
        self._served: Final[deque[float]] = deque(maxlen=MOST_SERVED)
        self._began = 0.0
        """On the queue's clock: what came before does not count any more."""

    def waiting(self, now: float, *, anybody: bool) -> None:
        """Whether somebody waits from now on."""
        self._advance(now)
        self._since = now if anybody else None

    def served(self, now: float) -> None:
        """A player of the queue has been given an instance. Nobody waited, nothing learnt."""
        if self._since is None:
            return
        self._advance(now)
        if len(self._served) == MOST_SERVED:
            self._began = self._served[0]
        self._served.append(self._waited)

    def estimate(self, position: int, now: float) -> float | None:
        """Seconds until the player at this position (from 1) is served; None when nobody can tell.

        The mean, where services come at random and their rate is known from so many of them (a gamma distribution).
        """
        self._advance(now)
        self._began = max(self._began, self._waited - WINDOW)
        while self._served and self._served[0] <= self._began:
            self._served.popleft()
        number, observed = len(self._served), self._waited - self._began
        if number < LEAST_SERVED:
            return None
        seconds = position * observed / (number - 1)
        return rounded(seconds) if seconds <= FARTHEST * observed else None

    def _advance(self, now: float) -> None:
        if self._since is not None:
            self._waited += max(0.0, now - self._since)
            self._since = now


def rounded(seconds: float) -> float:
    """No finer than anybody could know: to 5 s below a minute, to 15 s below five, to a minute above."""
    step = 5.0 if seconds < 60 else 15.0 if seconds < 300 else 60.0
    return max(step, round(seconds / step) * step)


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a waiting player was told, and when."""

    position: int
    estimate: float | None
    at: float


def worth_saying(before: Announcement | None, now: Announcement) -> bool:
    """Whether a player should hear this after what it heard before.

    A step among the first ten is news at once. Farther behind it takes a tenth of the position, or half a minute; and
    an estimate that changed waits for five seconds.
    """
    if before is None:
        return True
    moved, passed = abs(before.position - now.position), now.at - before.at
    if moved and (min(before.position, now.position) <= 10 or moved * 10 >= before.position or passed >= 30):
        return True
    return before.estimate != now.estimate and passed >= 5
