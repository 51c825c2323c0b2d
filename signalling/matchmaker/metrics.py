"""The matchmaker's metrics: the original system's names, and our own by application."""

from collections.abc import Callable
from functools import partial
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from signalling.matchmaker.matching import Matching, demand_ratio, in_session, ready_count

WAITS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)


class MatchmakerMetrics:
    """Gauges read the state when they are scraped; the rest is counted here."""

    def __init__(
        self, matching: Matching, applications: list[str], players: Callable[[], int], turn_nodes: Callable[[], int]
    ) -> None:
        self.registry = CollectorRegistry()
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
        self.wait: Final = Histogram(
            "pixel_queue_wait_seconds",
            "From a player's request to its instance's connection",
            ["application"],
            buckets=WAITS,
            registry=self.registry,
        )
        self.claims: Final = Counter(
            "pixel_claims", "Attempts to claim an instance", ["outcome"], registry=self.registry
        )
        self.deleted: Final = Counter("pixel_instances_deleted", "Instances deleted", ["why"], registry=self.registry)
        self.refused: Final = Counter("pixel_players_refused", "Connections refused", ["why"], registry=self.registry)
        self.slow: Final = Counter(
            "pixel_signalling_slow_peers", "Connections cut off because the peer did not read", registry=self.registry
        )

    def _waiting(self) -> int:
        return sum(map(self._matching.waiting, self._applications))

    def _idle(self) -> int:
        return sum(map(self._matching.idle, self._applications))

    def _ready(self) -> int:
        return ready_count(self._matching.instances())

    def _demand(self) -> float:
        return demand_ratio(self._players(), self._ready())
