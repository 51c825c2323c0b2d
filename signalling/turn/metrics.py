"""TURN's metrics of one node, read from what coturn reports, logs and holds when they are scraped."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from signalling.turn.allocations import Allocations
from signalling.turn.coturn_log import LogReader, Refusal
from signalling.turn.node import TurnNode

Family = CounterMetricFamily | GaugeMetricFamily


class _Sessions(Collector):
    """Traffic in all and by session. A session's series go a minute after its last allocation."""

    def __init__(self, allocations: Allocations) -> None:
        self._allocations = allocations

    def collect(self) -> Iterator[Family]:
        ways = ["direction"]
        sizes = CounterMetricFamily("pixel_turn_bytes", "Bytes relayed", labels=ways)
        packets = CounterMetricFamily("pixel_turn_packets", "Packets relayed", labels=ways)
        for direction, volume in self._allocations.totals.items():
            sizes.add_metric([direction], volume.bytes)
            packets.add_metric([direction], volume.packets)
        yield from (sizes, packets)
        yield from self._by_session()

    def _by_session(self) -> Iterator[Family]:
        by = ["session", "transport"]
        held = GaugeMetricFamily("pixel_turn_session_allocations", "Allocations of a session now", labels=by)
        sizes = CounterMetricFamily(
            "pixel_turn_session_bytes", "Bytes relayed for a session", labels=[*by, "direction"]
        )
        for name, session in self._allocations.sessions():
            for transport, number in session.allocations.items():
                held.add_metric([name, transport], number)
            for transport, volumes in session.volumes.items():
                for direction, volume in volumes.items():
                    sizes.add_metric([name, transport, direction], volume.bytes)
        yield from (held, sizes)


class _Told(Collector):
    """What coturn made and refused, by its log."""

    def __init__(self, log: LogReader) -> None:
        self._log = log

    def collect(self) -> Iterator[Family]:
        made = CounterMetricFamily("pixel_turn_allocations_made", "Allocations made")
        made.add_metric([], self._log.made)
        failures = CounterMetricFamily("pixel_turn_allocation_failures", "Allocations refused", labels=["why"])
        peers = CounterMetricFamily("pixel_turn_peers_refused", "Peers refused, which were no instances")
        for why, number in self._log.refused.items():
            if why is Refusal.PEER:
                peers.add_metric([], number)
            else:
                failures.add_metric([why], number)
        yield from (made, failures, peers)


class TurnMetrics:
    """The registry."""

    def __init__(self, node: TurnNode) -> None:
        self.registry: Final = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        for name, text, value in (
            ("pixel_turn_allocations", "Allocations that coturn holds", node.held),
            ("pixel_turn_allocations_limit", "Allocations that it may hold", lambda: node.limit),
            ("pixel_turn_peers", "Addresses of instances that players may reach", lambda: node.peers),
            ("pixel_turn_peers_age_seconds", "Since the API server was last heard of them", node.peers_age),
            ("pixel_turn_draining", "1 while new allocations are refused", lambda: node.draining),
        ):
            Gauge(name, text, registry=self.registry).set_function(value)
        self.registry.register(_Sessions(node.allocations))
        self.registry.register(_Told(node.log))
