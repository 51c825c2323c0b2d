"""A hundred live sessions: nothing that scales, rolls out, drains or is lost elsewhere ends one of them."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterable

import pytest
from lightkube.resources.core_v1 import Pod

from tests.cluster.fleet_controller.front_desk import Visit, going, label
from tests.cluster.fleet_controller.node_pool import name_of, remove
from tests.cluster.fleet_controller.simulated_cluster import SimulatedCluster
from tests.cluster.fleet_controller.world import INSTANCES, Starts, World, stack, world

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

SESSIONS = 100
POOLS = ("session", "idle")
QUICK = Starts(0.1, 0.1)


async def all_live(found: World, visits: Iterable[Visit]) -> None:
    """Every session has the pod that it began on, and nobody has told that one to go."""
    there = {name_of(pod): pod async for pod in found.client.list(Pod, namespace=INSTANCES)}
    for visit in visits:
        pod = there.get(visit.instance)
        assert pod is not None, f"the session of player {visit.number} was killed"
        assert pod.metadata is not None
        assert (pod.metadata.uid, label(pod, "pool"), going(pod)) == (visit.uid, "session", False)


async def test_nothing_ends_a_hundred_sessions(simulated: SimulatedCluster) -> None:
    config = stack({"buffer": {"instances": 6}}, max_nodes=15, slots=8)
    async with world(simulated, config, starts=QUICK, provisioning=lambda: 0.2) as found:
        # With room from the start: how it comes is not the question here.
        await asyncio.gather(*(found.pool.add() for _ in range(14)))
        visits = [found.desk.arrive() for _ in range(SESSIONS)]
        await found.served(*visits)
        await found.settled(warm=6)
        await marked(found)
        await rolled_out(found)
        await all_live(found, visits)
        await scaled_down_and_up(found)
        await all_live(found, visits)
        await not_evicted(found, visits)
        await all_live(found, visits)
        await node_drained(found, visits)
        await all_live(found, visits)


async def marked(found: World) -> None:
    """The autoscaler is told to leave sessions, and nothing else, where they are."""

    async def right() -> bool:
        key = "cluster-autoscaler.kubernetes.io/safe-to-evict"
        pods = await found.pods()
        marks = {(label(pod, "pool"), ((pod.metadata and pod.metadata.annotations) or {}).get(key)) for pod in pods}
        return marks == {("session", "false"), ("idle", None)}

    await found.until(right, "sessions are pinned")


async def rolled_out(found: World) -> None:
    """A new image: every idle instance is exchanged."""
    before = {name_of(pod) for pod in await found.pods("idle")}
    image = {"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "example.com/acme/showroom:v2"}]}}}}
    done = found.cluster.run("patch", "deployment", "demo-v1", "--namespace", INSTANCES, "--patch", json.dumps(image))
    assert done.returncode == 0, done.stderr

    async def exchanged() -> bool:
        idle = {name_of(pod) for pod in await found.pods("idle")}
        return len(idle) == 6 and not idle & before

    await found.until(exchanged, "the roll-out reaches every idle instance")


async def scaled_down_and_up(found: World) -> None:
    """An operator's buffer of nothing, then of more; then the stack's again."""
    for buffer, warm in (("0", 0), ("9", 9), (None, 6)):
        await found.annotate("deployment", "demo-v1", **{"buffer-override": buffer})
        await found.settled(warm=warm)


async def not_evicted(found: World, visits: list[Visit]) -> None:
    """What `kubectl drain` asks for each pod is refused for those with a player, and granted for an idle one."""
    for visit in visits[:5]:
        assert "disruption budget" in evict(found, visit.instance)
    (idle, *_) = await found.pods("idle")
    assert evict(found, name_of(idle)) == ""
    await found.settled(warm=6)


def evict(found: World, pod: str) -> str:
    eviction = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": pod, "namespace": INSTANCES},
    }
    path = f"/api/v1/namespaces/{INSTANCES}/pods/{pod}/eviction"
    return found.cluster.run("create", "--raw", path, "--filename=-", stdin=json.dumps(eviction)).stderr


async def node_drained(found: World, visits: list[Visit]) -> None:
    """On request a node gets nothing new and loses what is idle; it is free when its last session ends."""
    sessions, idle = [Counter(pod.spec.nodeName for pod in await found.pods(pool) if pod.spec) for pool in POOLS]
    node = max(sessions, key=lambda name: (idle[name], sessions[name]))
    await found.annotate("node", str(node), draining="true")

    async def only_sessions() -> bool:
        here = [pod for pod in await found.pods() if pod.spec and pod.spec.nodeName == node]
        return all(label(pod, "pool") == "session" for pod in here) and await found.warm() == 6

    await found.until(only_sessions, "the idle instances of the node are replaced elsewhere")
    there = {name_of(pod) for pod in await found.pods("session") if pod.spec and pod.spec.nodeName == node}
    staying = [visit for visit in visits if visit.instance not in there]
    for visit in [visit for visit in visits if visit.instance in there]:
        visits.remove(visit)
        await found.desk.leave(visit)

    async def told() -> bool:
        shown = json.loads(found.cluster.run("get", "node", str(node), "--output=json").stdout)
        return bool(shown["metadata"]["annotations"].get("app.pixel/empty") == "true")

    await found.until(told, "the node is said to be empty")
    assert visits == staying


async def test_a_claim_and_a_scale_down_at_one_moment_never_take_the_same_instance(
    simulated: SimulatedCluster,
) -> None:
    """Buffers go up and down while players come and go: whoever was given an instance keeps it."""
    config = stack({"buffer": {"instances": 8}}, max_nodes=8, slots=8)
    async with world(simulated, config, starts=QUICK, provisioning=lambda: 0.1) as found:
        await found.settled(warm=8)
        live: list[Visit] = []
        for turn in range(12):
            scaling = found.annotate("deployment", "demo-v1", **{"buffer-override": "0" if turn % 2 == 0 else "8"})
            coming = [found.desk.arrive() for _ in range(3)]
            await asyncio.gather(scaling, found.served(*coming))
            live += coming
            await all_live(found, live)
            if len(live) > 20:
                for visit in live[:8]:
                    await found.desk.leave(visit)
                del live[:8]
        await all_live(found, live)


async def test_a_lost_node_frees_what_was_counted_on_it(simulated: SimulatedCluster) -> None:
    config = stack({"buffer": {"instances": 2, "maximum": 6}}, max_nodes=4, slots=2)
    async with world(simulated, config) as found:
        visits = [found.desk.arrive() for _ in range(4)]
        await found.served(*visits)
        await found.settled(warm=2)
        (controller,) = found.processes
        pods = {name_of(pod): pod for pod in await found.pods()}
        lost = pods[visits[0].instance].spec
        assert lost is not None and lost.nodeName is not None
        gone = {name for name, pod in pods.items() if pod.spec and pod.spec.nodeName == lost.nodeName}
        await remove(found.client, lost.nodeName)

        async def forgotten() -> bool:
            return not gone & {name_of(pod) for pod in await found.pods()}

        await found.until(forgotten, "the pods of the lost node are forgotten")
        left = [visit for visit in visits if visit.instance not in gone]

        async def counted() -> bool:
            return await found.metric(controller, "pixel_fleet_sessions") == len(left)

        await found.until(counted, "its sessions are not counted any more")
        await all_live(found, left)
        # There is room for others in their place.
        more = [found.desk.arrive() for _ in range(6 - len(left))]
        await found.served(*more)
        await all_live(found, [*left, *more])


async def test_what_a_replica_set_is_too_late_for_is_refused_to_it(simulated: SimulatedCluster) -> None:
    """And to nobody else: matchmakers end sessions, kubelets and collectors of garbage finish what is gone."""
    async with world(simulated, stack({"buffer": {"instances": 1}}, max_nodes=1, slots=2)) as found:
        visit = found.desk.arrive()
        await found.served(visit)
        await found.settled(warm=1)
        (idle, *_) = await found.pods("idle")
        late = "--as=system:serviceaccount:kube-system:replicaset-controller"
        where = ("--namespace", INSTANCES, "--wait=false")
        refused = found.cluster.run("delete", "pod", visit.instance, *where, late)
        assert "a player has this instance" in refused.stderr
        await all_live(found, [visit])
        assert found.cluster.run("delete", "pod", name_of(idle), *where, late).returncode == 0
        collector = "--as=system:serviceaccount:kube-system:pod-garbage-collector"
        assert found.cluster.run("delete", "pod", visit.instance, *where, collector).returncode == 0
