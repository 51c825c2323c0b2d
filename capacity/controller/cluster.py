"""The state that decisions are made from: everything frozen, nothing that needs Kubernetes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

import msgspec


class Stage(Enum):
    """How far an instance is."""

    UNPLACED = "unplaced"
    """No node has room for it yet."""
    STARTING = "starting"
    WARM = "warm"
    """Ready, and nobody's."""
    SESSION = "session"
    LEFT = "left"
    """It has left its fleet, and nobody has deleted it yet."""
    ENDING = "ending"
    """It is going, whatever it did before."""


class Tally(msgspec.Struct, frozen=True):
    """Sessions that ended."""

    ended: int = 0
    failed: int = 0
    """By their instance's fault."""
    bad: int = 0
    """With a picture that a player would complain of."""

    def plus(self, other: "Tally") -> "Tally":
        """Both together."""
        return Tally(self.ended + other.ended, self.failed + other.failed, self.bad + other.bad)

    def since(self, other: "Tally") -> "Tally":
        """What came after an earlier count."""
        return Tally(self.ended - other.ended, self.failed - other.failed, self.bad - other.bad)


@dataclass(frozen=True, slots=True)
class Instance:
    """One pod of an application."""

    name: str
    application: str
    version: str
    stage: Stage
    node: str | None = None
    pinned: bool = False
    """The autoscaler is told to leave it alone."""
    players: int = 0
    """Of one that several share; it stays in its fleet meanwhile."""
    draining: bool = False
    """Matchmakers give it no more players, and take it out of its fleet when the last has left."""

    @property
    def idle(self) -> bool:
        """It belongs to its fleet: warm, or on its way there."""
        return self.stage in (Stage.UNPLACED, Stage.STARTING, Stage.WARM)

    @property
    def played_on(self) -> bool:
        """A player has it, or several do."""
        return self.stage is Stage.SESSION or (self.idle and self.players > 0)


@dataclass(frozen=True, slots=True)
class Rollback:
    """What a version was rolled back for; as long as both still hold, it stays so."""

    weight: str
    """The weight that the program stated."""
    revision: str
    """The template that ran."""
    at: str
    """ISO 8601 time."""
    why: str


@dataclass(frozen=True, slots=True)
class Fleet:
    """One Deployment of a version's instances."""

    name: str
    application: str
    version: str
    replicas: int
    generation: int
    """The number of its specification: a change of replicas counts only for the one that was looked at."""
    seen: str = ""
    """The object's resourceVersion: a change of annotations counts only for the one that was looked at."""
    weight: int = 100
    """What the program states."""
    stated: str = "100"
    """The same as it stands."""
    weight_override: int | None = None
    buffer_override: int | None = None
    buffer_target: int | None = None
    """What was last said of it to operators."""
    rollback: Rollback | None = None
    revision: str = "1"
    paused: bool = False
    """Its application is, whatever its other fleets say."""
    draining: bool = False
    empty: bool = False

    @property
    def share(self) -> int:
        """Its weight as matchmakers take it; nothing while it drains."""
        if self.draining:
            return 0
        return self.weight if self.weight_override is None else self.weight_override


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the GPU or the TURN pool."""

    name: str
    created: datetime
    seen: str = ""
    """The object's resourceVersion."""
    ready: bool = True
    cordoned: bool = False
    leaving: bool = False
    """The controller has cordoned it, to give it back."""
    draining: bool = False
    """An operator wants it free."""
    empty: bool = False
    slots: int | None = None
    """Instances that fit it by CPU and memory; none where that is not known."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One placeholder pod."""

    name: str
    node: str | None
    running: bool
    cheap: bool = False
    """Its deletion cost is set so that it goes first."""


@dataclass(frozen=True, slots=True)
class Placeholders:
    """The Deployment of a pool's placeholders."""

    name: str
    replicas: int
    generation: int
    pods: tuple[Placeholder, ...] = ()


@dataclass(frozen=True, slots=True)
class Relay:
    """What a TURN node carries."""

    allocations: int
    bits_per_second: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """Everything at one moment."""

    fleets: tuple[Fleet, ...] = ()
    instances: tuple[Instance, ...] = ()
    gpu_nodes: tuple[Node, ...] = ()
    turn_nodes: tuple[Node, ...] = ()
    gpu_placeholders: Placeholders | None = None
    turn_placeholders: Placeholders | None = None
    waiting: Mapping[str, int] = field(default_factory=dict)
    """Players who wait, by application."""
    relays: Mapping[str, Relay] = field(default_factory=dict)
    """By TURN node; those that did not answer are missing."""
    ended: Mapping[str, Mapping[str, Tally]] = field(default_factory=dict)
    """Sessions that each matchmaker has counted since its start, by `application/version`."""

    @property
    def busy(self) -> tuple[Instance, ...]:
        """Instances with a session."""
        return tuple(each for each in self.instances if each.stage is Stage.SESSION)

    def sessions(self, application: str) -> int:
        """Instances of an application with a session."""
        return sum(each.application == application for each in self.busy)
