"""Where the page's tests run against: the scripted service with the demo streamer, or the whole local stack.

Between them stands the real service without a cluster: ``signalling_stage``.
"""

import os
import signal
import subprocess
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from aiohttp import web

from signalling.matchmaker.page import SECURITY, page_files, serve_file
from tests.browser.loop import Loop
from tests.browser.player.sessions import Service
from tests.browser.player.streamer_process import start_streamer
from tests.browser.player.wire import Wire
from tests.browser.test_stream import kubectl_json
from tests.cluster.conftest import eventually
from tests.ports import free_port

T = TypeVar("T")


class Stage(Protocol):
    """What a test needs of a service, whichever it is."""

    @property
    def url(self) -> str:
        """The page's address."""
        ...

    def cut(self) -> None:
        """The network between browser and service goes."""
        ...

    def mend(self) -> None:
        """It comes back."""
        ...

    def kill_instance(self) -> None:
        """The instance of the session that plays dies."""
        ...

    def occupied(self) -> bool:
        """Whether an instance plays for somebody."""
        ...


@dataclass
class ScriptedStage:
    """The scripted service; ``service`` is its state, ``do`` runs one of its methods."""

    service: Service
    loop: Loop
    wire: Wire
    config: dict[str, Any]
    """What config.json says."""
    policy: dict[str, str]
    """What the content security policy allows beyond the matchmaker's own: directive to sources."""
    port: int
    streamer: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.wire.port}/"

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run(work)

    def cut(self) -> None:
        self.do(self.wire.cut())

    def mend(self) -> None:
        self.do(self.wire.mend())

    def occupied(self) -> bool:
        return any(each.admitted and not each.over for each in self.service.sessions)

    def start_instance(self) -> None:
        """Start the demo streamer."""
        self.streamer = start_streamer(f"ws://127.0.0.1:{self.port}/streamer")
        eventually(self.service.streaming.is_set, "the streamer has sent its name", 60)

    def kill_instance(self) -> None:
        if self.streamer is not None:
            self.streamer.kill()
            self.streamer.wait()
            self.streamer = None

    def said(self, kind: str) -> list[dict[str, Any]]:
        """What the owner of the newest session has said of a kind."""
        return [each for each in self.service.owner().said if each["type"] == kind]


@contextmanager
def scripted(page: Path) -> Iterator[ScriptedStage]:
    """A service that serves the built page as the matchmaker does."""
    with Loop() as loop:
        service = loop.run(_made())
        port = free_port()
        config: dict[str, Any] = {}
        policy: dict[str, str] = {}
        runner = loop.run(_serve(service, page, port, config, policy))
        wire = Wire(port)
        loop.run(wire.start())
        stage = ScriptedStage(service, loop, wire, config, policy, port)
        try:
            yield stage
        finally:
            stage.kill_instance()
            loop.run(wire.cut())
            loop.run(runner.cleanup())


async def _made() -> Service:
    return Service()


async def _serve(
    service: Service, page: Path, port: int, config: dict[str, Any], policy: dict[str, str]
) -> web.AppRunner:
    files = page_files(page)

    async def serve_config(_request: web.Request) -> web.Response:
        return web.json_response(config, headers=SECURITY)

    async def serve_page(request: web.Request) -> web.StreamResponse:
        response = serve_file(files, request)
        security = response.headers["Content-Security-Policy"]
        for directive, sources in policy.items():
            security = security.replace(f"{directive} 'self'", f"{directive} 'self' {sources}")
        response.headers["Content-Security-Policy"] = security
        return response

    app = web.Application()
    app.router.add_get("/ws", service.serve_player)
    app.router.add_get("/streamer", service.serve_streamer)
    app.router.add_get("/config.json", serve_config)
    app.router.add_get("/{path:.*}", serve_page)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


STREAMER = ["python", "-m", "streamer"]


@dataclass(frozen=True)
class Process:
    """A process of a pod, as this machine sees it."""

    pid: int
    command: list[str]


def _processes(pod: str) -> Iterator[Process]:
    """Those in the pod's control groups, whose names hold its uid."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            group = (folder / "cgroup").read_text().replace("_", "-")
            command = (folder / "cmdline").read_bytes().decode().split("\0")[:-1]
        except OSError:
            continue
        if f"pod{pod}" in group:
            yield Process(int(folder.name), command)


@dataclass
class LocalStack:
    """The running local stack, behind a wire of its own."""

    loop: Loop
    wire: Wire

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.wire.port}/"

    def cut(self) -> None:
        self.loop.run(self.wire.cut())

    def mend(self) -> None:
        self.loop.run(self.wire.mend())

    def occupied(self) -> bool:
        return bool(self._pods())

    def kill_instance(self) -> None:
        """As a crash does it: a deleted pod would be told to end, and would say so to its player."""
        (pod,) = self._pods()
        (application,) = (each for each in _processes(pod["metadata"]["uid"]) if each.command == STREAMER)
        os.kill(application.pid, signal.SIGKILL)

    def _pods(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = kubectl_json(
            "get", "pods", "-n", "pixel-instances", "-l", "app.pixel/pool=session"
        )["items"]
        return [each for each in found if "deletionTimestamp" not in each["metadata"]]


@contextmanager
def local_stack(port: int) -> Iterator[LocalStack]:
    """The stack whose page is at a port of this machine."""
    with Loop() as loop:
        wire = Wire(port)
        loop.run(wire.start())
        try:
            yield LocalStack(loop, wire)
        finally:
            loop.run(wire.cut())
