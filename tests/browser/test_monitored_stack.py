"""A real Prometheus finds and scrapes the running local stack while somebody plays, and answers what is asked of it."""

import asyncio
import json
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from aiohttp import ClientSession
from playwright.sync_api import Page

from components import manifests, ports
from components.addons.monitoring import stack_release
from components.settings import Settings, load
from components.settings.gpu import GPU_RESOURCE
from components.settings.ingress import Issuer
from local import cluster
from local.cluster import addresses, processes
from local.paths import cluster_dir
from local.progress import Steps
from local.stack import read_stack_file
from local.tools import ensure_tools
from tests.browser.test_stream import kubectl_json, wait_for_frames
from tests.cluster.conftest import Kubectl, eventually
from tests.cluster.discovery import META
from tests.cluster.prometheus import (
    NEEDS_EXPORTER,
    Prometheus,
    command,
    process,
    questions,
    unanswerable,
    until,
    write_cluster_configuration,
)
from tests.cluster.scraping import (
    cert_manager_job,
    containers_job,
    jobs,
    node_exporter_job,
    state_metrics_job,
)
from tests.cluster.unanswered import REASONS, WITHOUT_AUTOSCALER
from tests.ports import free_port

pytestmark = [pytest.mark.browser, pytest.mark.cluster, NEEDS_EXPORTER]

INTERVAL = "1s"
NODE_EXPORTER_PORT = 9100
MONITORS = {
    "matchmaker": "ServiceMonitor/matchmaker",
    "sidecar": "PodMonitor/instances",
    "cpu-exporter": "PodMonitor/cpu-exporters",
    "turn": "PodMonitor/turn",
}
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


@dataclass(frozen=True)
class Extras:
    """Programs of the monitoring charts, as processes of this machine that watch the cluster; their ports."""

    kubeconfig: Path
    folder: Path
    state_metrics: int
    cert_manager: int

    @contextmanager
    def running(self, its: Settings) -> Iterator[None]:
        """kube-state-metrics with the chart's labels, and cert-manager."""
        tools = ensure_tools(["kube-state-metrics", "cert-manager"], Steps())
        labels = stack_release(its, None).values["kube-state-metrics"]["metricLabelsAllowlist"]
        state_metrics = [
            str(tools["kube-state-metrics"]),
            f"--kubeconfig={self.kubeconfig}",
            f"--metric-labels-allowlist={','.join(labels)}",
            *("--host=127.0.0.1", f"--port={self.state_metrics}"),
            *("--telemetry-host=127.0.0.1", f"--telemetry-port={free_port()}"),
        ]
        cert_manager = [str(tools["cert-manager"]), str(self.kubeconfig), f"127.0.0.1:{self.cert_manager}"]
        with ExitStack() as stack:
            stack.enter_context(process(state_metrics, self.folder / "kube-state-metrics.log"))
            stack.enter_context(process(cert_manager, self.folder / "cert-manager.log"))
            yield


def sign_a_certificate(kubectl: Kubectl) -> None:
    """One of the program's own certificates, signed by itself: nobody here knows Let's Encrypt."""
    kinds = ensure_tools(["cert-manager"], Steps())["cert-manager"].parent.glob("*.yaml")
    kubectl("apply", "--server-side", *(f"--filename={each}" for each in kinds))
    kubectl.wait("condition=Established", "customresourcedefinition", "--all")
    (certificate,) = manifests.render(
        "certificate.yaml.j2", {"secret": "gateway-tls", "namespace": "default", "issuer": Issuer.STAGING}
    )
    certificate["spec"]["dnsNames"] = ["play.example.com"]
    issuer = {
        "apiVersion": "cert-manager.io/v1",
        "kind": "ClusterIssuer",
        "metadata": {"name": certificate["spec"]["issuerRef"]["name"]},
        "spec": {"selfSigned": {}},
    }
    kubectl.apply(issuer, certificate)


def pretend_a_gpu(kubectl: Kubectl) -> None:
    """The node says that it has one, as a device plugin would have it say; nothing is ever given to a pod."""
    status = json.dumps({"status": {"capacity": {GPU_RESOURCE: "1"}}})
    kubectl("patch", "node", addresses.NODE_NAME, "--subresource=status", "--type=merge", f"--patch={status}")


@pytest.fixture
def watched(stack_url: str, tmp_path: Path) -> Iterator[Watched]:
    """Prometheus on this machine, and the node's exporter in the node's own network."""
    node = processes.first_process(cluster_dir())
    kubeconfig = cluster.running()
    assert node is not None
    assert kubeconfig is not None
    its = load(read_stack_file("local")["config"])
    kubectl = Kubectl(ensure_tools(["kubectl"], Steps())["kubectl"], kubeconfig, tmp_path / "kubectl")
    sign_a_certificate(kubectl)
    pretend_a_gpu(kubectl)
    extras = Extras(kubeconfig, tmp_path, free_port(), free_port())
    scraped = [
        *jobs(its, kubeconfig),
        node_exporter_job(its, kubeconfig, NODE_EXPORTER_PORT),
        containers_job(kubeconfig, cluster_dir() / "pki"),
        state_metrics_job(extras.state_metrics),
        cert_manager_job(extras.cert_manager),
    ]
    write_cluster_configuration(tmp_path, its, scraped, INTERVAL)
    exporter = [
        *("nsenter", f"--target={node}", "--net", "--", str(shutil.which("prometheus-node-exporter"))),
        "--no-collector.systemd",
        f"--web.listen-address={addresses.NODE}:{NODE_EXPORTER_PORT}",
    ]
    port = free_port()
    with ExitStack() as stack:
        stack.enter_context(extras.running(its))
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


def check_cpu(watched: Watched, playing: dict[str, Any]) -> None:
    """The exporter tells of the application's processes, whose they are, and not of the pause container's."""
    session = playing["labels"]["app.pixel/session"]
    ours = f'process_cpu_usage_percent{{pod="{playing["name"]}",session_id="{session}",game_id="demo"}}'
    eventually(lambda: watched.has(f"{ours} > 5"), "the application's use is told with its session")
    series = watched.ask(lambda prometheus: prometheus.query(ours))
    assert not [each for each in series if each["metric"]["process_pid"] == "1"]
    # The stack's file asks for 300m, beside which stand the sidecar's 50m and the exporter's own 10m.
    assert {each["metric"]["pod_cpu_request"] for each in series} == {"0.360000"}
    by_request = ours.replace("usage_percent", "utilization_percent_by_request")
    ratio = f"({ours} > 5) / on (process_pid) {by_request}"
    ratios = watched.ask(lambda prometheus: prometheus.query(ratio))
    assert {round(float(each["value"][1]), 3) for each in ratios} == {0.36}


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
    listed = unanswerable(asked, REASONS.keys() | WITHOUT_AUTOSCALER.keys())

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
    check_cpu(watched, playing)

    page.close()
    eventually(nobody_plays, "the session ends")
