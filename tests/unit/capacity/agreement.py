"""How far the planner and the simulator are apart, over a grid of cases."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

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
    def surely_apart(self) -> float:
        """The same, less what chance explains: three standard errors of what was simulated."""
        return max(self.apart - 3 * self.error / self.simulated, 0.0)

    def __str__(self) -> str:
        apart = 100 * (self.planned / self.simulated - 1)
        return f"{self.name} {self.planned:.4g} / {self.simulated:.4g} ({apart:+.1f} %)"


def compare(case: Case, players: int, precision: float = math.inf, most: int = 1) -> list[Compared]:
    """Chance of waiting, mean wait and nodes of one case.

    It is simulated for so many players at a time, `most` times at most, until the standard error of the mean wait is
    below `precision` of it.
    """
    waits: list[np.ndarray] = []
    up: list[float] = []
    while len(waits) < most:
        result = run(case, players, len(waits) + 1)
        waits.append(result.waits())
        up.append(result.mean_nodes)
        wait, error = mean_of(waits)
        if error <= precision * wait:
            break
    if case.cap is None:
        nodes = NodeBuffer(Players(case.rate, case.session), case.node, case.per_node, 900)
        promise = Layers(case.rate, case.start, nodes, case.slots, 0).promise(case.instances)
        size = [Compared("nodes", nodes.nodes(case.instances + case.slots), float(np.mean(up)), 0.0)]
    else:
        slots = case.cap * case.per_node
        promise = CappedBuffer(case.rate, case.session.mean, case.start.mean, slots, case.instances).promise()
        size = []
    return [
        Compared("chance of waiting", promise.chance_of_waiting, *mean_of([each > 0 for each in waits])),
        Compared("mean wait", promise.mean_wait, wait, error),
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


def mean_of(runs: Sequence[np.ndarray]) -> tuple[float, float]:
    """Mean and its standard error of values that depend on their neighbours, by means of batches."""
    batches = [float(part.mean()) for values in runs for part in np.array_split(values, BATCHES)]
    return float(np.mean(batches)), float(np.std(batches, ddof=1) / len(batches) ** 0.5)


def well_kept(on_order: float) -> int:
    """A buffer that few players find empty."""
    return int(on_order + 2.4 * on_order**0.5 + 0.5)


def large_grid() -> Iterator[Case]:
    """An instance buffer by itself, and with a cap; over nodes, of up to four slots; over slow nodes whose times vary.

    Sessions are memoryless, of one length, or long for some; rates go from 36 to 3600 players an hour.
    """
    for rate, start in product((0.01, 0.2), (fixed(60), exponential(60), lognormal(60, 1))):
        for above in (0, 2):
            yield Case(rate, exponential(1200), start, fixed(0), round(60 * rate) + above, 0)
    for cap in (30, 33):
        yield Case(0.02, exponential(1200), fixed(60), fixed(0), 4, 0, cap=cap)
    for rate, length, lead in product((0.02, 0.2), (1200, 2700), (120, 240)):
        for slots, per_node in ((0, 1), (3, 1), (2, 2), (0, 4)):
            yield Case(rate, exponential(length), fixed(60), fixed(lead), well_kept(60 * rate), slots, per_node)
    for rate, node in product((0.02, 0.2, 1.0), (240, 480)):
        for session in (exponential(600), exponential(1800), lognormal(1800, 1), fixed(1800)):
            for start in (fixed(60), lognormal(60, 0.5)):
                yield Case(rate, session, start, lognormal(node, 0.3), well_kept(60 * rate), 3)


def grid(cases: int = 40) -> list[Case]:
    """What the test runs: cases at even distances in the large grid, whatever holds for them."""
    of = list(large_grid())
    return [of[number * len(of) // cases] for number in range(cases)]
