"""An event loop beside the tests of a browser."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class Loop:
    """An event loop in a thread of its own, since Playwright's calls block this one."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._until_stopped()))

    async def _until_stopped(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._ready.set()
        await self._stop.wait()

    def __enter__(self) -> "Loop":
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 60) -> T:
        """What the work gives."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    @contextmanager
    def within(self, opened: AbstractAsyncContextManager[T]) -> Iterator[T]:
        """A context of the loop, as one of this thread."""
        entered = self.run(opened.__aenter__())
        try:
            yield entered
        finally:
            self.run(opened.__aexit__(None, None, None))
