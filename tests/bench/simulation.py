"""The simulator against the same model in SimPy, and a day of ten players a second.

``make bench NAME=simulation``. Both play the same draws in one process, in turn, and must end with the same waits; an
event is a player's arrival, an instance's readiness, a session's end, or a change of the pool, counted by our engine.
"""

import argparse
import time
from collections.abc import Callable, Generator
from itertools import count
from typing import Any, TypeVar

import numpy as np
import simpy

from capacity.durations import exponential, fixed, lognormal
from capacity.simulation.draws import Draws, draw
from capacity.simulation.result import Result, play, simulate
from capacity.simulation.scenario import DAY, HOUR, Application, Pool, Scenario

T = TypeVar("T")


class Service:
    """The model in SimPy: players, instances and nodes as processes, ready instances and free slots as containers."""

    def __init__(self, scenario: Scenario, draws: Draws) -> None:
        self.pool, self.draws = scenario.pool, draws
        self.environment = simpy.Environment()
        self.wait = np.full(len(draws.players), np.inf)
        (its,) = scenario.applications
        self.pods = its.buffer
        self.nodes = self.needed()
        # What is there at the beginning has had its draws too.
        self.orders, self.starts = count(self.nodes), count(its.buffer)
        self.ready = simpy.Container(self.environment, init=its.buffer)
        self.free = simpy.Container(self.environment, init=self.nodes * self.pool.slots - its.buffer)
        self.environment.process(self.arrivals())

    def needed(self) -> int:
        """Nodes."""
        return min(-(-(self.pods + self.pool.buffer) // self.pool.slots), self.pool.most_nodes)

    def arrivals(self) -> Generator[simpy.Event, Any, None]:
        """Players come."""
        last = 0.0
        for player, arrival in enumerate(self.draws.players.arrival.tolist()):
            yield self.environment.timeout(arrival - last)
            last = arrival
            self.environment.process(self.player(player))

    def player(self, player: int) -> Generator[simpy.Event, Any, None]:
        """A player takes an instance, whose replacement is ordered at once, and gives its slot back."""
        self.pods += 1
        self.environment.process(self.instance())
        if self.needed() > self.nodes:
            self.nodes += 1
            self.environment.process(self.node())
        came = self.environment.now
        yield self.ready.get(1)
        self.wait[player] = self.environment.now - came
        yield self.environment.timeout(float(self.draws.players.session[player]))
        self.pods -= 1
        self.free.put(1)

    def instance(self) -> Generator[simpy.Event, Any, None]:
        """An instance takes a slot and starts."""
        yield self.free.get(1)
        turn = next(self.starts) % self.draws.start.shape[1]
        yield self.environment.timeout(float(self.draws.start[0, turn]))
        self.ready.put(1)

    def node(self) -> Generator[simpy.Event, Any, None]:
        """A node comes up."""
        turn = next(self.orders) % len(self.draws.provisioning)
        yield self.environment.timeout(float(self.draws.provisioning[turn]))
        yield self.free.put(self.pool.slots)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds, and what came of it."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def in_simpy(scenario: Scenario, draws: Draws) -> np.ndarray:
    """Waits, by SimPy."""
    service = Service(scenario, draws)
    service.environment.run(until=scenario.seconds)
    return service.wait


def service(seconds: float) -> Scenario:
    """Ten players a second; nodes stay, as SimPy's model has no rule for removing them."""
    its = Application("showroom", [10.0], lognormal(360, 0.8), lognormal(45, 0.3), 520)
    return Scenario((its,), Pool(lognormal(480, 0.2), 1200, 4, buffer=60, surplus_seconds=DAY), seconds=seconds)


def a_day() -> Scenario:
    """Ten players a second on up to 1,200 nodes, for a day."""
    its = Application("showroom", [10.0], exponential(360), fixed(45), 600)
    return Scenario((its,), Pool(fixed(480), 1200, slots=4), seconds=DAY)


def main() -> None:
    """Compare in turn, then time a day."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=1.0, help="simulated in each of the runs with SimPy")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    simulate(service(60.0))
    scenario = service(options.hours * HOUR)
    ratios = []
    for seed in range(options.runs):
        draws = draw(scenario, seed)
        ours, result = timed(lambda draws=draws: play(scenario, draws))  # type: ignore[misc]
        theirs, wait = timed(lambda draws=draws: in_simpy(scenario, draws))  # type: ignore[misc]
        both = np.isfinite(wait) & np.isfinite(result.wait)
        assert np.allclose(wait[both], result.wait[both], atol=1e-6), "the two models differ"
        ratios.append(theirs / ours)
        print(
            f"{result.events} events, {result.chance_of_waiting():.3f} waited: ours {result.events / ours:,.0f}/s, "
            f"SimPy {result.events / theirs:,.0f}/s, ratio {theirs / ours:.1f}",
            flush=True,
        )
    seconds, day = timed(lambda: simulate(a_day()))
    print(describe(day, seconds))
    print(f"least ratio {min(ratios):.1f}")


def describe(day: Result, seconds: float) -> str:
    """The day in a line."""
    return (
        f"a day: {len(day.players)} players, up to {day.by_nodes.sum(axis=1).max():.0f} nodes, {day.events} events in "
        f"{seconds:.2f} s with drawing them ({day.events / seconds:,.0f}/s)"
    )


if __name__ == "__main__":
    main()
