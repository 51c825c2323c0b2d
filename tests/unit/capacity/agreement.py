"""How far the planner and the simulator are apart, over a grid of cases."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from capacity.durations import Duration, exponential, fixed, lognormal
from capacity.planning.demand_process import Players
from capacity.planning.finite_pool import CappedBuffer
from capacity.planning.layers import Layers
from capacity.planning.node_buffer import NodeBuffer
from capacity.simulation.result import Result, simulate
from capacity.simulation.scenario import Application, Pool, Scenario

BATCHES = 32
"""Parts of a run whose means tell how far chance alone may put it off."""


@dataclass(frozen=True)
class Case:
    """One service."""

    rate: float
    session: Duration
    start: Duration
    node: Duration
    instances: int
    slots: int
    """Kept free."""
    per_node: int = 1
    cap: int | None = None
    """Nodes."""

    def __str__(self) -> str:
        kept = f"{self.instances} warm, {self.slots} free, {self.per_node} a node, cap {self.cap}"
        return (
            f"{3600 * self.rate:5.0f}/h session {self.session.mean:4.0f} ({self.session.spread:.1f}) "
            f"start {self.start.mean:.0f} ({self.start.spread:.1f}) node {self.node.mean:3.0f} {kept}"
        )


@dataclass(frozen=True)
class Compared:
    """One number, from both."""

    name: str
    planned: float
    simulated: float
    error: float
    """Standard error of what was simulated."""

    @property
    def apart(self) -> float:
        """By which part of what was simulated."""
        return abs(self.planned / self.simulated - 1)

    @property
    def far(self) -> float:
        """The same in standard errors."""
        return abs(self.planned - self.simulated) / self.error if self.error else math.inf

    def __str__(self) -> str:
        apart = 100 * (self.planned / self.simulated - 1)
        return f"{self.name} {self.planned:.4g} / {self.simulated:.4g} ({apart:+.1f} %)"


def compare(case: Case, players: int, seed: int = 1) -> list[Compared]:
    """Chance of waiting, mean wait and nodes of one case."""
    result = run(case, players, seed)
    waits = result.waits()
    if case.cap is None:
        nodes = NodeBuffer(Players(case.rate, case.session), case.node, case.per_node, 900)
        promise = Layers(case.rate, case.start, nodes, case.slots).promise(case.instances)
        size = [Compared("nodes", nodes.nodes(case.instances + case.slots), result.mean_nodes, 0.0)]
    else:
        slots = case.cap * case.per_node
        promise = CappedBuffer(case.rate, case.session.mean, case.start.mean, slots, case.instances).promise()
        size = []
    return [
        Compared("chance of waiting", promise.chance_of_waiting, float((waits > 0).mean()), error_of(waits > 0)),
        Compared("mean wait", promise.mean_wait, float(waits.mean()), error_of(waits)),
        *size,
    ]


def run(case: Case, players: int, seed: int) -> Result:
    """Simulate one case for about so many players."""
    busy = case.rate * case.session.mean
    roomy = int(busy + 10 * busy**0.5 + case.instances + case.slots + 60)
    pool = Pool(case.node, case.cap or roomy, slots=case.per_node, buffer=case.slots)
    application = Application("a", [case.rate], case.session, case.start, case.instances)
    settling = 10 * case.session.mean + 5000
    return simulate(Scenario((application,), pool, settling + players / case.rate, settling), seed)


def error_of(values: np.ndarray) -> float:
    """Standard error of the mean of values that depend on their neighbours, by means of batches."""
    batches = [part.mean() for part in np.array_split(values, BATCHES)]
    return float(np.std(batches, ddof=1) / BATCHES**0.5)


def well_kept(on_order: float) -> int:
    """A buffer that few players find empty: of fewer the theory's mean wait is low, as docs/capacity.md says."""
    return int(on_order + 2.4 * on_order**0.5 + 0.5)


def grid() -> Iterator[Case]:
    """What the test runs: each layer by itself, both, and the cap.

    Of these so many players wait that 5 % can be told from chance; ``tests/bench/planner_agreement.py`` has more.
    """
    none = fixed(0)
    for rate, start, above in (
        (0.01, fixed(60), 2),
        (0.01, lognormal(60, 1), 2),
        (0.2, fixed(60), 0),
        (0.2, fixed(60), 2),
    ):
        yield Case(rate, exponential(1200), start, none, round(60 * rate) + above, 0)
    for session, node, slots, per_node in (
        *((1200, 120, 3, 1), (1200, 240, 2, 2)),
        *((2700, 120, 0, 1), (2700, 240, 3, 1), (2700, 240, 2, 2)),
    ):
        yield Case(0.02, exponential(session), fixed(60), fixed(node), well_kept(60 * 0.02), slots, per_node)
    for cap in (30, 33):
        yield Case(0.02, exponential(1200), fixed(60), none, 4, 0, cap=cap)
