"""The matchmaker's metrics: the original system's names, and our own by application."""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from signalling.kubernetes.instances import Instance, Pool
from signalling.matchmaker.matching import Matching, Share, demand_ratio, in_session, ready_count
from signalling.matchmaker.outcomes import Outcome

WAITS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


def state_of(instance: Instance) -> str:
    """What an instance does: starting, idle, session or ending."""
    if instance.going:
        return "ending"
    if instance.pool is Pool.SESSION:
        return "session"
    return "idle" if instance.usable else "starting"


class _Instances(Collector):
    """The instances by application, version and state, counted when they are scraped."""

    def __init__(self, instances: Callable[[], Iterable[Instance]]) -> None:
        self._instances = instances

    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily("pixel_instances", "Instances", labels=["application", "version", "state"])
        tally = Tally((each.application, each.version, state_of(each)) for each in self._instances())
        for labels, number in sorted(tally.items()):
            family.add_metric(list(labels), number)
        yield family


class _SessionTurn(Collector):
    """The TURN nodes that each session of this matchmaker was sent to, of which its player uses one or none."""

    def __init__(self, pairs: Callable[[], Iterable[tuple[str, str]]]) -> None:
        self._pairs = pairs

    def collect(self) -> Iterator[GaugeMetricFamily]:
        text = "1 for each TURN node that the player of a session was sent to"
        family = GaugeMetricFamily("pixel_session_turn", text, labels=["session", "node"])
        for pair in sorted(self._pairs()):
            family.add_metric(list(pair), 1)
        yield family


class MatchmakerMetrics:
    """Gauges read the state when they are scraped; the rest is counted here."""

    def __init__(
        self,
        matching: Matching,
        applications: list[str],
        players: Callable[[], int],
        turn_nodes: Callable[[], int],
        session_turn: Callable[[], Iterable[tuple[str, str]]] = tuple,
    ) -> None:
        """`session_turn` gives the pairs of session and TURN node of the sessions under way here."""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._applications = applications
        self._matching = matching
        self._players = players
        for name, text, value in (
            ("matchmaker_player_socket_connections", "Player connections", players),
            ("matchmaker_player_queue_count", "Players waiting", self._waiting),
            ("matchmaker_streamer_available_count", "Instances ready and idle", self._idle),
            ("matchmaker_streamer_connections", "Instances ready, idle or in a session", self._ready),
            ("matchmaker_streamer_demand_ratio", "Player connections per ready instance", self._demand),
            ("pixel_sessions", "Instances in a session", lambda: len(in_session(matching.instances()))),
            ("pixel_turn_nodes", "Nodes that players are sent to for TURN", turn_nodes),
        ):
            Gauge(name, text, registry=self.registry).set_function(value)
        by_application = {
            "pixel_queue_players": ("Players waiting", matching.waiting),
            "pixel_instances_idle": ("Instances ready and idle", matching.idle),
        }
        for name, (text, of) in by_application.items():
            gauge = Gauge(name, text, ["application"], registry=self.registry)
            for application in applications:
                gauge.labels(application).set_function(partial(of, application))
        self.registry.register(_Instances(matching.instances))
        self.registry.register(_SessionTurn(session_turn))
        self.wait: Final = Histogram(
            "pixel_queue_wait_seconds",
            "From a player's request to its instance's connection",
            ["application"],
            buckets=WAITS,
            registry=self.registry,
        )
        for application in applications:
            self.wait.labels(application)
        self.claims: Final = self._counter(
            "pixel_claims", "Attempts to claim an instance", "outcome", ("claimed", "refused", "unclear")
        )
        self.deleted: Final = self._counter(
            "pixel_instances_deleted", "Instances deleted", "why", ("session ended", "stranded")
        )
        self.refused: Final = self._counter(
            "pixel_players_refused", "Connections refused", "why", ("full", "unknown application")
        )
        self._ended: Final = Counter(
            "pixel_sessions_ended", "Sessions ended", ["application", "version", "outcome"], registry=self.registry
        )
        self.slow: Final = Counter(
            "pixel_signalling_slow_peers", "Connections cut off because the peer did not read", registry=self.registry
        )

    def _counter(self, name: str, text: str, label: str, known: Iterable[str]) -> Counter:
        """A counter whose known values stand at 0 from the start: what first appears at 1 shows no increase."""
        counter = Counter(name, text, [label], registry=self.registry)
        for value in known:
            counter.labels(value)
        return counter

    def expect(self, shares: Mapping[str, Iterable[Share]]) -> None:
        """Show the outcomes of these versions from now on, at 0 where there is none yet."""
        for application, its in shares.items():
            for share in its:
                for outcome in Outcome:
                    self._ended.labels(application, share.version, outcome.value)

    def ended(self, instance: Instance, outcome: Outcome) -> None:
        """A session has ended."""
        self._ended.labels(instance.application, instance.version, outcome.value).inc()

    def _waiting(self) -> int:
        return sum(map(self._matching.waiting, self._applications))

    def _idle(self) -> int:
        return sum(map(self._matching.idle, self._applications))

    def _ready(self) -> int:
        return ready_count(self._matching.instances())

    def _demand(self) -> float:
        return demand_ratio(self._players(), self._ready())
