"""A real Prometheus finds and scrapes the running local stack while somebody plays, and answers what is asked of it."""

import asyncio
import shutil
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import ClientSession
from playwright.sync_api import Page

from components import ports
from components.settings import Settings, load
from local.cluster import addresses, processes
from local.cluster.api import Api
from local.paths import cluster_dir
from local.stack import read_stack_file
from tests.browser.test_stream import kubectl_json, wait_for_frames
from tests.cluster.conftest import eventually
from tests.cluster.discovery import META, discovered, write_targets
from tests.cluster.prometheus import (
    NEEDS_PROMETHEUS,
    Prometheus,
    command,
    process,
    questions,
    unanswerable,
    until,
    write_cluster_configuration,
)
from tests.cluster.scraping import containers_job, jobs, node_exporter_job
from tests.cluster.unanswered import REASONS
from tests.ports import free_port

pytestmark = [pytest.mark.browser, pytest.mark.cluster, NEEDS_PROMETHEUS]

INTERVAL = "1s"
NODE_EXPORTER_PORT = 9100
MONITORS = {"matchmaker": "ServiceMonitor/matchmaker", "sidecar": "PodMonitor/instances", "turn": "PodMonitor/turn"}
"""The job that each of our monitors gives its series, and its name in Prometheus' configuration."""

T = TypeVar("T")


@dataclass(frozen=True)
class Watched:
    """A Prometheus that scrapes the local stack."""

    port: int
    its: Settings

    def ask(self, question: Callable[[Prometheus], Awaitable[T]]) -> T:
        """Ask from a thread, for Playwright's synchronous calls keep an event loop in this one."""

        async def answered() -> T:
            async with ClientSession() as http:
                return await question(Prometheus(http, self.port))

        with ThreadPoolExecutor(max_workers=1) as pool:
            return pool.submit(lambda: asyncio.run(answered())).result()

    def has(self, expression: str) -> bool:
        """Whether an expression has an answer now."""
        return bool(self.ask(lambda prometheus: prometheus.query(expression)))

    def targets(self) -> list[dict[str, Any]]:
        """What our monitors found."""
        found = self.ask(lambda prometheus: prometheus.targets())
        return [target for target in found if target["scrapePool"] in MONITORS.values()]


class NoAnswerError(Exception):
    """The API server did not answer."""


@contextmanager
def discovery(folder: Path) -> Iterator[None]:
    """Keep telling Prometheus what the cluster has."""
    api = Api(cluster_dir())
    over = threading.Event()

    def read(resource: str) -> list[dict[str, Any]]:
        found = api.get(f"/api/v1/{resource}")
        if found is None:
            raise NoAnswerError(resource)
        items: list[dict[str, Any]] = found["items"]
        return items

    def go_on() -> None:
        while not over.wait(0.5):
            # Like Prometheus' own discovery: what was known stays, until there is an answer again.
            with suppress(NoAnswerError):
                write_targets(folder, discovered(read))

    write_targets(folder, discovered(read))
    with ThreadPoolExecutor(max_workers=1) as pool:
        going_on = pool.submit(go_on)
        try:
            yield
        finally:
            over.set()
            going_on.result()


@pytest.fixture
def watched(stack_url: str, tmp_path: Path) -> Iterator[Watched]:
    """Prometheus on this machine, and the node's exporter in the node's own network."""
    node = processes.first_process(cluster_dir())
    assert node is not None
    its = load(read_stack_file("local")["config"])
    scraped = [
        *jobs(its, tmp_path),
        node_exporter_job(its, tmp_path, NODE_EXPORTER_PORT),
        containers_job(tmp_path, cluster_dir() / "pki"),
    ]
    write_cluster_configuration(tmp_path, its, scraped, INTERVAL)
    exporter = [
        *("nsenter", f"--target={node}", "--net", "--", str(shutil.which("prometheus-node-exporter"))),
        "--no-collector.systemd",
        f"--web.listen-address={addresses.NODE}:{NODE_EXPORTER_PORT}",
    ]
    port = free_port()
    with ExitStack() as stack:
        stack.enter_context(discovery(tmp_path))
        stack.enter_context(process(exporter, tmp_path / "node-exporter.log"))
        stack.enter_context(process(command(tmp_path, port), tmp_path / "prometheus.log"))
        found = Watched(port, its)
        eventually(lambda: found.ask(lambda prometheus: prometheus.ready()), "Prometheus answers")
        yield found


def sessions() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = kubectl_json(
        *("get", "pods", "--namespace=pixel-instances", "--selector=app.pixel/pool=session")
    )["items"]
    return found


def nobody_plays() -> bool:
    return not sessions()


def an_instance_waits(watched: Watched) -> bool:
    return watched.has("pixel:instances_idle:max > 0")


def play(page: Page, url: str) -> dict[str, Any]:
    """A session with a picture: the metadata of its instance."""
    page.goto(url)
    wait_for_frames(page, 30)
    (pod,) = sessions()
    metadata: dict[str, Any] = pod["metadata"]
    return metadata


def check_targets(watched: Watched, playing: dict[str, Any]) -> None:
    """All that our monitors found answers, among it the instance that plays, by the port of its native sidecar."""

    def down() -> list[dict[str, Any]]:
        return [target for target in watched.targets() if target["health"] != "up"]

    def of_the_session() -> list[dict[str, Any]]:
        return [each for each in watched.targets() if each["labels"].get("session") == session]

    session = playing["labels"]["app.pixel/session"]
    eventually(of_the_session, "the instance is found as a session's")
    eventually(lambda: not down(), f"every target is up; not so {down()}")
    assert {target["labels"]["job"] for target in watched.targets()} == MONITORS.keys()
    (target,) = of_the_session()
    expected = {
        "job": "sidecar",
        "namespace": "pixel-instances",
        "pod": playing["name"],
        "container": "sidecar",
        "node": addresses.NODE_NAME,
        "application": "demo",
        "version": playing["labels"]["app.pixel/version"],
    }
    assert target["labels"].items() >= expected.items()
    assert target["discoveredLabels"][f"{META}pod_container_init"] == "true"
    assert target["scrapeUrl"].endswith(f":{ports.OBSERVATION}/metrics")


def test_every_expression_is_answered_or_its_metric_is_listed(watched: Watched, stack_url: str, page: Page) -> None:
    eventually(lambda: watched.has("pixel_sessions_ended_total"), "the matchmaker is scraped")
    eventually(lambda: an_instance_waits(watched), "an instance waits for a player")
    visit = page.context.new_page()
    play(visit, stack_url)
    visit.close()
    eventually(nobody_plays, "the session ends")
    eventually(lambda: an_instance_waits(watched), "an instance took its place")

    since = time.time()
    playing = play(page, stack_url)
    session = playing["labels"]["app.pixel/session"]
    check_targets(watched, playing)
    asked = questions(watched.its, session)
    listed = unanswerable(asked, REASONS.keys())

    async def unanswered(prometheus: Prometheus) -> set[str]:
        answers = {where: await prometheus.query_since(expression, since) for where, expression in asked.items()}
        return {where for where, series in answers.items() if not series}

    async def unexpected(prometheus: Prometheus) -> set[str]:
        async def check() -> set[str]:
            return await unanswered(prometheus) - listed

        found: set[str] = await until(check, 90)
        return found

    assert not watched.ask(unexpected)
    assert not listed - watched.ask(unanswered), "listed, and yet there is an answer"
    assert not watched.ask(lambda prometheus: prometheus.unhealthy_rules())
    (turn,) = watched.ask(lambda prometheus: prometheus.query(f'pixel:session_turn:info{{session="{session}"}}'))
    (pod,) = watched.ask(lambda prometheus: prometheus.query(f'pixel:session_pod:info{{session="{session}"}}'))
    assert (turn["metric"]["node"], pod["metric"]["pod"]) == (addresses.NODE_NAME, playing["name"])

    page.close()
    eventually(nobody_plays, "the session ends")
