"""Fleets: what a Deployment says about one."""

import re
from dataclasses import dataclass, field
from typing import Final

from lightkube.resources.apps_v1 import Deployment

from signalling.kubernetes.instances import APPLICATION_LABEL, VERSION_LABEL

WEIGHT_ANNOTATION: Final = "app.pixel/weight"
PAUSED_ANNOTATION: Final = "app.pixel/paused"
DRAINED_ANNOTATION: Final = "app.pixel/drained"
DEFAULT_WEIGHT: Final = 100
"""Of a fleet that does not say a usable one: its players are not to pay for a slip of the pen."""
_WEIGHT: Final = re.compile("[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Fleet:
    """One Deployment, as far as matching needs it."""

    name: str
    application: str
    version: str
    """The version's label."""
    stated: str | None
    """Its weight annotation as it stands."""
    paused: bool = False
    """An operator lets nobody new into the application."""
    drained: bool = False
    """An operator gives this version no new sessions."""
    buffer: int = field(default=0, compare=False)
    """Instances that it shall have, idle ones; it changes often, and is nothing new."""

    @property
    def stated_well(self) -> bool:
        """The annotation is a whole number from 0 to 999999."""
        return self.stated is not None and _WEIGHT.fullmatch(self.stated) is not None

    @property
    def weight(self) -> int:
        """Its share of new sessions, relative to the application's other fleets; 0 gets none."""
        return int(self.stated) if self.stated is not None and self.stated_well else DEFAULT_WEIGHT


def fleet_of(deployment: Deployment) -> Fleet | None:
    """The fleet a Deployment is; None for one that is none (a label missing) or is being deleted.

    An instance claimed from a fleet that is being deleted could be collected with it, before it has left it.
    """
    meta = deployment.metadata
    if meta is None or meta.name is None or meta.deletionTimestamp is not None:
        return None
    labels = meta.labels or {}
    application, version = labels.get(APPLICATION_LABEL), labels.get(VERSION_LABEL)
    if application is None or version is None:
        return None
    annotations = meta.annotations or {}
    paused, drained = (annotations.get(key) == "true" for key in (PAUSED_ANNOTATION, DRAINED_ANNOTATION))
    buffer = (deployment.spec.replicas if deployment.spec else None) or 0
    return Fleet(meta.name, application, version, annotations.get(WEIGHT_ANNOTATION), paused, drained, buffer)


def pause_patch(*, paused: bool) -> dict[str, object]:
    """A merge patch of a fleet whose application is paused, or goes on."""
    return {"metadata": {"annotations": {PAUSED_ANNOTATION: "true" if paused else None}}}


def drained_patch(*, drained: bool) -> dict[str, object]:
    """A merge patch of a fleet that gets no new sessions, or gets some again."""
    return {"metadata": {"annotations": {DRAINED_ANNOTATION: "true" if drained else None}}}
