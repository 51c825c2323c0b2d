"""Every version that the program itself pins. Images and the patch level of Kubernetes belong to the stack files."""

from collections.abc import Mapping
from dataclasses import dataclass

KUBERNETES_MINORS = ("1.34", "1.35", "1.36")
"""Minor versions that OKE offers; it supports three at a time.

https://docs.oracle.com/iaas/Content/ContEng/Concepts/contengaboutk8sversions.htm
"""

KUBECONFIG_TOKEN = "2.0.0"  # noqa: S105 - a version, not a token
"""The only kubeconfig format that OKE still issues: a plugin call that mints short-lived tokens."""


@dataclass(frozen=True)
class Chart:
    """Where a Helm chart comes from."""

    repository: str
    """Address of a chart repository, or `oci://registry/path` of charts in a registry."""
    version: str


CHARTS: Mapping[str, Chart] = {
    "traefik": Chart("https://traefik.github.io/charts", "41.3.0"),
    "cert-manager": Chart("https://charts.jetstack.io", "v1.21.1"),
    "external-dns": Chart("https://kubernetes-sigs.github.io/external-dns/", "1.21.1"),
    "kube-prometheus-stack": Chart("https://prometheus-community.github.io/helm-charts", "88.5.3"),
    "dcgm-exporter": Chart("https://nvidia.github.io/dcgm-exporter/helm-charts", "4.8.2"),
    "keda": Chart("https://kedacore.github.io/charts", "2.20.2"),
    "metrics-server": Chart("https://kubernetes-sigs.github.io/metrics-server/", "3.13.1"),
    "cluster-autoscaler": Chart("https://kubernetes.github.io/autoscaler", "9.59.0"),
    "nvidia-device-plugin": Chart("https://nvidia.github.io/k8s-device-plugin", "0.20.0"),
    "gpu-operator": Chart("https://helm.ngc.nvidia.com/nvidia", "v26.7.0"),
    "valkey": Chart("https://valkey.io/valkey-helm/", "0.11.0"),
    "oauth2-proxy": Chart("https://oauth2-proxy.github.io/manifests", "10.7.0"),
}
"""Every chart by its name. A stack may take them from a mirror, in the same versions."""

NETWORK_POLICY_ENGINE = "registry.k8s.io/networking/kube-network-policies:v1.1.1"
"""https://github.com/kubernetes-sigs/kube-network-policies"""

REDIS_ENGINE = "VALKEY_7_2"
"""OCI Cache's engine: https://docs.oracle.com/iaas/Content/ocicache/managingclusters.htm"""

GATEWAY_API = "v1.6.1"
"""The standard channel's CRDs in `manifests/crds`; the Traefik chart does not carry them.

https://github.com/kubernetes-sigs/gateway-api/releases, Apache-2.0; `local/vendored.py` makes the file.
"""
