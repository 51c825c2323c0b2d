"""How long instances take to start, as the watch shows it: each is counted once, by one of the live replicas."""

from typing import Final

from signalling.kubernetes.instances import Instance
from signalling.matchmaker.metrics import MatchmakerMetrics
from signalling.matchmaker.neighbours import Neighbours
from signalling.matchmaker.stranded import responsible


class Starts:
    """Knows which instances have been ready before: one that loses its readiness has not started a second time."""

    def __init__(self, neighbours: Neighbours, metrics: MatchmakerMetrics) -> None:
        self._neighbours: Final = neighbours
        self._metrics: Final = metrics
        self._started: Final[set[str]] = set()

    def changed(self, before: Instance | None, now: Instance) -> None:
        """An instance is new or different. One that is ready when first seen may have been for long."""
        if not now.ready or now.name in self._started:
            return
        self._started.add(now.name)
        its = self._neighbours
        if before is not None and now.start_seconds is not None and responsible(its.replica, its.live, now.name):
            self._metrics.start.labels(now.application).observe(now.start_seconds)

    def removed(self, name: str) -> None:
        """An instance is gone."""
        self._started.discard(name)
