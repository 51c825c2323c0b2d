"""What Kubernetes objects say, as the state that decisions are made from. Pure."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Node as NodeObject
from lightkube.resources.core_v1 import Pod
from lightkube.utils.quantity import parse_quantity

from capacity.controller import names
from capacity.controller.cluster import Fleet, Instance, Node, Placeholder, Placeholders, Rollback, Stage
from capacity.controller.settings import GpuPool

_WHOLE: Final = re.compile("[0-9]{1,6}")
_DEFAULT_WEIGHT: Final = 100
"""Of a fleet that does not say a usable one, as matchmakers have it too."""
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)


def instance_of(pod: Pod) -> Instance | None:
    """The instance that a pod is; None for one that is none."""
    meta, labels, annotations = _said(pod.metadata)
    application, version = labels.get(names.APPLICATION_LABEL), labels.get(names.VERSION_LABEL)
    if application is None or version is None:
        return None
    return Instance(
        meta.name or "",
        application,
        version,
        _stage(pod, labels.get(names.POOL_LABEL, "")),
        pod.spec.nodeName if pod.spec else None,
        pinned=annotations.get(names.SAFE_TO_EVICT) == "false",
        players=_number(annotations.get(names.DELETION_COST)) or 0,
        draining=annotations.get(names.DRAINING) == "true",
    )


def _stage(pod: Pod, pool: str) -> Stage:
    phase = pod.status.phase if pod.status else None
    if (pod.metadata and pod.metadata.deletionTimestamp is not None) or phase in ("Succeeded", "Failed"):
        return Stage.ENDING
    if pool != names.IDLE:
        return Stage.SESSION if pool == names.SESSION else Stage.LEFT
    if pod.spec is None or not pod.spec.nodeName:
        return Stage.UNPLACED
    return Stage.WARM if _ready(pod) else Stage.STARTING


def _ready(thing: Pod | NodeObject) -> bool:
    conditions = (thing.status.conditions if thing.status else None) or []
    return any(each.type == "Ready" and each.status == "True" for each in conditions)


def fleet_of(deployment: Deployment) -> Fleet | None:
    """The fleet that a Deployment is; None for one that is none, or is being deleted."""
    meta, labels, annotations = _said(deployment.metadata)
    application, version = labels.get(names.APPLICATION_LABEL), labels.get(names.VERSION_LABEL)
    if application is None or version is None or meta.deletionTimestamp is not None or deployment.spec is None:
        return None
    weight = _number(annotations.get(names.WEIGHT))
    return Fleet(
        name=meta.name or "",
        application=application,
        version=version,
        replicas=1 if deployment.spec.replicas is None else deployment.spec.replicas,
        generation=meta.generation or 0,
        seen=meta.resourceVersion or "",
        weight=_DEFAULT_WEIGHT if weight is None else weight,
        stated=annotations.get(names.WEIGHT, ""),
        weight_override=_number(annotations.get(names.WEIGHT_OVERRIDE)),
        buffer_override=_number(annotations.get(names.BUFFER_OVERRIDE)),
        buffer_target=_number(annotations.get(names.BUFFER_TARGET)),
        rollback=_rollback(annotations.get(names.ROLLED_BACK)),
        revision=annotations.get(names.REVISION, ""),
        paused=annotations.get(names.PAUSED) == "true",
        draining=annotations.get(names.DRAINING) == "true",
        empty=annotations.get(names.EMPTY) == "true",
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and _WHOLE.fullmatch(text) else None


def _rollback(text: str | None) -> Rollback | None:
    try:
        return msgspec.json.decode(text, type=Rollback) if text else None
    except msgspec.DecodeError:
        # Somebody wrote something else there: a rollback that nothing stands for is lifted.
        return Rollback("", "", "", "")


def node_of(node: NodeObject, pool: GpuPool) -> Node:
    """A node of the GPU or the TURN pool."""
    meta, _, annotations = _said(node.metadata)
    return Node(
        meta.name or "",
        meta.creationTimestamp or _LONG_AGO,
        meta.resourceVersion or "",
        ready=_ready(node) and meta.deletionTimestamp is None,
        cordoned=bool(node.spec and node.spec.unschedulable),
        leaving=annotations.get(names.LEAVING) == "true",
        draining=annotations.get(names.DRAINING) == "true",
        empty=annotations.get(names.EMPTY) == "true",
        slots=_slots(node, pool),
    )


def _slots(node: NodeObject, pool: GpuPool) -> int | None:
    """Instances that fit a node by CPU and memory; only counted where nothing else counts them."""
    allocatable = node.status.allocatable if node.status else None
    if pool.slots_per_node is not None or not allocatable or not pool.slot_cpu or not pool.slot_memory:
        return None
    cpu = parse_quantity(allocatable.get("cpu")) or Decimal(0)
    memory = parse_quantity(allocatable.get("memory")) or Decimal(0)
    return int(min(cpu * 1000 // pool.slot_cpu, memory // (pool.slot_memory * 2**20)))


def address_of(node: NodeObject) -> str | None:
    """Where a node is reached within the network."""
    addresses = (node.status.addresses if node.status else None) or []
    return next((each.address for each in addresses if each.type == "InternalIP"), None)


def placeholders_of(deployment: Deployment, pods: Iterable[Pod]) -> Placeholders:
    """A pool's placeholders."""
    meta, _, _ = _said(deployment.metadata)
    replicas = deployment.spec.replicas if deployment.spec else None
    its = tuple(_placeholder(pod) for pod in pods if pod.metadata and pod.metadata.deletionTimestamp is None)
    return Placeholders(meta.name or "", 1 if replicas is None else replicas, meta.generation or 0, its)


def _placeholder(pod: Pod) -> Placeholder:
    meta, _, annotations = _said(pod.metadata)
    return Placeholder(
        meta.name or "",
        pod.spec.nodeName if pod.spec else None,
        running=pod.status is not None and pod.status.phase == "Running",
        cheap=names.DELETION_COST in annotations,
    )


def _said(meta: ObjectMeta | None) -> tuple[ObjectMeta, Mapping[str, str], Mapping[str, str]]:
    """Metadata, labels and annotations, whether or not an object has any."""
    found = meta or ObjectMeta()
    return found, found.labels or {}, found.annotations or {}


def pool_of(meta: ObjectMeta | None) -> str | None:
    """Of placeholders, the pool that they are for."""
    return _said(meta)[1].get(names.PLACEHOLDER_LABEL)
