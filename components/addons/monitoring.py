"""Prometheus, Alertmanager and Grafana; what they watch, when they raise an alert, and what they show."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pulumi

from components import manifests
from components.addons import dashboards
from components.addons.helm import Release, ReleaseArgs, pinned
from components.node_pools import DEFAULT_LABEL, GPU_LABEL
from components.secrets import SecretValue, kubernetes_secret
from components.settings import Settings
from components.settings.apps import AppSettings
from components.settings.monitoring import turn_node_gbits
from components.settings.pools import PoolsSettings
from components.workloads import INSTANCES_NAMESPACE, MONITORING_NAMESPACE, PLATFORM_NAMESPACE

PROMETHEUS = f"http://prometheus-operated.{MONITORING_NAMESPACE}:9090"
"""Where Prometheus answers within the cluster; the operator gives this Service its name."""
GRAFANA_SERVICE = "kube-prometheus-stack-grafana"
"""In the namespace of monitoring, on port 80."""
GRAFANA_SECRET = "grafana-admin"  # noqa: S105 - the name of the object

_STACK = "kube-prometheus-stack"
_EXPORTER = "dcgm-exporter"


@dataclass
class MonitoringArgs:
    """What monitoring is made from."""

    settings: Settings
    namespaces: pulumi.Resource
    nodes: pulumi.Resource
    admin_password: SecretValue
    grafana_url: str | None = None
    """Where people reach Grafana; none while nothing leads to it from outside."""


class Monitoring(pulumi.ComponentResource):
    """The charts, the admin's password, and everything of our own that they pick up."""

    release: Release
    """Brings the kinds ServiceMonitor, PodMonitor and PrometheusRule: whatever makes one comes after it."""

    def __init__(self, name: str, args: MonitoringArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:monitoring:Monitoring", name, None, opts)
        its = args.settings
        admin = self._admin(args.admin_password, args.namespaces)
        before = [args.namespaces, args.nodes, admin]
        self.release = self._release(stack_release(its, args.grafana_url), before)
        if its.monitoring.gpu_exporter:
            self._release(exporter_release(its), [self.release])
        for document in [*monitors(), recording_rules(its), alert_rules(its)]:
            self._object(document, [args.namespaces, self.release])
        for document in dashboard_maps(its.monitoring.timezone):
            self._object(document, [args.namespaces])
        self.register_outputs({"prometheus": PROMETHEUS, "grafanaSecret": GRAFANA_SECRET})

    def _release(self, release: ReleaseArgs, after: Sequence[pulumi.Resource]) -> Release:
        return Release(release.chart, release, pulumi.ResourceOptions(parent=self, depends_on=list(after)))

    def _object(self, document: dict[str, Any], after: Sequence[pulumi.Resource]) -> None:
        manifests.KubernetesObject(document, pulumi.ResourceOptions(parent=self, depends_on=list(after)))

    def _admin(self, password: SecretValue, namespaces: pulumi.Resource) -> manifests.KubernetesObject:
        return kubernetes_secret(
            GRAFANA_SECRET,
            MONITORING_NAMESPACE,
            {"admin-user": "admin", "admin-password": password.current},
            parent=self,
            depends_on=[namespaces],
            drawn=password.drawn,
        )


def stack_release(its: Settings, grafana_url: str | None) -> ReleaseArgs:
    """The release of kube-prometheus-stack."""
    values = {
        "monitoring": its.monitoring,
        "cluster": its.cluster.name,
        "region": its.region,
        "default_label": DEFAULT_LABEL,
        "grafana_secret": GRAFANA_SECRET,
        "grafana_url": grafana_url,
    }
    (rendered,) = manifests.render(f"values/{_STACK}.yaml.j2", values)
    return pinned(_STACK, MONITORING_NAMESPACE, rendered, its.mirrors)


def exporter_release(its: Settings) -> ReleaseArgs:
    """The release of NVIDIA's exporter for GPU nodes."""
    (rendered,) = manifests.render(f"values/{_EXPORTER}.yaml.j2", {"gpu_label": GPU_LABEL})
    return pinned(_EXPORTER, MONITORING_NAMESPACE, rendered, its.mirrors)


def monitors() -> list[dict[str, Any]]:
    """What Prometheus scrapes of our own programs."""
    values = {
        "namespace": MONITORING_NAMESPACE,
        "platform_namespace": PLATFORM_NAMESPACE,
        "instances_namespace": INSTANCES_NAMESPACE,
    }
    return manifests.render("monitoring/monitors.yaml.j2", values)


def recording_rules(its: Settings) -> dict[str, Any]:
    """The PrometheusRule that makes series out of others, and out of the settings."""
    values = {
        "namespace": MONITORING_NAMESPACE,
        "monitoring": its.monitoring,
        "apps": [{"name": app.name, "target": buffer_target(app)} for app in its.apps],
        "controlled": its.capacity.enabled,
        "shared": any(app.shared for app in its.apps),
        "gpu_nodes": its.pools.gpu.max,
        "turn_bits": turn_node_gbits(its.monitoring, its.pools) * 10**9,
        "turn_pool": its.pools.turn,
        "session_cost": session_cost(its.pools),
    }
    (rules,) = manifests.render("monitoring/recording.yaml.j2", values)
    return rules


def buffer_target(app: AppSettings) -> int:
    """The instances that an application keeps warm for players: none of a version that gets no sessions."""
    return app.buffer.instances * sum(version.weight > 0 for version in app.versions)


def session_cost(pools: PoolsSettings) -> str:
    """The expression of what each session costs in an hour: its slot's part of a GPU.

    Where slots are not counted, since instances share GPUs by their CPU requests, those of a node share all it has.
    """
    price = "pixel:session_pod:info * on () group_left (currency) pixel:gpu_hour_price"
    if pools.slots is None:
        # An instance that was just claimed has two series for a while, one as idle and one as a session's.
        shared = "count by (node) (group by (node, namespace, pod) (signalserver_stream_socket_connections))"
        return f"{price} * on (node) group_left () ({pools.gpu.gpus} / {shared})"
    return price if pools.slots == pools.gpu.gpus else f"{price} * {pools.gpu.gpus} / {pools.slots}"


def alert_rules(its: Settings) -> dict[str, Any]:
    """The PrometheusRule of all alerts, each with a link to what to do about it."""
    (rules,) = manifests.render("monitoring/alerts.yaml.j2", {})
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["annotations"]["runbook_url"] = f"{its.monitoring.runbooks}#{rule['alert'].lower()}"
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "pixel-alerts", "namespace": MONITORING_NAMESPACE},
        "spec": rules,
    }


def dashboard_maps(timezone: str) -> list[dict[str, Any]]:
    """One ConfigMap for each dashboard, with the label that Grafana's sidecar looks for."""
    return [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": f"dashboard-{name}",
                "namespace": MONITORING_NAMESPACE,
                "labels": {"grafana_dashboard": "1"},
            },
            "data": {
                f"pixel-{name}.json": json.dumps(dashboards.model(dashboards.description(name), timezone), indent=1)
            },
        }
        for name in dashboards.names()
    ]
