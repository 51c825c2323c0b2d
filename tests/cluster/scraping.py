"""Prometheus' scrape jobs of what is monitored in a running cluster, as its operator would write them. Pure.

https://github.com/prometheus-operator/prometheus-operator/blob/main/pkg/prometheus/promcfg.go says what it writes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.addons.monitoring import monitors, stack_release
from components.settings import Settings
from components.workloads import CERTIFICATES_NAMESPACE, MONITORING_NAMESPACE
from tests.cluster.discovery import META, discovery, word

Job = dict[str, Any]
Relabeling = dict[str, Any]

_NAMES = {"sourceLabels": "source_labels", "targetLabel": "target_label", "replacement": "replacement"}


def relabelings(its: Settings) -> dict[str, list[Relabeling]]:
    """What each monitor does to labels, as Prometheus' own configuration has it."""
    exporter = stack_release(its, None).values["prometheus-node-exporter"]["prometheus"]["monitor"]
    found = {each["metadata"]["name"]: _endpoint(each) for each in monitors()} | {"node-exporter": exporter}
    return {name: [{_NAMES[k]: v for k, v in each.items()} for each in of["relabelings"]] for name, of in found.items()}


def jobs(its: Settings, kubeconfig: Path) -> list[Job]:
    """One job for each ServiceMonitor and PodMonitor of the program."""
    changes = relabelings(its)
    return [_job(monitor, changes[monitor["metadata"]["name"]], kubeconfig) for monitor in monitors()]


def node_exporter_job(its: Settings, kubeconfig: Path, port: int) -> Job:
    """The job of the chart's node exporter, which is found by its node where it runs without a pod."""
    return {
        "job_name": "node-exporter",
        **discovery("node", kubeconfig),
        "relabel_configs": [
            _copy(f"{META}node_name", f"{META}pod_node_name"),
            _copy(f"{META}node_address_InternalIP", "__address__") | {"replacement": f"$1:{port}"},
            *relabelings(its)["node-exporter"],
        ],
    }


def containers_job(kubeconfig: Path, keys: Path) -> Job:
    """The kubelet's measurements of containers, which the chart's own monitor of kubelets brings.

    ``keys`` is a folder with the files of the authority and of the administrator. The kubelet measures every ten
    seconds, whatever it is asked.
    """
    return {
        "job_name": "kubelet",
        "scheme": "https",
        "metrics_path": "/metrics/cadvisor",
        "honor_labels": True,
        "scrape_interval": "5s",
        "scrape_timeout": "5s",
        "tls_config": {
            "ca_file": str(keys / "ca.crt"),
            "cert_file": str(keys / "admin.crt"),
            "key_file": str(keys / "admin.key"),
        },
        **discovery("node", kubeconfig),
    }


def state_metrics_job(port: int) -> Job:
    """The chart's monitor of kube-state-metrics, which keeps the labels of what the series are about."""
    return _beside("kube-state-metrics", MONITORING_NAMESPACE, port) | {"honor_labels": True}


def cert_manager_job(port: int) -> Job:
    """The chart's monitor of cert-manager: what a series is about has `exported_namespace`."""
    return _beside("cert-manager", CERTIFICATES_NAMESPACE, port)


def _beside(name: str, namespace: str, port: int) -> Job:
    """What runs on this machine instead of in a pod."""
    target = {"targets": [f"127.0.0.1:{port}"], "labels": {"namespace": namespace}}
    return {"job_name": name, "static_configs": [target]}


def _endpoint(monitor: Mapping[str, Any]) -> dict[str, Any]:
    spec = monitor["spec"]
    (endpoint,) = spec["podMetricsEndpoints"] if monitor["kind"] == "PodMonitor" else spec["endpoints"]
    return dict(endpoint)


def _job(monitor: Mapping[str, Any], changes: list[Relabeling], kubeconfig: Path) -> Job:
    pods = monitor["kind"] == "PodMonitor"
    spec, endpoint, name = monitor["spec"], _endpoint(monitor), monitor["metadata"]["name"]
    port = "pod_container_port_name" if pods else "endpoint_port_name"
    labels = {"namespace": "namespace", "pod": "pod_name", "container": "pod_container_name"}
    namespaces = "|".join(spec["namespaceSelector"]["matchNames"])
    return {
        "job_name": f"{monitor['kind']}/{name}",
        **discovery("pod" if pods else "endpoints", kubeconfig),
        "relabel_configs": [
            {"source_labels": [f"{META}namespace"], "regex": namespaces, "action": "keep"},
            *_selection("pod" if pods else "service", spec["selector"]),
            {"source_labels": [f"{META}{port}"], "regex": endpoint["port"], "action": "keep"},
            {"source_labels": [f"{META}pod_phase"], "regex": "(Failed|Succeeded)", "action": "drop"},
            *(_copy(f"{META}{source}", target) for target, source in labels.items()),
            *changes,
        ],
    }


def _selection(kind: str, selector: Mapping[str, Any]) -> list[Relabeling]:
    """What keeps the objects that a selector means."""
    kept = [(f"label_{word(key)}", value) for key, value in selector.get("matchLabels", {}).items()]
    for each in selector.get("matchExpressions", []):
        assert each["operator"] == "Exists", each
        kept.append((f"labelpresent_{word(each['key'])}", "true"))
    return [{"source_labels": [f"{META}{kind}_{label}"], "regex": regex, "action": "keep"} for label, regex in kept]


def _copy(source: str, target: str) -> Relabeling:
    return {"source_labels": [source], "target_label": target}
