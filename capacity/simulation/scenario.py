"""What is simulated: a pool, its applications, their players, and what goes wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from capacity.durations import Duration

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY

SURPLUS_SECONDS: Final = 900.0
"""How long a node is not needed before it is removed: the cluster autoscaler's `scaleDownUnneededTime`."""


@dataclass(frozen=True)
class Change:
    """What is kept of an application from a time on, in seconds from the start, in place of all that was before."""

    time: float
    buffer: int
    buffer_percent: float = 0.0
    least: int = 0
    most: int | None = None
    slots: int = 0
    slots_percent: float = 0.0


@dataclass(frozen=True)
class SlotsChange:
    """A pool's new number of free slots from a time on, in seconds from the start."""

    time: float
    slots: int


@dataclass(frozen=True)
class Outage:
    """A time in which the cloud has no capacity: a node ordered meanwhile is begun at its end."""

    start: float
    end: float


@dataclass(frozen=True)
class Application:
    """One application, with one version."""

    name: str
    rates: Sequence[float]
    """Players a second in equal parts of `period`: one number, or 168 for the hours of a week."""
    session: Duration
    start: Duration
    """Of an instance that has its slot, until it is ready."""
    buffer: int
    """Instances ready or starting for nobody yet."""
    buffer_percent: float = 0.0
    """The same in percent of running sessions; the larger one counts."""
    least: int = 0
    """Its instances at least, sessions among them. No buffer: when they are used up no more are started."""
    most: int | None = None
    """Its instances at most, sessions among them."""
    slots: int = 0
    """Slots kept free for it, beside those of the pool."""
    slots_percent: float = 0.0
    """The same in percent of running sessions; the larger one counts."""
    changes: tuple[Change, ...] = ()
    """The schedule of all of these."""
    period: float = WEEK
    """Seconds that `rates` are of, from the start on; then they begin anew."""
    priority: int = 0
    """The application with the larger number gets a slot first where the pool is full."""
    reuse: bool = False
    """An instance whose session is over is ready for another at once, instead of being deleted."""
    patience: Duration | None = None
    """How long a player waits before it leaves; nobody leaves without one."""
    crash: Duration | None = None
    """From an instance's readiness to its crash."""


@dataclass(frozen=True)
class Pool:
    """The GPU nodes."""

    provisioning: Duration
    """From ordering a node to its being ready for instances."""
    most_nodes: int
    slots: int = 1
    """Instances of one node."""
    buffer: int = 0
    """Slots kept free, on nodes that are there or ordered: refilled the moment that one is taken."""
    changes: tuple[SlotsChange, ...] = ()
    """The schedule of `buffer`."""
    least_nodes: int = 0
    """Nodes that are always there. No buffer: when they are taken nothing is ordered beyond them."""
    surplus_seconds: float = SURPLUS_SECONDS
    loss: Duration | None = None
    """From a node's readiness to its loss."""
    outages: tuple[Outage, ...] = ()

    def __post_init__(self) -> None:
        if self.slots < 1 or self.most_nodes < 1 or not 0 <= self.least_nodes <= self.most_nodes:
            raise ValueError(
                f"a pool of {self.least_nodes} to {self.most_nodes} nodes with {self.slots} slots each is none: "
                "use a slot and a node at least, and no more nodes at least than at most"
            )


@dataclass(frozen=True)
class Scenario:
    """Everything but chance."""

    applications: tuple[Application, ...]
    pool: Pool
    seconds: float = DAY
    settling: float = 0.0
    """Seconds at the start that results leave out: nobody plays at first, and buffers are full."""
    bins: int = 288
    """Parts of the time for which means are kept, for plots."""
