"""The sidecar's metrics: the original system's names, and our own by session."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Final

from msgspec import UNSET
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from signalling.protocol.messages import Refused, Role
from signalling.protocol.session import Participant
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
        lambda state: float(state.streaming and not any(state.sessions.participants)),
    ),
    "pixel_instance_sessions": ("Sessions under way", lambda state: len(state.sessions.under_way)),
    "pixel_instance_over": ("1 when the session has ended that the instance was for", lambda state: float(state.over)),
    "pixel_instance_draining": ("1 on its way out", lambda state: float(state.draining)),
}

_REPORTED: Final = (
    ("pixel_session_frames_per_second", "Frames a player decodes", GaugeMetricFamily, "frames_per_second"),
    ("pixel_session_bitrate_bits_per_second", "Video a player receives", GaugeMetricFamily, "bitrate"),
    ("pixel_session_round_trip_seconds", "Round trip of media", GaugeMetricFamily, "round_trip_seconds"),
    ("pixel_session_jitter_seconds", "Jitter of media", GaugeMetricFamily, "jitter_seconds"),
    ("pixel_session_packets_lost", "Packets of media lost", CounterMetricFamily, "packets_lost"),
    ("pixel_session_packets_received", "Packets of media received", CounterMetricFamily, "packets_received"),
    ("pixel_session_freezes", "Freezes of the picture", CounterMetricFamily, "freezes"),
    ("pixel_session_freeze_seconds", "Time the picture was frozen", CounterMetricFamily, "freeze_seconds"),
    (
        "pixel_session_first_frame_seconds",
        "From the click to the first frame",
        GaugeMetricFamily,
        "first_frame_seconds",
    ),
)
"""Name, text, kind and the field of the player's report. Totals begin anew with each peer connection."""
_LABELS: Final = ["session", "player", "role"]
FIRST_FRAMES: Final = (0.25, 0.5, 1, 1.5, 2, 3, 5, 8, 13, 20, 30, 60)


class _Reports(Collector):
    """What opted-in players reported last. A player's series are there for as long as it takes part."""

    def __init__(self, participants: Callable[[], Iterable[Participant]]) -> None:
        self._participants = participants

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        reporting = [(one, one.stats) for one in self._participants() if one.stats is not None]
        for name, text, kind, field in _REPORTED:
            family = kind(name, text, labels=_LABELS)
            for one, stats in reporting:
                value = getattr(stats, field)
                if value is not UNSET:
                    family.add_metric(_labels(one), max(0.0, float(value)))
            yield family
        text = "1 with the kind of connection that carries a player's media"
        candidate = GaugeMetricFamily("pixel_session_candidate", text, labels=[*_LABELS, "type", "protocol", "turn"])
        for one, stats in reporting:
            if stats.candidate_type is not UNSET:
                protocol, turn = stats.protocol or "", stats.turn or ""
                candidate.add_metric([*_labels(one), stats.candidate_type, protocol, turn], 1)
        yield candidate


def _labels(participant: Participant) -> list[str]:
    return [participant.session.id, participant.name, participant.role.value]


class _Messages(Collector):
    """Frames received. Plain numbers: a counter with its lock would be a good part of what a message costs."""

    def __init__(self, received: Mapping[str, int]) -> None:
        self._received = received

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily("pixel_signalling_messages", "Frames received", labels=["role"])
        for role, number in self._received.items():
            family.add_metric([role], number)
        yield family


class SidecarMetrics:
    """Gauges read the state when they are scraped; counters are counted here."""

    def __init__(self, state: Sidecar) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        for name, (text, value) in _GAUGES.items():
            Gauge(name, text, registry=self.registry).set_function(partial(value, state))
        self.received: Final = dict.fromkeys((role.value for role in Role), 0)
        """Frames by who sent them."""
        self.registry.register(_Messages(self.received))
        self.registry.register(_Reports(lambda: state.sessions.participants))
        refused = Counter("pixel_signalling_refused", "Frames dropped", ["why"], registry=self.registry)
        self._refused = {why: refused.labels(why.value) for why in Refused}
        self.slow = Counter(
            "pixel_signalling_slow_peers", "Connections cut off because the peer did not read", registry=self.registry
        )
        self.silent = Counter(
            "pixel_signalling_silent_peers", "Connections cut off because the peer was gone", registry=self.registry
        )
        turned_away = Counter(
            "pixel_signalling_turned_away", "Connections not admitted", ["status"], registry=self.registry
        )
        self._turned_away = {status: turned_away.labels(str(status)) for status in (401, 409, 503)}
        self.first_frame: Final = Histogram(
            "pixel_first_frame_seconds",
            "From a player's click to its first frame",
            buckets=FIRST_FRAMES,
            registry=self.registry,
        )

    def refused(self, why: Refused) -> None:
        """A frame was dropped."""
        self._refused[why].inc()

    def turned_away(self, status: int) -> None:
        """A connection was not admitted."""
        self._turned_away[status].inc()
