"""The real service for the page: a matchmaker with its front, and sidecars whose streamers are processes.

Only Kubernetes is in memory, and what a Deployment and a kubelet do is done here. Media goes directly, over loopback.
"""

import asyncio
import itertools
import subprocess
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import ClientSession

from signalling.ice.servers import TransportPolicy
from signalling.matchmaker.settings import ApplicationSettings, SessionSettings, TurnAccess
from tests.browser.loop import Loop
from tests.browser.player.streamer_process import start_streamer
from tests.browser.player.wire import Wire
from tests.unit.signalling.memory_cluster import fleet, node
from tests.unit.signalling.operations.front_stage import FrontStage

T = TypeVar("T")

LOOPBACK = "127.0.0.1"
UNHURRIED: dict[str, Any] = {
    "stranded_seconds": 20.0,
    "silent_seconds": 60.0,
    "connect_seconds": 10.0,
    "presence_seconds": 2.0,
}
"""The matchmaker's times as in a cluster: a browser on a busy machine takes longer than the clients of other tests."""


class _Seconds(int):
    """Stands for minutes, and gives itself when it is made to seconds: no stack file has limits below a minute."""

    def __rmul__(self, _per_minute: int) -> int:
        return int(self)


def session_of(*, idle_seconds: int = 0, max_seconds: int = 0, **more: Any) -> SessionSettings:
    """Settings of sessions with limits in seconds."""
    return SessionSettings(idle_minutes=_Seconds(idle_seconds), max_minutes=_Seconds(max_seconds), **more)


class Instances:
    """A fleet's instances: as many as wanted, each with a sidecar and the demo streamer as a process of its own."""

    def __init__(self, stage: FrontStage, wanted: int) -> None:
        self.wanted = wanted
        self._stage = stage
        self._numbers = itertools.count(1)
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._closing = False
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while not self._closing:
            for name in self._processes.keys() - self._stage.cluster.pods.keys():
                self.kill(name)
            while len(self._stage.cluster.pods) < self.wanted:
                await self._start(f"demo-{next(self._numbers)}")
            await asyncio.sleep(0.05)

    async def _start(self, name: str) -> None:
        self._stage.probed.add(name)
        await self._stage.instance(name, streaming=False, ready=False)
        port = self._stage.sidecars[name].ports["streamer"]
        self._processes[name] = start_streamer(f"ws://{LOOPBACK}:{port}/")

    def kill(self, name: str) -> None:
        """End the application as a crash does."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    async def stop(self) -> None:
        """End all of them; one that is being started is there first, for the stage to close."""
        self._closing = True
        await self._task
        for name in list(self._processes):
            self.kill(name)

    def playing(self) -> list[str]:
        """The names of those that have a session."""
        pods = self._stage.cluster.pods
        return [name for name in pods if self._stage.labels(name)["app.pixel/pool"] == "session"]


@dataclass
class SignallingStage:
    """The real service behind a wire; ``service`` is its state, ``do`` runs one of its methods."""

    service: FrontStage
    instances: Instances
    loop: Loop
    wire: Wire

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.wire.port}/"

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run(work)

    def cut(self) -> None:
        self.do(self.wire.cut())

    def mend(self) -> None:
        self.do(self.wire.mend())

    def kill_instance(self) -> None:
        self.do(self._kill_instance())

    async def _kill_instance(self) -> None:
        (name,) = self.instances.playing()
        self.instances.kill(name)

    def occupied(self) -> bool:
        return bool(self.instances.playing())

    def sessions(self) -> list[dict[str, Any]]:
        """What the session API tells of those under way."""
        status, found = self.do(self.service.api("GET", "/api/v1/sessions?players=true"))
        assert status == 200, found
        items: list[dict[str, Any]] = found["items"]
        return items

    def link(self, **more: Any) -> str:
        """A link ticket that the session API makes."""
        status, made = self.do(self.service.api("POST", "/api/v1/tickets", {"application": "demo", **more}))
        assert status == 201, made
        ticket: str = made["ticket"]
        return ticket


@contextmanager
def signalling(
    page: Path, folder: Path, *, instances: int = 1, session: SessionSettings | None = None, **more: Any
) -> Iterator[SignallingStage]:
    """The service with the built page, ``instances`` of the application, and ``more`` settings of the stack.

    What it writes is in ``folder``.
    """
    demo = ApplicationSettings(name="demo", session=session or SessionSettings())
    with Loop() as loop, loop.within(_service(page, folder, applications=(demo,), **more)) as service:
        wire = Wire(service.first_port)
        loop.run(wire.start())
        its = loop.run(_fleet(service, instances))
        try:
            yield SignallingStage(service, its, loop, wire)
        finally:
            loop.run(wire.cut())
            loop.run(its.stop())


@asynccontextmanager
async def _service(page: Path, folder: Path, **more: Any) -> AsyncIterator[FrontStage]:
    # What the stage writes goes beside the page, whose folder is not the test's.
    (folder / "page").symlink_to(page)
    async with ClientSession() as http:
        service = FrontStage(http, folder / "page")
        service.says(turn=TurnAccess(transport_policy=TransportPolicy.ALL), **more)
        # Nobody answers there, and nobody needs it; no other host is asked.
        service.cluster.put(node("turn-1", {"InternalIP": LOOPBACK, "ExternalIP": LOOPBACK}))
        service.cluster.put(fleet("demo-v1"))
        await service.matchmaker(**UNHURRIED)
        yield service
        await service.close()


async def _fleet(service: FrontStage, wanted: int) -> Instances:
    return Instances(service, wanted)
