"""A real Prometheus of a test's own, that scrapes as the project's monitors say and evaluates the project's rules."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession

from components.addons import dashboards
from components.addons.monitoring import alert_rules, recording_rules
from components.settings import Settings
from local.progress import Steps
from local.tools import ensure_tools
from tests.cluster.discovery import found_in
from tests.cluster.scraping import relabelings

NEEDS_EXPORTER = pytest.mark.skipif(
    shutil.which("prometheus-node-exporter") is None,
    reason="the node exporter is not installed: python -m local.tools.packages monitoring",
)
SCRAPE = "500ms"
_COMPARISON = re.compile(r" (==|>=|<=|>|<) [\d.]+( \* \d+)?(?=$|\)| and )")
_ABSENT = re.compile(r"absent\((.*)\)")
_METRIC = re.compile(r"(?<![\"\w:$])([a-zA-Z_][\w:]*)(?=\{|\[|\)|\s|$)")


def write_configuration(folder: Path, its: Settings) -> Path:
    """Prometheus' configuration and rules; everything happens faster than in a cluster."""
    jobs = [
        {
            "job_name": monitor,
            "file_sd_configs": [found_in(folder, monitor)],
            "relabel_configs": changes,
        }
        for monitor, changes in relabelings(its).items()
    ]
    return _write(folder, jobs, _rules(its), SCRAPE)


def write_cluster_configuration(folder: Path, its: Settings, jobs: list[dict[str, Any]], interval: str) -> Path:
    """The same with jobs that discover what they scrape; alerts fire the moment that their conditions hold."""
    rules = _rules(its)
    for each in rules:
        for group in each["spec"]["groups"]:
            for rule in group["rules"]:
                rule.pop("for", None)
    return _write(folder, jobs, rules, interval)


def _rules(its: Settings) -> list[dict[str, Any]]:
    return [recording_rules(its), alert_rules(its)]


def _write(folder: Path, jobs: list[dict[str, Any]], rules: list[dict[str, Any]], interval: str) -> Path:
    files = []
    for each in rules:
        for group in each["spec"]["groups"]:
            group["interval"] = interval
        files.append(folder / f"{each['metadata']['name']}.yaml")
        files[-1].write_text(yaml.safe_dump(each["spec"]))
    configuration = {
        "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
        "rule_files": list(map(str, files)),
        "scrape_configs": jobs,
    }
    path = folder / "prometheus.yaml"
    path.write_text(yaml.safe_dump(configuration))
    return path


def command(folder: Path, port: int) -> list[str]:
    """How to start it."""
    return [
        str(ensure_tools(["prometheus"], Steps())["prometheus"]),
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]


class Prometheus:
    """Asks a running one."""

    def __init__(self, http: ClientSession, port: int) -> None:
        self._http = http
        self._url = f"http://127.0.0.1:{port}"

    async def ready(self) -> bool:
        """Whether it answers."""
        try:
            async with self._http.get(f"{self._url}/-/ready") as answer:
                return answer.status == 200
        except OSError:
            return False

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an expression that have a number now."""
        found = await self._result("query", {"query": expression})
        return [each for each in found if each["value"][1] != "NaN"]

    async def query_since(self, expression: str, start: float) -> list[dict[str, Any]]:
        """The series of an expression that had a number in some second since a time (of the Unix epoch)."""
        parameters = {"query": expression, "start": str(start), "end": str(time.time()), "step": "1"}
        found = await self._result("query_range", parameters)
        return [each for each in found if any(value != "NaN" for _, value in each["values"])]

    async def _result(self, call: str, parameters: dict[str, str]) -> list[dict[str, Any]]:
        async with self._http.post(f"{self._url}/api/v1/{call}", data=parameters) as answer:
            body = await answer.json()
        assert body["status"] == "success", f"{parameters['query']}: {body}"
        found: list[dict[str, Any]] = body["data"]["result"]
        return found

    async def targets(self) -> list[dict[str, Any]]:
        """What it found and scrapes."""
        async with self._http.get(f"{self._url}/api/v1/targets?state=active") as answer:
            found: list[dict[str, Any]] = (await answer.json())["data"]["activeTargets"]
        return found

    async def unhealthy_rules(self) -> dict[str, str]:
        """Rules that cannot be evaluated, and those that have not been yet."""
        async with self._http.get(f"{self._url}/api/v1/rules") as answer:
            groups = (await answer.json())["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        assert rules
        return {rule["name"]: rule.get("lastError", "") for rule in rules if rule["health"] != "ok"}


@contextmanager
def process(arguments: list[str], log: Path, environ: Mapping[str, str] | None = None) -> Iterator[None]:
    """A program that runs all the while; what it prints goes to a file."""
    with log.open("wb") as output:
        started = subprocess.Popen(arguments, env={**os.environ, **(environ or {})}, stdout=output, stderr=output)
    try:
        yield
    finally:
        started.kill()
        assert started.wait() == -signal.SIGKILL, log.read_text()[-2000:]


def questions(its: Settings, session: str) -> dict[str, str]:
    """Everything that a dashboard or an alert asks, by where it stands."""
    variables = {"application": its.apps[0].name, "session": session, "game": ".+"}
    found = {}
    for name in dashboards.names():
        dashboard = dashboards.description(name)
        for panel in (panel for row in dashboard["rows"] for panel in row["panels"]):
            for expression in (query["expr"] for query in panel["queries"]):
                found[f"{name}: {panel['title']}: {expression}"] = filled_in(expression, variables)
        for variable in dashboard.get("variables", []):
            metric = variable["query"].removeprefix("label_values(").partition(",")[0]
            found[f"{name}: variable {variable['name']}"] = metric
    for group in alert_rules(its)["spec"]["groups"]:
        for rule in group["rules"]:
            found[rule["alert"]] = unconditional(rule["expr"])
    return found


def unconditional(expression: str) -> str:
    """An alert's expression without its conditions: what must be there whether or not anything is wrong."""
    return _COMPARISON.sub("", _ABSENT.sub(r"\1", expression))


def filled_in(expression: str, variables: Mapping[str, str]) -> str:
    """A dashboard's expression with its variables set."""
    return re.sub(r"\$(\w+)", lambda found: variables[found[1]], expression)


def metrics_of(expression: str) -> set[str]:
    """The words of an expression that may be names of metrics; labels and functions among them do no harm."""
    return set(_METRIC.findall(re.sub(r'"[^"]*"', '""', expression)))


def unanswerable(asked: Mapping[str, str], metrics: Set[str]) -> set[str]:
    """Where something is asked that needs one of these metrics."""
    return {where for where, expression in asked.items() if metrics_of(expression) & metrics}


async def until(check: Any, seconds: float) -> Any:
    """Ask again until the answer is empty, or time is up; the last answer."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        answer = await check()
        if not answer or asyncio.get_running_loop().time() > deadline:
            return answer
        await asyncio.sleep(0.3)
