"""The Poisson distribution, exact in its tails. Standard library only: the fleet controller has no numpy."""

import math
from collections.abc import Iterator


def chance_of(count: int, mean: float) -> float:
    """The chance of exactly `count`."""
    if count < 0:
        return 0.0
    if mean == 0:
        return float(count == 0)
    return math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))


def chance_of_at_least(count: int, mean: float) -> float:
    """The chance of `count` or more, summed from its smaller side, so that small chances keep their digits."""
    if count <= 0:
        return 1.0
    if count > mean:
        return math.fsum(_upwards(count, mean))
    return 1.0 - math.fsum(_downwards(count - 1, mean))


def expected_beyond(count: int, mean: float) -> float:
    """What is expected of the excess over `count`: of 7 with a count of 5 it is 2, of 4 nothing."""
    if count <= 0:
        return mean - count
    if count > mean:
        return math.fsum(i * chance for i, chance in enumerate(_upwards(count + 1, mean), 1))
    return mean - count + math.fsum(i * chance for i, chance in enumerate(_downwards(count - 1, mean), 1))


def smallest_exceeded_by(chance: float, mean: float) -> int:
    """The smallest count that is reached with at most this chance.

    Raises:
        ValueError: for a chance of 0, which no count has.
    """
    if not 0 < chance <= 1:
        raise ValueError(f"a chance above 0 and up to 1, not {chance}")
    # No chance needs more than this; between, the chance falls with the count.
    low, high = 0, math.ceil(mean + 8 * math.sqrt(mean) - 4 * math.log(chance) + 8)
    while low < high:
        middle = (low + high) // 2
        if chance_of_at_least(middle, mean) <= chance:
            high = middle
        else:
            low = middle + 1
    return low


def _upwards(count: int, mean: float) -> Iterator[float]:
    """The chances of `count` and of all above, as far as they add anything."""
    chance, total = chance_of(count, mean), 0.0
    while chance > total * 1e-17:
        yield chance
        total += chance
        count += 1
        chance *= mean / count


def _downwards(count: int, mean: float) -> Iterator[float]:
    chance, total = chance_of(count, mean), 0.0
    while count >= 0 and chance > total * 1e-17:
        yield chance
        total += chance
        chance *= count / mean
        count -= 1
