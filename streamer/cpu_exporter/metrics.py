"""The two gauges, with the names and labels that the tools for classes of games read."""

import threading
import time
from collections.abc import Iterator
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from streamer.cpu_exporter import identity
from streamer.cpu_exporter.processes import Processes, of_one_instant
from streamer.cpu_exporter.settings import CpuExporterSettings
from streamer.cpu_exporter.usage import Look, Usage, between

LABELS: Final = ("game_id", "session_id", "process_name", "process_pid", "pod_cpu_request")


class CpuCollector(Collector):
    """Looks at the processes when it is scraped; what it tells is the use since the scrape before."""

    def __init__(self, its: CpuExporterSettings, cores: float) -> None:
        """`cores` is what the pod requests."""
        self._its: Final = its
        self._cores: Final = cores
        self._processes: Final = Processes(its.proc)
        self._lock: Final = threading.Lock()
        self._before = self._look()
        self._usages: list[Usage] = between(self._before, self._before)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges."""
        with self._lock:
            self._refresh()
            usages = self._usages
        game = identity.game_of(self._its.game_file, self._its.application)
        session = identity.session_of(self._its.session_file)
        used = GaugeMetricFamily(
            "process_cpu_usage_percent", "CPU that the process used, in percent of one core", labels=LABELS
        )
        share = GaugeMetricFamily(
            "process_cpu_utilization_percent_by_request",
            "CPU that the process used, in percent of what its pod requests",
            labels=LABELS,
        )
        for each in usages:
            process = each.process
            labels = (game, session, process.name, str(process.pid), f"{self._cores:f}")
            used.add_metric(labels, each.percent)
            share.add_metric(labels, each.percent / self._cores)
        yield used
        yield share
        left_out = GaugeMetricFamily("pixel_cpu_exporter_left_out", "Processes beyond those that are looked at")
        left_out.add_metric((), self._processes.left_out())
        yield left_out

    def _refresh(self) -> None:
        if _now() - self._before.time < self._its.least_seconds:
            return
        look = self._look()
        self._usages = between(self._before, look)
        self._before = look

    def _look(self) -> Look:
        return Look(of_one_instant(self._processes.read()), _now())


def _now() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)
