"""Following a watch for as long as the process lives."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from typing import Final

from signalling.kubernetes.api import Event, Kind, Listed

LOG: Final = logging.getLogger("matchmaker.watch")
LONGEST_PAUSE: Final = 15.0


def pause(failures: int, jitter: float) -> float:
    """Seconds to wait after so many failures in a row; ``jitter`` from [0, 1) keeps replicas from asking in step."""
    return min(LONGEST_PAUSE, 0.2 * 2 ** min(failures, 10)) * (0.5 + jitter / 2) if failures else 0.0


class Watching:
    """Keeps one kind of object in sight; ``synced`` from the first listing on."""

    def __init__(self, what: str) -> None:
        self._what: Final = what
        self.synced = False

    async def follow(
        self, cycle: Callable[[], AsyncIterator[Event[Kind]]], apply: Callable[[Event[Kind]], None]
    ) -> None:
        """Run ``cycle`` again and again, each time from a fresh listing; never returns.

        Between two cycles the last state stands: an API server that is away for a while loses no idle instance.
        """
        failures = 0
        while True:
            try:
                async for event in cycle():
                    apply(event)
                    failures = 0
                    if isinstance(event, Listed) and not self.synced:
                        self.synced = True
                        LOG.info("synced", extra={"watch": self._what, "count": len(event.items)})
            except TimeoutError:
                # A quiet watch that outlived its time: nothing to report.
                failures = 0
            except Exception as error:  # Whatever the client raises, the answer is to list anew.
                failures += 1
                LOG.warning("watch failed", extra={"watch": self._what, "error": repr(error)[:300], "times": failures})
            else:
                failures += 1
            await asyncio.sleep(pause(failures, random.random()))  # noqa: S311  # Not a secret.
