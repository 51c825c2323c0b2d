"""The matchmaker's metrics: the original system's names, and our own by application.

What counts connections is this replica's, to be added up; what counts instances every replica sees alike.
"""

from collections import Counter as Tally
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final, Protocol, TypeAlias

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from signalling.kubernetes.instances import Instance, Pool
from signalling.matchmaker.matching import Share, demand_ratio, in_session, ready_count
from signalling.matchmaker.outcomes import Outcome
from signalling.protocol.session_messages import Reason

WAITS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
STARTS: Final = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900)
LENGTHS: Final = (30, 60, 120, 300, 600, 900, 1200, 1800, 2700, 3600, 5400, 7200, 10800, 14400, 28800)


class Observed(Protocol):
    """What gauges read when they are scraped."""

    def players(self) -> int:
        """Player connections here."""
        ...

    def waiting(self, application: str) -> int:
        """Players who wait here."""
        ...

    def idle(self, application: str) -> int:
        """Instances that could be claimed."""
        ...

    def instances(self) -> Iterable[Instance]:
        """All of them."""
        ...

    def shared_ratio(self, application: str) -> float | None:
        """Players by the room there is, of an application whose players share instances."""
        ...

    def turn_nodes(self) -> int:
        """Nodes that players are sent to for TURN."""
        ...

    def session_turn(self) -> Iterable[tuple[str, str]]:
        """Session and TURN node of the sessions under way here."""
        ...

    def replicas(self) -> int:
        """The replicas that this one knows of."""
        ...

    def store_available(self) -> bool:
        """Whether the store answers."""
        ...

    def store_failures(self) -> int:
        """The times that it did not."""
        ...


def state_of(instance: Instance) -> str:
    """What an instance does: starting, idle, session or ending."""
    if instance.going or instance.pool is Pool.ENDED:
        return "ending"
    if instance.pool is Pool.SESSION:
        return "session"
    return "idle" if instance.usable else "starting"


def lasted(instance: Instance, now: datetime) -> float | None:
    """Seconds since an instance was given to its session; None where its pod does not say when."""
    try:
        began = datetime.fromisoformat(instance.started or "")
    except ValueError:
        return None
    # Clocks of two matchmakers may differ by more than a short session lasts.
    return max(0.0, (now - began).total_seconds()) if began.tzinfo is not None else None


Family: TypeAlias = GaugeMetricFamily | CounterMetricFamily


class _Read(Collector):
    """A metric of several labels, read when it is scraped."""

    def __init__(
        self, family: Callable[[], Family], values: Callable[[], Iterable[tuple[tuple[str, ...], float]]]
    ) -> None:
        self._family = family
        self._values = values

    def collect(self) -> Iterator[Family]:
        family = self._family()
        for labels, value in sorted(self._values()):
            family.add_metric(list(labels), value)
        yield family


class MatchmakerMetrics:
    """Gauges read the state when they are scraped; the rest is counted here."""

    def __init__(self, applications: list[str], observed: Observed) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._applications: Final = applications
        self._observed: Final = observed
        for name, text, value in (
            ("matchmaker_player_socket_connections", "Player connections", observed.players),
            ("matchmaker_player_queue_count", "Players waiting", self._waiting),
            ("matchmaker_streamer_available_count", "Instances ready and idle", self._idle),
            ("matchmaker_streamer_connections", "Instances ready, idle or in a session", self._ready),
            ("matchmaker_streamer_demand_ratio", "Player connections per ready instance", self._demand),
            ("pixel_sessions", "Instances in a session", self._sessions),
            ("pixel_turn_nodes", "Nodes that players are sent to for TURN", observed.turn_nodes),
            ("pixel_matchmaker_replicas", "Replicas that this one knows of", observed.replicas),
            ("pixel_store_available", "1 while the store that replicas share answers", observed.store_available),
        ):
            Gauge(name, text, registry=self.registry).set_function(value)
        for name, (text, of) in {
            "pixel_queue_players": ("Players waiting", observed.waiting),
            "pixel_instances_idle": ("Instances ready and idle", observed.idle),
        }.items():
            gauge = Gauge(name, text, ["application"], registry=self.registry)
            for application in applications:
                gauge.labels(application).set_function(partial(of, application))
        failures = ("pixel_store_failures", "Times that the store did not answer")
        shared = ("pixel_shared_pool_ratio", "Players by the room on ready instances, where players share them")
        turn = ("pixel_session_turn", "1 for each TURN node that the player of a session was sent to")
        for collector in (
            _Read(
                partial(GaugeMetricFamily, "pixel_instances", "Instances", labels=["application", "version", "state"]),
                self._states,
            ),
            _Read(
                partial(GaugeMetricFamily, *turn, labels=["session", "node"]),
                lambda: ((pair, 1.0) for pair in observed.session_turn()),
            ),
            _Read(partial(GaugeMetricFamily, *shared, labels=["application"]), self._shared),
            _Read(partial(CounterMetricFamily, *failures, labels=[]), lambda: [((), observed.store_failures())]),
        ):
            self.registry.register(collector)
        self.joined: Final = self._counter(
            "pixel_players_joined", "Players who came for a session of their own", "application", applications
        )
        self.wait: Final = self._histogram(
            "pixel_queue_wait_seconds", "From a player's request to its instance's connection", WAITS
        )
        self.start: Final = self._histogram(
            "pixel_instance_start_seconds", "From an instance's node to its readiness", STARTS
        )
        self._lengths: Final = self._histogram(
            "pixel_session_seconds",
            "From a session's instance to its end, where a player could reach it",
            LENGTHS,
        )
        self.claims: Final = self._counter(
            "pixel_claims", "Attempts to claim an instance", "outcome", ("claimed", "refused", "unclear")
        )
        self.deleted: Final = self._counter(
            "pixel_instances_deleted", "Instances deleted", "why", ("session ended", "stranded", "drained")
        )
        self.refused: Final = self._counter(
            "pixel_players_refused", "Players not let in", "why", (Reason.FULL, Reason.UNKNOWN_APPLICATION)
        )
        self._ended: Final = Counter(
            "pixel_sessions_ended", "Sessions ended", ["application", "version", "outcome"], registry=self.registry
        )
        self._bad: Final = Counter(
            "pixel_sessions_bad",
            "Sessions ended, of which their players' pages reported a bad picture",
            ["application", "version"],
            registry=self.registry,
        )
        self.recycled: Final = Counter(
            "pixel_instances_recycled", "Instances given back to their fleets", registry=self.registry
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

    def _histogram(self, name: str, text: str, buckets: Sequence[float]) -> Histogram:
        """A histogram by application."""
        histogram = Histogram(name, text, ["application"], buckets=buckets, registry=self.registry)
        for application in self._applications:
            histogram.labels(application)
        return histogram

    def expect(self, shares: Mapping[str, Iterable[Share]]) -> None:
        """Show the outcomes of these versions from now on, at 0 where there is none yet."""
        for application, its in shares.items():
            for share in its:
                self._bad.labels(application, share.version)
                for outcome in Outcome:
                    self._ended.labels(application, share.version, outcome.value)

    def ended(self, instance: Instance, outcome: Outcome, at: datetime | None = None, *, bad: bool = False) -> None:
        """A session has ended, now or at that time; ``bad`` if its picture was."""
        self._ended.labels(instance.application, instance.version, outcome.value).inc()
        if bad:
            self._bad.labels(instance.application, instance.version).inc()
        seconds = lasted(instance, at or datetime.now(UTC))
        if seconds is not None and outcome is not Outcome.UNREACHABLE:
            self._lengths.labels(instance.application).observe(seconds)

    def _waiting(self) -> int:
        return sum(map(self._observed.waiting, self._applications))

    def _idle(self) -> int:
        return sum(map(self._observed.idle, self._applications))

    def _ready(self) -> int:
        return ready_count(self._observed.instances())

    def _sessions(self) -> int:
        return len(in_session(self._observed.instances()))

    def _demand(self) -> float:
        return demand_ratio(self._observed.players(), self._ready())

    def _states(self) -> Iterable[tuple[tuple[str, ...], float]]:
        return Tally((each.application, each.version, state_of(each)) for each in self._observed.instances()).items()

    def _shared(self) -> Iterator[tuple[tuple[str, ...], float]]:
        for application in self._applications:
            if (ratio := self._observed.shared_ratio(application)) is not None:
                yield (application,), ratio
