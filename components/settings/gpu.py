"""How instances share GPUs, and what each GPU model can bear: its memory, its video encoders, its partitions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from components.settings.reading import Reader, Refusals

GPU_RESOURCE = "nvidia.com/gpu"
"""What the device plugin calls a GPU, whole or a slot of one."""

MOST_SLOTS = 48

ENCODER_PIXELS_PER_SECOND = 480 * 1920 * 1080
"""What one encoder (NVENC) does at most: 480 full-HD frames per second with the fastest H.264 preset.

NVIDIA gives this figure since the second generation of its encoders; a better preset does less. The GPUs of servers
have no limit on sessions, so this is the only bound that encoders set.
https://docs.nvidia.com/video-technologies/video-codec-sdk/13.0/nvenc-application-note/index.html
"""

_PROFILE = r"\d+g\.\d+gb(\+[a-z.]+)?"
_PROFILE_FORM = 'a MIG profile such as "1g.24gb+gfx"'


class SharingMode(StrEnum):
    """How the instances of a node share its GPUs."""

    EXCLUSIVE = "exclusive"
    """One GPU for each instance."""
    TIME_SLICING = "time-slicing"
    """Instances take turns on a GPU; nothing keeps them apart in its memory."""
    MIG = "mig"
    """Each instance has a partition of a GPU, with memory and encoders of its own."""
    CPU = "cpu"
    """As many instances as their CPU requests allow; no GPU is requested, and each instance sees all of them."""


@dataclass(frozen=True)
class MigProfile:
    """One way to cut a GPU into equal partitions."""

    name: str
    per_gpu: int
    memory_gb: int
    """Of one partition."""
    encoders: int
    """Of one partition."""


@dataclass(frozen=True)
class Gpu:
    """A GPU model."""

    model: str
    memory_gb: int
    encoders: int
    """Video encoders (NVENC); without one there is no stream."""
    profiles: tuple[MigProfile, ...] = ()
    """Partitions that draw and encode. Those of A100 and H100 do neither."""


GPUS: Sequence[tuple[str, Gpu]] = (
    (r"(VM|BM)\.GPU2\.\d+", Gpu("P100", 16, 3)),
    (r"(VM|BM)\.GPU3\.\d+", Gpu("V100", 16, 3)),
    (r"(VM|BM)\.GPU\.A10\.\d+", Gpu("A10", 24, 1)),
    (r"(VM|BM)\.GPU\.L40S\.\d+", Gpu("L40S", 48, 3)),
    (
        r"BM\.GPU\.RTXPRO\.\d+",
        Gpu(
            "RTX PRO 6000",
            96,
            4,
            (
                MigProfile("1g.24gb+gfx", 4, 23, 1),
                MigProfile("2g.48gb+gfx", 2, 47, 2),
                MigProfile("4g.96gb+gfx", 1, 95, 4),
            ),
        ),
    ),
    (r"BM\.GPU(4|\.GM4|\.B4|\.A100-v2)\.\d+|VM\.GPU\.A100\..*", Gpu("A100", 40, 0)),
    (r"(VM|BM)\.GPU\.H100\.\d+", Gpu("H100", 80, 0)),
    (r"BM\.GPU\.H200\.\d+", Gpu("H200", 141, 0)),
    (r"BM\.GPU\.B[23]00(\.HS)?\.\d+", Gpu("B200 or B300", 180, 0)),
    (r"BM\.GPU\.GB[23]00.*", Gpu("GB200 or GB300", 180, 0)),
    (r"BM\.GPU\.MI3\d\dX.*", Gpu("Instinct", 192, 0)),
)
"""Shape (a pattern for its whole name) and the model of its GPUs. A shape that is not here is taken unchecked.

Shapes: https://docs.oracle.com/iaas/Content/Compute/References/computeshapes.htm#vm-gpu
Encoders: https://developer.nvidia.com/video-encode-decode-support-matrix
Partitions: https://docs.nvidia.com/datacenter/tesla/mig-user-guide/supported-mig-profiles.html
"""

_PREEMPTIBLE = r"VM\.GPU[23]\.\d+"
"""GPU shapes with preemptible capacity: https://docs.oracle.com/iaas/Content/Compute/Concepts/preemptible.htm"""


@dataclass(frozen=True)
class Sharing:
    """The `sharing` key of the GPU pool."""

    mode: SharingMode
    """What keeps instances on one GPU apart."""
    slots: int = 1
    """Instances of one GPU in the mode `time-slicing`."""
    profile: str | None = None
    """The partition of one instance in the mode `mig`."""

    @property
    def resource(self) -> str | None:
        """What one instance requests one of, by the device plugin's names; nothing in the mode `cpu`.

        With the strategy `mixed` each kind of partition has a name of its own, so that no instance gets a whole GPU by
        mistake: https://github.com/NVIDIA/k8s-device-plugin
        """
        if self.mode is SharingMode.CPU:
            return None
        return f"nvidia.com/mig-{self.profile.replace('+', '.')}" if self.profile else GPU_RESOURCE


def gpu_of(shape: str) -> Gpu | None:
    """The GPU model of a shape, if it is known."""
    return next((gpu for pattern, gpu in GPUS if re.fullmatch(pattern, shape)), None)


def profile_of(shape: str, sharing: Sharing) -> MigProfile | None:
    """The partition that a shape's GPUs are cut into, if it is known."""
    gpu = gpu_of(shape)
    return next((each for each in gpu.profiles if each.name == sharing.profile), None) if gpu else None


def slots_per_gpu(shape: str, sharing: Sharing) -> int | None:
    """How many instances the scheduler puts on one GPU; nothing where CPU requests decide it."""
    if sharing.mode is SharingMode.CPU:
        return None
    profile = profile_of(shape, sharing)
    return profile.per_gpu if profile else sharing.slots


def read_sharing(reader: Reader) -> Sharing:
    """Read the `sharing` key."""
    mode = reader.choice("mode", SharingMode, SharingMode.EXCLUSIVE)
    slots = reader.whole("slots", 2, MOST_SLOTS) if mode is SharingMode.TIME_SLICING else 1
    profile = reader.text("profile", _PROFILE, _PROFILE_FORM) if mode is SharingMode.MIG else None
    for key, owner in (("slots", SharingMode.TIME_SLICING), ("profile", SharingMode.MIG)):
        if reader.has(key) and mode is not owner:
            reader.refusals.add(
                reader.key(key), reader.values[key], f"nothing to the mode {mode}", f"Leave it out, or use {owner}"
            )
    reader.close()
    return Sharing(mode, slots, profile)


def check_gpu_shape(shape: str, refusals: Refusals) -> None:
    """Refuse GPUs without an encoder."""
    gpu = gpu_of(shape)
    if gpu and not gpu.encoders:
        refusals.add(
            "pixel:pools.gpu.shape",
            shape,
            f"a GPU without a video encoder ({gpu.model})",
            "Use a shape with A10 or L40S GPUs",
        )


def check_preemptible(shape: str, preemptible: bool, refusals: Refusals) -> None:
    """Refuse preemptible capacity where OCI has none."""
    if preemptible and not re.fullmatch(_PREEMPTIBLE, shape):
        refusals.add(
            "pixel:pools.gpu.preemptible",
            preemptible,
            f"nothing that OCI offers for {shape}",
            "Leave it out, or use a shape of VM.GPU2 or VM.GPU3",
        )


def check_partitions(shape: str, sharing: Sharing, refusals: Refusals) -> None:
    """Refuse partitions that the GPU cannot be cut into, or that cannot draw."""
    gpu = gpu_of(shape)
    if sharing.mode is not SharingMode.MIG or profile_of(shape, sharing):
        return
    able = [profile.name for profile in gpu.profiles] if gpu else []
    if gpu and able:
        remedy = f"Use one of {', '.join(able)}: without gfx it cannot draw"
        refusals.add(
            "pixel:pools.gpu.sharing.profile", sharing.profile, f"no partition of the {gpu.model} for instances", remedy
        )
    else:
        refusals.add(
            "pixel:pools.gpu.sharing.mode",
            sharing.mode.value,
            f"nothing that the {gpu.model if gpu else 'GPU'} of {shape} is known to do with graphics",
            "Use exclusive or time-slicing, or the shape BM.GPU.RTXPRO.8",
        )


def most_instances(gpu: Gpu, memory_mb: int, pixels_per_second: int) -> tuple[int, str]:
    """How many instances of a size one GPU bears, and what bounds them."""
    by_memory = gpu.memory_gb * 1024 // memory_mb
    by_encoders = gpu.encoders * ENCODER_PIXELS_PER_SECOND // pixels_per_second
    if by_memory <= by_encoders:
        return by_memory, f"memory: {gpu.memory_gb} GB"
    return by_encoders, f"video encoders: {gpu.encoders}"
