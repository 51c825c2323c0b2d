"""What a simulation showed."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from capacity.simulation import engine
from capacity.simulation.draws import Draws, Floats, Integers, Players, draw
from capacity.simulation.scenario import Scenario
from capacity.simulation.world import CUT, GAVE_UP, HANDLED, NODES_ORDERED, QUEUED, build, with_room

Flags: TypeAlias = npt.NDArray[np.bool_]

BUSY, WARM, STARTING, PENDING, WAITING = range(5)
"""Columns of `Result.by_application`."""


@dataclass(frozen=True)
class Result:
    """One run."""

    scenario: Scenario
    players: Players
    wait: Floats
    """Seconds of each player; infinite for one that got nothing."""
    outcome: Integers
    by_application: Floats
    """Bin x application x (sessions, warm, starting, waiting for a slot, players waiting): means over the bin."""
    by_nodes: Floats
    """Bin x (up, ordered)."""
    interrupted: int
    """Sessions cut off by a crash or a lost node."""
    nodes_ordered: int
    events: int

    @cached_property
    def counted(self) -> Flags:
        """Which players came after the settling, and not so late that they were still waiting at the end."""
        chosen: Flags = (self.players.arrival >= self.scenario.settling) & (self.outcome != QUEUED)
        return chosen

    def waits(self, application: int | None = None) -> Floats:
        """Seconds that players waited, of those who got an instance or gave up."""
        chosen = self.counted if application is None else self.counted & (self.players.application == application)
        gave_up = self.outcome[chosen] == GAVE_UP
        waited: Floats = np.where(gave_up, self.players.patience[chosen], self.wait[chosen])
        return waited

    def chance_of_waiting(self, application: int | None = None) -> float:
        """The share of players who found nothing ready."""
        waits = self.waits(application)
        return float(np.mean(waits > 0)) if len(waits) else 0.0

    def mean_wait(self, application: int | None = None) -> float:
        """Seconds, over all players."""
        waits = self.waits(application)
        return float(np.mean(waits)) if len(waits) else 0.0

    @cached_property
    def times(self) -> Floats:
        """The middle of each bin, in seconds from the start."""
        return (np.arange(len(self.by_nodes)) + 0.5) * self.scenario.seconds / len(self.by_nodes)

    @cached_property
    def node_hours(self) -> float:
        """Hours of nodes that were up or being made, after the settling."""
        settled = self.times >= self.scenario.settling
        return float(self.by_nodes[settled].sum() * self.scenario.seconds / len(self.by_nodes) / 3600)

    def mean(self, column: int, application: int | None = None) -> float:
        """A column of `by_application` on average after the settling; of all applications together if none is named."""
        settled = self.by_application[self.times >= self.scenario.settling, :, column].mean(axis=0)
        return float(settled.sum() if application is None else settled[application])

    @property
    def mean_nodes(self) -> float:
        """Nodes up or being made, on average after the settling."""
        return float(self.by_nodes[self.times >= self.scenario.settling].sum(axis=1).mean())


def simulate(scenario: Scenario, seed: int = 1, players: Players | None = None) -> Result:
    """Play a scenario; with recorded players if some are given."""
    return play(scenario, draw(scenario, seed, players))


def play(scenario: Scenario, draws: Draws) -> Result:
    """Play a scenario with given chance."""
    world = build(scenario, draws)
    world = with_room(world, engine.margin(world))
    engine.fill(world)
    while not engine.run(world):
        world = with_room(world, len(world.event_time) + engine.margin(world))
    width = scenario.seconds / scenario.bins
    return Result(
        scenario=scenario,
        players=draws.players,
        wait=world.wait,
        outcome=world.outcome,
        by_application=world.by_application / width,
        by_nodes=world.by_nodes / width,
        interrupted=int(world.counts[CUT]),
        nodes_ordered=int(world.counts[NODES_ORDERED]),
        events=int(world.counts[HANDLED]),
    )
