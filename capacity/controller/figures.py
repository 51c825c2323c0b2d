"""What was decided, in numbers: for metrics, and to tell what changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from capacity.controller.allotment import Cap
from capacity.controller.budget import Restraint


@dataclass(frozen=True, slots=True)
class FleetFigures:
    """Of one fleet."""

    name: str
    application: str
    version: str
    target: int = 0
    """Warm instances that it is to have, beyond those for players who wait."""
    replicas: int = 0
    """Idle instances that it is to have in all."""
    warm: int = 0
    starting: int = 0
    sessions: int = 0
    cut: Mapping[Cap, int] = field(default_factory=dict)
    """Instances that were wanted beyond what it gets, by what cut them off."""
    weight: int = 0
    rolled_back: bool = False


@dataclass(frozen=True, slots=True)
class PoolFigures:
    """Of the placeholders of a pool."""

    wanted: int = 0
    """Placeholders that are to be kept: one for each slot, or each node of the TURN pool."""
    ready: int = 0
    """Placeholders that run."""
    cut: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """Of everything."""

    fleets: tuple[FleetFigures, ...] = ()
    pools: Mapping[str, PoolFigures] = field(default_factory=dict)
    """`gpu` and `turn`."""
    turn_nodes: int | None = None
    """Nodes of the TURN pool that are to take players; None where the pool keeps one size."""
    schedules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Those in force, by application."""
    restraint: Restraint = Restraint.NONE
    gpu_hours: float = 0.0
    """Of the day so far."""
