"""Instances: what a pod says about one, and the patch that claims it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from lightkube.resources.core_v1 import Pod

APPLICATION_LABEL: Final = "app.pixel/app"
VERSION_LABEL: Final = "app.pixel/version"
POOL_LABEL: Final = "app.pixel/pool"
SESSION_LABEL: Final = "app.pixel/session"
STARTED_ANNOTATION: Final = "app.pixel/session-started"
PLAYER_ANNOTATION: Final = "app.pixel/player"


class Pool(Enum):
    """Which pool an instance is in: its fleet's, or on its own with a session."""

    IDLE = "idle"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Instance:
    """One pod, as far as matching needs it."""

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
    """The object's resourceVersion: equal or not, nothing more."""
    annotated: bool
    """It has annotations, to which a patch can add."""

    @property
    def usable(self) -> bool:
        """A player could be connected to it."""
        return self.ready and not self.going and self.address is not None

    @property
    def available(self) -> bool:
        """It can be claimed."""
        return self.usable and self.pool is Pool.IDLE


def instance_of(pod: Pod) -> Instance | None:
    """The instance a pod is; None for a pod that is none (a label missing, a pool we do not know)."""
    meta = pod.metadata
    if meta is None or meta.name is None:
        return None
    labels = meta.labels or {}
    pools = {pool.value: pool for pool in Pool}
    pool = pools.get(labels.get(POOL_LABEL, ""))
    application, version = labels.get(APPLICATION_LABEL), labels.get(VERSION_LABEL)
    if pool is None or application is None or version is None:
        return None
    conditions = (pod.status.conditions if pod.status else None) or []
    return Instance(
        name=meta.name,
        application=application,
        version=version,
        pool=pool,
        address=pod.status.podIP if pod.status else None,
        ready=any(condition.type == "Ready" and condition.status == "True" for condition in conditions),
        going=meta.deletionTimestamp is not None,
        revision=meta.resourceVersion or "",
        annotated=bool(meta.annotations),
    )


def claim_patch(instance: Instance, session: str, player: str, started: str) -> list[dict[str, object]]:
    """The JSON patch that takes an instance out of its fleet for a session; ``started`` is an ISO 8601 time.

    Its ``test`` makes the claim atomic: of several that arrive for one pod the API server carries out the first only.
    """
    annotations = {STARTED_ANNOTATION: started, PLAYER_ANNOTATION: player}
    return [
        {"op": "test", "path": _label(POOL_LABEL), "value": Pool.IDLE.value},
        {"op": "replace", "path": _label(POOL_LABEL), "value": Pool.SESSION.value},
        {"op": "add", "path": _label(SESSION_LABEL), "value": session},
        *_annotate(annotations, instance.annotated),
    ]


def _annotate(annotations: Mapping[str, str], has_some: bool) -> list[dict[str, object]]:
    if not has_some:
        return [{"op": "add", "path": "/metadata/annotations", "value": dict(annotations)}]
    return [
        {"op": "add", "path": f"/metadata/annotations/{_pointer(key)}", "value": value}
        for key, value in annotations.items()
    ]


def _label(key: str) -> str:
    return f"/metadata/labels/{_pointer(key)}"


def _pointer(key: str) -> str:
    """A key as one part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
