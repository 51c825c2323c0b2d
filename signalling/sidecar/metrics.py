"""The sidecar's metrics: the original system's names, and a few of our own."""

from collections.abc import Callable, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector

from signalling.protocol.messages import Refused
from signalling.protocol.sidecar import Sidecar

_GAUGES: Mapping[str, tuple[str, Callable[[Sidecar], float]]] = {
    "signalserver_player_socket_connections": ("Player connections", lambda state: state.player_count),
    "signalserver_stream_socket_connections": ("Streamer connections", lambda state: state.streamer_count),
    "signalserver_stream_socket_open_indicator": (
        "1 with a streamer connected",
        lambda state: float(state.streamer_count > 0),
    ),
    "signalserver_matchmaker_socket_open_indicator": (
        "1 with a matchmaker connected, which here is the connection that brings a player",
        lambda state: float(state.player_count > 0),
    ),
    "signalserver_free_stream_indicator": (
        "1 with a streamer that has sent its name, and no player",
        lambda state: float(state.streaming and state.player_count == 0),
    ),
}


class SidecarMetrics:
    """Gauges read the state when they are scraped; counters are counted here."""

    def __init__(self, state: Sidecar) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        for name, (text, value) in _GAUGES.items():
            Gauge(name, text, registry=self.registry).set_function(partial(value, state))
        self.messages = Counter("pixel_signalling_messages", "Frames received", ["role"], registry=self.registry)
        refused = Counter("pixel_signalling_refused", "Frames dropped", ["why"], registry=self.registry)
        self._refused = {why: refused.labels(why.value) for why in Refused}
        self.slow = Counter(
            "pixel_signalling_slow_peers", "Connections cut off because the peer did not read", registry=self.registry
        )

    def refused(self, why: Refused) -> None:
        """A frame was dropped."""
        self._refused[why].inc()
