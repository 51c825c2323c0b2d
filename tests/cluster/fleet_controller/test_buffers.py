"""Warm instances and warm nodes on a real control plane: taken at once, refilled at once, never beyond the caps."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.cluster.fleet_controller.node_pool import name_of
from tests.cluster.fleet_controller.simulated_cluster import SimulatedCluster
from tests.cluster.fleet_controller.world import Starts, World, stack, world

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


async def moment(service: World, holds: Callable[[], Awaitable[object]]) -> float:
    """When something first holds, by the event loop's clock."""
    await service.until(holds, "what was asked for", pause=0.01)
    return asyncio.get_running_loop().time()


async def test_a_session_starts_at_once_and_what_it_took_is_replaced(simulated: SimulatedCluster) -> None:
    config = stack({"buffer": {"instances": 2, "nodes": 1}}, max_nodes=8, slots=1)
    async with world(simulated, config) as found:
        await found.settled(warm=2, holding=1)
        there = len(await found.nodes())
        delays = []
        for _ in range(2):
            ordered = len(found.pool.ordered)
            warm = {name_of(pod) for pod in await found.pods("idle")}
            visit = found.desk.arrive()
            await found.served(visit)
            assert visit.instance in warm, "nothing had to start for it"

            async def replaced() -> bool:
                return len(await found.pods("idle")) == 2

            async def node_ordered(before: int = ordered) -> bool:
                return len(found.pool.ordered) > before

            moments = await asyncio.gather(moment(found, replaced), moment(found, node_ordered))
            delays.append([each - visit.came for each in moments])
            await found.settled(warm=2, holding=1)
        # Of two, the quicker one: this machine may be busy with something else.
        assert min(instance for instance, _ in delays) < 1
        assert min(node for _, node in delays) < 1
        assert len(await found.nodes()) == there + 2


async def test_a_burst_beyond_the_buffer_waits_in_order_and_the_caps_hold(simulated: SimulatedCluster) -> None:
    """Fourteen players for eight slots, of which an application may have seven; then sessions end.

    An instance takes longer to start than the controller to decide: what a ReplicaSet starts beyond a maximum is taken
    back before it is ready.
    """
    config = stack({"buffer": {"instances": 2, "nodes": 1, "maximum": 7}}, max_nodes=4, slots=2)
    async with world(simulated, config, starts=Starts(2, 2)) as found:
        await found.settled(warm=2, holding=2)
        visits = [found.desk.arrive() for _ in range(14)]
        await found.served(*visits[:7])
        await found.settled(warm=0, holding=1)

        async def no_more() -> bool:
            return await found.replicas() == 0

        await found.until(no_more, "no more instances are asked for")
        assert found.desk.waiting() == 7
        capped = {"application": "demo", "cap": "application"}
        (controller,) = found.processes

        async def said_so() -> bool:
            return await found.metric(controller, "pixel_capacity_capped_instances", **capped) == 9

        await found.until(said_so, "seven who wait and a buffer of two are cut off by the maximum")
        assert "CapReached" in found.events("demo-v1")
        for visit in visits[:7]:
            await found.desk.leave(visit)
        await found.served(*visits)
        began = [visit.began or 0 for visit in visits]
        assert began == sorted(began), "first come, first served"
        assert found.desk.most_sessions == 7
        assert found.pool.largest == 4
        for visit in visits[7:]:
            await found.desk.leave(visit)
        await found.settled(warm=2, holding=2)


async def test_from_nothing_by_the_queue_and_back_to_nothing(simulated: SimulatedCluster) -> None:
    config = stack({"buffer": {"instances": 0, "minimum": 0}}, max_nodes=2, slots=2)
    async with world(simulated, config) as found:
        found.pool.spare_seconds = 1.0
        await found.settled(warm=0)

        async def no_node() -> bool:
            return not await found.nodes()

        await found.until(no_node, "no node without players")
        visits = [found.desk.arrive() for _ in range(2)]
        await found.served(*visits)
        await found.settled(warm=0)
        for visit in visits:
            await found.desk.leave(visit)
        await found.until(no_node, "the nodes go when nobody plays")


async def test_a_full_pool_goes_to_the_application_of_the_higher_priority(simulated: SimulatedCluster) -> None:
    config = stack(
        {"name": "first", "priority": 10, "buffer": {"instances": 2}},
        {"name": "second", "buffer": {"instances": 2}},
        max_nodes=2,
        slots=2,
    )
    async with world(simulated, config) as found:
        await found.settled(warm=2, app="first")
        await found.settled(warm=2, app="second")
        visits = [found.desk.arrive("first") for _ in range(2)]
        await found.served(*visits)
        # Two sessions and the buffer of the one fill the pool: nothing is left for the other.
        await found.settled(warm=2, app="first")
        await found.settled(warm=0, app="second")
        for visit in visits:
            await found.desk.leave(visit)
        await found.settled(warm=2, app="second")
