"""Where charts and the images of others come from: from their makers, or from the mirrors that a stack names.

An image keeps its whole name below the mirror's, so that no two collide: `quay.io/jetstack/cert-manager-controller`
becomes `registry.example.com/mirror/quay.io/jetstack/cert-manager-controller`, which is where `skopeo sync --scoped`
puts it. The project's own images and the applications' are not touched: a stack file names each of them in full.
"""

from collections.abc import Mapping
from typing import Any

from components.settings.mirrors import MirrorsSettings

AS_PUBLISHED = MirrorsSettings()

CHART_IMAGES: Mapping[str, Mapping[str, str]] = {
    "cert-manager": {"imageRegistry": "quay.io"},
    "cluster-autoscaler": {"image.repository": "registry.k8s.io/autoscaling/cluster-autoscaler"},
    "dcgm-exporter": {"image.repository": "nvcr.io/nvidia/k8s/dcgm-exporter"},
    "external-dns": {"image.repository": "registry.k8s.io/external-dns/external-dns"},
    "keda": {
        "image.keda.registry": "ghcr.io",
        "image.metricsApiServer.registry": "ghcr.io",
        "image.webhooks.registry": "ghcr.io",
    },
    "kube-prometheus-stack": {
        "alertmanager.alertmanagerSpec.image.registry": "quay.io",
        "crds.upgradeJob.image.busybox.registry": "docker.io/library",
        "crds.upgradeJob.image.kubectl.registry": "registry.k8s.io",
        "grafana.downloadDashboardsImage.registry": "docker.io",
        "grafana.image.registry": "docker.io",
        "grafana.initChownData.image.registry": "docker.io",
        "grafana.sidecar.image.registry": "quay.io",
        "kube-state-metrics.image.registry": "registry.k8s.io",
        "kube-state-metrics.kubeRBACProxy.image.registry": "quay.io",
        "prometheus-node-exporter.image.registry": "quay.io",
        "prometheus-node-exporter.kubeRBACProxy.image.registry": "quay.io",
        "prometheus.prometheusSpec.image.registry": "quay.io",
        "prometheusOperator.admissionWebhooks.deployment.image.registry": "quay.io",
        "prometheusOperator.admissionWebhooks.patch.image.registry": "ghcr.io",
        "prometheusOperator.image.registry": "quay.io",
        "prometheusOperator.prometheusConfigReloader.image.registry": "quay.io",
        "prometheusOperator.thanosImage.registry": "quay.io",
        "thanosRuler.thanosRulerSpec.image.registry": "quay.io",
    },
    "metrics-server": {
        "addonResizer.image.repository": "registry.k8s.io/autoscaling/addon-resizer",
        "image.repository": "registry.k8s.io/metrics-server/metrics-server",
    },
    "nvidia-device-plugin": {
        "image.repository": "nvcr.io/nvidia/k8s-device-plugin",
        "nfd.image.repository": "registry.k8s.io/nfd/node-feature-discovery",
    },
    "traefik": {"image.registry": "docker.io/library"},
    "valkey": {"image.registry": "docker.io", "metrics.exporter.image.registry": "ghcr.io"},
}
"""The values of each chart that say where its images are, and what the chart takes where they are not set.

Docker Hub's own images are below `library/` in full, whatever the charts call them.
"""


def chart_repository(published: str, mirrors: MirrorsSettings) -> str:
    """The address that a chart is taken from."""
    return mirrors.charts.get(published, published)


def image(reference: str, mirrors: MirrorsSettings) -> str:
    """An image of others, by its full reference, as it is pulled."""
    return f"{mirrors.images}/{reference}" if mirrors.images else reference


def chart_values(chart: str, values: Mapping[str, Any], mirrors: MirrorsSettings) -> dict[str, Any]:
    """A chart's values with every image taken from the mirror; what the values say of an image goes before its default.

    Raises:
        KeyError: a mirror is set, and `CHART_IMAGES` does not know the chart.
    """
    mirrored = dict(values)
    for path, published in CHART_IMAGES[chart].items() if mirrors.images else ():
        mirrored = _with(mirrored, path.split("."), published, mirrors)
    return mirrored


def _with(values: Mapping[str, Any], way: list[str], published: str, mirrors: MirrorsSettings) -> dict[str, Any]:
    key, *rest = way
    held = values.get(key)
    if rest:
        return {**values, key: _with(held or {}, rest, published, mirrors)}
    return {**values, key: image(held or published, mirrors)}
