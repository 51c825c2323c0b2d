"""Which changes need a new object: a table of Kubernetes' immutable fields, and what the API server says of them."""

import re
from collections.abc import Mapping

from local.kubernetes.errors import ApiError
from local.kubernetes.objects import Kind, Manifest
from local.provider import Change

_VOLUME_SOURCES = (
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "fc",
    "flexVolume",
    "gcePersistentDisk",
    "hostPath",
    "iscsi",
    "local",
    "nfs",
    "portworxVolume",
    "rbd",
    "scaleIO",
    "vsphereVolume",
)
_CLAIM_FIELDS = (
    "accessModes",
    "dataSource",
    "dataSourceRef",
    "selector",
    "storageClassName",
    "volumeMode",
    "volumeName",
)

IMMUTABLE: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "PersistentVolume"): tuple(f"spec.{name}" for name in _VOLUME_SOURCES),
    ("", "PersistentVolumeClaim"): tuple(f"spec.{name}" for name in _CLAIM_FIELDS),
    ("", "Pod"): ("spec",),
    ("", "ResourceQuota"): ("spec.scopes", "spec.scopeSelector"),
    ("", "Secret"): ("type",),
    ("", "Service"): ("spec.clusterIP", "spec.clusterIPs"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"): (
        "spec.group",
        "spec.scope",
        "spec.names.kind",
        "spec.names.plural",
    ),
    ("apps", "DaemonSet"): ("spec.selector",),
    ("apps", "Deployment"): ("spec.selector",),
    ("apps", "ReplicaSet"): ("spec.selector",),
    ("apps", "StatefulSet"): (
        "spec.podManagementPolicy",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    ("batch", "Job"): (
        "spec.completionMode",
        "spec.completions",
        "spec.manualSelector",
        "spec.podFailurePolicy",
        "spec.selector",
        "spec.template",
    ),
    ("certificates.k8s.io", "CertificateSigningRequest"): ("spec",),
    ("discovery.k8s.io", "EndpointSlice"): ("addressType",),
    ("networking.k8s.io", "IngressClass"): ("spec.controller",),
    ("node.k8s.io", "RuntimeClass"): ("handler",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("scheduling.k8s.io", "PriorityClass"): ("preemptionPolicy", "value"),
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"),
}
"""Fields that the API server never lets change, by group and kind."""

MUTABLE: Mapping[tuple[str, str], re.Pattern[str]] = {
    ("", "Pod"): re.compile(
        r"spec\.((initContainers|containers)\[\d+\]\.(image|resources)|activeDeadlineSeconds|tolerations"
        r"|terminationGracePeriodSeconds)\b"
    ),
}
"""Fields inside the ones above that may change all the same."""

_SEALED = ("data", "binaryData", "stringData", "immutable")
_IMMUTABLE_TEXT = re.compile(
    r"immutable|may not change|may not be changed|cannot be changed|cannot change|updates to .* (is|are) forbidden",
    re.IGNORECASE,
)


def by_table(kind: Kind, old: Manifest, changes: Mapping[str, Change]) -> frozenset[str]:
    """The changed paths that the table says need a new object. ``old`` tells whether it was sealed (``immutable``)."""
    key = (kind.group, kind.kind)
    fields = IMMUTABLE.get(key, ())
    if key in {("", "Secret"), ("", "ConfigMap")} and old.get("immutable") is True:
        fields = (*fields, *_SEALED)
    mutable = MUTABLE.get(key)
    return frozenset(
        path
        for path in changes
        if any(_overlap(path, field) for field in fields) and not (mutable and mutable.match(path))
    )


def by_refusal(kind: Kind, old: Manifest, changes: Mapping[str, Change], refusal: ApiError) -> frozenset[str]:
    """The changed paths for which a refused dry run asks for a new object; none where that would not help.

    A refusal that names another fault besides an immutable field would meet the new object too, so it asks for nothing.
    """
    if not refusal.invalid:
        return frozenset()
    causes = refusal.causes
    if not causes or not all(_IMMUTABLE_TEXT.search(cause.message) for cause in causes):
        return frozenset()
    named = by_table(kind, old, changes) | {
        path
        for path in changes
        for cause in causes
        if cause.field and "." in cause.field and _overlap(path, cause.field)
    }
    # A cause may name no more than ``spec``, and the table cannot know the rules of custom resources.
    return (
        frozenset(named)
        or frozenset(path for path in changes if any(_overlap(path, cause.field) for cause in causes if cause.field))
        or frozenset(changes)
    )


def _overlap(path: str, field: str) -> bool:
    """Whether one of two paths holds the other; list positions of ``field`` count only where ``path`` has them too."""
    field = re.sub(r"\[[^\]]*\]$", "", field)
    return path == field or path.startswith((f"{field}.", f"{field}[")) or field.startswith((f"{path}.", f"{path}["))
