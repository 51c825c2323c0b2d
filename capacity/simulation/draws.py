"""Chance, drawn before a simulation runs: the same seed gives the same day, whatever engine plays it."""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from capacity.durations import Duration
from capacity.simulation.scenario import Application, Scenario

Floats: TypeAlias = npt.NDArray[np.float64]
Integers: TypeAlias = npt.NDArray[np.int64]

NEVER: Final = np.inf
_TABLE: Final = 1 << 16
"""Drawn times of starts, nodes and failures; used in turn, round and round."""


@dataclass(frozen=True)
class Players:
    """Who comes, in order of time; one row each."""

    arrival: Floats
    """Seconds from the start."""
    application: Integers
    session: Floats
    """Seconds it plays, if nothing ends it before."""
    patience: Floats
    """Seconds it waits before it leaves."""
    priority: Integers
    """Among the players of its application; the larger number is served first."""

    def __len__(self) -> int:
        return len(self.arrival)


@dataclass(frozen=True)
class Draws:
    """All chance of one run."""

    players: Players
    start: Floats
    """Application x turn: what an instance takes to start."""
    crash: Floats
    """Application x turn: from an instance's readiness to its crash."""
    provisioning: Floats
    loss: Floats
    """From a node's readiness to its loss."""


def sample(duration: Duration | None, generator: np.random.Generator, count: int) -> Floats:
    """`count` draws; of nothing, never."""
    if duration is None:
        return np.full(count, NEVER)
    drawn: Floats = np.interp(generator.random(count), duration.levels, duration.seconds)
    return drawn


def table(duration: Duration | None, generator: np.random.Generator) -> Floats:
    """Draws to use in turn: each part of the distribution as often as it should be, in any order.

    Independent ones would have a mean of their own, of which a run of millions of players would show the effect.
    """
    if duration is None:
        return np.full(_TABLE, NEVER)
    levels = (generator.permutation(_TABLE) + generator.random(_TABLE)) / _TABLE
    drawn: Floats = np.interp(levels, duration.levels, duration.seconds)
    return drawn


def draw(scenario: Scenario, seed: int, players: Players | None = None) -> Draws:
    """The chance of one run; of recorded players only the rest is drawn."""
    generator = np.random.default_rng(seed)
    applications = scenario.applications
    return Draws(
        players=draw_players(scenario, generator) if players is None else players,
        start=np.array([table(each.start, generator) for each in applications]),
        crash=np.array([table(each.crash, generator) for each in applications]),
        provisioning=table(scenario.pool.provisioning, generator),
        loss=table(scenario.pool.loss, generator),
    )


def draw_players(scenario: Scenario, generator: np.random.Generator) -> Players:
    """Players that come independently of each other, at rates that change by the hour."""
    parts = []
    for number, its in enumerate(scenario.applications):
        arrival = arrivals(its, scenario.seconds, generator)
        count = len(arrival)
        parts.append(
            Players(
                arrival=arrival,
                application=np.full(count, number),
                session=sample(its.session, generator, count),
                patience=sample(its.patience, generator, count),
                priority=np.zeros(count, dtype=np.int64),
            )
        )
    return in_order(parts)


def arrivals(its: Application, seconds: float, generator: np.random.Generator) -> Floats:
    """Times of a Poisson process whose rate is constant within each part of its period."""
    width = its.period / len(its.rates)
    starts = np.arange(0.0, seconds, width)
    ends = np.minimum(starts + width, seconds)
    rates = np.array([its.rates[i % len(its.rates)] for i in range(len(starts))])
    counts = generator.poisson(rates * (ends - starts))
    times: Floats = np.repeat(starts, counts) + generator.random(counts.sum()) * np.repeat(ends - starts, counts)
    times.sort()
    return times


def in_order(parts: list[Players]) -> Players:
    """Several rows of players as one, in order of time."""
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in Players.__dataclass_fields__}
    order = np.argsort(joined["arrival"], kind="stable")
    return Players(**{name: np.ascontiguousarray(values[order]) for name, values in joined.items()})
