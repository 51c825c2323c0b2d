"""A lock between runs on this machine, with a word to the one that waits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from local.progress import Steps
from local.tools.errors import ToolError


@contextmanager
def held(file: Path, waiting: str, steps: Steps) -> Iterator[None]:
    """Hold the lock ``file``; where another run has it, show ``waiting`` until it is free.

    The kernel frees it when its holder dies. ToolError if its folder cannot be made.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolError(
            f"the cache folder {file.parent} cannot be made ({error.strerror}); set PIXEL_CACHE to a folder of yours"
        ) from error
    lock = FileLock(file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        with steps.step(waiting):
            lock.acquire()
    try:
        yield
    finally:
        lock.release()
