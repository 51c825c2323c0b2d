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
_TX = 'node_network_transmit_bytes_total{node="turn-1",turn="true",device="ens3"}'
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
        {'pixel_instances_idle{application="showroom"}': "0x60"},
        {"application": "showroom", "severity": "warning"},
        {'pixel_instances_idle{application="showroom"}': "1x60"},
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
        "PixelMatchmakerDown",
        "10m",
        {'up{job="matchmaker",pod="matchmaker-1"}': "0x60"},
        {"severity": "critical"},
        {'up{job="matchmaker",pod="matchmaker-1"}': "1x60"},
    ),
    Case(
        "PixelStoreAway",
        "10m",
        {'pixel_store_available{pod="matchmaker-1"}': "1x60", 'pixel_store_available{pod="matchmaker-2"}': "0x60"},
        {"severity": "warning"},
        {'pixel_store_available{pod="matchmaker-2"}': "1x60"},
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
        "PixelTurnPortsHigh",
        "20m",
        {'node_sockstat_UDP_inuse{node="turn-1",turn="true"}': "15000x60"},
        {"node": "turn-1", "severity": "warning"},
        {'node_sockstat_UDP_inuse{node="turn-1",turn="true"}': "900x60"},
        "91.55%",
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
