"""Instances: what a pod says about one, and the patches that take it through a session."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

from lightkube.models.core_v1 import PodCondition
from lightkube.resources.core_v1 import Pod

APPLICATION_LABEL: Final = "app.pixel/app"
VERSION_LABEL: Final = "app.pixel/version"
POOL_LABEL: Final = "app.pixel/pool"
SESSION_LABEL: Final = "app.pixel/session"
STARTED_ANNOTATION: Final = "app.pixel/session-started"
PLAYER_ANNOTATION: Final = "app.pixel/player"
SUBJECT_ANNOTATION: Final = "app.pixel/subject"
DRAINING_ANNOTATION: Final = "app.pixel/draining"
"""`true` on an instance or a fleet, by an operator: it gets no new session."""
COST_ANNOTATION: Final = "controller.kubernetes.io/pod-deletion-cost"
"""Kubernetes' own: of several pods a ReplicaSet deletes the one that costs least first. Here: the players of a shared
instance, which is also how every matchmaker learns of them."""

GPU_VENDOR: Final = "nvidia.com/"
"""Begins the names of what a device plugin hands out: a GPU, a slot of one, or a partition."""

Patch: TypeAlias = list[dict[str, object]]


class Pool(Enum):
    """Which pool an instance is in."""

    IDLE = "idle"
    """Its fleet's."""
    SESSION = "session"
    """On its own, with a session."""
    ENDED = "ended"
    """On its own, and only to be deleted."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One pod, as far as the matchmaker needs it."""

    name: str
    application: str
    version: str
    """The version's label."""
    pool: Pool
    address: str | None
    """The pod's IP address."""
    ready: bool
    """All of its containers are, which with the sidecar's probe means that a streamer is connected."""
    going: bool
    """It is being deleted."""
    revision: str
    """The object's resourceVersion, which grows with each change of it."""
    annotated: bool
    """It has annotations, to which a patch can add."""
    session: str | None = None
    started: str | None = None
    """When the session was given the instance, as an ISO 8601 time."""
    player: str | None = None
    """The session's owner."""
    subject: str | None = None
    """Who the owner logged in as."""
    draining: bool = False
    """It gets no session any more."""
    players: int = 0
    """Of a shared instance."""
    node: str | None = None
    """Where it runs."""
    gpu: str | None = None
    """What it holds of its node's GPUs, by the device plugin's name; None where it was handed none."""
    start_seconds: float | None = None
    """From its node to its readiness, which it may have lost in between; None while it is not ready."""

    @property
    def usable(self) -> bool:
        """A player could be connected to it."""
        return self.ready and not self.going and self.address is not None

    @property
    def available(self) -> bool:
        """It can be claimed, or joined where sessions are shared."""
        return self.usable and self.pool is Pool.IDLE and not self.draining


def instance_of(pod: Pod) -> Instance | None:
    """The instance a pod is; None for a pod that is none (a label missing, a pool we do not know)."""
    meta = pod.metadata
    if meta is None or meta.name is None:
        return None
    labels, annotations = meta.labels or {}, meta.annotations or {}
    pools = {pool.value: pool for pool in Pool}
    pool = pools.get(labels.get(POOL_LABEL, ""))
    application, version = labels.get(APPLICATION_LABEL), labels.get(VERSION_LABEL)
    if pool is None or application is None or version is None:
        return None
    conditions = (pod.status.conditions if pod.status else None) or []
    holding = {condition.type: condition for condition in conditions if condition.status == "True"}
    return Instance(
        name=meta.name,
        application=application,
        version=version,
        pool=pool,
        address=pod.status.podIP if pod.status else None,
        ready="Ready" in holding,
        going=meta.deletionTimestamp is not None,
        revision=meta.resourceVersion or "",
        annotated=bool(annotations),
        session=labels.get(SESSION_LABEL),
        started=annotations.get(STARTED_ANNOTATION),
        player=annotations.get(PLAYER_ANNOTATION),
        subject=annotations.get(SUBJECT_ANNOTATION),
        draining=annotations.get(DRAINING_ANNOTATION) == "true",
        players=_number(annotations.get(COST_ANNOTATION, "")),
        node=pod.spec.nodeName if pod.spec else None,
        gpu=_gpu(pod),
        start_seconds=_between(holding.get("PodScheduled"), holding.get("Ready")),
    )


def _gpu(pod: Pod) -> str | None:
    limits = (each.resources.limits or {} for each in (pod.spec.containers if pod.spec else []) if each.resources)
    return next((name for its in limits for name in its if name.startswith(GPU_VENDOR)), None)


@dataclass(frozen=True, slots=True)
class Claim:
    """Whom an instance is claimed for."""

    session: str
    player: str
    started: str
    """ISO 8601 time."""
    subject: str = ""


def claim_patch(instance: Instance, claim: Claim) -> Patch:
    """Takes an instance out of its fleet for a session.

    Its ``test`` makes the claim atomic: of several that arrive for one pod the API server carries out the first only.
    """
    said = {STARTED_ANNOTATION: claim.started, PLAYER_ANNOTATION: claim.player, SUBJECT_ANNOTATION: claim.subject}
    return [
        *_moved(Pool.IDLE, Pool.SESSION),
        {"op": "add", "path": _label(SESSION_LABEL), "value": claim.session},
        *_annotate({key: value for key, value in said.items() if value}, instance.annotated),
    ]


def retire_patch(instance: Instance) -> Patch:
    """Ends an instance's session, or takes an idle one out of its fleet; afterwards it is only to be deleted.

    Of several that would, one carries it out; and a session that has begun on the instance since is not touched.
    """
    return [*_same_session(instance), *_moved(instance.pool, Pool.ENDED)]


def recycle_patch(instance: Instance) -> Patch:
    """Gives an instance whose session is over back to its fleet."""
    said = {
        STARTED_ANNOTATION: instance.started,
        PLAYER_ANNOTATION: instance.player,
        SUBJECT_ANNOTATION: instance.subject,
    }
    return [
        *_same_session(instance),
        *_moved(Pool.SESSION, Pool.IDLE),
        *([{"op": "remove", "path": _label(SESSION_LABEL)}] if instance.session is not None else []),
        *({"op": "remove", "path": _annotation(key)} for key, value in said.items() if value is not None),
    ]


def drain_patch(instance: Instance) -> Patch:
    """From now on it gets no session."""
    return _annotate({DRAINING_ANNOTATION: "true"}, instance.annotated)


def cost_patch(instance: Instance, players: int) -> Patch:
    """A shared instance has so many players."""
    return _annotate({COST_ANNOTATION: str(players)}, instance.annotated)


def _moved(before: Pool, after: Pool) -> Patch:
    return [
        {"op": "test", "path": _label(POOL_LABEL), "value": before.value},
        {"op": "replace", "path": _label(POOL_LABEL), "value": after.value},
    ]


def _same_session(instance: Instance) -> Sequence[dict[str, Any]]:
    if instance.session is None:
        return []
    return [{"op": "test", "path": _label(SESSION_LABEL), "value": instance.session}]


def _annotate(annotations: Mapping[str, str], has_some: bool) -> Patch:
    if not has_some:
        return [{"op": "add", "path": "/metadata/annotations", "value": dict(annotations)}]
    return [{"op": "add", "path": _annotation(key), "value": value} for key, value in annotations.items()]


def _label(key: str) -> str:
    return f"/metadata/labels/{_pointer(key)}"


def _annotation(key: str) -> str:
    return f"/metadata/annotations/{_pointer(key)}"


def _pointer(key: str) -> str:
    """A key as one part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def _between(first: PodCondition | None, second: PodCondition | None) -> float | None:
    """Seconds from one condition to the other, as far as both say since when they hold."""
    if first is None or second is None or first.lastTransitionTime is None or second.lastTransitionTime is None:
        return None
    return (second.lastTransitionTime - first.lastTransitionTime).total_seconds()


def _number(text: str) -> int:
    return int(text) if len(text) < 10 and text.isascii() and text.isdigit() else 0
