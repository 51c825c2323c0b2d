"""TURN nodes by what they carry: another one in time, none that goes before its last allocation has ended."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from lightkube.resources.core_v1 import Node

from signalling.shell import listening
from tests.cluster.fleet_controller.node_pool import NodePool
from tests.cluster.fleet_controller.simulated_cluster import SimulatedCluster
from tests.cluster.fleet_controller.world import INSTANCES, World, stack, world
from tests.ports import free_port

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

LABEL = "app.pixel/turn"
ADDRESS = "127.0.71.{}"
NODES = ("turn-0", "turn-1", "turn-2")


class Relays:
    """What each TURN node says of itself; node N answers on an address of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.allocations = dict.fromkeys(NODES, 0)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        runners = []
        for i, name in enumerate(NODES):
            app = web.Application()

            async def metrics(_: web.Request, name: str = name) -> web.Response:
                held = f"pixel_turn_allocations {self.allocations[name]}\npixel_turn_allocations_limit 14000\n"
                return web.Response(text=f'{held}pixel_turn_bytes_total{{direction="to_player"}} 0\n')

            app.router.add_get("/metrics", metrics)
            runners.append(await listening.listen(app, ADDRESS.format(i + 1), self.port))
        try:
            yield
        finally:
            for runner in runners:
                await runner.cleanup()


async def test_turn_nodes_come_with_the_load_and_go_when_they_are_empty(simulated: SimulatedCluster) -> None:
    config = stack({"buffer": {"instances": 0}}, max_nodes=1, slots=1, turn={"allocations": 100})
    config["pixel:pools"]["turn"] |= {"min": 1, "max": 3}
    relays = Relays()
    async with relays.open(), world(simulated, config, turn_port=relays.port) as found:
        pool = NodePool(found.client, INSTANCES, most=3, slots=1, label=LABEL, taint=LABEL, resource=None)
        pool.address = lambda number: ADDRESS.format(number + 1)
        pool.spare_seconds = 1.0
        async with pool.growing():
            await comes_and_goes(found, relays)


async def comes_and_goes(found: World, relays: Relays) -> None:
    await found.until(lambda: nodes_are(found, {"turn-0": True}), "the least there is to be")
    relays.allocations["turn-0"] = 80
    await found.until(lambda: nodes_are(found, {"turn-0": True, "turn-1": True}), "one more, before the first is full")

    async def both_are_held() -> bool:
        return await held(found) == {"turn-0", "turn-1"}

    # A placeholder that has not been placed yet would find its node cordoned.
    await found.until(both_are_held, "each node is held by a placeholder")
    relays.allocations |= {"turn-0": 30, "turn-1": 10}
    # One could carry it all: the one with less of it takes no new players.
    await found.until(lambda: nodes_are(found, {"turn-0": True, "turn-1": False}), "the emptier one is cordoned")
    controller = await found.leader()

    async def asked_again() -> bool:
        return await found.metric(controller, "pixel_turn_nodes_wanted") == 1

    await found.until(asked_again, "one node is enough")
    # It stays for as long as it carries anything, though the autoscaler would take it if nothing held it.
    assert found.cluster.run("get", "node", "turn-1").returncode == 0
    assert await both_are_held()
    relays.allocations |= {"turn-0": 75}
    # The load comes back before it is gone: it is taken back instead of a new one.
    await found.until(lambda: nodes_are(found, {"turn-0": True, "turn-1": True}), "it is needed after all")
    relays.allocations |= {"turn-0": 20, "turn-1": 10}
    await found.until(lambda: nodes_are(found, {"turn-0": True, "turn-1": False}), "it is cordoned again")
    relays.allocations["turn-1"] = 0
    await found.until(lambda: nodes_are(found, {"turn-0": True}), "empty, it is released and removed")


async def nodes_are(found: World, expected: dict[str, bool]) -> bool:
    """The pool's nodes, and whether each takes players."""
    nodes = [node async for node in found.client.list(Node, labels={LABEL: "true"})]
    return {node.metadata.name: not (node.spec and node.spec.unschedulable) for node in nodes if node.metadata} == (
        expected
    )


async def held(found: World) -> set[str]:
    """Nodes that a placeholder keeps."""
    done = found.cluster.run("get", "pods", "-n", INSTANCES, "-l", "app.pixel/placeholder=turn", "--output=json")
    pods = json.loads(done.stdout)["items"]
    return {pod["spec"].get("nodeName", "") for pod in pods if "deletionTimestamp" not in pod["metadata"]}
