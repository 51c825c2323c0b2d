"""One buffer that is refilled one for one the moment that something is taken: a base-stock (S-1, S) system.

What is on order is what was taken during one lead time. With players that come independently of each other its number
has a Poisson distribution with the mean rate x lead time, whatever the distribution of lead times (Palm's theorem), so
everything that a buffer promises is a Poisson tail. Players who find it empty wait in order, and what they take counts
as taken when they come: the fleet controller orders an instance for each of them.

C. Palm, "Analysis of the Erlang traffic formula for busy-signal assignments", 1938; G. Feeney and C. Sherbrooke, "The
(s-1, s) inventory policy under compound Poisson demand", Management Science 12, 1966.
Standard library only.
"""

import math
from dataclasses import dataclass

from capacity.planning import poisson


@dataclass(frozen=True)
class Promise:
    """What a buffer promises."""

    chance_of_waiting: float
    """That a player finds nothing ready."""
    waiting: float
    """Players who wait, on average over time."""
    mean_wait: float
    """Seconds, over all players, most of whom wait none."""

    @property
    def mean_wait_of_the_waiting(self) -> float:
        """Seconds, over those who wait at all."""
        return self.mean_wait / self.chance_of_waiting if self.chance_of_waiting else 0.0


def promise(buffer: int, rate: float, lead: float) -> Promise:
    """What `buffer` promises where `rate` a second are taken and one takes `lead` seconds on average to replace."""
    waiting = poisson.expected_beyond(buffer, rate * lead)
    return Promise(
        chance_of_waiting=poisson.chance_of_at_least(buffer, rate * lead),
        waiting=waiting,
        # Little's law.
        mean_wait=waiting / rate if rate else 0.0,
    )


def buffer_for(service_level: float, rate: float, lead: float) -> int:
    """The smallest buffer that a share `service_level` of all players finds something ready in.

    Raises:
        ValueError: for a level of 1 or more, which no buffer keeps.
    """
    if not 0 <= service_level < 1:
        raise ValueError(f"a service level from 0 to below 1, such as 0.99, not {service_level}")
    return poisson.smallest_exceeded_by(1 - service_level, rate * lead)


def rule_of_thumb(rate: float, lead: float) -> int:
    """What Scalable Pixel Streaming's reference advises on overprovisioning: as many as come during one lead time."""
    # A rate of 1/120 a second for 120 seconds must not round up to 2.
    return math.ceil(rate * lead - 1e-9)
