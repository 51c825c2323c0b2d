"""GPU shapes of Oracle Cloud: what a node has, and how many instances fit on it.

Shapes: https://docs.oracle.com/iaas/Content/Compute/References/computeshapes.htm#vm-gpu
GPU memory and encoders: where `components/settings/gpu.py` has them from. Of that, and of what stands beside an
application in its pod, a test compares what is here with what the program has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

ENCODER_PIXELS_PER_SECOND: Final = 480 * 1920 * 1080
"""What one video encoder does at most."""

CORES_PER_OCPU: Final = 2
"""Kubernetes counts threads, of which an OCPU of these shapes has two."""

SYSTEM_MILLICORES: Final = 200
"""What the pods of the system request on each GPU node: network, GPU plugin, exporters."""
SYSTEM_MEBIBYTES: Final = 1024
"""The same."""

COMPANIONS_MILLICORES: Final = 60
"""What sidecar and CPU exporter request in each instance, beside its application."""
COMPANIONS_MEBIBYTES: Final = 144
"""The same."""


@dataclass(frozen=True)
class Shape:
    """One node."""

    ocpus: int
    memory_gb: int
    gpus: int
    gpu_memory_gb: int
    """Of one GPU."""
    encoders: int
    """Of one GPU."""

    @property
    def millicores(self) -> int:
        """What is left for instances, less what OKE keeps for the kubelet.

        https://docs.oracle.com/iaas/Content/ContEng/Tasks/contengbestpractices_topic-Cluster-Management-best-practices.htm
        """
        cores = self.ocpus * CORES_PER_OCPU
        # 60m of the first core, 10m of the second, 5m each of the next two, 2.5m of each after that.
        kept = 60 + 10 * (cores > 1) + 5 * min(max(cores - 2, 0), 2) + 2.5 * max(cores - 4, 0)
        return int(1000 * cores - kept) - SYSTEM_MILLICORES

    @property
    def mebibytes(self) -> int:
        """What is left for instances: OKE keeps a quarter of the first 4 GiB, and less and less of what follows."""
        kept, left = 0.0, float(self.memory_gb)
        for size, share in ((4, 0.25), (4, 0.2), (8, 0.1), (112, 0.06), (float("inf"), 0.02)):
            part = min(left, size)
            kept, left = kept + part * share, left - part
        return int((self.memory_gb - kept) * 1024) - SYSTEM_MEBIBYTES


SHAPES: Final[Mapping[str, Shape]] = {
    "VM.GPU2.1": Shape(12, 72, 1, 16, 3),
    "BM.GPU2.2": Shape(28, 192, 2, 16, 3),
    "VM.GPU3.1": Shape(6, 90, 1, 16, 3),
    "VM.GPU3.2": Shape(12, 180, 2, 16, 3),
    "VM.GPU3.4": Shape(24, 360, 4, 16, 3),
    "BM.GPU3.8": Shape(52, 768, 8, 16, 3),
    "VM.GPU.A10.1": Shape(15, 240, 1, 24, 1),
    "VM.GPU.A10.2": Shape(30, 480, 2, 24, 1),
    "BM.GPU.A10.4": Shape(64, 1024, 4, 24, 1),
    "VM.GPU.L40S.1": Shape(27, 256, 1, 48, 3),
    "VM.GPU.L40S.2": Shape(54, 512, 2, 48, 3),
    "BM.GPU.L40S.4": Shape(112, 1024, 4, 48, 3),
}
"""A shape that is not here, such as the bare-metal one with RTX PRO 6000 GPUs, is planned for with its slots given."""


@dataclass(frozen=True)
class Size:
    """What one instance takes: its whole pod."""

    millicores: int
    mebibytes: int
    gpu_mebibytes: int
    pixels_per_second: int


@dataclass(frozen=True)
class Fit:
    """How many instances of a size one node holds, by each thing that they share."""

    by_cpu: int
    by_memory: int
    by_slots: int | None
    """None where no GPU is requested."""
    by_gpu_memory: int
    by_encoders: int

    @property
    def instances(self) -> int:
        """The least of them."""
        return min(self._bounds.values())

    @property
    def bound(self) -> str:
        """What runs out first."""
        return min(self._bounds, key=lambda each: self._bounds[each])

    @property
    def _bounds(self) -> dict[str, int]:
        named = {
            "GPU slots": self.by_slots,
            "CPU": self.by_cpu,
            "memory": self.by_memory,
            "GPU memory": self.by_gpu_memory,
            "encoders": self.by_encoders,
        }
        return {name: value for name, value in named.items() if value is not None}


def fit(shape: Shape, size: Size, slots_per_gpu: int | None) -> Fit:
    """How many instances fit; `slots_per_gpu` is the sharing mode's, None where CPU requests decide alone."""
    encoded = shape.encoders * ENCODER_PIXELS_PER_SECOND // size.pixels_per_second
    return Fit(
        by_cpu=shape.millicores // size.millicores,
        by_memory=shape.mebibytes // size.mebibytes,
        by_slots=None if slots_per_gpu is None else slots_per_gpu * shape.gpus,
        # GPUs are not shared across: what is left over on each is left over.
        by_gpu_memory=shape.gpu_memory_gb * 1024 // size.gpu_mebibytes * shape.gpus,
        by_encoders=encoded * shape.gpus,
    )
