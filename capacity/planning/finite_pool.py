"""A pool that cannot grow: what its cap does to waiting.

The chain of sessions and of instances ready, less players waiting, is solved as it is: the buffer shrinks as the pool
fills, and at the cap each slot has its turn of start and session. Without a buffer's own waits it is Erlang's queue
(A. K. Erlang, 1917).
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from scipy import linalg
from threadpoolctl import threadpool_limits

from capacity.planning.base_stock import Promise
from capacity.planning.demand_process import Floats

_NEGLIGIBLE: Final = 1e-8
"""What may be left out of the chances of long queues, and of few sessions."""
_MOST_UTILISATION: Final = 0.99
"""Beyond it queues take days to settle, and no mean describes a day."""


class OverloadedError(ValueError):
    """More players come than the pool can ever serve: the queue grows without end."""


@dataclass(frozen=True)
class CappedBuffer:
    """An instance buffer in a pool with a largest size. Start and session count as memoryless."""

    rate: float
    session: float
    """Seconds, on average."""
    start: float
    slots: int
    """Of the whole pool: starting, warm and busy together."""
    buffer: int

    def __post_init__(self) -> None:
        if self.rate * (self.session + self.start) >= self.slots:
            raise OverloadedError(
                f"{self.rate * (self.session + self.start):.1f} slots in use at once, and the pool has {self.slots}: "
                "raise its largest size"
            )

    def promise(self) -> Promise:
        """What the buffer promises under the cap."""
        levels, chances = self._levels
        net = np.array(levels)
        # A player finds what is there on average: it waits if nothing is ready.
        waits = sum(float(each.sum()) for level, each in zip(levels, chances, strict=True) if level <= 0)
        waiting = float(sum(-level * each.sum() for level, each in zip(net, chances, strict=True) if level < 0))
        return Promise(waits, waiting, waiting / self.rate)

    @cached_property
    def _levels(self) -> tuple[list[int], list[Floats]]:
        """Ready less waiting, from the longest queue to the full buffer, and the chance of each number of sessions.

        Levels change one at a time, so each one's chances are those of the next below times a matrix: from the longest
        queue upwards, then all scaled to one.
        """
        # On matrices of this size several threads spend their time waiting for each other.
        with threadpool_limits(1):
            return self._solved()

    def _solved(self) -> tuple[list[int], list[Floats]]:
        bottom = -self._longest_queue()
        levels = list(range(bottom, min(self.buffer, self.slots) + 1))
        inner = [self._inner(level) for level in levels]
        ups = [self._up(level) for level in levels]
        downs = [self._down(level) for level in levels]
        factors: list[Floats] = []
        # Chances at a level are those of the level above times a factor: eliminated from the bottom.
        left = inner[0]
        for i in range(len(levels) - 1):
            factors.append(-linalg.solve(left.T, downs[i + 1].T).T)
            left = inner[i + 1] + factors[i] @ ups[i]
        balance = left.T.copy()
        # One balance follows from the others; in its place the chances add up.
        balance[0, :] = 1.0
        top = linalg.solve(balance, np.eye(len(balance))[0])
        chances = [np.abs(top)]
        for factor in reversed(factors):
            chances.append(np.abs(chances[-1] @ factor))
        total = sum(float(each.sum()) for each in chances)
        return levels, [each / total for each in reversed(chances)]

    def _longest_queue(self) -> int:
        """Where a queue at the cap has become negligible: it falls by the pool's utilisation with each player."""
        utilisation = min(self.rate * (self.session + self.start) / self.slots, _MOST_UTILISATION)
        return math.ceil(math.log(_NEGLIGIBLE) / math.log(max(utilisation, 0.2))) + 16

    @cached_property
    def _busy(self) -> Floats:
        """The numbers of sessions that are looked at."""
        mean = self.rate * self.session
        fewest = max(math.floor(mean - 7 * math.sqrt(mean)), 0)
        return np.arange(min(fewest, self.slots), self.slots + 1, dtype=np.float64)

    def _starting(self, level: int) -> Floats:
        """Instances that start, for each number of sessions."""
        ready = max(level, 0)
        return np.clip(np.minimum(self.buffer - level, self.slots - self._busy - ready), 0, None)

    def _inner(self, level: int) -> Floats:
        """Rates within a level, and the sum of all rates out on the diagonal."""
        ends = self._busy / self.session
        ends[0] = 0.0
        matrix = np.diag(ends[1:], -1)
        out = ends + self.rate + self._starting(level) / self.start
        # Where no session is free to take a ready instance the state cannot be.
        return np.asarray(matrix - np.diag(out), dtype=np.float64) + self._refused(level)

    def _refused(self, level: int) -> Floats:
        """States that cannot be, with more ready instances than room, change nothing when a player comes."""
        refused = np.zeros(len(self._busy))
        if level > 0:
            refused[-1] = self.rate
        return np.diag(refused)

    def _up(self, level: int) -> Floats:
        """An instance gets ready; with a queue it is busy at once."""
        rates = self._starting(level) / self.start
        return np.diag(rates) if level >= 0 else np.diag(rates[:-1], 1)

    def _down(self, level: int) -> Floats:
        """A player comes; with something ready it is busy at once."""
        if level > 0:
            return np.diag(np.full(len(self._busy) - 1, self.rate), 1)
        return np.diag(np.full(len(self._busy), self.rate))
