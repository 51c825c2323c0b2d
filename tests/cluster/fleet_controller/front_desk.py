"""A matchmaker of a test's own: players wait in order, idle instances are claimed as matchmakers claim them.

It tells who waits and how sessions ended where a matchmaker does, and has nothing to do with the controller otherwise.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

from aiohttp import web
from lightkube import ApiError, AsyncClient
from lightkube.resources.core_v1 import Pod
from lightkube.types import PatchType

from signalling.shell import listening
from tests.cluster.fleet_controller.node_pool import name_of
from tests.ports import free_port

POOL = "/metadata/labels/app.pixel~1pool"


@dataclass
class Visit:
    """One player."""

    number: int
    application: str
    came: float
    """Seconds, by the event loop's clock."""
    wants: str | None = None
    """A version; of no version, any."""
    began: float | None = None
    instance: str = ""
    uid: str = ""
    version: str = ""
    served: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def waited(self) -> float:
        """Seconds; of somebody who has been served."""
        assert self.began is not None
        return self.began - self.came


class FrontDesk:
    """One, that sees all instances and all players."""

    def __init__(self, client: AsyncClient, namespace: str) -> None:
        self._client = client
        self._namespace = namespace
        self._numbers = count()
        self._queues: dict[str, deque[Visit]] = {}
        self._idle: dict[str, dict[str, Pod]] = {}
        self._known: dict[str, Pod] = {}
        self._wake = asyncio.Event()
        self._ended: Counter[tuple[str, str, str]] = Counter()
        self.visits: list[Visit] = []
        self.most_sessions = 0
        self.seen: dict[str, float] = {}
        """When each instance was first heard of."""
        self._placed: dict[str, float] = {}
        self.starts: dict[str, float] = {}
        """Seconds that each instance took from its node to its readiness, as it looks from here."""
        self.port = free_port()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Serve until the block ends."""
        app = web.Application()
        app.add_routes([web.get("/status", self._status), web.get("/metrics", self._metrics)])
        runner = await listening.listen(app, "127.0.0.1", self.port)
        tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._match())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await runner.cleanup()

    def arrive(self, application: str = "demo", version: str | None = None) -> Visit:
        """A player comes."""
        visit = Visit(next(self._numbers), application, asyncio.get_running_loop().time(), version)
        self.visits.append(visit)
        self._queues.setdefault(application, deque()).append(visit)
        self._wake.set()
        return visit

    async def leave(self, visit: Visit, outcome: str = "completed") -> None:
        """A player's session ends: its instance is deleted."""
        self._ended[visit.application, visit.version, outcome] += 1
        with suppress(ApiError):
            await self._client.delete(Pod, visit.instance, namespace=self._namespace)

    def waiting(self, application: str = "demo") -> int:
        """How many wait."""
        return len(self._queues.get(application, ()))

    async def _watch(self) -> None:
        labels = {"app.pixel/app": None}
        while True:
            with suppress(ApiError, StopAsyncIteration):
                listing = self._client.list(Pod, namespace=self._namespace, labels=labels)  # type: ignore[arg-type]
                self._known = {name_of(pod): pod async for pod in listing}
                self._look()
                async for operation, pod in self._client.watch(
                    Pod,
                    namespace=self._namespace,
                    labels=labels,  # type: ignore[arg-type]
                    resource_version=listing.resourceVersion,
                ):
                    if operation == "DELETED":
                        self._known.pop(name_of(pod), None)
                    else:
                        self._known[name_of(pod)] = pod
                    self._look()

    def _look(self) -> None:
        sessions = [pod for pod in self._known.values() if label(pod, "pool") == "session" and not going(pod)]
        self.most_sessions = max(self.most_sessions, len(sessions))
        self._idle = {}
        now = asyncio.get_running_loop().time()
        for name, pod in self._known.items():
            self.seen.setdefault(name, now)
            if pod.spec and pod.spec.nodeName:
                self._placed.setdefault(name, now)
            if label(pod, "pool") == "idle" and ready(pod) and not going(pod):
                self.starts.setdefault(name, now - self._placed[name])
                self._idle.setdefault(label(pod, "app"), {})[name] = pod
        self._wake.set()

    def idle_of(self, version: str, application: str = "demo") -> int:
        """Instances of a version that could be claimed."""
        return sum(label(pod, "version") == version for pod in self._idle.get(application, {}).values())

    async def _match(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            for application, queue in self._queues.items():
                while queue and (name := self._for(queue[0], application)):
                    pod = self._idle[application].pop(name)
                    if await self._claim(name, pod, queue[0]):
                        queue.popleft().served.set()

    def _for(self, visit: Visit, application: str) -> str | None:
        """An idle instance that would do."""
        idle = self._idle.get(application, {})
        return next((name for name, pod in idle.items() if visit.wants in (None, label(pod, "version"))), None)

    async def _claim(self, name: str, pod: Pod, visit: Visit) -> bool:
        """The claim is a matchmaker's: one patch that tests for the label that it replaces."""
        patch = [
            {"op": "test", "path": POOL, "value": "idle"},
            {"op": "replace", "path": POOL, "value": "session"},
            {"op": "add", "path": "/metadata/labels/app.pixel~1session", "value": f"s-{visit.number}"},
        ]
        try:
            claimed = await self._client.patch(Pod, name, patch, namespace=self._namespace, patch_type=PatchType.JSON)
        except ApiError:
            return False
        if going(claimed):
            return False
        assert claimed.metadata is not None
        visit.began = asyncio.get_running_loop().time()
        visit.instance, visit.uid, visit.version = name, claimed.metadata.uid or "", label(pod, "version")
        return True

    async def _status(self, _: web.Request) -> web.Response:
        return web.json_response({"waiting": {name: len(queue) for name, queue in self._queues.items()}})

    async def _metrics(self, _: web.Request) -> web.Response:
        lines = [f"process_start_time_seconds {time.time() - time.monotonic():.0f}"]
        for (application, version, outcome), number in self._ended.items():
            labels = f'application="{application}",version="{version}",outcome="{outcome}"'
            lines.append(f"pixel_sessions_ended_total{{{labels}}} {number}")
        return web.Response(text="\n".join(lines) + "\n")


def label(pod: Pod, name: str) -> str:
    labels: Mapping[str, str] = (pod.metadata.labels if pod.metadata else None) or {}
    return labels.get(f"app.pixel/{name}", "")


def ready(pod: Pod) -> bool:
    conditions = (pod.status.conditions if pod.status else None) or []
    return any(each.type == "Ready" and each.status == "True" for each in conditions)


def going(pod: Pod) -> bool:
    return pod.metadata is not None and pod.metadata.deletionTimestamp is not None
