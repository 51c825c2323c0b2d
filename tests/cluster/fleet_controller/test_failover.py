"""The same with controllers that are killed at any step, that stand still for a while, and with two of them."""

import asyncio
import re
import signal
from collections import Counter
from collections.abc import Callable

import pytest

from tests.cluster.fleet_controller.simulated_cluster import SimulatedCluster
from tests.cluster.fleet_controller.test_sessions import (
    QUICK,
    all_live,
    marked,
    node_drained,
    rolled_out,
    scaled_down_and_up,
)
from tests.cluster.fleet_controller.world import Process, Starts, World, stack, stopped, world

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

CONFIG = stack({"buffer": {"instances": 2, "nodes": 1}}, max_nodes=4, slots=2)


async def killed_again_and_again(found: World, kills: int, over: Callable[[], bool]) -> None:
    """Whoever leads is killed after its first action, the next one after its second, and so on; others follow."""
    for step in range(kills):
        leader = await found.leader()

        async def got_there(of: Process = leader, actions: int = step + 1) -> bool:
            # What is left to do may be less than that.
            return of.done() >= actions or over()

        await found.until(got_there, f"{step + 1} actions of {leader.identity}", pause=0.005)
        leader.kill()
        found.start_controller()


def scaled_twice(found: World) -> list[tuple[str, ...]]:
    """Specifications of a Deployment that more than one decision was carried out on; there must be none."""
    scale = re.compile(r"Scale\(deployment='([\w-]+)', replicas=\d+, generation=(\d+)\)")
    done = [line["action"] for each in found.processes for line in each.lines() if line["message"] == "done"]
    times = Counter(match.groups() for action in done if (match := scale.fullmatch(action)))
    return [which for which, number in times.items() if number > 1]


async def test_killed_at_any_step_a_burst_is_served_in_order_all_the_same(simulated: SimulatedCluster) -> None:
    async with world(simulated, CONFIG, starts=Starts(0.5, 0.5), controllers=2) as found:
        visits = [found.desk.arrive() for _ in range(12)]
        killing = asyncio.create_task(killed_again_and_again(found, 4, lambda: not found.desk.waiting()))
        await found.served(*visits[:8])
        await all_live(found, visits[:8])
        for visit in visits[:8]:
            await found.desk.leave(visit)
        await found.served(*visits)
        await killing
        began = [visit.began or 0 for visit in visits]
        assert began == sorted(began), "first come, first served"
        assert found.desk.most_sessions <= 8
        assert found.pool.largest <= 4
        await all_live(found, visits[8:])
        for visit in visits[8:]:
            await found.desk.leave(visit)
        await found.settled(warm=2, holding=2)
        assert scaled_twice(found) == []


async def test_killed_at_any_step_of_roll_out_scaling_and_drain_no_session_ends(simulated: SimulatedCluster) -> None:
    config = stack({"buffer": {"instances": 6}}, max_nodes=6, slots=8)
    async with world(simulated, config, starts=QUICK, provisioning=lambda: 0.2, controllers=2) as found:
        await asyncio.gather(*(found.pool.add() for _ in range(5)))
        visits = [found.desk.arrive() for _ in range(20)]
        finished = asyncio.Event()
        killing = asyncio.create_task(killed_again_and_again(found, 8, finished.is_set))
        await found.served(*visits)
        await found.settled(warm=6)
        await marked(found)
        await rolled_out(found)
        await scaled_down_and_up(found)
        await node_drained(found, visits)
        await all_live(found, visits)
        finished.set()
        await killing
        await found.settled(warm=6)
        await all_live(found, visits)
        assert scaled_twice(found) == []


async def test_a_leader_that_stood_still_does_nothing_when_it_goes_on(simulated: SimulatedCluster) -> None:
    async with world(simulated, CONFIG, controllers=2) as found:
        await found.settled(warm=2, holding=2)
        first = await found.leader()
        (second,) = [each for each in found.processes if each is not first]
        with stopped(first):
            visits = [found.desk.arrive() for _ in range(4)]

            async def taken_over() -> bool:
                return await found.metric(second, "pixel_controller_leading") == 1

            await found.until(taken_over, "the other one leads")
            await found.served(*visits)
            await found.settled(warm=2, holding=2)
            before = first.done()
        # It wakes up in the middle of whatever it did, and finds that its time is over.
        visits += [found.desk.arrive() for _ in range(2)]
        await found.served(*visits)
        assert await found.leader() is second
        assert first.done() == before
        await all_live(found, visits)
        assert scaled_twice(found) == []


async def test_a_leader_that_is_asked_to_end_hands_over(simulated: SimulatedCluster) -> None:
    async with world(simulated, CONFIG, controllers=2) as found:
        await found.settled(warm=2, holding=2)
        first = await found.leader()
        first.popen.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(first.popen.wait, 20) == 0
        said = [line["message"] for line in first.lines()]
        assert said[-2:] == ["lease given up", "stopped"]
        visit = found.desk.arrive()
        await found.served(visit)
        await found.settled(warm=2, holding=2)


async def test_a_version_that_fails_is_rolled_back_though_its_controller_is_killed(simulated: SimulatedCluster) -> None:
    versions = [{"tag": "v1", "weight": 90}, {"tag": "v2", "weight": 10}]
    config = stack(
        {"versions": versions, "buffer": {"instances": 2}},
        max_nodes=4,
        slots=4,
        rollback={"sessions": 6, "risk": 0.2},
    )
    async with world(simulated, config, starts=Starts(0.1, 0.1), provisioning=lambda: 0.2) as found:
        await found.settled(warm=4)
        await failing(found, 4)
        await found.until(lambda: counted(found, 4), "the first sessions are counted")
        # What was counted is not lost with whoever has counted it.
        found.processes[0].kill()
        found.start_controller()
        await failing(found, 4)

        async def rolled_back() -> bool:
            return await found.replicas("demo-v2") == 0 and found.desk.idle_of("v2") == 0

        await found.until(rolled_back, "the failing version keeps nothing ready")
        controller = await found.leader()
        assert await found.metric(controller, "pixel_version_rolled_back", version="v2") == 1
        assert await found.metric(controller, "pixel_version_weight", version="v2") == 0
        assert await found.metric(controller, "pixel_version_rolled_back", version="v1") == 0
        assert found.annotations("demo-v2")["app.pixel/weight-override"] == "0"
        assert "sessions failed" in found.annotations("demo-v2")["app.pixel/rolled-back"]
        assert "VersionRolledBack" in found.events("demo-v2")
        # A deployment with another weight is another try.
        await found.annotate("deployment", "demo-v2", weight="20")
        await found.settled(warm=4)
        assert not {"app.pixel/weight-override", "app.pixel/rolled-back"} & found.annotations("demo-v2").keys()
        assert "RollbackLifted" in found.events("demo-v2")


async def failing(found: World, rounds: int) -> None:
    """So many sessions of each version; all of the new one's are interrupted."""
    for _ in range(rounds):
        visits = [found.desk.arrive(version=version) for version in ("v1", "v2")]
        await found.served(*visits)
        for visit in visits:
            await found.desk.leave(visit, "interrupted" if visit.version == "v2" else "completed")


async def counted(found: World, sessions: int) -> bool:
    """Whether it is written down that so many sessions of each version have ended."""
    tallies = found.memory().get("trials", {}).get("demo", {}).get("tallies", {})
    return [tallies.get(version, {}).get("ended") for version in ("v1", "v2")] == [sessions, sessions]
