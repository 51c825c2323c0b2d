"""Objects that the tests make, and other hands that change them."""

from collections.abc import Callable
from typing import Any

from local.kubernetes.client import Client
from local.kubernetes.provider import KubernetesProvider

CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
NAMESPACE = "kubernetes:core/v1:Namespace"
SECRET = "kubernetes:core/v1:Secret"
SERVICE = "kubernetes:core/v1:Service"

Configured = Callable[..., KubernetesProvider]
"""Makes a provider for the cluster, with further arguments."""

names = (f"object-{number}" for number in range(1, 10_000))
"""Names that no other test has."""


def config_map(name: str | None = None, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name} if name else {}, "data": data}


def deployment(name: str, *, app: str = "a", image: str = "example.com/a:1", **spec: Any) -> dict[str, Any]:
    """A Deployment that nobody waits for: no controller runs here."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "annotations": {"pulumi.com/skipAwait": "true"}},
        "spec": {
            "selector": {"matchLabels": {"app": app}},
            "template": {
                "metadata": {"labels": {"app": app}},
                "spec": {"containers": [{"name": "main", "image": image, "ports": [{"containerPort": 80}]}]},
            },
            **spec,
        },
    }


def merge(api: Client, path: str, patch: dict[str, Any], manager: str = "somebody") -> None:
    """Change an object as a person or a controller would."""
    api.request(
        "PATCH",
        path,
        query={"fieldManager": manager},
        body=patch,
        media_type="application/merge-patch+json",
    )
