"""A real Prometheus of a test's own, that scrapes as the project's monitors say and evaluates the project's rules."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from aiohttp import ClientSession

from components.addons.monitoring import alert_rules, monitors, recording_rules, stack_release
from components.settings import Settings

SCRAPE = "500ms"
_COMPARISON = re.compile(r" (==|>=|<=|>|<) [\d.]+( \* \d+)?(?=$|\)| and )")
_ABSENT = re.compile(r"absent\((.*)\)")
_METRIC = re.compile(r"(?<![\"\w:$])([a-zA-Z_][\w:]*)(?=\{|\[|\)|\s|$)")


@dataclass(frozen=True)
class Target:
    """One address, with the labels that Prometheus' Kubernetes discovery would know of it."""

    monitor: str
    address: str
    discovered: Mapping[str, str]


def relabelings(its: Settings) -> dict[str, list[dict[str, Any]]]:
    """What each monitor does to labels, as Prometheus' own configuration has it."""
    found = {each["metadata"]["name"]: each["spec"] for each in monitors()}
    exporter = stack_release(its, None).values["prometheus-node-exporter"]["prometheus"]["monitor"]
    by_monitor = {
        "matchmaker": found["matchmaker"]["endpoints"][0]["relabelings"],
        "instances": found["instances"]["podMetricsEndpoints"][0]["relabelings"],
        "node-exporter": exporter["relabelings"],
    }
    names = {"sourceLabels": "source_labels", "targetLabel": "target_label", "replacement": "replacement"}
    return {name: [{names[k]: v for k, v in each.items()} for each in its] for name, its in by_monitor.items()}


def write_targets(folder: Path, targets: list[Target]) -> None:
    """Tell a running Prometheus what there is; it takes notice at once."""
    by_monitor: dict[str, list[dict[str, Any]]] = {}
    for target in targets:
        group = {"targets": [target.address], "labels": dict(target.discovered)}
        by_monitor.setdefault(target.monitor, []).append(group)
    for monitor, groups in by_monitor.items():
        path = folder / f"targets-{monitor}.json"
        path.with_suffix(".new").write_text(json.dumps(groups))
        path.with_suffix(".new").replace(path)


def write_configuration(folder: Path, its: Settings) -> Path:
    """Prometheus' configuration and rules; everything happens faster than in a cluster."""
    files = []
    for rules in (recording_rules(its), alert_rules(its)):
        for group in rules["spec"]["groups"]:
            group["interval"] = SCRAPE
        files.append(folder / f"{rules['metadata']['name']}.yaml")
        files[-1].write_text(yaml.safe_dump(rules["spec"]))
    jobs = [
        {
            "job_name": monitor,
            "file_sd_configs": [{"files": [str(folder / f"targets-{monitor}.json")]}],
            "relabel_configs": changes,
        }
        for monitor, changes in relabelings(its).items()
    ]
    configuration = {
        "global": {"scrape_interval": SCRAPE, "scrape_timeout": SCRAPE, "evaluation_interval": SCRAPE},
        "rule_files": list(map(str, files)),
        "scrape_configs": jobs,
    }
    path = folder / "prometheus.yaml"
    path.write_text(yaml.safe_dump(configuration))
    return path


def command(folder: Path, port: int) -> list[str]:
    """How to start it."""
    return [
        "prometheus",
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
        async with self._http.post(f"{self._url}/api/v1/query", data={"query": expression}) as answer:
            body = await answer.json()
        assert body["status"] == "success", f"{expression}: {body}"
        return [each for each in body["data"]["result"] if each["value"][1] != "NaN"]

    async def unhealthy_rules(self) -> dict[str, str]:
        """Rules that cannot be evaluated, and those that have not been yet."""
        async with self._http.get(f"{self._url}/api/v1/rules") as answer:
            groups = (await answer.json())["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        assert rules
        return {rule["name"]: rule.get("lastError", "") for rule in rules if rule["health"] != "ok"}


def unconditional(expression: str) -> str:
    """An alert's expression without its conditions: what must be there whether or not anything is wrong."""
    return _COMPARISON.sub("", _ABSENT.sub(r"\1", expression))


def filled_in(expression: str, variables: Mapping[str, str]) -> str:
    """A dashboard's expression with its variables set."""
    return re.sub(r"\$(\w+)", lambda found: variables[found[1]], expression)


def metrics_of(expression: str) -> set[str]:
    """The words of an expression that may be names of metrics; labels and functions among them do no harm."""
    return set(_METRIC.findall(re.sub(r'"[^"]*"', '""', expression)))


async def until(check: Any, seconds: float) -> Any:
    """Ask again until the answer is empty, or time is up; the last answer."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        answer = await check()
        if not answer or asyncio.get_running_loop().time() > deadline:
            return answer
        await asyncio.sleep(0.3)
