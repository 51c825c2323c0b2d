"""What a decision asks for. Each is carried out only if what it was decided on still stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias


class Kind(Enum):
    """What an annotation is on."""

    POD = "pod"
    FLEET = "fleet"
    NODE = "node"


@dataclass(frozen=True, slots=True)
class Scale:
    """A Deployment gets another number of replicas."""

    deployment: str
    replicas: int
    generation: int
    """The specification that this was decided on."""


@dataclass(frozen=True, slots=True)
class Annotate:
    """Annotations are set; one of None goes."""

    kind: Kind
    name: str
    annotations: Mapping[str, str | None]
    seen: str | None = None
    """The resourceVersion that this was decided on; None for what may be said of any."""


@dataclass(frozen=True, slots=True)
class Cordon:
    """A node takes no more pods, or does again."""

    node: str
    cordoned: bool
    leaving: bool
    """By the controller's own wish."""
    seen: str


@dataclass(frozen=True, slots=True)
class Retire:
    """An idle instance leaves its fleet, to be deleted; never one that a player has."""

    instance: str


@dataclass(frozen=True, slots=True)
class Remove:
    """An instance that nobody can get any more is deleted."""

    instance: str


@dataclass(frozen=True, slots=True)
class Displace:
    """A placeholder is deleted, so that another comes elsewhere."""

    placeholder: str


@dataclass(frozen=True, slots=True)
class Free:
    """A pod whose node is gone is forgotten, if its node really is."""

    pod: str
    node: str


Action: TypeAlias = Scale | Annotate | Cordon | Retire | Remove | Displace | Free


@dataclass(frozen=True, slots=True)
class Notice:
    """What somebody should hear of: a Kubernetes Event."""

    reason: str
    """A word in Pascal case."""
    text: str
    fleet: str | None = None
    """The fleet that it is about; None for the whole."""
    about: str = ""
    """Which one of several, where they are no fleets: an application, a node, a pool, a cap."""
    warning: bool = False
