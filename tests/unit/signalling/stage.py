"""A whole service on loopback: real sidecars as instances, real matchmakers, an API server in memory."""

import itertools
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from signalling.matchmaker.page import page_files
from signalling.matchmaker.server import MatchmakerServer
from signalling.matchmaker.settings import ApplicationSettings, MatchmakerSettings, StackSettings
from signalling.sidecar.server import SidecarServer
from signalling.sidecar.settings import SidecarSettings
from tests.ports import free_port
from tests.unit.signalling.clients import Client, eventually, streamer
from tests.unit.signalling.memory_cluster import MemoryCluster, pod

SECRET = "a-secret-that-nobody-may-read"
STACK = StackSettings(
    instances_namespace="pixel-instances",
    applications=(ApplicationSettings(name="demo"), ApplicationSettings(name="other")),
)
LISTEN: dict[str, Any] = {"player_host": "127.0.0.1", "player_port": 0, "health_host": "127.0.0.1", "health_port": 0}


class Stage:
    """A cluster, its instances and a matchmaker."""

    def __init__(self, http: ClientSession, page: Path) -> None:
        self.http = http
        self.page = page
        self.cluster = MemoryCluster()
        self.instance_port = free_port()
        self.health_port = free_port()
        self.sidecars: dict[str, SidecarServer] = {}
        self.streamers: dict[str, Client] = {}
        self.matchmakers: list[MatchmakerServer] = []
        self._addresses = itertools.count(2)

    async def matchmaker(self, **more: Any) -> MatchmakerServer:
        its = MatchmakerSettings(
            **LISTEN,
            instance_port=self.instance_port,
            instance_health_port=self.health_port,
            stranded_interval_seconds=0.05,
            **{"stranded_seconds": 0.3, "stop_seconds": 5.0, "connect_seconds": 2.0, **more},
        )
        server = MatchmakerServer(its, STACK, lambda: SECRET, page_files(self.page), self.cluster)
        await server.start()
        self.matchmakers.append(server)
        await eventually(server._ready, "ready")
        return server

    async def instance(self, name: str, *, streaming: bool = True, **labels) -> Client | None:
        """A pod whose sidecar really runs, on a loopback address of its own."""
        address = f"127.0.0.{next(self._addresses)}"
        sidecar = SidecarServer(
            SidecarSettings(
                admit_anybody=True,
                player_host=address,
                player_port=self.instance_port,
                health_host=address,
                health_port=self.health_port,
                streamer_port=0,
                sfu_port=0,
            )
        )
        await sidecar.start()
        self.sidecars[name] = sidecar
        if streaming:
            self.streamers[name] = await streamer(self.http, f"ws://127.0.0.1:{sidecar.ports['streamer']}/")
        self.cluster.put(pod(name, address=address, **labels))
        return self.streamers.get(name)

    async def player(self, query: str = "", path: str = "/", ask: bool = True) -> Client:
        url = f"ws://127.0.0.1:{self.matchmakers[0].ports['players']}{path}{query}"
        client = await Client.connect(self.http, url)
        client.config = await client.expect("config")
        if ask:
            await client.say("listStreamers")
        return client

    async def ask(self, path: str) -> tuple[int, str]:
        async with self.http.get(f"http://127.0.0.1:{self.matchmakers[0].ports['health']}{path}") as answer:
            return answer.status, await answer.text()

    async def metric(self, name: str) -> float:
        lines = [line for line in (await self.ask("/metrics"))[1].splitlines() if line.startswith(f"{name} ")]
        return float(lines[0].split()[1])

    def labels(self, name: str) -> dict[str, str]:
        labels: dict[str, str] = self.cluster.pods[name]["metadata"]["labels"]
        return labels

    async def gone(self, name: str) -> None:
        await eventually(lambda: name not in self.cluster.pods, f"{name} deleted")


async def stream(player: Client, unreal: Client) -> str:
    """Bring a session about as far as the answer, and give the player's id."""
    assert (await player.expect("streamerList"))["ids"] == ["demo"]
    await player.say("subscribe", streamerId="demo")
    player_id = (await unreal.expect("playerConnected"))["playerId"]
    await unreal.say("offer", sdp="v=0 offer", playerId=player_id)
    assert (await player.expect("offer"))["sdp"] == "v=0 offer"
    await player.say("answer", sdp="v=0 answer")
    assert (await unreal.expect("answer"))["playerId"] == player_id
    return str(player_id)
