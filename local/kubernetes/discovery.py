"""REST mapping: which path serves a kind, asked of the API server group by group and kept."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from local.kubernetes.client import Client
from local.kubernetes.errors import ApiError, NoSuchKindError

CORE_CLUSTER_KINDS = frozenset({"Namespace", "Node", "PersistentVolume", "ComponentStatus"})

CLUSTER_SCOPED: Mapping[str, frozenset[str] | None] = {
    "": CORE_CLUSTER_KINDS,
    "admissionregistration.k8s.io": None,
    "apiextensions.k8s.io": None,
    "apiregistration.k8s.io": None,
    "apps": frozenset(),
    "autoscaling": frozenset(),
    "batch": frozenset(),
    "certificates.k8s.io": None,
    "coordination.k8s.io": frozenset(),
    "discovery.k8s.io": frozenset(),
    "events.k8s.io": frozenset(),
    "flowcontrol.apiserver.k8s.io": None,
    "networking.k8s.io": frozenset({"IngressClass", "IPAddress", "ServiceCIDR"}),
    "node.k8s.io": None,
    "policy": frozenset(),
    "rbac.authorization.k8s.io": frozenset({"ClusterRole", "ClusterRoleBinding"}),
    "scheduling.k8s.io": frozenset({"PriorityClass"}),
    "storage.k8s.io": frozenset({"StorageClass", "CSIDriver", "CSINode", "VolumeAttachment", "VolumeAttributesClass"}),
}
"""Built-in groups -> their kinds outside namespaces; None where all of them are. Lets a check do without the API."""


def builtin_scope(api_version: str, kind: str) -> bool | None:
    """Whether a built-in kind lives in a namespace; None for a kind that is not built in."""
    group = api_version.partition("/")[0] if "/" in api_version else ""
    if group not in CLUSTER_SCOPED:
        return None
    outside = CLUSTER_SCOPED[group]
    return outside is not None and kind not in outside


@dataclass(frozen=True)
class Mapped:
    """A kind as the API server serves it."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool

    def path(self, namespace: str | None, name: str | None = None) -> str:
        """The path of a collection, or of one object in it."""
        prefix = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        parts = [prefix]
        if self.namespaced and namespace:
            parts.append(f"namespaces/{namespace}")
        parts.append(self.plural)
        if name:
            parts.append(name)
        return "/".join(parts)


class Discovery:
    """The kinds of one cluster; a kind that is missing is looked up anew, for its definition may be minutes old."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Mapped] = {}

    def find(self, api_version: str, kind: str) -> Mapped:
        """The mapping of a kind; raises ``NoSuchKindError`` where the cluster does not serve it."""
        with self._lock:
            if (api_version, kind) not in self._known:
                self._known.update(self._read(api_version, kind))
            if (api_version, kind) not in self._known:
                raise NoSuchKindError(api_version, kind)
            return self._known[api_version, kind]

    def forget(self, api_version: str, kind: str) -> None:
        """Drop a kind whose path answered that it does not exist."""
        with self._lock:
            self._known.pop((api_version, kind), None)

    def _read(self, api_version: str, kind: str) -> dict[tuple[str, str], Mapped]:
        try:
            listed = self._client.get(f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}")
        except ApiError as error:
            if error.not_found:
                raise NoSuchKindError(api_version, kind) from error
            raise
        return {
            (api_version, item["kind"]): Mapped(api_version, item["kind"], item["name"], bool(item["namespaced"]))
            for item in listed.get("resources") or ()
            if "/" not in item["name"]
        }
