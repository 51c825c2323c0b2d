"""A whole service of processes: matchmakers that share a real Redis before a real API server, instances with sidecars.

What a kubelet does for the pods is done here: they are ready as their sidecars say. Instances differ by their loopback
address.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import yaml
from aiohttp import ClientError, ClientSession, TCPConnector
from lightkube import ApiError, AsyncClient, KubeConfig
from lightkube.models.core_v1 import Container, PodCondition, PodSpec, PodStatus
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Namespace, Pod
from lightkube.resources.core_v1 import PodStatus as PodStatusResource

from tests.cluster.media import BEAT, Player, Streamer
from tests.cluster.test_claim import NAMESPACE, make_fleet
from tests.ports import free_port
from tests.unit.signalling.redis_server import RedisServer
from tests.unit.signalling.stage import SEED, sidecar_of

SECONDS = 60.0
FAST = {
    "PRESENCE_SECONDS": "0.5",
    "RENEWAL_SECONDS": "1",
    "POSITION_SECONDS": "0.2",
    "STORE_SECONDS": "1",
    "STOP_SECONDS": "0.5",
    "STRANDED_INTERVAL_SECONDS": "1",
    "STRANDED_SECONDS": "5",
}


class Replica:
    """One matchmaker, as a process."""

    def __init__(self, folder: Path, name: str, environ: dict[str, str]) -> None:
        self.name = name
        self.port, self.health = free_port(), free_port()
        self.log = folder / f"{name}.log"
        ports = {"MATCHMAKER_PLAYER_PORT": str(self.port), "MATCHMAKER_HEALTH_PORT": str(self.health)}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "signalling.matchmaker"],
                env={**os.environ, **environ, **ports, "HOSTNAME": name},
                stdout=log,
                stderr=log,
            )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    async def terminate(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return await asyncio.to_thread(self._process.wait)

    def said(self) -> list[dict[str, Any]]:
        """Its log so far."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]


class Service:
    """All of it."""

    def __init__(self, folder: Path, http: ClientSession, kubernetes: AsyncClient, redis: RedisServer | None) -> None:
        self.folder = folder
        self.http = http
        self.kubernetes = kubernetes
        self.redis = redis
        self.instance_port, self.health_port = free_port(), free_port()
        self.replicas: list[Replica] = []
        self.streamers: dict[str, Streamer] = {}
        self.players: list[Player] = []
        self.environ: dict[str, str] = {}
        self._sidecars: dict[str, Any] = {}
        self._ready: dict[str, bool] = {}
        self.beat = BEAT
        """Seconds between two heartbeats of a streamer."""
        self._made = 0
        self._placed = 0
        self._turn = 0

    def configure(self, kubeconfig: str, session: dict[str, Any], **more: str) -> None:
        """Write the files that matchmakers read."""
        application = {"name": "demo", "session": session}
        stack = {"instances_namespace": NAMESPACE, "applications": [application]}
        files = {
            "kubeconfig": kubeconfig,
            "matchmaker.json": json.dumps(stack),
            "turn": "0123456789abcdef-secret",
            "seed": SEED,
        }
        for name, text in files.items():
            (self.folder / name).write_text(text)
        (self.folder / "redis").mkdir(exist_ok=True)
        if self.redis is not None:
            (self.folder / "redis/url").write_text(self.redis.url)
        self.environ = {
            **{f"MATCHMAKER_{key}": value for key, value in (FAST | more).items()},
            "MATCHMAKER_INSTANCE_PORT": str(self.instance_port),
            "MATCHMAKER_INSTANCE_HEALTH_PORT": str(self.health_port),
            "MATCHMAKER_SETTINGS": str(self.folder / "matchmaker.json"),
            "KUBECONFIG": str(self.folder / "kubeconfig"),
            "TURN_SECRET_FILE": str(self.folder / "turn"),
            "TICKET_SEED_FILE": str(self.folder / "seed"),
            "REDIS_FOLDER": str(self.folder / "redis"),
        }

    # Matchmakers

    async def matchmaker(self) -> Replica:
        """One more, that is ready."""
        self._made += 1
        replica = Replica(self.folder, f"matchmaker-{self._made}", self.environ)
        self.replicas.append(replica)
        await self.until(lambda: self.is_ready(replica), f"{replica.name} is ready")
        return replica

    async def is_ready(self, replica: Replica) -> bool:
        assert replica.running, replica.log.read_text()[-2000:]
        try:
            async with self.http.get(f"http://127.0.0.1:{replica.health}/readyz") as answer:
                return answer.status == 200
        except ClientError:
            return False

    def gone(self, replica: Replica) -> None:
        """Nobody is sent there any more."""
        self.replicas.remove(replica)

    def ports(self) -> list[int]:
        """Those that players are sent to, another one first each time."""
        self._turn += 1
        ports = [replica.port for replica in self.replicas]
        at = self._turn % max(1, len(ports))
        return ports[at:] + ports[:at]

    # Instances

    async def instance(self, name: str) -> Streamer:
        """A pod with a sidecar and a streamer."""
        self._placed += 1
        number = self._placed
        address = f"127.0.{1 + number // 250}.{1 + number % 250}"
        sidecar = sidecar_of(self.folder, name, address, self.instance_port, self.health_port)
        await sidecar.start()
        self._sidecars[name] = sidecar
        self.streamers[name] = streamer = Streamer(self.http, f"ws://127.0.0.1:{sidecar.ports['streamer']}/", self.beat)
        await streamer.start()
        labels = {"app.pixel/app": "demo", "app.pixel/version": "v1", "app.pixel/pool": "idle"}
        await self.kubernetes.create(
            Pod(
                metadata=ObjectMeta(name=name, namespace=NAMESPACE, labels=labels, annotations={"made": "by a test"}),
                spec=PodSpec(containers=[Container(name="app", image="none")]),
            )
        )
        await self.until(lambda: self._probe(name, sidecar, address), f"{name} is ready")
        return streamer

    async def pods(self) -> dict[str, dict[str, str]]:
        """The labels of each."""
        found = [pod async for pod in self.kubernetes.list(Pod, namespace=NAMESPACE)]
        return {str(pod.metadata.name): dict(pod.metadata.labels or {}) for pod in found if pod.metadata}

    async def probe(self) -> None:
        """A kubelet's part, again and again."""
        while True:
            for name, sidecar in list(self._sidecars.items()):
                if name in self._ready:
                    await self._probe(name, sidecar, sidecar._settings.health_host)
            await asyncio.sleep(0.2)

    async def _probe(self, name: str, sidecar: Any, address: str) -> bool:
        async with self.http.get(f"http://{address}:{self.health_port}/readyz") as answer:
            ready = answer.status == 200
        if self._ready.get(name) is ready:
            return ready
        self._ready[name] = ready
        condition = PodCondition(type="Ready", status="True" if ready else "False")
        status = PodStatus(podIP=address, conditions=[condition])
        try:
            await self.kubernetes.patch(PodStatusResource, name, {"status": status.to_dict()}, namespace=NAMESPACE)
        except ApiError as error:
            assert error.status.code == 404
        return ready

    # Players

    def player(self) -> Player:
        """One more, who comes now."""
        player = Player(self.http, self.ports)
        self.players.append(player)
        player.start()
        return player

    async def until(self, check: Any, what: str, seconds: float = SECONDS) -> None:
        """Wait for something that is asked for."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    found = check()
                    if await found if asyncio.iscoroutine(found) else found:
                        return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            logs = "\n".join(f"== {each.name}\n{each.log.read_text()[-3000:]}" for each in self.replicas)
            raise AssertionError(f"never happened: {what}\n{logs}") from None

    async def close(self) -> None:
        for player in self.players:
            await player.stop()
        for replica in self.replicas:
            if replica.running:
                replica.kill()
        for streamer in self.streamers.values():
            await streamer.stop()
        for sidecar in self._sidecars.values():
            await sidecar.stop()


@asynccontextmanager
async def service(
    folder: Path, kubeconfig: str, redis: RedisServer | None, session: dict[str, Any] | None = None, **more: str
) -> AsyncIterator[Service]:
    """A service without a matchmaker or an instance yet; ``more`` are matchmakers' settings."""
    kubernetes = AsyncClient(KubeConfig.from_dict(yaml.safe_load(kubeconfig)))
    async with ClientSession(connector=TCPConnector(limit=0)) as http:
        it = Service(folder, http, kubernetes, redis)
        it.configure(kubeconfig, session or {"grace_seconds": 30}, **more)
        if not [found async for found in kubernetes.list(Namespace, fields={"metadata.name": NAMESPACE})]:
            await kubernetes.create(Namespace(metadata=ObjectMeta(name=NAMESPACE)))
        await make_fleet(kubernetes, "demo-v1")
        probing = asyncio.create_task(it.probe())
        try:
            yield it
        finally:
            probing.cancel()
            await asyncio.wait({probing})
            await it.close()
            async for pod in kubernetes.list(Pod, namespace=NAMESPACE):
                assert pod.metadata is not None and pod.metadata.name is not None
                await kubernetes.delete(Pod, pod.metadata.name, namespace=NAMESPACE, grace_period=0)
            await kubernetes.delete(Deployment, "demo-v1", namespace=NAMESPACE)
            await kubernetes.close()
