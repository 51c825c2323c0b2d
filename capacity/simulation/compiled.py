"""Compilation to machine code, kept between runs."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def _cache_folder() -> Path:
    """One folder for each state of these sources: numba looks at the file of a function, and not at what it calls."""
    sources = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))))
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = os.environ.get("PIXEL_CACHE") or Path(caches) / "pixel-streaming-oke"
    return Path(cache) / "simulation" / sources.hexdigest()[:16]


numba.config.CACHE_DIR = str(_cache_folder())  # type: ignore[attr-defined]

_COMPILE: Final = cast("Callable[..., Callable[[Any], Any]]", numba.njit)


def compiled(function: Function) -> Function:
    """The same function, compiled at its first call, which takes half a minute; the result is cached.

    Arithmetic stays as written (no fast-math), so that a run gives what plain Python gives, to the last digit.
    Reference counting is off: nothing compiled here makes an array, and counting for each of the world's arrays at each
    call takes sixty times as long as the work. What would make one does not compile.
    """
    return cast("Function", _COMPILE(cache=True, error_model="numpy", _nrt=False)(function))
