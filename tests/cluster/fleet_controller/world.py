"""The program's own objects in a simulated cluster, the real controller as a process, a front desk and a node pool."""

import asyncio
import copy
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from aiohttp import ClientSession
from lightkube import AsyncClient, KubeConfig
from lightkube.core.client import LabelSelector
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Node, Pod
from prometheus_client.parser import text_string_to_metric_families

from components.settings import load
from components.workloads.capacity import controller_settings
from tests.cluster.fleet_controller.front_desk import FrontDesk, Visit, going, label, ready
from tests.cluster.fleet_controller.node_pool import NodePool, name_of
from tests.cluster.fleet_controller.simulated_cluster import NO_LONGER_THAN, STARTS_IN, SimulatedCluster
from tests.ports import free_port
from tests.program.recording import run
from tests.program.rendering import whole_numbers
from tests.unit.components.settings_cases import GOOD

INSTANCES = "pixel-instances"
APP = "app.pixel/app"
SECONDS = 60.0
QUICK = {
    "CONTROLLER_LEASE_SECONDS": "3",
    "CONTROLLER_RENEW_SECONDS": "0.5",
    "CONTROLLER_POLL_SECONDS": "0.2",
    "CONTROLLER_RELAY_SECONDS": "0.5",
    "CONTROLLER_SAVE_SECONDS": "0.5",
}
"""A leader that is killed is followed within seconds."""
KINDS = {
    *("Namespace", "ServiceAccount", "PriorityClass", "Lease", "ResourceQuota", "LimitRange", "PodDisruptionBudget"),
    *("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
    *("ClusterRole", "ClusterRoleBinding"),
}
MINE = {"Role", "RoleBinding", "ConfigMap"}
"""What is taken of the program's objects: of some kinds the controller's own, and those of instances, only."""


@dataclass(frozen=True)
class Starts:
    """How long an instance takes from its node to its readiness: any time between the two."""

    least: float = 0.3
    most: float = 0.3


AT_ONCE = Starts()


def stack(*apps: Mapping[str, Any], max_nodes: int, slots: int, **capacity: Any) -> dict[str, Any]:
    """A stack file with these applications, each given by what differs from an ordinary one."""
    config = copy.deepcopy(GOOD)
    usual = {**config["pixel:apps"][0], "name": "demo", "versions": [{"tag": "v1", "weight": 100}]}
    config["pixel:apps"] = [{**usual, **app} for app in apps]
    config["pixel:images"]["capacity"] = "fra.ocir.io/acme/pixel/capacity:1.0.0"
    config["pixel:capacity"] = {"enabled": True, **capacity}
    sharing = {"mode": "exclusive"} if slots == 1 else {"mode": "time-slicing", "slots": slots}
    config["pixel:pools"]["gpu"] |= {"max": max_nodes, "sharing": sharing}
    return config


def objects_of(config: Mapping[str, Any], starts: Starts) -> Iterator[dict[str, Any]]:
    """What the program makes of a stack file, as far as it matters here."""
    for each in run("test", dict(config)).objects():
        document = whole_numbers(each.inputs)
        metadata = document["metadata"]
        mine = metadata.get("namespace") == INSTANCES or "fleet-controller" in metadata["name"]
        if document["kind"] in KINDS or (document["kind"] in MINE and mine):
            yield document
        elif document["kind"] == "Deployment" and metadata.get("namespace") == INSTANCES:
            template = document["spec"]["template"]["metadata"]
            if APP in template["labels"]:
                template["annotations"] = {
                    STARTS_IN: f"{starts.least * 1000:.0f}ms",
                    NO_LONGER_THAN: f"{starts.most * 1000:.0f}ms",
                }
            yield document


@dataclass
class Process:
    """One replica of the controller."""

    identity: str
    port: int
    popen: subprocess.Popen[bytes]
    log: Path

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged, whole lines only."""
        text = self.log.read_text()
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines() if line.startswith("{")]

    def done(self) -> int:
        """How many actions it has carried out."""
        return sum(line["message"] == "done" for line in self.lines())

    def kill(self) -> None:
        """At once, whatever it is doing."""
        self.popen.kill()
        self.popen.wait()


@dataclass
class World:
    """A running service without players."""

    cluster: SimulatedCluster
    client: AsyncClient
    http: ClientSession
    desk: FrontDesk
    pool: NodePool
    config: dict[str, Any]
    turn_port: int | None = None
    processes: list[Process] = field(default_factory=list)
    _count: int = 0

    def start_controller(self, **environ: str) -> Process:
        """One more replica, with the rights of the program's own service account."""
        self._count += 1
        identity = f"controller-{self._count}"
        settings = controller_settings(load(self.config)) | {"matchmakers": f"http://127.0.0.1:{self.desk.port}"}
        if self.turn_port is not None:
            settings["turn"]["metrics_port"] = self.turn_port
        folder = self.cluster.folder
        (folder / "controller.json").write_text(json.dumps(settings))
        (folder / "controller.kubeconfig").write_text(self.cluster.account("pixel", "fleet-controller"))
        port, log = free_port(), folder / f"{identity}.log"
        own = {
            "KUBECONFIG": str(folder / "controller.kubeconfig"),
            "CONTROLLER_SETTINGS": str(folder / "controller.json"),
            "CONTROLLER_IDENTITY": identity,
            "CONTROLLER_HEALTH_HOST": "127.0.0.1",
            "CONTROLLER_HEALTH_PORT": str(port),
        }
        with log.open("wb") as output:
            popen = subprocess.Popen(
                [sys.executable, "-m", "capacity.controller"],
                env={**os.environ, **QUICK, **own, **environ},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        started = Process(identity, port, popen, log)
        self.processes.append(started)
        return started

    def stop_controllers(self) -> None:
        """Kill what still runs; what was stopped has to be continued first."""
        for each in self.processes:
            if each.popen.poll() is None:
                with suppress(ProcessLookupError):
                    each.popen.send_signal(signal.SIGCONT)
                each.kill()

    async def pods(self, pool: str | None = None, app: str = "demo") -> list[Pod]:
        """Instances of an application that are not going, or those of a pool."""
        found = [pod async for pod in self.client.list(Pod, namespace=INSTANCES, labels={APP: app})]
        return [pod for pod in found if not going(pod) and pool in (None, label(pod, "pool"))]

    async def warm(self, app: str = "demo") -> int:
        """Idle instances that are ready."""
        return sum(map(ready, await self.pods("idle", app)))

    async def placeholders(self) -> tuple[int, int]:
        """Placeholders of the GPU pool that hold their place, and those that wait for one."""
        labels: LabelSelector = {"app.pixel/placeholder": "gpu"}
        found = [pod async for pod in self.client.list(Pod, namespace=INSTANCES, labels=labels)]
        here = [pod for pod in found if not going(pod)]
        placed = sum(bool(pod.spec and pod.spec.nodeName) for pod in here)
        return placed, len(here) - placed

    async def nodes(self) -> list[str]:
        """GPU nodes."""
        return [name_of(node) async for node in self.client.list(Node, labels={"app.pixel/gpu": "true"})]

    async def replicas(self, fleet: str = "demo-v1") -> int:
        """What a fleet is asked to have."""
        found = await self.client.get(Deployment, fleet, namespace=INSTANCES)
        assert found.spec is not None and found.spec.replicas is not None
        return found.spec.replicas

    async def until(self, holds: Callable[[], Awaitable[object]], what: str, pause: float = 0.05) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + SECONDS
        while not await holds():
            assert time.monotonic() < deadline, f"never happened: {what}\n{await self.shown()}"
            await asyncio.sleep(pause)

    async def settled(self, warm: int, holding: int = 0, app: str = "demo") -> None:
        """Wait until so many instances are warm and asked for, nothing else is idle, and so much room is held."""

        async def holds() -> bool:
            idle = await self.pods("idle", app)
            if not len(idle) == warm == sum(map(ready, idle)) or await self.placeholders() != (holding, 0):
                return False
            fleets = [each async for each in self.client.list(Deployment, namespace=INSTANCES, labels={APP: app})]
            return warm == sum(carried_out(fleet) for fleet in fleets)

        await self.until(holds, f"{warm} warm instances of {app} and {holding} placeholders")

    async def served(self, *visits: Visit, seconds: float = SECONDS) -> None:
        """Wait until players have their instances."""
        try:
            async with asyncio.timeout(seconds):
                for visit in visits:
                    await visit.served.wait()
        except TimeoutError:
            raise AssertionError(f"not everybody was served\n{await self.shown()}") from None

    async def metric(self, process: Process, name: str, **labels: str) -> float | None:
        """A metric of a controller; None where it shows none."""
        try:
            async with self.http.get(f"http://127.0.0.1:{process.port}/metrics") as answer:
                text = await answer.text()
        except OSError:
            return None
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    return sample.value
        return None

    async def leader(self) -> Process:
        """Wait until exactly one replica leads."""

        async def leading() -> list[Process]:
            running = [each for each in self.processes if each.popen.poll() is None]
            return [each for each in running if await self.metric(each, "pixel_controller_leading") == 1]

        async def one() -> bool:
            return len(await leading()) == 1

        await self.until(one, "one leader")
        (found,) = await leading()
        return found

    def events(self, name: str, namespace: str = INSTANCES) -> list[str]:
        """Reasons of the events about a Deployment."""
        done = self.cluster.run("get", "events.events.k8s.io", "--namespace", namespace, "--output=json")
        return [each["reason"] for each in json.loads(done.stdout)["items"] if each["regarding"]["name"] == name]

    def annotations(self, fleet: str) -> dict[str, str]:
        """Of a Deployment."""
        done = self.cluster.run("get", "deployment", fleet, "--namespace", INSTANCES, "--output=json")
        found: dict[str, str] = json.loads(done.stdout)["metadata"]["annotations"]
        return found

    def memory(self) -> dict[str, Any]:
        """What controllers remember, as it is written down."""
        done = self.cluster.run("get", "configmap", "fleet-controller-memory", "--namespace=pixel", "--output=json")
        text = json.loads(done.stdout).get("data", {}).get("memory.json", "{}")
        found: dict[str, Any] = json.loads(text)
        return found

    async def annotate(self, kind: str, name: str, **annotations: str | None) -> None:
        """As an operator would: `app.pixel/` is put before each key."""
        document = {"metadata": {"annotations": {f"app.pixel/{key}": value for key, value in annotations.items()}}}
        where = ["--namespace", INSTANCES] if kind != "node" else []
        done = self.cluster.run("patch", kind, name, *where, "--type=merge", "--patch", json.dumps(document))
        assert done.returncode == 0, done.stderr

    async def shown(self) -> str:
        """What a person would look at first."""
        wide = ("--namespace", INSTANCES, "--show-labels", "--output=wide")
        pods = self.cluster.run("get", "pods,deployments", *wide).stdout
        nodes = self.cluster.run("get", "nodes").stdout
        pods += self.cluster.run("get", "events.events.k8s.io", "--namespace", INSTANCES).stdout
        logs = "\n".join(line for each in self.processes for line in each.log.read_text().splitlines()[-15:])
        return f"{pods}\n{nodes}\n{logs}"


@asynccontextmanager
async def world(
    cluster: SimulatedCluster,
    config: dict[str, Any],
    *,
    starts: Starts = AT_ONCE,
    provisioning: Callable[[], float] = lambda: 1.0,
    controllers: int = 1,
    turn_port: int | None = None,
) -> AsyncIterator[World]:
    """The objects of a stack file, a front desk, a node pool and so many controllers.

    As with the program itself, fleets come when a controller leads.
    """
    # The program has an event loop of its own.
    objects = await asyncio.to_thread(lambda: list(objects_of(config, starts)))
    # Namespaces, and what pods need, before pods.
    late = [each for each in objects if each["kind"] == "Deployment"]
    cluster.apply([each for each in objects if each["kind"] == "Namespace"])
    cluster.apply([each for each in objects if each not in late and each["kind"] != "Namespace"])
    its = load(config)
    async with AsyncExitStack() as running:
        client = AsyncClient(KubeConfig.from_dict(yaml.safe_load(cluster.admin)))
        running.push_async_callback(client.close)
        http = await running.enter_async_context(ClientSession())
        desk = FrontDesk(client, INSTANCES)
        await running.enter_async_context(desk.open())
        pool = NodePool(client, INSTANCES, its.pools.gpu.max, its.pools.slots or 1, provisioning)
        await running.enter_async_context(pool.growing())
        found = World(cluster, client, http, desk, pool, config, turn_port)
        try:
            for _ in range(controllers):
                found.start_controller()
            await found.leader()
            cluster.apply(late)
            yield found
        finally:
            found.stop_controllers()


def carried_out(fleet: Deployment) -> float:
    """How many instances a fleet is asked for, once Kubernetes has seen to it; until then not a number."""
    assert fleet.metadata is not None and fleet.spec is not None
    status, asked = fleet.status, fleet.spec.replicas or 0
    seen = status is not None and status.observedGeneration == fleet.metadata.generation
    return asked if seen and status and (status.replicas or 0) == asked == (status.readyReplicas or 0) else math.nan


@contextmanager
def stopped(process: Process) -> Iterator[None]:
    """A process that stands still for a while, as in a virtual machine that is paused."""
    process.popen.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.popen.send_signal(signal.SIGCONT)
