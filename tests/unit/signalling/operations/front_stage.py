"""The whole service with its front: login, limits, session API, webhooks, usage and regions, on loopback."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import ClientSession, WSServerHandshakeError

from signalling.ice.elsewhere import NOTHING
from signalling.matchmaker.front import MatchmakerFront, SecretFiles
from signalling.matchmaker.page import page_files
from signalling.matchmaker.replica import Surroundings
from signalling.matchmaker.server import MatchmakerServer
from signalling.matchmaker.settings import MatchmakerSettings, StackSettings
from signalling.protocol.session_messages import SUBPROTOCOL
from signalling.records.redis import RedisRecords
from signalling.store.in_redis import RedisStore
from tests.ports import free_port
from tests.unit.signalling.clients import Client, eventually
from tests.unit.signalling.memory_cluster import fleet, node
from tests.unit.signalling.stage import LISTEN, SECRET, STACK, Stage

ADMIN, HOOK = "the-admin-key-of-the-stage", "the-webhook-key-of-the-stage"
SHARED = "the-shared-token-of-the-stage-or-a-secret"


class FrontStage(Stage):
    """A stage whose matchmakers have a front; ``stack`` is changed before the first one starts."""

    def __init__(self, http: ClientSession, page: Any) -> None:
        super().__init__(http, page)
        self.fronts: list[MatchmakerFront] = []
        self.first_port = free_port()
        """The players' of the first matchmaker, known before it starts."""
        self.operator_folder: Path | None = None
        """The built operator's page, if it is to be served."""
        self._closed = False

    def says(self, **more: Any) -> None:
        """More of the stack's settings."""
        self.stack: StackSettings = msgspec.structs.replace(STACK, **more)

    async def matchmaker(self, *, wait: bool = True, **more: Any) -> MatchmakerServer:
        its = MatchmakerSettings(
            turn_loads=False,
            **{**LISTEN, "player_port": 0 if self.matchmakers else self.first_port},
            operations_host="127.0.0.1",
            operations_port=0,
            instance_port=self.instance_port,
            instance_health_port=self.health_port,
            stranded_interval_seconds=0.05,
            **{
                "stranded_seconds": 0.3,
                "silent_seconds": 0.5,
                "stop_seconds": 0.1,
                "connect_seconds": 2.0,
                "presence_seconds": 0.2,
                "renewal_seconds": 0.2,
                "position_seconds": 0.05,
                **more,
            },
        )
        front = MatchmakerFront(
            its,
            self.stack,
            SecretFiles(lambda: (ADMIN,), lambda: (SHARED,), lambda: (HOOK,)),
            self.issuer,
            self.cluster,
            shared=RedisRecords(self.store.client) if isinstance(self.store, RedisStore) else None,
            operator_folder=self.operator_folder,
        )
        around = Surroundings(
            name=f"replica-{len(self.matchmakers)}",
            api=self.cluster,
            store=self.store,
            issuer=self.issuer,
            turn_secret=lambda: SECRET,
            elsewhere=lambda: NOTHING,
            admission=front.admission,
            chronicle=front.chronicle,
        )
        server = MatchmakerServer(its, self.stack, around, page_files(self.page, front.page_allowed), front)
        await server.start()
        self.matchmakers.append(server)
        self.fronts.append(front)
        if wait:
            await eventually(server.ready, "ready")
        return server

    async def close(self) -> None:
        """Once; a test that ends what the stage needs closes it before."""
        if not self._closed:
            self._closed = True
            await super().close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.first_port}/"

    async def api(
        self, method: str, path: str, body: Any = None, replica: int = 0, key: str = ADMIN
    ) -> tuple[int, dict[str, Any]]:
        """The session API of one replica."""
        url = f"http://127.0.0.1:{self.fronts[replica].operations_port}{path}"
        headers = {"Authorization": f"Bearer {key}"}
        async with self.http.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def opted_in(self, query: str = "", replica: int = 0, headers: Mapping[str, str] | None = None) -> Client:
        """A player that opted in, and has its configuration and ticket."""
        url = f"ws://127.0.0.1:{self.matchmakers[replica].ports['players']}/{query}"
        socket = await self.http.ws_connect(url, protocols=[SUBPROTOCOL], headers=headers, max_msg_size=0)
        return Client(socket)

    async def refusal(self, query: str = "", headers: Mapping[str, str] | None = None) -> int:
        """The status that a stock player's upgrade is refused with; 101 if it is not."""
        try:
            socket = await self.http.ws_connect(f"{self.url.replace('http', 'ws')}{query}", headers=headers)
        except WSServerHandshakeError as error:
            return error.status
        await socket.close()
        return 101


def furnished(http: ClientSession, folder: Path) -> FrontStage:
    """A stage with a player page, two nodes, and a fleet for each application; what it writes is in ``folder``."""
    page = folder / "page"
    page.mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>page</title>")
    it = FrontStage(http, page)
    it.cluster.put(node("turn-1", {"InternalIP": "10.0.30.4", "ExternalIP": "198.51.100.7"}))
    it.cluster.put(node("gpu-1", labels={"app.pixel/gpu": "true"}))
    for application in ("demo", "other"):
        it.cluster.put(fleet(f"{application}-v1", application=application))
    return it


async def state(player: Client, wanted: str) -> dict[str, Any]:
    """The next ``sessionState`` of this kind."""
    while True:
        message = await player.hear()
        if message["type"] == "sessionState" and message["state"] == wanted:
            return message
