"""The clock of the frames: which frame is due when, and which are left out by a machine that is too slow."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pacing:
    """Frame ``n`` is due ``n / rate`` seconds after ``origin``, whatever was before: frames drop, time never drifts."""

    origin: float
    """Seconds of a clock that only goes forward."""
    rate: int
    """Frames a second."""

    def due(self, number: int) -> float:
        """When a frame is due, in seconds of the same clock."""
        return self.origin + number / self.rate

    def current(self, now: float) -> int:
        """The last frame that is due by now."""
        return math.floor((now - self.origin) * self.rate + 1e-6)

    def following(self, last: int, now: float) -> tuple[int, int]:
        """The frame to draw after ``last``, and how many between them are left out because their time has passed."""
        number = max(last + 1, self.current(now))
        return number, number - last - 1
