"""A service to operate, that remembers what it was told, and its API on a real port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import ClientSession
from prometheus_client import CollectorRegistry

from signalling.operations import definitions as d
from signalling.operations.audit import AuditLog
from signalling.operations.credential import AdminKey
from signalling.operations.handlers import Operations
from signalling.operations.problems import Absent, Away, InTheWay
from signalling.operations.server import Access, OperationsServer
from signalling.protocol.session_messages import Reason
from signalling.records.memory import MemoryRecords
from signalling.shell import listening
from signalling.tickets.claims import LinkTicket, Role
from signalling.tickets.keys import signing_key
from signalling.tickets.signing import sign
from signalling.usage.ledger import Ledger

CURRENT, PREVIOUS = "the-admin-key-of-today", "the-admin-key-of-yesterday"
AT = datetime(2027, 1, 15, 8, 30, tzinfo=UTC)
KEY = signing_key("ab" * 32)

SESSIONS = (
    d.Session(
        id="s1",
        application="demo",
        state=d.SessionState.RUNNING,
        subject="ada",
        version="v1",
        instance="demo-1",
        node="gpu-1",
        joined=AT,
        started=AT,
    ),
    d.Session(
        id="s2", application="demo", state=d.SessionState.QUEUED, subject="bob", priority=3, joined=AT, position=1
    ),
    d.Session(
        id="s3", application="other", state=d.SessionState.STARTING, version="v2", instance="other-1", started=AT
    ),
)
INSTANCES = (
    d.Instance(
        name="demo-1",
        application="demo",
        version="v1",
        state=d.InstanceState.SESSION,
        address="10.244.0.7",
        session="s1",
        started=AT,
        node="gpu-1",
    ),
    d.Instance(name="demo-2", application="demo", version="v1", state=d.InstanceState.IDLE),
    d.Instance(name="other-1", application="other", version="v2", state=d.InstanceState.SESSION, session="s3"),
)
FLEET = d.Fleet(name="demo-v1", version="v1", weight=95, drained=False, buffer=2, starting=0, idle=1, sessions=1)


@dataclass
class FakeService:
    """See Service."""

    region: str = "fra"
    told: list[tuple[Any, ...]] = field(default_factory=list)
    away: bool = False
    broken: bool = False

    async def sessions(self):
        if self.away:
            raise Away("the store does not answer")
        if self.broken:
            raise ZeroDivisionError
        return SESSIONS

    async def players(self, session: d.Session):
        owner = d.Player(player=session.id, role=Role.OWNER, connected=True, since=AT, stats={"framesPerSecond": 60})
        return (owner,) if session.id == "s1" else None

    async def end(self, session: str, reason: Reason, seconds: float) -> float:
        if session not in {each.id for each in SESSIONS}:
            raise Absent("session")
        self.told.append(("end", session, reason, seconds))
        return seconds

    async def dismiss(self, session: str, reason: Reason) -> None:
        its = next((each for each in SESSIONS if each.id == session), None)
        if its is None:
            raise Absent("session")
        if its.state is not d.SessionState.QUEUED:
            raise InTheWay("the session has begun")
        self.told.append(("dismiss", session, reason))

    async def instances(self):
        return INSTANCES

    async def drain_instance(self, instance: str, seconds: float) -> float:
        if instance not in {each.name for each in INSTANCES}:
            raise Absent("instance")
        self.told.append(("drain", instance, seconds))
        return seconds

    async def applications(self):
        return (
            d.Application(name="demo", paused=False, waiting=1, fleets=(FLEET,)),
            d.Application(name="other", paused=True, waiting=0, fleets=()),
        )

    async def pause(self, application: str, *, paused: bool) -> None:
        if application == "other":
            raise InTheWay("the application has no fleet")
        if application != "demo":
            raise Absent("application")
        self.told.append(("pause", application, paused))

    async def drain_version(self, application: str, version: str, *, drained: bool) -> None:
        if (application, version) != ("demo", "v1"):
            raise Absent("version")
        self.told.append(("drain version", application, version, drained))

    async def set_buffer(self, application: str, version: str, instances: int | None) -> None:
        if (application, version) != ("demo", "v1"):
            raise Absent("version")
        if instances is not None and instances > 100:
            raise InTheWay("no fleet controller keeps this version's buffer")
        self.told.append(("buffer", application, version, instances))

    async def queue(self, application: str, limit: int):
        if application not in {"demo", "other"}:
            raise Absent("application")
        items = (d.Waiting(session="s2", position=1, subject="bob", joined=AT, estimate_seconds=12.5),)
        return d.Queue(application=application, waiting=1, items=items[:limit])

    async def nodes(self):
        return (
            d.Node(name="gpu-1", pools=("gpu",), ready=True, schedulable=True, gpus=1, instances=3, sessions=2),
            d.Node(name="default-1", pools=("default",), ready=True, schedulable=False),
        )

    async def turn_nodes(self):
        return (d.TurnNode(name="turn-1", address="198.51.100.7", offered=True),)

    async def regions(self):
        return (d.RegionRoom(name="iad", url="https://play.example.com/", reachable=True, room={"demo": 3}),)


class Api:
    """The API on a real port."""

    def __init__(self, http: ClientSession, service: FakeService | None = None, **access: Any) -> None:
        self.http = http
        self.service = service or FakeService()
        self.records = MemoryRecords()
        self.ledger = Ledger(self.records, self._counted)
        self.registry = CollectorRegistry()
        self.now = AT.timestamp()
        operations = Operations(
            self.service,
            self.ledger,
            AuditLog(self.records, lambda: self.now),
            self._sign,
            "https://play.example.com/",
            lambda: self.now,
        )
        self.server = OperationsServer(
            operations, Access(AdminKey(lambda: (CURRENT, PREVIOUS)), **access), self.registry
        )
        self.port = 0

    def _sign(self, link: LinkTicket, seconds: float) -> str:
        return sign(link, KEY, self.now, seconds)

    async def _counted(self, _: object) -> None:
        pass

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def ask(
        self, method: str, path: str, body: Any = None, key: str | None = CURRENT, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, content and headers."""
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            said["Authorization"] = f"Bearer {key}"
        content = None if body is None else msgspec.json.encode(body)
        if content is not None:
            said.setdefault("Content-Type", "application/json")
        async with self.http.request(method, f"{self.url}{path}", data=content, headers=said) as answer:
            text = await answer.read()
            decoded = msgspec.json.decode(text) if "json" in answer.content_type else text
            return answer.status, decoded, dict(answer.headers)


@asynccontextmanager
async def running(**access: Any) -> AsyncIterator[Api]:
    async with ClientSession() as http:
        api = Api(http, **access)
        runner = await listening.listen(api.server.application(), "127.0.0.1", 0)
        api.port = listening.port_of(runner)
        yield api
        await runner.cleanup()
