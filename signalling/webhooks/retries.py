"""What becomes of a webhook after a try, as a pure function."""

from enum import Enum
from typing import Final

SHORTEST: Final = 5.0
LONGEST: Final = 3600.0
TRIES: Final = 16
"""Over more than six hours."""
_GONE: Final = 410
"""The one answer that says not to try again; any other that is no success may be a mistake that somebody mends."""


class Outcome(Enum):
    """Of a webhook, or of a try."""

    DELIVERED = "delivered"
    FAILED = "failed"
    """It is tried again."""
    GIVEN_UP = "given up"
    DROPPED = "dropped"
    """Never tried: too many waited."""


def after_try(status: int, tries: int, jitter: float) -> tuple[Outcome, float | None]:
    """The outcome of the try number ``tries``, and the seconds until the next; None if there is none.

    ``status`` is the answer's, 0 for none; ``jitter`` is from [0, 1).
    """
    if 200 <= status < 300:
        return Outcome.DELIVERED, None
    if status == _GONE or tries >= TRIES:
        return Outcome.GIVEN_UP, None
    return Outcome.FAILED, min(LONGEST, SHORTEST * 2.0 ** (tries - 1)) * (0.75 + jitter / 2)
