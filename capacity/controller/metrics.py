"""The controller's metrics. What was decided is shown by the leader only, so that of two none contradicts the other."""

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from capacity.controller.allotment import Cap
from capacity.controller.budget import Restraint
from capacity.controller.figures import Figures, FleetFigures
from capacity.controller.settings import StackSettings

_FLEETS: Final[dict[str, tuple[str, Callable[[FleetFigures], float]]]] = {
    "pixel_buffer_target": ("Warm instances that are to be kept", lambda its: its.target),
    "pixel_buffer_ready": ("Warm instances", lambda its: its.warm),
    "pixel_buffer_starting": ("Idle instances that are not ready yet", lambda its: its.starting),
    "pixel_fleet_replicas_wanted": ("Idle instances wanted, for players who wait too", lambda its: its.replicas),
    "pixel_fleet_sessions": ("Instances with a session", lambda its: its.sessions),
    "pixel_version_weight": ("Share of new sessions as it is in force", lambda its: its.weight),
    "pixel_version_rolled_back": ("1 while the version is rolled back", lambda its: its.rolled_back),
}
_POOLS: Final = {
    "pixel_placeholders_target": ("Placeholders that are to be kept", "wanted"),
    "pixel_placeholders_ready": ("Placeholders that hold their place", "ready"),
    "pixel_capacity_capped_placeholders": ("Placeholders wanted beyond what the pool may have", "cut"),
}
Families = Iterator[GaugeMetricFamily]


class _Decided(Collector):
    """The figures of the last decision, if this process has made it and still leads."""

    def __init__(self, figures: Callable[[], Figures | None], its: StackSettings) -> None:
        self._figures = figures
        self._its = its

    def collect(self) -> Families:
        figures = self._figures()
        if figures is not None:
            yield from self._of_fleets(figures)
            yield from self._of_pools(figures)
            yield from self._of_schedules(figures)
            yield from self._of_budget(figures)

    def _of_fleets(self, figures: Figures) -> Families:
        labels = ["application", "version"]
        for name, (text, value) in _FLEETS.items():
            family = GaugeMetricFamily(name, text, labels=labels)
            for fleet in figures.fleets:
                family.add_metric([fleet.application, fleet.version], value(fleet))
            yield family
        text = "Instances wanted beyond what the fleet gets, by what cut them off"
        cut = GaugeMetricFamily("pixel_capacity_capped_instances", text, labels=[*labels, "cap"])
        for fleet in figures.fleets:
            for cap in Cap:
                cut.add_metric([fleet.application, fleet.version, cap.value], fleet.cut.get(cap, 0))
        yield cut

    def _of_pools(self, figures: Figures) -> Families:
        for name, (text, field) in _POOLS.items():
            family = GaugeMetricFamily(name, text, labels=["pool"])
            for pool, its in figures.pools.items():
                family.add_metric([pool], getattr(its, field))
            yield family
        if figures.turn_nodes is not None:
            text = "Nodes of the TURN pool that are to take players"
            yield _single("pixel_turn_nodes_wanted", text, figures.turn_nodes)

    def _of_schedules(self, figures: Figures) -> Families:
        family = GaugeMetricFamily("pixel_schedule_in_force", "1 while it is", labels=["application", "schedule"])
        for application, names in figures.schedules.items():
            for name in dict.fromkeys(names):
                family.add_metric([application, name], 1)
        yield family

    def _of_budget(self, figures: Figures) -> Families:
        yield _single("pixel_budget_gpu_hours", "GPU hours of the day so far", figures.gpu_hours)
        limits = GaugeMetricFamily("pixel_budget_gpu_hours_limit", "GPU hours of a day", labels=["limit"])
        reached = GaugeMetricFamily("pixel_budget_reached", "1 once the day's GPU hours are up", labels=["limit"])
        budget, level = self._its.budget, list(Restraint).index(figures.restraint)
        for rank, (limit, hours) in enumerate((("soft", budget.soft), ("hard", budget.hard)), 1):
            if hours is not None:
                limits.add_metric([limit], hours)
                reached.add_metric([limit], float(level >= rank))
        yield from (limits, reached)


def _single(name: str, text: str, value: float) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text)
    family.add_metric([], value)
    return family


class ControllerMetrics:
    """The registry."""

    def __init__(
        self,
        its: StackSettings,
        *,
        figures: Callable[[], Figures | None],
        leading: Callable[[], bool],
        matchmakers: Callable[[], int],
    ) -> None:
        """``figures`` are None while somebody else leads."""
        self.registry: Final = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Gauge("pixel_controller_leading", "1 on the replica that acts", registry=self.registry).set_function(leading)
        answered = ("pixel_controller_matchmakers", "Matchmakers that told who waits")
        Gauge(*answered, registry=self.registry).set_function(matchmakers)
        self._actions: Final = Counter(
            "pixel_controller_actions", "What was asked of the API server", ["outcome"], registry=self.registry
        )
        for outcome in ("done", "refused"):
            self._actions.labels(outcome)
        self.failures: Final = Counter(
            "pixel_controller_failures", "Decisions that could not be carried out", registry=self.registry
        )
        self.seconds: Final = Histogram(
            "pixel_controller_decision_seconds",
            "Time that a decision took, and carrying it out",
            buckets=(0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5),
            registry=self.registry,
        )
        self.registry.register(_Decided(figures, its))

    def acted(self, outcome: str) -> None:
        """An action was `done` or `refused`."""
        self._actions.labels(outcome).inc()
