"""Ending tasks that go on until they are cancelled."""

import asyncio
from collections.abc import Iterable
from typing import Any


async def cancel(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks and wait for their end; again and again, as a library's own timeout may swallow a cancellation.

    Redis' client does, when it is cancelled while it closes a connection.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=0.5)
