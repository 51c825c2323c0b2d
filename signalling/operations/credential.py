"""The admin credential: a bearer of its own that no player's login stands for."""

import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from typing import Final

_BEARER: Final = re.compile(r"bearer\s+(\S+)\s*", re.IGNORECASE)
_NAMES: Final = ("current", "previous")


class AdminKey:
    """The values that hold now, the newest first."""

    def __init__(self, values: Callable[[], Sequence[str]]) -> None:
        self._values: Final = values

    def proved(self, authorization: Sequence[str]) -> str | None:
        """Which of the values the Authorization header holds, by name; None for none, or for several headers."""
        found = [match[1] for header in authorization if (match := _BEARER.fullmatch(header))]
        if len(authorization) != 1 or not found:
            return None
        shown = _digest(found[0])
        # All are compared, whatever is found: the time tells nothing.
        matches = [hmac.compare_digest(shown, _digest(value)) for value in self._values()]
        return next((name for name, matched in zip(_NAMES, matches, strict=False) if matched), None)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
