"""Fleets: what a Deployment says about one."""

import re
from dataclasses import dataclass, field
from typing import Final

import msgspec
from lightkube.resources.apps_v1 import Deployment

from signalling.kubernetes.instances import APPLICATION_LABEL, DRAINING_ANNOTATION, VERSION_LABEL

WEIGHT_ANNOTATION: Final = "app.pixel/weight"
WEIGHT_OVERRIDE_ANNOTATION: Final = "app.pixel/weight-override"
"""By the fleet controller's rollback or an operator: goes before the weight for as long as it is there."""
ROLLED_BACK_ANNOTATION: Final = "app.pixel/rolled-back"
"""By the fleet controller: what was rolled back and why, as JSON."""
BUFFER_TARGET_ANNOTATION: Final = "app.pixel/buffer-target"
"""By the fleet controller: the warm instances that it keeps ready for players to come. It stays when that one goes."""
BUFFER_OVERRIDE_ANNOTATION: Final = "app.pixel/buffer-override"
"""By an operator: goes before the stack's buffer. The fleet controller takes it away when a deployment changes the
application's settings."""
PAUSED_ANNOTATION: Final = "app.pixel/paused"
DEFAULT_WEIGHT: Final = 100
"""Of a fleet that does not say a usable one: its players are not to pay for a slip of the pen."""
_WHOLE: Final = re.compile("[0-9]{1,6}")


class _Rollback(msgspec.Struct):
    """The part of ROLLED_BACK_ANNOTATION that people read."""

    why: str = ""


@dataclass(frozen=True, slots=True)
class Fleet:
    """One Deployment, as far as matching needs it."""

    name: str
    application: str
    version: str
    """The version's label."""
    stated: str | None
    """Its weight annotation as it stands."""
    weight_override: int | None = None
    """What goes before its weight."""
    rolled_back: str | None = None
    """Why the fleet controller gives it no new sessions."""
    paused: bool = False
    """An operator lets nobody new into the application."""
    drained: bool = False
    """An operator gives this version no new sessions."""
    buffer: int = field(default=0, compare=False)
    """Instances that it shall have, idle ones; it changes often, and is nothing new."""
    buffer_target: int | None = field(default=None, compare=False)
    """How many of them the fleet controller keeps, or the last one kept, for players to come; None where none did."""
    buffer_override: int | None = field(default=None, compare=False)
    """How many an operator asked for."""

    @property
    def stated_well(self) -> bool:
        """The annotation is a whole number from 0 to 999999."""
        return _number(self.stated) is not None

    @property
    def weight(self) -> int:
        """Its share of new sessions, relative to the application's other fleets; 0 gets none."""
        if self.weight_override is not None:
            return self.weight_override
        stated = _number(self.stated)
        return DEFAULT_WEIGHT if stated is None else stated


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
    said = meta.annotations or {}
    return Fleet(
        name=meta.name,
        application=application,
        version=version,
        stated=said.get(WEIGHT_ANNOTATION),
        weight_override=_number(said.get(WEIGHT_OVERRIDE_ANNOTATION)),
        rolled_back=_reason(said.get(ROLLED_BACK_ANNOTATION)),
        paused=said.get(PAUSED_ANNOTATION) == "true",
        drained=said.get(DRAINING_ANNOTATION) == "true",
        buffer=(deployment.spec.replicas if deployment.spec else None) or 0,
        buffer_target=_number(said.get(BUFFER_TARGET_ANNOTATION)),
        buffer_override=_number(said.get(BUFFER_OVERRIDE_ANNOTATION)),
    )


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and _WHOLE.fullmatch(text) else None


def _reason(text: str | None) -> str | None:
    """Why a version was rolled back; what is there and cannot be read counts, as it does for the controller."""
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=_Rollback).why
    except msgspec.DecodeError:
        return ""


def pause_patch(*, paused: bool) -> dict[str, object]:
    """A merge patch of a fleet whose application is paused, or goes on."""
    return {"metadata": {"annotations": {PAUSED_ANNOTATION: "true" if paused else None}}}


def drained_patch(*, drained: bool) -> dict[str, object]:
    """A merge patch of a fleet that gets no new sessions, or gets some again."""
    return {"metadata": {"annotations": {DRAINING_ANNOTATION: "true" if drained else None}}}


def buffer_patch(instances: int | None) -> dict[str, object]:
    """A merge patch of a fleet that is to keep so many warm instances, or what the stack says again (None)."""
    wanted = None if instances is None else str(instances)
    return {"metadata": {"annotations": {BUFFER_OVERRIDE_ANNOTATION: wanted}}}
