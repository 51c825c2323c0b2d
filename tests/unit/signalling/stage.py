"""A whole service on loopback: real sidecars as instances, real matchmakers, an API server in memory."""

import asyncio
import copy
import itertools
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientSession

from signalling.ice.elsewhere import NOTHING
from signalling.ice.secret import SigningSecret
from signalling.matchmaker.issuing import Issuer
from signalling.matchmaker.page import page_files
from signalling.matchmaker.replica import Surroundings
from signalling.matchmaker.server import MatchmakerServer
from signalling.matchmaker.settings import ApplicationSettings, MatchmakerSettings, SessionSettings, StackSettings
from signalling.sidecar.server import SidecarServer
from signalling.sidecar.settings import SidecarSettings
from signalling.store.in_memory import MemoryStore
from signalling.store.interface import Store
from signalling.tickets.keys import public_line, signing_key
from tests.ports import free_port
from tests.unit.signalling.clients import Client, eventually, streamer
from tests.unit.signalling.memory_cluster import MemoryCluster, pod
from tests.unit.signalling.without_front import OpenAdmission, Silence

SECRET = "a-secret-that-nobody-may-read"
SEED = "5eed" * 16
STACK = StackSettings(
    instances_namespace="pixel-instances",
    applications=(
        ApplicationSettings(name="demo", session=SessionSettings(grace_seconds=2)),
        ApplicationSettings(name="other"),
    ),
)
LISTEN: dict[str, Any] = {"player_host": "127.0.0.1", "player_port": 0, "health_host": "127.0.0.1", "health_port": 0}


def sidecar_of(folder: Path, name: str, address: str, player_port: int, health_port: int) -> SidecarServer:
    """The sidecar of a pod that has this name and address; it takes the tickets that SEED signs."""
    keys = folder / "ticket-keys"
    keys.write_text(public_line(signing_key(SEED)))
    return SidecarServer(
        SidecarSettings(
            instance=name,
            ticket_keys=keys,
            player_host=address,
            player_port=player_port,
            health_host=address,
            health_port=health_port,
            streamer_port=0,
            sfu_port=0,
        )
    )


class Stage:
    """A cluster with a kubelet's part, its instances, and matchmakers that share a store."""

    def __init__(self, http: ClientSession, page: Path) -> None:
        self.http = http
        self.page = page
        self.stack = STACK
        self.cluster = MemoryCluster()
        self.store: Store = MemoryStore()
        self.instance_port = free_port()
        self.health_port = free_port()
        self.sidecars: dict[str, SidecarServer] = {}
        self.streamers: dict[str, Client] = {}
        self.probed: set[str] = set()
        """Instances that are ready as their sidecars say; the others always are."""
        self.matchmakers: list[MatchmakerServer] = []
        self._addresses = itertools.count(2)
        self._seed = page.parent / f"{page.name}-seed"
        self._seed.write_text(SEED)
        self.issuer = Issuer(SigningSecret(self._seed))
        self._closing = False
        self._kubelet = asyncio.create_task(self._probe())

    async def matchmaker(self, *, wait: bool = True, **more: Any) -> MatchmakerServer:
        its = MatchmakerSettings(
            **LISTEN,
            instance_port=self.instance_port,
            instance_health_port=self.health_port,
            stranded_interval_seconds=0.05,
            turn_loads=False,
            **{
                "stranded_seconds": 0.3,
                "silent_seconds": 0.5,
                "stop_seconds": 0.1,
                "connect_seconds": 2.0,
                "presence_seconds": 1.0,
                "renewal_seconds": 0.2,
                "position_seconds": 0.05,
                **more,
            },
        )
        around = Surroundings(
            name=f"replica-{len(self.matchmakers)}",
            api=self.cluster,
            store=self.store,
            issuer=self.issuer,
            turn_secret=lambda: SECRET,
            elsewhere=lambda: NOTHING,
            admission=OpenAdmission(self.issuer),
            chronicle=Silence(),
        )
        server = MatchmakerServer(its, self.stack, around, page_files(self.page))
        await server.start()
        self.matchmakers.append(server)
        if wait:
            await eventually(server.ready, "ready")
        return server

    async def instance(self, name: str, *, streaming: bool = True, **labels) -> Client | None:
        """A pod whose sidecar really runs, on a loopback address of its own; ``streaming`` gives it a streamer."""
        address = f"127.0.0.{next(self._addresses)}"
        sidecar = sidecar_of(self.page.parent, name, address, self.instance_port, self.health_port)
        await sidecar.start()
        if streaming:
            self.streamers[name] = await streamer(self.http, f"ws://127.0.0.1:{sidecar.ports['streamer']}/")
            self.probed.add(name)
        self.cluster.put(pod(name, address=address, **labels))
        self.sidecars[name] = sidecar
        return self.streamers.get(name)

    async def _probe(self) -> None:
        """A kubelet's part: pods are ready as their sidecars say, and end when they are deleted."""
        while not self._closing:
            for name, sidecar in list(self.sidecars.items()):
                if name not in self.cluster.pods:
                    await self.sidecars.pop(name).stop()
                    continue
                url = f"http://{sidecar._settings.health_host}:{self.health_port}/readyz"
                try:
                    async with self.http.get(url) as answer:
                        ready = answer.status == 200
                except ClientError:
                    ready = False
                self.set_ready(name, ready=ready or name not in self.probed)
            await asyncio.sleep(0.02)

    def set_ready(self, name: str, *, ready: bool) -> None:
        known = self.cluster.pods.get(name)
        condition = {"type": "Ready", "status": "True" if ready else "False"}
        if known is not None and known["status"]["conditions"] != [condition]:
            changed = copy.deepcopy(known)
            changed["status"]["conditions"] = [condition]
            self.cluster.put(changed)

    async def close(self) -> None:
        self._closing = True
        await self._kubelet
        for client in self.streamers.values():
            await client.socket.close()
        for server in self.matchmakers:
            await server.stop()
        for sidecar in self.sidecars.values():
            await sidecar.stop()

    async def player(
        self, query: str = "", path: str = "/", ask: bool = True, at: int = 0, headers: dict[str, str] | None = None
    ) -> Client:
        """A stock player that has its config, and has asked for the list if it is to; on the matchmaker ``at``."""
        url = f"ws://127.0.0.1:{self.matchmakers[at].ports['players']}{path}{query}"
        client = await Client.connect(self.http, url, headers=headers)
        client.config = await client.expect("config")
        if ask:
            await client.say("listStreamers")
        return client

    async def opted(self, query: str = "?session=1", at: int = 0, ask: bool = True) -> Client:
        """A player that opted in, with its ticket."""
        client = await self.player(query, ask=False, at=at)
        client.ticket = await client.expect("sessionTicket")
        if ask:
            await client.say("listStreamers")
        return client

    async def resumed(self, before: Client, at: int = 0, *, fresh: bool = False) -> Client:
        """A player that comes again with the ticket of a connection that is lost."""
        client = await self.opted(at=at, ask=False)
        await client.say("sessionResume", ticket=before.ticket["ticket"], fresh=fresh)
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
    """Bring a session about as far as the answer, and give the player's id; what is said of it is passed over."""
    message = await player.hear()
    while message["type"].startswith("session"):
        message = await player.hear()
    assert message == {"type": "streamerList", "ids": ["demo"]}
    await player.say("subscribe", streamerId="demo")
    player_id = (await unreal.expect("playerConnected"))["playerId"]
    await unreal.say("offer", sdp="v=0 offer", playerId=player_id)
    assert (await player.expect("offer"))["sdp"] == "v=0 offer"
    await player.say("answer", sdp="v=0 answer")
    assert (await unreal.expect("answer"))["playerId"] == player_id
    return str(player_id)
