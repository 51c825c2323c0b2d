"""The simulator and the real control plane say the same of how long players wait."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from capacity.durations import Duration, exponential
from capacity.simulation.draws import Floats, Players, draw_players
from capacity.simulation.result import simulate
from capacity.simulation.scenario import Application, Pool, Scenario
from tests.cluster.fleet_controller.front_desk import FrontDesk, Visit
from tests.cluster.fleet_controller.simulated_cluster import SimulatedCluster
from tests.cluster.fleet_controller.world import Starts, World, stack, world

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

SECONDS = 150.0
NODES = 40
SPARE_SECONDS = 4.0
STARTS = Starts(3, 5)
PROVISIONING = (2.0, 6.0)
BUFFER = 3
# Everything is about a hundred times as quick as in life. So what the control plane adds, which is nothing beside a
# minute, counts here: it is measured, and is a part of what an instance takes.
PLAYERS = Scenario(
    (Application("demo", [0.8], exponential(8), Duration((0.0, 1.0), (STARTS.least, STARTS.most)), BUFFER),),
    Pool(Duration((0.0, 1.0), PROVISIONING), NODES, buffer=1, surplus_seconds=SPARE_SECONDS),
    SECONDS,
)
RUNS = 200
LONG = 1.0
"""Seconds that a player notices."""


def coming(seed: int) -> Players:
    """Who comes on one day of two and a half minutes."""
    return draw_players(PLAYERS, np.random.default_rng(seed))


async def played(found: World, players: Players) -> list[Visit]:
    """They come, wait, play and go, on the real control plane."""
    loop = asyncio.get_running_loop()
    begin = loop.time()

    async def visited(arrival: float, session: float) -> Visit:
        await asyncio.sleep(begin + arrival - loop.time())
        visit = found.desk.arrive()
        await visit.served.wait()
        await asyncio.sleep(session)
        await found.desk.leave(visit)
        return visit

    return await asyncio.gather(*map(visited, players.arrival, players.session))


def leads(desk: FrontDesk) -> list[float]:
    """What instances took from the player that each is for: until it was there, and from its node to its readiness.

    Each player brings one, for the next to come or for itself: the first brings the first after those of the buffer.
    """
    order = sorted(desk.starts, key=lambda name: desk.seen[name])[BUFFER:]
    assert len(order) == len(desk.visits), "one instance for each player"
    return [desk.seen[name] - visit.came + desk.starts[name] for name, visit in zip(order, desk.visits, strict=True)]


def as_measured(starts: Iterable[float], took: Iterable[float], buffer: int) -> Scenario:
    """The service with the start and provisioning times that it had; it ends when everybody has been served."""
    (showroom,) = PLAYERS.applications
    return replace(
        PLAYERS,
        applications=(replace(showroom, start=observed(starts), buffer=buffer),),
        pool=replace(PLAYERS.pool, provisioning=observed(took)),
        seconds=SECONDS + 120,
    )


def observed(seconds: Iterable[float]) -> Duration:
    """As often as they were measured."""
    rising = sorted(seconds)
    return Duration(tuple(i / (len(rising) - 1) for i in range(len(rising))), tuple(rising))


def said(waits: Floats) -> Floats:
    """Mean wait, and the share of players who wait long."""
    return np.array([waits.mean(), (waits > LONG).mean()])


def bounds(scenario: Scenario) -> Floats:
    """Between which 99 of 100 simulated days lie: the lower ones and the upper ones."""
    days = np.array([said(simulate(scenario, seed, coming(seed)).wait) for seed in range(1, RUNS + 1)])
    found: Floats = np.quantile(days, [0.005, 0.995], axis=0)
    return found


async def test_players_wait_as_long_as_the_simulator_says(simulated: SimulatedCluster) -> None:
    config = stack({"buffer": {"instances": BUFFER, "nodes": 1}}, max_nodes=NODES, slots=1)
    chance = np.random.default_rng(8)
    async with world(
        simulated, config, starts=STARTS, provisioning=lambda: float(chance.uniform(*PROVISIONING))
    ) as found:
        found.pool.spare_seconds = SPARE_SECONDS
        await found.settled(warm=BUFFER, holding=1)
        visits = await played(found, coming(7))
        await found.settled(warm=BUFFER, holding=1)
    starts = leads(found.desk)
    real = said(np.array([visit.waited for visit in visits]))

    def within(buffer: int) -> Floats:
        least, most = bounds(as_measured(starts, found.pool.took, buffer))
        print(f"buffer of {buffer}: mean wait {least[0]:.2f} to {most[0]:.2f} s, {least[1]:.2f} to {most[1]:.2f} long")
        inside: Floats = (least <= real) & (real <= most)
        return inside

    print(f"{len(visits)} players waited {real[0]:.2f} s on average, {real[1]:.2f} of them long")
    alone = np.mean(list(found.desk.starts.values()))
    print(f"instances took {np.mean(starts):.2f} s, {alone:.2f} s of it from their node to their readiness")
    assert np.all(within(BUFFER))
    # Else anything would agree: services that keep less, and more, are told apart.
    assert not np.any(within(BUFFER - 2))
    assert not np.any(within(BUFFER + 2))
