"""What a stack file says about capacity, read as plain YAML: its applications, their buffers, the GPU pool, prices.

What a stack file may hold is checked when it is previewed; here only what planning needs is looked for.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from capacity import shapes
from capacity.buffer import Buffer, Change
from capacity.schedules import Cron, Once, Schedule, Weekly, When
from capacity.shapes import Shape, Size

STACKS: Final = Path("stacks")
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class StackFileError(ValueError):
    """A stack file that cannot be planned from; the text names file, key and remedy."""


@dataclass(frozen=True)
class Application:
    """One entry of `apps`."""

    name: str
    weights: tuple[int, ...]
    """Of its versions, those that get sessions."""
    buffer: Buffer
    schedules: tuple[Schedule, ...]
    """The stack's, then its own: the last one that holds counts."""
    priority: int
    millicores: int
    """Of its own container, as the stack file has it."""
    mebibytes: int
    """The same."""
    gpu_mebibytes: int
    pixels_per_second: int

    @property
    def parts(self) -> tuple[float, ...]:
        """Of its players, for each of these versions."""
        return tuple(weight / sum(self.weights) for weight in self.weights)

    @property
    def size(self) -> Size:
        """One instance."""
        return Size(
            self.millicores + shapes.COMPANIONS_MILLICORES,
            self.mebibytes + shapes.COMPANIONS_MEBIBYTES,
            self.gpu_mebibytes,
            self.pixels_per_second,
        )


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
    timezone: str
    """Of schedules that name none, and of the days on which plans and simulations begin."""

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
        capacity = config.get("pixel:capacity") or {}
        timezone = capacity.get("timezone", "UTC")
        schedules = tuple(_schedule(each, timezone) for each in capacity.get("schedules") or ())
        return Stack(
            name=path.stem.removeprefix("Pulumi."),
            path=path,
            region=config["oci:region"],
            applications=tuple(_application(each, schedules, timezone) for each in config["pixel:apps"]),
            shape=gpu["shape"],
            slots_per_gpu=_slots_per_gpu(gpu.get("sharing") or {}),
            least_nodes=gpu["min"],
            most_nodes=gpu["max"],
            gpu_hour_price=float(monitoring.get("gpu_hour_price", 0.0)),
            currency=monitoring.get("currency", "USD"),
            timezone=timezone,
        )
    except KeyError as error:
        raise StackFileError(f"{path}: the key {error} is missing; `make preview` says what belongs there") from error
    except (ValueError, msgspec.ValidationError) as error:
        raise StackFileError(f"{path}: {error}; `make preview` names the key") from error


def _application(entry: Mapping[str, Any], schedules: tuple[Schedule, ...], timezone: str) -> Application:
    resources, picture, buffer = entry["resources"], entry["resolution"], entry["buffer"]
    own = tuple(_schedule(each, timezone) for each in buffer.get("schedule") or ())
    return Application(
        name=entry["name"],
        weights=tuple(each["weight"] for each in entry["versions"] if each["weight"]),
        buffer=msgspec.convert({key: value for key, value in buffer.items() if key != "schedule"}, Buffer),
        schedules=(*schedules, *own),
        priority=entry.get("priority", 0),
        millicores=millicores(str(resources["cpu"])),
        mebibytes=mebibytes(resources["memory"]),
        gpu_mebibytes=mebibytes(resources.get("gpu_memory", "2Gi")),
        pixels_per_second=picture["width"] * picture["height"] * picture["frame_rate"],
    )


def _schedule(entry: Mapping[str, Any], timezone: str) -> Schedule:
    name, when = _when(entry)
    change = {key: value for key, value in entry.items() if key not in _TIMES}
    return Schedule(name, when, entry.get("timezone", timezone), msgspec.convert(change, Change))


_TIMES: Final = ("when", "cron", "hours", "from", "until", "timezone")


def _when(entry: Mapping[str, Any]) -> tuple[str, When]:
    """What a schedule is called, and when it holds."""
    if "when" in entry:
        return entry["when"], _weekly(entry["when"])
    if "cron" in entry:
        hours = float(entry["hours"])
        return f"{entry['cron']} for {hours:g} h", Cron(entry["cron"], round(3600 * hours))
    start, end = (datetime.fromisoformat(entry[key]) for key in ("from", "until"))
    return f"{start:%Y-%m-%d %H:%M} until {end:%Y-%m-%d %H:%M}", Once(start, end)


def _weekly(text: str) -> Weekly:
    days, _, hours = text.partition(" ")
    start, _, end = hours.partition("-")
    held: set[int] = set()
    for part in ["Mon-Sun"] if days == "daily" else days.split(","):
        first, _, last = part.partition("-")
        day, until = DAYS.index(first), DAYS.index(last or first)
        # Fri-Mon goes over the weekend.
        held |= {each % 7 for each in range(day, until + 1 if day <= until else until + 8)}
    return Weekly(tuple(sorted(held)), time.fromisoformat(start), time.fromisoformat(end.replace("24:00", "00:00")))


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
