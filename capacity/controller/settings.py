"""The controller's settings: what the stack decides in a JSON file, where things are from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from capacity.buffer import Buffer, Count
from capacity.schedules import Schedule
from signalling.shell import environment
from signalling.shell.environment import SettingError, require

Share = Annotated[float, Meta(ge=0, le=1)]


class Sessions(Enum):
    """Whether players share instances."""

    EXCLUSIVE = "exclusive"
    SHARED = "shared"
    """Their number is the horizontal autoscaler's business, not the controller's."""


class Application(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One application."""

    name: str
    buffer: Buffer = Buffer()
    priority: int = 0
    """Of two the higher one gets a slot first where the pool is full."""
    sessions: Sessions = Sessions.EXCLUSIVE
    schedule: tuple[Schedule, ...] = ()


class GpuPool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The nodes that instances run on."""

    max_nodes: Annotated[int, Meta(ge=1)]
    slots_per_node: Annotated[int, Meta(ge=1)] | None = None
    """None where CPU and memory decide it: then what nodes tell counts."""
    gpus_per_node: Count = 1
    slot_cpu: Count = 0
    """What one instance requests, in thousandths of a core."""
    slot_memory: Count = 0
    """The same in MiB."""


class TurnPool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The nodes that relay media, and what one of them is to carry."""

    min_nodes: Count
    max_nodes: Annotated[int, Meta(ge=1)]
    allocations: Annotated[int, Meta(ge=1)]
    """Of one node at most."""
    bits_per_second: Annotated[float, Meta(gt=0)]
    """The same."""
    metrics_port: int = 9000


class Budget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """GPU hours of a day; None is no limit."""

    soft: Annotated[float, Meta(ge=0)] | None = None
    """From here on nothing is kept ready."""
    hard: Annotated[float, Meta(ge=0)] | None = None
    """From here on no instance is started."""


class RollbackRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a version is rolled back by itself."""

    margin: Share
    """By so much its share of failed (or of bad) sessions exceeds that of the application's other versions."""
    sessions: Annotated[int, Meta(ge=5)]
    """That both must have had."""
    risk: Annotated[float, Meta(gt=0, lt=0.5)]
    """The chance that a version is rolled back that does not exceed it."""


class StackSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's content."""

    platform_namespace: str
    instances_namespace: str
    matchmakers: str
    """Where every matchmaker tells its status: a URL whose host has the address of each."""
    applications: tuple[Application, ...]
    gpu: GpuPool
    turn: TurnPool | None = None
    """None where its size is not the controller's business."""
    schedules: tuple[Schedule, ...] = ()
    """For every application; its own go before them."""
    timezone: str = "UTC"
    """Whose midnight begins the budget's day."""
    budget: Budget = Budget()
    rollback: RollbackRule | None = None
    """None rolls nothing back."""

    @property
    def shared(self) -> frozenset[str]:
        """The applications whose players share instances."""
        return frozenset(each.name for each in self.applications if each.sessions is Sessions.SHARED)


@dataclass(frozen=True, slots=True)
class ControllerSettings:
    """From the environment: ``CONTROLLER_<FIELD>``. Every default is what the cluster uses."""

    settings: Path = Path("/etc/pixel/controller.json")
    """The file with StackSettings."""
    name: str = "fleet-controller"
    """Of the Lease, of the ConfigMap with what is remembered, and of the Deployment that events are about."""
    identity: str = ""
    """Tells the replicas apart: the pod's name."""
    health_host: str = "0.0.0.0"
    health_port: int = 9000
    lease_seconds: float = 15.0
    """After so long without a word from the leader another takes over."""
    renew_seconds: float = 4.0
    """How often the leader says a word."""
    settle_seconds: float = 0.05
    """After a change, before deciding: changes come in swarms."""
    poll_seconds: float = 1.0
    """How often matchmakers are asked who waits; also the longest time between two decisions."""
    relay_seconds: float = 10.0
    """How often TURN nodes are asked what they carry."""
    save_seconds: float = 15.0
    """How often what is to be remembered is written down."""
    log_level: str = "info"

    def __post_init__(self) -> None:
        require(0 <= self.health_port <= 65535, "health_port", self.health_port, "give a port from 0 to 65535")
        for key in ("lease_seconds", "renew_seconds", "poll_seconds", "relay_seconds", "save_seconds"):
            require(getattr(self, key) > 0, key, getattr(self, key), "give a number above 0")
        require(
            2 * self.renew_seconds < self.lease_seconds,
            "renew_seconds",
            self.renew_seconds,
            "give less than half of lease_seconds",
        )


def read(environ: Mapping[str, str]) -> ControllerSettings:
    """The settings in ``environ``; SettingError names what is wrong. ``CONTROLLER_SETTINGS`` is the file."""
    return environment.read(ControllerSettings, "CONTROLLER_", environ)


def read_stack(path: Path) -> StackSettings:
    """The settings file; SettingError names the file and what is wrong in it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=StackSettings)
    except OSError as error:
        raise SettingError(f"{path}: {error.strerror}; set CONTROLLER_SETTINGS to the settings file") from error
    except msgspec.DecodeError as error:
        raise SettingError(f"{path}: {error}; correct the ConfigMap it comes from") from error
