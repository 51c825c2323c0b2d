"""The `capacity` key: whether the fleet controller keeps instances and nodes ready, and what holds for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from components.settings.apps import AppSettings, ImagesSettings
from components.settings.autoscaling import AutoscalingSettings
from components.settings.cluster import ClusterSettings
from components.settings.monitoring import MonitoringSettings
from components.settings.pools import PoolsSettings
from components.settings.reading import Reader, Refusals
from components.settings.schedules import Schedule, read_schedule, read_timezone


@dataclass(frozen=True)
class BudgetSettings:
    """GPU hours of a day; None is no limit."""

    soft: float | None = None
    """From here on nothing is kept ready."""
    hard: float | None = None
    """From here on no instance is started."""


@dataclass(frozen=True)
class RollbackSettings:
    """When a version is rolled back by itself."""

    enabled: bool = True
    """Whether a version that fails more often than the others gets no new sessions."""
    margin: float = 0.05
    """By so much its share of failed sessions exceeds that of the other versions."""
    sessions: int = 20
    """That both must have had."""
    risk: float = 0.01
    """The chance that a version is rolled back that does not exceed it."""


@dataclass(frozen=True)
class TurnCapacitySettings:
    """What one TURN node is to carry at most, before there is another."""

    allocations: int = 1000
    """Allocations of one node."""
    bandwidth_percent: int = 80
    """Of what its shape can send."""


@dataclass(frozen=True)
class CapacitySettings:
    """The `capacity` key of a stack file; without it fleets keep the number of instances that `buffer` says."""

    enabled: bool = False
    """Whether the fleet controller keeps instances and nodes ready."""
    replicas: int = 2
    """Of the controller, of which one acts."""
    timezone: str = "UTC"
    """Of schedules that name none, and of the budget's day."""
    schedules: tuple[Schedule, ...] = ()
    """For every application; its own go before them."""
    budget: BudgetSettings = BudgetSettings()
    rollback: RollbackSettings = RollbackSettings()
    turn: TurnCapacitySettings = TurnCapacitySettings()


def read_capacity(reader: Reader) -> CapacitySettings:
    """Read the `capacity` key."""
    its = CapacitySettings
    timezone = read_timezone(reader, its.timezone)
    settings = CapacitySettings(
        enabled=reader.has("enabled") and reader.flag("enabled"),
        replicas=reader.whole("replicas", 1, 5, its.replicas),
        timezone=timezone,
        schedules=read_schedule(reader, "schedules", timezone),
        budget=_read_budget(reader.section("budget", optional=True)),
        rollback=_read_rollback(reader.section("rollback", optional=True)),
        turn=_read_turn(reader.section("turn", optional=True)),
    )
    reader.close()
    return settings


def _read_budget(reader: Reader) -> BudgetSettings:
    hours = reader.section("gpu_hours", optional=True)
    budget = BudgetSettings(
        soft=hours.number("soft", 0, 1_000_000) if hours.has("soft") else None,
        hard=hours.number("hard", 0, 1_000_000) if hours.has("hard") else None,
    )
    hours.close()
    reader.close()
    return budget


def _read_rollback(reader: Reader) -> RollbackSettings:
    its = RollbackSettings
    rollback = RollbackSettings(
        enabled=reader.flag("enabled") if reader.has("enabled") else its.enabled,
        margin=reader.number("margin", 0, 0.9, its.margin),
        sessions=reader.whole("sessions", 5, 100_000, its.sessions),
        risk=reader.number("risk", 0.0001, 0.2, its.risk),
    )
    reader.close()
    return rollback


def _read_turn(reader: Reader) -> TurnCapacitySettings:
    its = TurnCapacitySettings
    turn = TurnCapacitySettings(
        allocations=reader.whole("allocations", 1, 16_384, its.allocations),
        bandwidth_percent=reader.whole("bandwidth_percent", 1, 100, its.bandwidth_percent),
    )
    reader.close()
    return turn


def check_capacity(capacity: CapacitySettings, images: ImagesSettings, refusals: Refusals) -> None:
    """Check that limits are in order, and that nothing is asked of a controller that is not there."""
    budget = capacity.budget
    if budget.soft is not None and budget.hard is not None and budget.hard < budget.soft:
        problem = f"below soft, {budget.soft:g}"
        refusals.add("pixel:capacity.budget.gpu_hours.hard", budget.hard, problem, "Raise it, or lower soft")
    if capacity.enabled and not images.capacity:
        refusals.missing(
            "pixel:images.capacity", "Set it to the fleet controller's image, or set capacity.enabled to false"
        )
    if capacity.enabled:
        return
    for key, value, usual in (
        ("schedules", [each.name for each in capacity.schedules], []),
        ("budget", vars(budget), vars(BudgetSettings())),
    ):
        if value != usual:
            problem = "kept by nobody, with capacity.enabled off"
            refusals.add(f"pixel:capacity.{key}", value, problem, "Set capacity.enabled to true, or leave it out")


def scales_turn(capacity: CapacitySettings, pools: PoolsSettings, cluster: ClusterSettings) -> bool:
    """Whether the number of TURN nodes follows what they carry."""
    return capacity.enabled and cluster.autoscaler and pools.turn.max > pools.turn.min


def check_nodes(
    capacity: CapacitySettings,
    pools: PoolsSettings,
    cluster: ClusterSettings,
    monitoring: MonitoringSettings,
    refusals: Refusals,
) -> None:
    """Check that it is known what a TURN node can send, where that decides how many there are."""
    known = pools.turn.flexible or monitoring.turn_node_gbits is not None
    if scales_turn(capacity, pools, cluster) and not known:
        bandwidth = f"Set it to the network bandwidth of {pools.turn.shape}, from Oracle's table of shapes"
        refusals.missing("pixel:monitoring.turn_node_gbits", bandwidth)


def check_buffers(
    apps: Sequence[AppSettings],
    cluster: ClusterSettings,
    autoscaling: AutoscalingSettings,
    monitoring: MonitoringSettings,
    refusals: Refusals,
) -> None:
    """Refuse node buffers that nobody adds nodes for, and shared sessions whose instances nobody scales."""
    growing = cluster.autoscaler or cluster.existing is not None
    for i, app in enumerate(apps):
        if app.buffer.most_nodes and not growing:
            problem = "of no use: with cluster.autoscaler off nobody adds a node"
            remedy = "Set cluster.autoscaler to true, or leave it out"
            refusals.add(f"pixel:apps[{i}].buffer.nodes", app.buffer.most_nodes, problem, remedy)
        if app.shared and not (autoscaling.keda and monitoring.enabled):
            problem = "scaled by nobody: that takes KEDA, and Prometheus to count players"
            remedy = "Set autoscaling.keda and monitoring.enabled to true, or use exclusive"
            refusals.add(f"pixel:apps[{i}].sessions", app.session.sharing.value, problem, remedy)
