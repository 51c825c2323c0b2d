"""The names streamers get."""

import re
from collections.abc import Collection
from itertools import count
from typing import Final

NAMELESS: Final = "UnknownStreamer"
"""The name of a streamer that gave an empty one."""

_NUMBERED: Final = re.compile(r"^(.*?)([0-9]{0,18})$", re.DOTALL)


def unique_id(wanted: str, taken: Collection[str]) -> str:
    """``wanted``, or if somebody has it, its stem with the number after the highest in use (X, X1, X2; A7, A8)."""
    name = wanted or NAMELESS
    if name not in taken:
        return name
    stem, _ = _split(name)
    highest = max(number for other in taken for other_stem, number in [_split(other)] if other_stem == stem)
    return next(free for number in count(highest + 1) if (free := f"{stem}{number}") not in taken)


def _split(name: str) -> tuple[str, int]:
    found = _NUMBERED.match(name)
    stem, digits = found.groups() if found else (name, "")
    return stem, int(digits or 0)
