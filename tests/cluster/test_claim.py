"""Claiming and watching through a real API server: what the in-memory one of the unit tests must be like."""

import asyncio
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from functools import partial
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession
from lightkube import ApiError, AsyncClient, KubeConfig
from lightkube.models.apps_v1 import DeploymentSpec
from lightkube.models.core_v1 import (
    Container,
    NodeAddress,
    NodeStatus,
    PodCondition,
    PodSpec,
    PodStatus,
    PodTemplateSpec,
)
from lightkube.models.meta_v1 import LabelSelector, ObjectMeta
from lightkube.resources.apps_v1 import Deployment, ReplicaSet
from lightkube.resources.core_v1 import Namespace, Node, Pod
from lightkube.resources.core_v1 import NodeStatus as NodeStatusResource
from lightkube.resources.core_v1 import PodStatus as PodStatusResource

from signalling.kubernetes.api import Changed, ClaimRefused, Event, LightkubeApi, Listed, Removed
from signalling.kubernetes.fleets import Fleet, drained_patch, fleet_of, pause_patch
from signalling.kubernetes.instances import (
    Instance,
    Pool,
    cost_patch,
    drain_patch,
    instance_of,
    recycle_patch,
    retire_patch,
)
from signalling.kubernetes.nodes import turn_address
from signalling.matchmaker.allocation import claim
from signalling.matchmaker.watching import Watching
from signalling.tickets.claims import PlayerTicket
from tests.cluster.api_server import ApiServer, api_server
from tests.ports import free_port
from tests.unit.signalling.clients import Client, streamer
from tests.unit.signalling.stage import SEED, sidecar_of

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

NAMESPACE = "pixel-instances"
SECONDS = 20.0


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    with api_server() as running:
        yield running


@pytest.fixture
async def client(server: ApiServer) -> AsyncIterator[AsyncClient]:
    config = KubeConfig.from_dict(yaml.safe_load(server.kubeconfig))
    client = AsyncClient(config)
    if not [found async for found in client.list(Namespace, fields={"metadata.name": NAMESPACE})]:
        await client.create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
    yield client
    async for pod in client.list(Pod, namespace=NAMESPACE):
        await client.delete(Pod, name_of(pod), namespace=NAMESPACE, grace_period=0)
    async for deployment in client.list(Deployment, namespace=NAMESPACE):
        await client.delete(Deployment, name_of(deployment), namespace=NAMESPACE)
    await client.close()


@pytest.fixture
def api(client: AsyncClient) -> LightkubeApi:
    return LightkubeApi(client, NAMESPACE)


def ticket(session: str) -> PlayerTicket:
    return PlayerTicket(session=session, player=session, app="demo", joined=1)


def name_of(thing: Pod | Deployment) -> str:
    assert thing.metadata is not None and thing.metadata.name is not None
    return thing.metadata.name


def read(pod: Pod) -> Instance:
    found = instance_of(pod)
    assert found is not None
    return found


async def make(
    client: AsyncClient, name: str, annotations: dict[str, str] | None = None, address: str = "10.0.0.9"
) -> Instance:
    """A pod that says that it is ready, as a kubelet would."""
    labels = {"app.pixel/app": "demo", "app.pixel/version": "v1", "app.pixel/pool": "idle"}
    await client.create(
        Pod(
            metadata=ObjectMeta(name=name, namespace=NAMESPACE, labels=labels, annotations=annotations),
            spec=PodSpec(containers=[Container(name="app", image="none")]),
        )
    )
    status = PodStatus(podIP=address, conditions=[PodCondition(type="Ready", status="True")])
    written = await client.patch(PodStatusResource, name, {"status": status.to_dict()}, namespace=NAMESPACE)
    return read(Pod.from_dict(written.to_dict()))  # type: ignore[arg-type]  # The status' resource holds a whole pod.


async def make_fleet(client: AsyncClient, name: str, version: str = "v1", weight: str | None = "100") -> Deployment:
    """A Deployment whose pods only the test makes: no controller runs here."""
    labels = {"app.pixel/app": "demo", "app.pixel/version": version}
    selector = {**labels, "app.pixel/pool": "idle"}
    annotations = None if weight is None else {"app.pixel/weight": weight}
    return await client.create(
        Deployment(
            metadata=ObjectMeta(name=name, namespace=NAMESPACE, labels=labels, annotations=annotations),
            spec=DeploymentSpec(
                selector=LabelSelector(matchLabels=selector),
                template=PodTemplateSpec(
                    metadata=ObjectMeta(labels=selector),
                    spec=PodSpec(containers=[Container(name="app", image="none")]),
                ),
            ),
        )
    )


async def weigh(client: AsyncClient, name: str, weight: str | None) -> Deployment:
    annotations = {"metadata": {"annotations": {"app.pixel/weight": weight}}}
    return await client.patch(Deployment, name, annotations, namespace=NAMESPACE)


async def eventually(check: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + SECONDS
    while not check():
        assert time.monotonic() < deadline, f"never happened: {what}"
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("annotations", [None, {"a.example/b": "c"}])
async def test_a_claim_is_made_once(client, api, annotations):
    instance = await make(client, "once", annotations)
    assert instance.available
    claimed = await claim(api, instance, ticket("session-1"))
    assert (claimed.pool, claimed.address, claimed.available) == (Pool.SESSION, "10.0.0.9", False)
    with pytest.raises(ClaimRefused):
        await claim(api, instance, ticket("session-2"))
    meta = (await client.get(Pod, "once", namespace=NAMESPACE)).metadata
    assert meta.labels["app.pixel/session"] == "session-1"
    assert meta.annotations.keys() >= {"app.pixel/session-started", "app.pixel/player", *(annotations or {})}


async def test_a_session_s_instance_is_recycled_or_retired_once(client, api):
    instance = await make(client, "again", {"a.example/b": "c"})
    before = (await client.get(Pod, "again", namespace=NAMESPACE)).metadata
    claimed = await claim(api, instance, ticket("session-1"))
    recycled = read(await api.patch_pod("again", recycle_patch(claimed)))
    assert recycled.available and recycled.session is None
    after = (await client.get(Pod, "again", namespace=NAMESPACE)).metadata
    assert (after.labels, after.annotations) == (before.labels, before.annotations)
    for patch in (recycle_patch(claimed), retire_patch(claimed)):
        with pytest.raises(ClaimRefused):
            await api.patch_pod("again", patch)
    second = await claim(api, recycled, ticket("session-2"))
    results = await asyncio.gather(
        *(api.patch_pod("again", retire_patch(second)) for _ in range(5)), return_exceptions=True
    )
    assert sum(isinstance(result, Pod) for result in results) == 1
    assert read(await client.get(Pod, "again", namespace=NAMESPACE)).pool is Pool.ENDED


async def test_what_operators_decide_stands_on_the_objects(client, api):
    await make_fleet(client, "demo-v1")
    for patch in (pause_patch(paused=True), drained_patch(drained=True)):
        await api.patch_fleet("demo-v1", patch)
    found = fleet_of(await client.get(Deployment, "demo-v1", namespace=NAMESPACE))
    assert found is not None and found.paused and found.drained and found.weight == 100
    await api.patch_fleet("demo-v1", pause_patch(paused=False))
    found = fleet_of(await client.get(Deployment, "demo-v1", namespace=NAMESPACE))
    assert found is not None and not found.paused and found.drained
    await api.patch_fleet("gone", pause_patch(paused=True))
    instance = await make(client, "shared")
    counted = read(await api.patch_pod("shared", cost_patch(instance, 3)))
    drained = read(await api.patch_pod("shared", drain_patch(counted)))
    assert (drained.players, drained.draining, drained.available) == (3, True, False)


async def test_of_many_claims_at_once_one_is_made(client, api):
    instances = [await make(client, f"race-{number}") for number in range(4)]
    attempts = [(instance, ticket(f"session-{player}")) for player in range(8) for instance in instances]
    results = await asyncio.gather(*(claim(api, *attempt) for attempt in attempts), return_exceptions=True)
    made = Counter(result.name for result in results if isinstance(result, Instance))
    assert made == {instance.name: 1 for instance in instances}
    assert all(isinstance(result, Instance | ClaimRefused) for result in results)


async def test_an_instance_that_is_gone_is_refused_and_deleting_it_again_is_no_error(client, api):
    instance = await make(client, "gone")
    await client.delete(Pod, "gone", namespace=NAMESPACE, grace_period=0)
    with pytest.raises(ClaimRefused):
        await claim(api, instance, ticket("session-1"))
    await api.delete_pod("gone")


async def test_an_instance_that_is_being_deleted_is_refused(client, api):
    instance = await make(client, "going", {"a": "b"})
    # A finalizer holds the deletion where a running pod's grace period would.
    await client.patch(Pod, "going", {"metadata": {"finalizers": ["pixel.example/hold"]}}, namespace=NAMESPACE)
    await client.delete(Pod, "going", namespace=NAMESPACE, grace_period=0)
    with pytest.raises(ClaimRefused):
        await claim(api, instance, ticket("session-1"))
    await client.patch(Pod, "going", {"metadata": {"finalizers": None}}, namespace=NAMESPACE)


async def test_the_watch_lists_and_then_tells_every_change(client, api):
    await make(client, "first")
    async with asyncio.timeout(SECONDS), aclosing(api.watch_instances()) as events:
        listed = await anext(events)
        assert isinstance(listed, Listed) and [name_of(pod) for pod in listed.items] == ["first"]
        second = await make(client, "second")
        seen = [await anext(events) for _ in range(2)]
        assert [type(event) for event in seen] == [Changed, Changed]
        assert [read(event.item).ready for event in seen] == [False, True]
        await claim(api, second, ticket("session-1"))
        assert read((await anext(events)).item).pool is Pool.SESSION
        await api.delete_pod("second")
        ending = await anext(events)
        assert isinstance(ending, Changed) and read(ending.item).going
        removed = await anext(events)
        assert isinstance(removed, Removed) and name_of(removed.item) == "second"


async def test_a_quiet_watch_is_listed_anew_and_misses_nothing(client):
    """The server ends its watches every second here, and one that says nothing for half a second is given up."""
    api = LightkubeApi(client, NAMESPACE, watch_seconds=1, quiet_seconds=0.5)
    known: dict[str, Instance] = {}
    listings = 0

    def apply(event: Event[Pod]) -> None:
        nonlocal listings
        if isinstance(event, Listed):
            listings += 1
            known.clear()
            known.update((name_of(pod), read(pod)) for pod in event.items)
        elif isinstance(event, Changed):
            known[name_of(event.item)] = read(event.item)
        else:
            del known[name_of(event.item)]

    watching = Watching("instances")
    task = asyncio.create_task(watching.follow(api.watch_instances, apply))
    try:
        for number in range(5):
            name, seen = f"pod-{number}", listings
            await eventually(partial(lambda before: listings > before, seen), "another listing")
            await make(client, name)
            await eventually(partial(known.get, name), "a new pod")
            await api.delete_pod(name)
            await eventually(lambda: not known, "no pod")
        assert watching.synced
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_the_fleets_are_watched(client, api):
    await make_fleet(client, "demo-v1", weight="95")
    async with asyncio.timeout(SECONDS), aclosing(api.watch_fleets()) as events:
        listed = await anext(events)
        assert isinstance(listed, Listed)
        assert [fleet_of(item) for item in listed.items] == [Fleet("demo-v1", "demo", "v1", "95")]
        await weigh(client, "demo-v1", "50")
        assert fleet_of((await anext(events)).item) == Fleet("demo-v1", "demo", "v1", "50")
        await make_fleet(client, "demo-v2", "v2", weight=None)
        assert fleet_of((await anext(events)).item) == Fleet("demo-v2", "demo", "v2", None)
        await client.delete(Deployment, "demo-v2", namespace=NAMESPACE)
        removed = await anext(events)
        assert isinstance(removed, Removed) and name_of(removed.item) == "demo-v2"


async def test_a_new_weight_restarts_no_idle_instance():
    """The Deployment's controller sees a new generation, and leaves its only ReplicaSet and the pod as they are."""
    with api_server(controllers=True) as server:
        client = AsyncClient(KubeConfig.from_dict(yaml.safe_load(server.kubeconfig)))

        async def here() -> tuple[list[str | None], list[str | None]]:
            sets = [item.metadata.uid async for item in client.list(ReplicaSet, namespace=NAMESPACE) if item.metadata]
            pods = [item.metadata.uid async for item in client.list(Pod, namespace=NAMESPACE) if item.metadata]
            return sets, pods

        async def has_a_pod() -> bool:
            return bool((await here())[1])

        async def dealt_with(generation: int) -> bool:
            status = (await client.get(Deployment, "demo-v1", namespace=NAMESPACE)).status
            return status is not None and (status.observedGeneration or 0) >= generation

        try:
            await client.create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
            await make_fleet(client, "demo-v1")
            await until(has_a_pod)
            before = await here()
            weighed = await weigh(client, "demo-v1", "5")
            assert weighed.metadata is not None and weighed.metadata.generation is not None
            await until(partial(dealt_with, weighed.metadata.generation))
            assert await here() == before
            assert [len(each) for each in before] == [1, 1]
        finally:
            await client.close()


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something asked of the API server holds."""
    async with asyncio.timeout(60):
        while True:
            if await check():
                return
            await asyncio.sleep(0.05)


async def test_the_nodes_of_the_turn_pool_are_watched(client, api):
    async with asyncio.timeout(SECONDS), aclosing(api.watch_turn_nodes()) as events:
        assert await anext(events) == Listed([])
        await client.create(Node(metadata=ObjectMeta(name="worker")))
        await client.create(Node(metadata=ObjectMeta(name="turn-1", labels={"app.pixel/turn": "true"})))
        assert turn_address((await anext(events)).item) is None
        addresses = [NodeAddress(type="InternalIP", address="10.0.30.4")]
        status = {"status": NodeStatus(addresses=addresses).to_dict()}
        await client.patch(NodeStatusResource, "turn-1", status)
        assert turn_address((await anext(events)).item) == "10.0.30.4"
        await client.patch(Node, "turn-1", {"spec": {"unschedulable": True}})
        assert turn_address((await anext(events)).item) is None
        await client.patch(Node, "turn-1", {"metadata": {"labels": {"app.pixel/turn": None}}})
        assert isinstance(await anext(events), Removed)


async def test_the_program_serves_a_session_through_the_real_api(server, client, tmp_path):
    """``python -m signalling.matchmaker`` as a process, one instance with a real sidecar, one player."""
    ports = {name: free_port() for name in ("PLAYER", "HEALTH", "INSTANCE", "INSTANCE_HEALTH")}
    files = {
        "kubeconfig": server.kubeconfig,
        "secret": "0123456789abcdef-secret",
        "seed": SEED,
        "matchmaker.json": json.dumps(
            {
                "instances_namespace": NAMESPACE,
                "applications": [{"name": "demo", "session": {"grace_seconds": 1}}],
            }
        ),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    environ = {
        **os.environ,
        **{f"MATCHMAKER_{name}_PORT": str(port) for name, port in ports.items()},
        "KUBECONFIG": str(tmp_path / "kubeconfig"),
        "MATCHMAKER_SETTINGS": str(tmp_path / "matchmaker.json"),
        "TURN_SECRET_FILE": str(tmp_path / "secret"),
        "TICKET_SEED_FILE": str(tmp_path / "seed"),
        "REDIS_FOLDER": str(tmp_path / "no-redis"),
        "MATCHMAKER_STRANDED_INTERVAL_SECONDS": "0.5",
    }
    address = "127.0.0.77"
    sidecar = sidecar_of(tmp_path, "session-pod", address, ports["INSTANCE"], ports["INSTANCE_HEALTH"])
    await sidecar.start()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "signalling.matchmaker", env=environ, stdout=asyncio.subprocess.PIPE
    )
    try:
        async with ClientSession() as http, asyncio.timeout(60):
            unreal = await streamer(http, f"ws://127.0.0.1:{sidecar.ports['streamer']}/")
            await ready(http, f"http://127.0.0.1:{ports['HEALTH']}/readyz")
            player = await Client.connect(http, f"ws://127.0.0.1:{ports['PLAYER']}/?app=demo")
            config = await player.expect("config")
            await player.say("listStreamers")
            await make(client, "session-pod", address=address)
            await make_fleet(client, "demo-v1", weight="0")
            await weights(http, f"http://127.0.0.1:{ports['HEALTH']}/status", {"demo": {"v1": 0}})
            assert read(await client.get(Pod, "session-pod", namespace=NAMESPACE)).pool is Pool.IDLE
            await weigh(client, "demo-v1", None)
            assert (await player.expect("streamerList"))["ids"] == ["demo"]
            claimed = read(await client.get(Pod, "session-pod", namespace=NAMESPACE))
            assert claimed.pool is Pool.SESSION
            await player.say("subscribe", streamerId="demo")
            await unreal.expect("playerConnected")
            await player.socket.close()
            await unreal.expect("playerDisconnected")
            await gone(client, "session-pod")
            process.send_signal(signal.SIGTERM)
            output, _ = await process.communicate()
            await unreal.socket.close()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await sidecar.stop()
    said = [json.loads(line)["message"] for line in output.splitlines()]
    assert process.returncode == 0 and said[-1] == "stopped"
    # Before the fleet, and with its weight of 0; then the annotation is gone.
    assert (said.count("nobody is matched"), said.count("unusable weight")) == (2, 1)
    assert "session started" in said and "instance deleted" in said
    assert files["secret"].encode() not in output and SEED.encode() not in output
    assert config["peerConnectionOptions"]["iceTransportPolicy"] == "relay"


async def gone(client: AsyncClient, name: str) -> None:
    """Wait until a pod is no more."""
    while True:
        try:
            await client.get(Pod, name, namespace=NAMESPACE)
        except ApiError as error:
            assert error.status.code == 404
            return
        await asyncio.sleep(0.05)


async def weights(http: ClientSession, url: str, expected: dict[str, dict[str, int]]) -> None:
    """Wait until a matchmaker knows of these weights."""
    while True:
        async with http.get(url) as answer:
            if (await answer.json())["weights"] == expected:
                return
        await asyncio.sleep(0.05)


async def ready(http: ClientSession, url: str) -> None:
    """Wait until a server says that it is ready."""
    while True:
        try:
            async with http.get(url) as answer:
                if answer.status == 200:
                    return
        except OSError:
            pass
        await asyncio.sleep(0.05)
