"""A past for a real Prometheus: weeks of a service's series, of which the truth is known."""

import math
import random
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from local.progress import Steps
from local.tools import ensure_tools
from tests.cluster.conftest import eventually
from tests.cluster.prometheus import command, process
from tests.ports import free_port

HOUR = 3600.0
DAY = 24 * HOUR


@dataclass
class Past:
    """Samples by series; written as OpenMetrics for `promtool tsdb create-blocks-from`."""

    samples: dict[str, dict[str, list[tuple[float, float]]]] = field(default_factory=dict)
    """By metric, then by labels."""

    def add(self, metric: str, labels: Mapping[str, str], time: float, value: float) -> None:
        """One sample."""
        text = ",".join(f'{key}="{value}"' for key, value in labels.items())
        self.samples.setdefault(metric, {}).setdefault(text, []).append((time, value))

    def write(self, folder: Path) -> None:
        """Into the data folder of a Prometheus that does not run yet."""
        path = folder / "past.txt"
        path.write_text("".join(self._lines()))
        data = folder / "data"
        promtool = str(ensure_tools(["promtool"], Steps())["promtool"])
        blocks = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(path), str(data)]
        subprocess.run(blocks, check=True, capture_output=True)
        path.unlink()

    def _lines(self) -> Iterator[str]:
        for metric, series in self.samples.items():
            kind = "counter" if metric.endswith("_total") else "gauge"
            yield f"# TYPE {metric.removesuffix('_total')} {kind}\n"
            for labels, samples in series.items():
                for time, value in sorted(samples):
                    yield f"{metric}{{{labels}}} {value!r} {time!r}\n"
        yield "# EOF\n"


@contextmanager
def answering(folder: Path) -> Iterator[str]:
    """Prometheus over a data folder; its address."""
    (folder / "prometheus.yaml").write_text("{}")
    port = free_port()
    with process([*command(folder, port), "--storage.tsdb.retention.time=90d"], folder / "prometheus.log"):
        address = f"http://127.0.0.1:{port}"

        def ready() -> bool:
            try:
                return httpx.get(f"{address}/-/ready").status_code == 200
            except httpx.TransportError:
                return False

        eventually(ready, "Prometheus answers")
        yield address


def players(past: Past, application: str, by_hour: list[float], end: float, weeks: int, chance: random.Random) -> None:
    """A counter of players at rates that change by the hour of the week (UTC), which starts anew in between."""
    total, time = 0.0, end - weeks * 7 * DAY
    while time <= end:
        past.add("pixel_players_joined_total", {"application": application}, time, total)
        # The epoch was a Thursday.
        hour = int((time / HOUR + 72) % 168)
        total += _poisson(by_hour[hour] / 12, chance)
        if chance.random() < 1e-3:
            total = 0.0
        time += HOUR / 12


def pods(past: Past, application: str, end: float, days: int, each_day: int, chance: random.Random) -> None:
    """Pods of instances: a start of about 55 s, a tenth of which are deleted before they are ready; every third waits
    for a node of about 480 s, or gets another's slot before it comes.
    """
    for number in range(days * each_day):
        created = end - days * DAY + (number + chance.random()) * DAY / each_day
        if created > end - 0.1 * DAY:
            continue
        pod = {"namespace": "pixel-instances", "pod": f"{application}-{number}"}
        node, made, wait = "gpu-old", end - 60 * DAY, 0.2
        if number % 3 == 0:
            provisioning, freed = chance.lognormvariate(math.log(480), 0.15), chance.expovariate(1 / 900)
            wait = min(provisioning, freed)
            if provisioning < freed:
                node, made = f"gpu-{number}", created + 60
        start = chance.lognormvariate(math.log(55), 0.3)
        until = start * chance.random() if chance.random() < 0.1 else start + 900
        last = created + wait + until
        times = [created + 30 * step for step in range(int((last - created) / 30) + 1)] + [last]
        for time in times:
            past.add("kube_pod_created", pod, time, round(created, 3))
            past.add("kube_pod_labels", {**pod, "label_app_pixel_app": application}, time, 1)
            if time >= created + wait:
                past.add("kube_pod_status_scheduled_time", pod, time, round(created + wait, 3))
                past.add("kube_pod_info", {**pod, "node": node}, time, 1)
                past.add("kube_node_created", {"node": node}, time, round(made, 3))
            if time >= created + wait + start:
                past.add("kube_pod_status_ready_time", pod, time, round(created + wait + start, 3))


def sessions(past: Past, application: str, end: float, days: int, each_day: int, chance: random.Random) -> None:
    """A series for each session, of 25 minutes on average; some go on."""
    for number in range(days * each_day):
        began = end - days * DAY + (number + chance.random()) * DAY / each_day
        lasts = chance.expovariate(1 / 1500)
        labels = {"application": application, "session": f"s-{number}", "pod": f"{application}-{number}"}
        time = began
        while time < min(began + lasts, end):
            past.add("pixel:session_pod:info", labels, time, 1)
            time += 30


def games(past: Past, end: float, sessions: int, chance: random.Random) -> None:
    """Sessions of half an hour of three games of one application, whose processes use what `GAMES` says."""
    for number in range(sessions):
        for name, (game, encoder) in GAMES.items():
            labels = {"application": "arcade", "game_id": name, "session_id": f"{name}-{number}"}
            labels["pod_cpu_request"] = "3.810000"
            began = end - (number + 1) * HOUR
            for step in range(120):
                for pid, (process_name, percent) in enumerate(zip(PROCESSES, (game, encoder), strict=True)):
                    its = {**labels, "process_name": process_name, "process_pid": str(7 + pid)}
                    value = round(percent * chance.lognormvariate(0, 0.1), 3)
                    past.add("process_cpu_usage_percent", its, began + 15 * step, value)


PROCESSES = ("Arcade-Linux-Shipping", "gst-launch-1.0")
GAMES = {"cards": (20.0, 30.0), "racing": (150.0, 50.0), "shooter": (350.0, 50.0)}
"""Percent of a core of the game itself, and of its encoder."""


def _poisson(mean: float, chance: random.Random) -> int:
    count, left = 0, math.exp(-mean)
    product = chance.random()
    while product > left:
        count += 1
        product *= chance.random()
    return count
