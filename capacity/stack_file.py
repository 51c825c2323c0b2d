"""What a stack file says about capacity, read as plain YAML: its applications, their buffers, the GPU pool, prices.

What a stack file may hold is checked when it is previewed; here only what planning needs is looked for.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from capacity import shapes
from capacity.shapes import Shape, Size

STACKS: Final = Path("stacks")


class StackFileError(ValueError):
    """A stack file that cannot be planned from; the text names file, key and remedy."""


@dataclass(frozen=True)
class Application:
    """One entry of `apps`."""

    name: str
    weights: tuple[int, ...]
    """Of its versions, those that get sessions."""
    instances: int
    """Warm instances of each version."""
    nodes: int
    """Nodes' worth of free slots."""
    service_level: float | None
    """The chance that a player finds something ready, where the buffer says one."""
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
        return Stack(
            name=path.stem.removeprefix("Pulumi."),
            path=path,
            region=config["oci:region"],
            applications=tuple(_application(each) for each in config["pixel:apps"]),
            shape=gpu["shape"],
            slots_per_gpu=_slots_per_gpu(gpu.get("sharing") or {}),
            least_nodes=gpu["min"],
            most_nodes=gpu["max"],
            gpu_hour_price=float(monitoring.get("gpu_hour_price", 0.0)),
            currency=monitoring.get("currency", "USD"),
        )
    except KeyError as error:
        raise StackFileError(f"{path}: the key {error} is missing; `make preview` says what belongs there") from error


def _application(entry: Mapping[str, Any]) -> Application:
    buffer, resources, picture = entry["buffer"], entry["resources"], entry["resolution"]
    level = (buffer.get("service_level") or {}).get("chance")
    return Application(
        name=entry["name"],
        weights=tuple(each["weight"] for each in entry["versions"] if each["weight"]),
        instances=int(buffer.get("instances", 0)),
        nodes=int(buffer.get("nodes", 0)),
        service_level=None if level is None else float(level),
        millicores=millicores(str(resources["cpu"])),
        mebibytes=mebibytes(resources["memory"]),
        gpu_mebibytes=mebibytes(resources.get("gpu_memory", "2Gi")),
        pixels_per_second=picture["width"] * picture["height"] * picture["frame_rate"],
    )


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
