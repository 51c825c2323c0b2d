"""Games into classes: so few, and so that as little as possible of what they request is left unused. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

NAMES: Final[Mapping[int, tuple[str, ...]]] = {1: ("Middle",), 2: ("Low", "High"), 3: ("Low", "Middle", "High")}
STEP: Final = 0.05
"""Cores: requests are rounded up to a multiple of it."""


@dataclass(frozen=True)
class Need:
    """What one game needs."""

    game: str
    cores: float
    weight: float
    """How much it is played: hours of sessions."""


@dataclass(frozen=True)
class Class:
    """Games that get the same request."""

    name: str
    cores: float
    """The request of a whole pod."""
    games: tuple[str, ...]
    unused: float
    """The share of what its pods request that their games do not need, by how much each is played."""


def classify(needs: Sequence[Need], most: int = 3, headroom: float = 0.1) -> tuple[Class, ...]:
    """The best division into at most `most` classes.

    A class requests what its neediest game needs, and the share `headroom` more. Of all divisions of the games in order
    of their needs the one that leaves least unused is found by dynamic programming. Fewer classes are made where a
    further one would save nothing.

    Raises:
        ValueError: for a number of classes without names.
    """
    if most not in NAMES:
        raise ValueError(f"{most} classes have no names here; use 1 to {max(NAMES)}")
    if not needs:
        return ()
    ordered = sorted(needs, key=lambda each: (each.cores, each.game))
    best: dict[int, tuple[float, list[int]]] = {0: (0.0, [])}
    found: list[tuple[float, list[int]]] = []
    for _ in range(min(most, len(ordered))):
        # The least waste of the first n games in so many classes, and where each begins.
        best = {
            end: min(
                (waste + _waste(ordered[begin:end], headroom), [*begins, begin])
                for begin, (waste, begins) in best.items()
                if begin < end
            )
            for end in range(1, len(ordered) + 1)
            if any(begin < end for begin in best)
        }
        if len(ordered) in best:
            found.append(best[len(ordered)])
    _, begins = min(found, key=lambda each: (round(each[0], 9), len(each[1])))
    parts = [ordered[begin:end] for begin, end in zip(begins, [*begins[1:], len(ordered)], strict=True)]
    return tuple(_class(name, part, headroom) for name, part in zip(NAMES[len(parts)], parts, strict=True))


def request_of(cores: float, headroom: float) -> float:
    """A request that covers a need."""
    return math.ceil(round(cores * (1 + headroom) / STEP, 6)) * STEP


def _waste(games: Sequence[Need], headroom: float) -> float:
    request = request_of(games[-1].cores, headroom)
    return sum((request - each.cores) * each.weight for each in games)


def _class(name: str, games: Sequence[Need], headroom: float) -> Class:
    request = request_of(games[-1].cores, headroom)
    requested = request * sum(each.weight for each in games)
    return Class(
        name=name,
        cores=request,
        games=tuple(each.game for each in games),
        unused=_waste(games, headroom) / requested if requested else 0.0,
    )
