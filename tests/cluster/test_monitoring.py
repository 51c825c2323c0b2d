"""A real Prometheus loads the rules, scrapes the programs as they run, and answers what dashboards and alerts ask."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest
import yaml
from aiohttp import ClientSession, WSServerHandshakeError
from lightkube import AsyncClient, KubeConfig
from lightkube.models.core_v1 import NodeAddress, NodeStatus
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease
from lightkube.resources.core_v1 import Namespace, Node, Pod
from lightkube.resources.core_v1 import NodeStatus as NodeStatusResource

from components.settings import Settings, load
from components.workloads.capacity import controller_settings
from signalling.tickets.keys import public_line, signing_key
from tests.cluster.api_server import api_server
from tests.cluster.discovery import Target, write_targets
from tests.cluster.prometheus import (
    NEEDS_EXPORTER,
    Prometheus,
    command,
    metrics_of,
    process,
    questions,
    unanswerable,
    unconditional,
    until,
    write_configuration,
)
from tests.cluster.test_claim import NAMESPACE, gone, make, make_fleet, ready
from tests.cluster.unanswered import REASONS, WITHOUT_AUTOSCALER, WITHOUT_CLUSTER
from tests.ports import free_port
from tests.unit.components.settings_cases import patched
from tests.unit.signalling.clients import Client, streamer
from tests.unit.signalling.coturn import NEEDS_COTURN, Allocation
from tests.unit.signalling.stage import SEED, stream
from tests.unit.signalling.turn_pod import TurnPod, flow, running

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(300),
    NEEDS_EXPORTER,
    NEEDS_COTURN,
]

ADDRESS = "127.0.0.78"
"""The instance's."""
PORTS = ("PLAYER", "HEALTH", "INSTANCE", "INSTANCE_HEALTH", "STREAMER", "CPU", "CONTROLLER", "NODE", "PROMETHEUS")


def its_settings() -> Settings:
    config = patched("pixel:pools/gpu/sharing", {"mode": "cpu"})
    config["pixel:apps"][0]["name"] = "demo"
    config["pixel:monitoring"] = {"enabled": True, "gpu_hour_price": 2.0}
    config["pixel:capacity"] = {"enabled": True, "budget": {"gpu_hours": {"soft": 50, "hard": 60}}}
    config["pixel:images"]["capacity"] = "fra.ocir.io/acme/pixel/capacity:1.0.0"
    return load(config)


class Service:
    """Our programs as processes before a real API server; coturn, a node exporter, and Prometheus."""

    def __init__(self, folder: Path, its: Settings) -> None:
        self.folder = folder
        self.its = its
        self.port = {name: free_port() for name in PORTS}
        self.http: ClientSession
        self.kubernetes: AsyncClient
        self.prometheus: Prometheus
        self.unreal: Client
        self._sidecars = ExitStack()
        self.turn: TurnPod

    async def start(self, stack: AsyncExitStack, kubeconfig: str) -> None:
        self.http = await stack.enter_async_context(ClientSession())
        self.kubernetes = AsyncClient(KubeConfig.from_dict(yaml.safe_load(kubeconfig)))
        stack.push_async_callback(self.kubernetes.close)
        stack.enter_context(self._sidecars)
        await self._objects()
        self.turn = await stack.enter_async_context(running())
        for name, (arguments, environ) in self._programs(kubeconfig).items():
            stack.enter_context(process(arguments, self.folder / f"{name}.log", environ))
        self.prometheus = Prometheus(self.http, self.port["PROMETHEUS"])
        self.look()
        write_configuration(self.folder, self.its)
        arguments = command(self.folder, self.port["PROMETHEUS"])
        stack.enter_context(process(arguments, self.folder / "prometheus.log"))
        await ready(self.http, f"http://127.0.0.1:{self.port['HEALTH']}/readyz")
        await ready(self.http, f"http://127.0.0.1:{self.port['PROMETHEUS']}/-/ready")

    async def _objects(self) -> None:
        await self.kubernetes.create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
        await self.kubernetes.create(Node(metadata=ObjectMeta(name="turn-1", labels={"app.pixel/turn": "true"})))
        status = NodeStatus(addresses=[NodeAddress(type="InternalIP", address="127.0.0.1")]).to_dict()
        await self.kubernetes.patch(NodeStatusResource, "turn-1", {"status": status})
        await make_fleet(self.kubernetes, "demo-v1")
        await self.kubernetes.create(Namespace(metadata=ObjectMeta(name="pixel")))
        await self.kubernetes.create(Lease(metadata=ObjectMeta(name="fleet-controller", namespace="pixel")))

    def _programs(self, kubeconfig: str) -> dict[str, tuple[list[str], dict[str, str]]]:
        port, folder = self.port, self.folder
        (folder / "kubeconfig").write_text(kubeconfig)
        (folder / "secret").write_text("0123456789abcdef-secret")
        (folder / "seed").write_text(SEED)
        (folder / "ticket-keys").write_text(public_line(signing_key(SEED)))
        applications = [{"name": "demo", "session": {"grace_seconds": 1}}]
        stack = {"instances_namespace": NAMESPACE, "applications": applications}
        (folder / "matchmaker.json").write_text(json.dumps(stack))
        matchmaker = {
            **{f"MATCHMAKER_{name}_PORT": str(port[name]) for name in PORTS[:4]},
            "MATCHMAKER_MAX_PLAYERS": "2",
            "MATCHMAKER_SETTINGS": str(folder / "matchmaker.json"),
            "KUBECONFIG": str(folder / "kubeconfig"),
            "TURN_SECRET_FILE": str(folder / "secret"),
            "TICKET_SEED_FILE": str(folder / "seed"),
            "REDIS_FOLDER": str(folder / "no-redis"),
        }
        cpu_exporter = {
            "CPU_EXPORTER_HOST": ADDRESS,
            "CPU_EXPORTER_PORT": str(port["CPU"]),
            "CPU_EXPORTER_APPLICATION": "demo",
            "CPU_REQUEST_APP": "500",
        }
        capacity = controller_settings(self.its) | {"matchmakers": f"http://127.0.0.1:{port['HEALTH']}"}
        (folder / "controller.json").write_text(json.dumps(capacity))
        controller = {
            "CONTROLLER_SETTINGS": str(folder / "controller.json"),
            "CONTROLLER_HEALTH_PORT": str(port["CONTROLLER"]),
            "KUBECONFIG": str(folder / "kubeconfig"),
        }
        exporter = [
            "prometheus-node-exporter",
            "--no-collector.systemd",
            f"--web.listen-address=127.0.0.1:{port['NODE']}",
        ]
        return {
            "matchmaker": ([sys.executable, "-m", "signalling.matchmaker"], matchmaker),
            "cpu-exporter": ([sys.executable, "-m", "streamer.cpu_exporter"], cpu_exporter),
            "fleet-controller": ([sys.executable, "-m", "capacity.controller"], controller),
            "node-exporter": (exporter, {}),
        }

    def look(self, pod: str = "demo-1", session: str = "") -> None:
        """Show Prometheus what its Kubernetes discovery would find now."""
        labels = {"app": "demo", "version": "v1", "pool": "session" if session else "idle", "session": session}
        instance = {f"__meta_kubernetes_pod_label_app_pixel_{key}": value for key, value in labels.items() if value}
        instance |= {"__meta_kubernetes_pod_node_name": "gpu-1", "namespace": NAMESPACE, "pod": pod}
        turn = {"__meta_kubernetes_pod_node_name": "turn-1", "__meta_kubernetes_node_label_app_pixel_turn": "true"}
        targets = [
            Target("matchmaker", f"127.0.0.1:{self.port['HEALTH']}", {"namespace": "pixel", "pod": "matchmaker-1"}),
            Target("fleet-controller", f"127.0.0.1:{self.port['CONTROLLER']}", {"namespace": "pixel", "pod": "c-1"}),
            Target("instances", f"{ADDRESS}:{self.port['INSTANCE_HEALTH']}", instance),
            Target("cpu-exporters", f"{ADDRESS}:{self.port['CPU']}", instance),
            Target("node-exporter", f"127.0.0.1:{self.port['NODE']}", turn),
            Target("turn", f"127.0.0.1:{self.turn.companion.ports['metrics']}", {**turn, "pod": "turn-a"}),
        ]
        write_targets(self.folder, targets)

    async def player(self) -> Client:
        player = await Client.connect(self.http, f"ws://127.0.0.1:{self.port['PLAYER']}/?app=demo")
        await player.expect("config")
        await player.say("listStreamers")
        return player

    async def play(self, pod: str) -> tuple[Client, str]:
        """A session on a new pod: its player, and its id."""
        await self._instance(pod)
        await make(self.kubernetes, pod, address=ADDRESS)
        player = await self.player()
        await stream(player, self.unreal)
        meta = (await self.kubernetes.get(Pod, pod, namespace=NAMESPACE)).metadata
        assert meta is not None and meta.labels is not None
        session: str = meta.labels["app.pixel/session"]
        self.look(pod, session)
        return player, session

    async def _instance(self, pod: str) -> None:
        """The sidecar of a pod, in the place of the one before, and its streamer."""
        self._sidecars.close()
        port = self.port
        sidecar = {
            "SIDECAR_INSTANCE": pod,
            "SIDECAR_TICKET_KEYS": str(self.folder / "ticket-keys"),
            "SIDECAR_PLAYER_HOST": ADDRESS,
            "SIDECAR_HEALTH_HOST": ADDRESS,
            "SIDECAR_PLAYER_PORT": str(port["INSTANCE"]),
            "SIDECAR_HEALTH_PORT": str(port["INSTANCE_HEALTH"]),
            "SIDECAR_STREAMER_PORT": str(port["STREAMER"]),
            "SIDECAR_SFU_PORT": "0",
        }
        arguments = [sys.executable, "-m", "signalling.sidecar"]
        self._sidecars.enter_context(process(arguments, self.folder / f"{pod}.log", sidecar))
        await ready(self.http, f"http://{ADDRESS}:{port['INSTANCE_HEALTH']}/healthz")
        self.unreal = await streamer(self.http, f"ws://127.0.0.1:{port['STREAMER']}/")

    async def relay(self, session: str) -> Allocation:
        """An allocation of a session's player, and as much through it as coturn reports at once, twice."""
        await self.scraped("pixel_turn_allocations_made_total == 0")
        mine = await self.turn.coturn.allocate(user=session)
        await flow(mine, 1200)
        await self.scraped(f'pixel_turn_session_bytes_total{{session="{session}"}} > 0')
        await flow(mine, 1200)
        return mine

    async def scraped(self, expression: str) -> None:
        """Wait until Prometheus has an answer."""

        async def missing() -> bool:
            return not await self.prometheus.query(expression)

        assert not await until(missing, 30), expression


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    with api_server() as server:
        async with AsyncExitStack() as stack:
            running = Service(tmp_path, its_settings())
            async with asyncio.timeout(60):
                await running.start(stack, server.kubeconfig)
            yield running


async def test_every_expression_is_answered_or_its_metric_is_listed(service: Service) -> None:
    await service.scraped('min_over_time(pixel_sessions_ended_total{outcome="completed"}[1m]) == 0')
    player, _ = await service.play("demo-1")
    await player.socket.close()
    await service.unreal.expect("playerDisconnected")
    await gone(service.kubernetes, "demo-1")
    playing, session = await service.play("demo-2")
    waiting = await service.player()
    relayed = await service.relay(session)
    with pytest.raises(WSServerHandshakeError):
        await service.player()
    asked = questions(service.its, session)

    async def unanswered() -> set[str]:
        answers = {where: await service.prometheus.query(expression) for where, expression in asked.items()}
        return {where for where, series in answers.items() if not series}

    listed = unanswerable(asked, REASONS.keys() | WITHOUT_CLUSTER.keys())

    async def unexpected() -> set[str]:
        return await unanswered() - listed

    assert not await until(unexpected, 60)
    assert not listed - await unanswered(), "listed, and yet there is an answer"
    assert not await service.prometheus.unhealthy_rules()
    (turn,) = await service.prometheus.query(f'pixel:session_turn:info{{session="{session}"}}')
    (pod,) = await service.prometheus.query(f'pixel:session_pod:info{{session="{session}"}}')
    assert (turn["metric"]["node"], pod["metric"]["pod"], pod["metric"]["node"]) == ("turn-1", "demo-2", "gpu-1")
    # Halved as long as the instance is known as an idle one too: the series that it leaves end two scrapes later.
    await service.scraped(f'pixel:session_cost:per_hour{{session="{session}",currency="USD"}} == 2')
    relayed.close()
    for each in (waiting, playing):
        await each.socket.close()


def test_no_reason_is_listed_for_nothing() -> None:
    its = its_settings()
    used = set().union(*(metrics_of(expression) for expression in questions(its, "any").values()))
    assert REASONS.keys() | WITHOUT_AUTOSCALER.keys() | WITHOUT_CLUSTER.keys() <= used


@pytest.mark.parametrize(
    ("conditional", "expected"),
    [
        ("a:b >= 5 and deriv(a:b[10m]) > 0", "a:b and deriv(a:b[10m])"),
        ('absent(up{job="x"} == 1)', 'up{job="x"}'),
        ("a - time() < 14 * 86400", "a - time()"),
        ("sum(a) / sum(b) > 0.05 and sum(b) > 10", "sum(a) / sum(b) and sum(b)"),
    ],
)
def test_conditions_are_taken_off(conditional: str, expected: str) -> None:
    assert unconditional(conditional) == expected
