"""For each alert: series that raise it, and what it then says. Written for promtool's unit tests of rules."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """Input series, when to look, and the labels with which the alert fires; the same series at rest must not."""

    alert: str
    at: str
    series: dict[str, str]
    labels: dict[str, str]
    quiet: dict[str, str]
    """Series that replace those of the same name, and with which the alert stays silent."""
    value: str = ""
    """How its texts show the value."""


_STARTED = 'pixel_sessions_ended_total{application="demo",version="v2",outcome="completed"}'
_LOST = 'pixel_sessions_ended_total{application="demo",version="v2",outcome="interrupted"}'
_SIDECAR = 'namespace="pixel-instances",pod="demo-1",node="gpu-1",application="demo",version="v2"'
_SIDECAR_LABELS = {
    **{"namespace": "pixel-instances", "pod": "demo-1", "node": "gpu-1"},
    **{"application": "demo", "version": "v2"},
}
_GPU = 'gpu="0",node="gpu-1",namespace="pixel-instances",pod="demo-1"'
_GPU_LABELS = {"gpu": "0", "node": "gpu-1", "namespace": "pixel-instances", "pod": "demo-1"}
_CERTIFICATE = 'name="play",exported_namespace="ingress"'
_CERTIFICATE_LABELS = {"name": "play", "exported_namespace": "ingress"}
_CAPPED = 'pixel_capacity_capped_instances{application="demo",version="v2",cap="pool"}'
_FLEET = 'application="demo",version="v2"'
_TARGET = 'pixel_buffer_target{application="showroom",version="1-4-2",pod="a"}'
_TX = 'node_network_transmit_bytes_total{node="turn-1",turn="true",device="ens3"}'
_HELD = 'pixel_turn_allocations{node="turn-1"}'
_FAILED = 'pixel_turn_allocation_failures_total{node="turn-1",why="%s"}'
_MADE = 'pixel_turn_allocations_made_total{node="turn-1"}'
_DRAINING = 'pixel_turn_draining{node="turn-1"}'
_WAITED = 'pixel_queue_wait_seconds_bucket{application="demo",le="%s"}'

CASES = (
    Case(
        "PixelQueueGrowing",
        "30m",
        # Level at the end: promtool may evaluate the recording rule after the alert, and show the minute before.
        {'pixel_queue_players{application="demo"}': "0+1x25 25x35"},
        {"application": "demo", "severity": "warning"},
        {'pixel_queue_players{application="demo"}': "20x60"},
        "25",
    ),
    Case(
        "PixelPlayersWaitLong",
        "40m",
        {_WAITED % "60": "0x60", _WAITED % "300": "0+5x60", _WAITED % "+Inf": "0+5x60"},
        {"application": "demo", "severity": "warning"},
        {_WAITED % "60": "0+5x60"},
        "4m 36s",
    ),
    Case(
        "PixelBufferEmpty",
        "30m",
        {'pixel_instances_idle{application="showroom"}': "0x60", _TARGET: "2x60"},
        {"application": "showroom", "severity": "warning"},
        # A schedule, a budget or an operator wants none.
        {_TARGET: "0x60"},
    ),
    Case(
        "PixelCapReached",
        "20m",
        {
            **{f'kube_node_labels{{node="gpu-{i}",label_app_pixel_gpu="true"}}': "1x60" for i in (1, 2)},
            'kube_pod_status_phase{namespace="pixel-instances",pod="demo-1",phase="Pending"}': "1x60",
        },
        {"severity": "warning"},
        {'kube_pod_status_phase{namespace="pixel-instances",pod="demo-1",phase="Pending"}': "0x60"},
        "2",
    ),
    Case(
        "PixelPlayersRefused",
        "20m",
        {'pixel_players_refused_total{why="full"}': "0+1x60"},
        {"severity": "critical"},
        {'pixel_players_refused_total{why="full"}': "7x60"},
        "10",
    ),
    Case(
        "PixelSessionsFailing",
        "40m",
        {_STARTED: "0+4x60", _LOST: "0+1x60"},
        {"application": "demo", "severity": "critical"},
        {_LOST: "0x60"},
        "20%",
    ),
    Case(
        "PixelVersionFailing",
        "40m",
        {_STARTED: "0+1x60", _LOST: "0+1x60"},
        {"application": "demo", "version": "v2", "severity": "critical"},
        {_STARTED: "0+9x60"},
        "50%",
    ),
    Case(
        "PixelCapacityCapped",
        "40m",
        {_CAPPED: "3x60"},
        {"application": "demo", "cap": "pool", "severity": "warning"},
        {_CAPPED: "0x60"},
        "3",
    ),
    Case(
        "PixelBudgetReached",
        "10m",
        {'pixel_budget_reached{limit="soft"}': "1x60", 'pixel_budget_reached{limit="hard"}': "0x60"},
        {"limit": "soft", "severity": "warning"},
        {'pixel_budget_reached{limit="soft"}': "0x60"},
    ),
    Case(
        "PixelVersionRolledBack",
        "10m",
        {f"pixel_version_rolled_back{{{_FLEET}}}": "1x60"},
        {"application": "demo", "version": "v2", "severity": "critical"},
        {f"pixel_version_rolled_back{{{_FLEET}}}": "0x60"},
    ),
    Case(
        "PixelFleetControllerDown",
        "10m",
        # Two replicas, and neither leads.
        {'pixel_controller_leading{pod="a"}': "0x60", 'pixel_controller_leading{pod="b"}': "0x60"},
        {"severity": "critical"},
        {'pixel_controller_leading{pod="a"}': "1x60"},
    ),
    Case(
        "PixelMatchmakerDown",
        "10m",
        {'up{job="matchmaker",pod="matchmaker-1"}': "0x60"},
        {"severity": "critical"},
        {'up{job="matchmaker",pod="matchmaker-1"}': "1x60"},
    ),
    Case(
        "PixelSidecarDown",
        "10m",
        {f'up{{job="sidecar",{_SIDECAR}}}': "0x60"},
        {**_SIDECAR_LABELS, "job": "sidecar", "severity": "warning"},
        {f'up{{job="sidecar",{_SIDECAR}}}': "1x60"},
    ),
    Case(
        "PixelInstanceNotReady",
        "30m",
        {f"signalserver_stream_socket_open_indicator{{{_SIDECAR}}}": "0x60"},
        {**_SIDECAR_LABELS, "severity": "warning"},
        {f"signalserver_stream_socket_open_indicator{{{_SIDECAR}}}": "1x60"},
    ),
    Case(
        "PixelTurnPoolEmpty",
        "10m",
        {"pixel_turn_nodes": "0x60"},
        {"severity": "critical"},
        {"pixel_turn_nodes": "1x60"},
    ),
    Case(
        "PixelTurnBandwidthHigh",
        "30m",
        # 60 seconds at 1.9 of the 2 Gbit/s that the node's shape has.
        {_TX: "0+14250000000x60"},
        {"node": "turn-1", "severity": "warning"},
        {_TX: "0+1000000000x60"},
        "95%",
    ),
    Case(
        "PixelTurnDown",
        "10m",
        {'up{job="turn",pod="turn-a",node="turn-1"}': "0x60"},
        {"job": "turn", "pod": "turn-a", "node": "turn-1", "severity": "warning"},
        {'up{job="turn",pod="turn-a",node="turn-1"}': "1x60"},
    ),
    Case(
        "PixelTurnAllocationsHigh",
        "20m",
        {_HELD: "12600x60", 'pixel_turn_allocations_limit{node="turn-1"}': "14000x60"},
        {"node": "turn-1", "severity": "warning"},
        {_HELD: "1260x60"},
        "90%",
    ),
    Case(
        "PixelTurnRefusing",
        "20m",
        {_FAILED % "quota": "0+2x60", _FAILED % "ports": "0x60", _FAILED % "credentials": "0+5x60"},
        {"node": "turn-1", "why": "quota", "severity": "critical"},
        {_FAILED % "quota": "7x60"},
        "20",
    ),
    Case(
        "PixelTurnCredentialsRefused",
        "30m",
        {_FAILED % "credentials": "0+5x60", _MADE: "0+1x60", _DRAINING: "0x60"},
        {"node": "turn-1", "severity": "warning"},
        {_MADE: "0+9x60"},
        "83.33%",
    ),
    Case(
        "PixelTurnCredentialsRefused",
        "30m",
        {_FAILED % "credentials": "0+5x60", _MADE: "0+1x60", _DRAINING: "0x60"},
        {"node": "turn-1", "severity": "warning"},
        # A node that is drained refuses everybody, and says so.
        {_DRAINING: "0x20 1x40"},
        "83.33%",
    ),
    Case(
        "PixelTurnPeersStale",
        "30m",
        {'pixel_turn_peers_age_seconds{node="turn-1"}': "3600x60"},
        {"node": "turn-1", "severity": "warning"},
        {'pixel_turn_peers_age_seconds{node="turn-1"}': "200x60"},
        "1h 0m 0s",
    ),
    Case(
        "PixelCertificateEnding",
        "2h",
        {f"certmanager_certificate_expiration_timestamp_seconds{{{_CERTIFICATE}}}": "864000x200"},
        {**_CERTIFICATE_LABELS, "severity": "warning"},
        {f"certmanager_certificate_expiration_timestamp_seconds{{{_CERTIFICATE}}}": "5184000x200"},
        "9d 22h 0m 0s",
    ),
    Case(
        "PixelCertificateNotReady",
        "1h",
        {f'certmanager_certificate_ready_status{{{_CERTIFICATE},condition="False"}}': "1x90"},
        {**_CERTIFICATE_LABELS, "severity": "warning"},
        {f'certmanager_certificate_ready_status{{{_CERTIFICATE},condition="False"}}': "0x90"},
    ),
    Case(
        "PixelGpuFault",
        "10m",
        {f"DCGM_FI_DEV_XID_ERRORS{{{_GPU}}}": "79x60"},
        {**_GPU_LABELS, "severity": "critical"},
        {f"DCGM_FI_DEV_XID_ERRORS{{{_GPU}}}": "0x60"},
        "79",
    ),
    Case(
        "PixelGpuHot",
        "10m",
        {f"DCGM_FI_DEV_GPU_TEMP{{{_GPU}}}": "88x60"},
        {**_GPU_LABELS, "severity": "warning"},
        {f"DCGM_FI_DEV_GPU_TEMP{{{_GPU}}}": "60x60"},
        "88",
    ),
)
