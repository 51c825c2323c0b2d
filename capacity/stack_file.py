"""What a stack file says about capacity, read as plain YAML: its applications, their buffers, the GPU pool, prices.

What a stack file may hold is checked when it is previewed; here only what planning needs is looked for.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import yaml

from capacity import shapes
from capacity.shapes import Shape, Size

STACKS: Final = Path("stacks")
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class StackFileError(ValueError):
    """A stack file that cannot be planned from; the text names file, key and remedy."""


@dataclass(frozen=True)
class ServiceLevel:
    """A buffer by what it is to promise."""

    chance: float
    """That a player finds something ready."""
    arrivals_per_hour: float
    start_seconds: float
    provision_seconds: float


@dataclass(frozen=True)
class Weekly:
    """What a schedule puts in place of the same keys of a buffer, at some hours of some days."""

    days: frozenset[int]
    """From Monday, 0."""
    start: str
    """Of the clock, such as 08:00."""
    end: str
    timezone: str
    change: Mapping[str, float]

    def holds(self, time: datetime) -> bool:
        """Whether it does at a time, which knows its zone."""
        local = time.astimezone(ZoneInfo(self.timezone))
        clock, today, yesterday = f"{local:%H:%M}", local.weekday(), (local.weekday() - 1) % 7
        if self.start < self.end:
            return today in self.days and self.start <= clock < self.end
        # Past midnight: of the day's evening, or of the night after the day before.
        return (today in self.days and clock >= self.start) or (yesterday in self.days and clock < self.end)


@dataclass(frozen=True)
class Buffer:
    """What an application keeps ready. Of the ways to say how much the one that asks for most counts."""

    instances: float = 0
    """Warm instances of each version."""
    percent: float = 0
    """The same in percent of the application's sessions."""
    nodes: float = 0
    """Nodes' worth of free slots."""
    nodes_percent: float = 0
    """Free slots in percent of the application's sessions."""
    service_level: ServiceLevel | None = None
    schedule: tuple[Weekly, ...] = ()
    """Weeks' own; what happens once, or by a cron expression, is left out of a plan."""

    def at(self, time: datetime) -> "Buffer":
        """As the schedule has it at a time."""
        change = {key: value for each in self.schedule if each.holds(time) for key, value in each.change.items()}
        arrivals, level = change.pop("arrivals_per_hour", None), self.service_level
        if arrivals is not None and level is not None:
            level = replace(level, arrivals_per_hour=arrivals)
        return replace(
            self,
            instances=change.get("instances", self.instances),
            percent=change.get("percent", self.percent),
            nodes=change.get("nodes", self.nodes),
            nodes_percent=change.get("nodes_percent", self.nodes_percent),
            service_level=level,
        )


@dataclass(frozen=True)
class Application:
    """One entry of `apps`."""

    name: str
    weights: tuple[int, ...]
    """Of its versions, those that get sessions."""
    buffer: Buffer
    millicores: int
    mebibytes: int
    gpu_mebibytes: int
    pixels_per_second: int

    @property
    def size(self) -> Size:
        """One instance."""
        return Size(self.millicores, self.mebibytes, self.gpu_mebibytes, self.pixels_per_second)


@dataclass(frozen=True)
class Stack:
    """A stack file."""

    name: str
    path: Path
    region: str
    applications: tuple[Application, ...]
    shape: str
    slots_per_gpu: int | None
    """None where CPU requests decide how many instances a node has. Of partitions the stack file tells no number."""
    least_nodes: int
    most_nodes: int
    gpu_hour_price: float
    currency: str

    @property
    def known_shape(self) -> Shape:
        """The node of the GPU pool.

        Raises:
            StackFileError: for a shape that is not in the table.
        """
        if self.shape not in shapes.SHAPES:
            raise StackFileError(
                f"{self.path}: pixel:pools.gpu.shape is {self.shape}: nothing is known of it here. "
                f"Known: {', '.join(shapes.SHAPES)}; else give --slots and --gpus"
            )
        return shapes.SHAPES[self.shape]

    @property
    def slots(self) -> int:
        """Instances of one node: of the largest application, where they differ."""
        return min(shapes.fit(self.known_shape, each.size, self.slots_per_gpu).instances for each in self.applications)


def path_of(stack: str, folder: Path = STACKS) -> Path:
    """A stack's file, by the stack's name or its own."""
    path = Path(stack)
    return path if path.suffix in (".yaml", ".yml") else folder / f"Pulumi.{stack}.yaml"


def read(stack: str, folder: Path = STACKS) -> Stack:
    """Read a stack file.

    Raises:
        StackFileError: for one that is not there, or lacks what planning needs.
    """
    path = path_of(stack, folder)
    try:
        config = yaml.safe_load(path.read_text())["config"]
    except OSError as error:
        raise StackFileError(f"{path}: {error.strerror}; name a stack of {folder}, or a file") from error
    except (yaml.YAMLError, TypeError, KeyError) as error:
        raise StackFileError(f"{path} is no stack file: it needs a mapping `config` ({error})") from error
    return stack_of(path, config)


def stack_of(path: Path, config: Mapping[str, Any]) -> Stack:
    """The part of a stack's configuration that planning needs."""
    try:
        gpu, monitoring = config["pixel:pools"]["gpu"], config.get("pixel:monitoring") or {}
        timezone = (config.get("pixel:capacity") or {}).get("timezone", "UTC")
        return Stack(
            name=path.stem.removeprefix("Pulumi."),
            path=path,
            region=config["oci:region"],
            applications=tuple(_application(each, timezone) for each in config["pixel:apps"]),
            shape=gpu["shape"],
            slots_per_gpu=_slots_per_gpu(gpu.get("sharing") or {}),
            least_nodes=gpu["min"],
            most_nodes=gpu["max"],
            gpu_hour_price=float(monitoring.get("gpu_hour_price", 0.0)),
            currency=monitoring.get("currency", "USD"),
        )
    except KeyError as error:
        raise StackFileError(f"{path}: the key {error} is missing; `make preview` says what belongs there") from error


def _application(entry: Mapping[str, Any], timezone: str) -> Application:
    resources, picture = entry["resources"], entry["resolution"]
    return Application(
        name=entry["name"],
        weights=tuple(each["weight"] for each in entry["versions"] if each["weight"]),
        buffer=_buffer(entry["buffer"], timezone),
        millicores=millicores(str(resources["cpu"])),
        mebibytes=mebibytes(resources["memory"]),
        gpu_mebibytes=mebibytes(resources.get("gpu_memory", "2Gi")),
        pixels_per_second=picture["width"] * picture["height"] * picture["frame_rate"],
    )


def _buffer(entry: Mapping[str, Any], timezone: str) -> Buffer:
    level = entry.get("service_level")
    weekly = [each for each in entry.get("schedule") or () if "when" in each]
    return Buffer(
        **{key: float(entry.get(key, 0)) for key in ("instances", "percent", "nodes", "nodes_percent")},
        service_level=ServiceLevel(**{key: float(value) for key, value in level.items()}) if level else None,
        schedule=tuple(_weekly(each, timezone) for each in weekly),
    )


def _weekly(entry: Mapping[str, Any], timezone: str) -> Weekly:
    days, _, hours = entry["when"].partition(" ")
    start, _, end = hours.partition("-")
    held: set[int] = set()
    for part in ["Mon-Sun"] if days == "daily" else days.split(","):
        first, _, last = part.partition("-")
        day, until = DAYS.index(first), DAYS.index(last or first)
        # Fri-Mon goes over the weekend.
        held |= {each % 7 for each in range(day, until + 1 if day <= until else until + 8)}
    change = {key: float(value) for key, value in entry.items() if key not in ("when", "timezone")}
    return Weekly(frozenset(held), start, end, entry.get("timezone", timezone), change)


def _slots_per_gpu(sharing: Mapping[str, Any]) -> int | None:
    mode = sharing.get("mode", "exclusive")
    if mode == "cpu":
        return None
    return int(sharing["slots"]) if mode == "time-slicing" else 1


def millicores(quantity: str) -> int:
    """A CPU quantity in thousandths of a core."""
    return int(quantity[:-1]) if quantity.endswith("m") else round(float(quantity) * 1000)


def mebibytes(quantity: str) -> int:
    """A size in MiB or GiB, in MiB."""
    return math.ceil(int(quantity[:-2]) * (1024 if quantity.endswith("Gi") else 1))
