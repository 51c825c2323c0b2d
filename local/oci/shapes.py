"""Compute shapes, and the Kubernetes versions that OKE offers.

Sources: https://docs.oracle.com/en-us/iaas/Content/Compute/References/computeshapes.htm and
https://docs.oracle.com/en-us/iaas/Content/ContEng/Concepts/contengaboutk8sversions.htm.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """One compute shape; of a flexible one the largest size, of another its size."""

    name: str
    ocpus: float
    memory_gb: float
    flexible: bool = False
    gpus: int = 0


MEMORY_PER_OCPU_GB = (1, 64)
"""Least and most memory of one OCPU of a flexible shape."""

_FLEXIBLE = (
    ("VM.Standard3.Flex", 32, 512),
    ("VM.Standard.E3.Flex", 64, 1024),
    ("VM.Standard.E4.Flex", 114, 1760),
    ("VM.Standard.E4.Ax.Flex", 114, 1760),
    ("VM.Standard.E5.Flex", 126, 2080),
    ("VM.Standard.E6.Flex", 126, 2080),
    ("VM.Standard.E6.Ax.Flex", 126, 2080),
    ("VM.Standard.x86.Generic", 126, 2080),
    ("VM.Standard.A1.Flex", 80, 1024),
    ("VM.Standard.A2.Flex", 78, 946),
    ("VM.Standard.A4.Flex", 78, 946),
    ("VM.Optimized3.Flex", 18, 256),
    ("VM.DenseIO.E4.Flex", 32, 512),
    ("VM.DenseIO.E5.Flex", 48, 576),
)

_FIXED = (
    *((f"VM.Standard1.{n}", n, 7 * n) for n in (1, 2, 4, 8, 16)),
    *((f"VM.Standard2.{n}", n, 15 * n if n < 24 else 320) for n in (1, 2, 4, 8, 16, 24)),
    *((f"VM.Standard.E2.{n}", n, 8 * n) for n in (1, 2, 4, 8)),
    *((f"VM.Standard.B1.{n}", n, 12 * n) for n in (1, 2, 4, 8, 16)),
    *((f"VM.DenseIO2.{n}", n, 15 * n if n < 24 else 320) for n in (8, 16, 24)),
    ("VM.Standard.E2.1.Micro", 1, 1),
    ("BM.Standard1.36", 36, 256),
    ("BM.Standard.B1.44", 44, 512),
    ("BM.Standard2.52", 52, 768),
    ("BM.Standard3.64", 64, 1024),
    ("BM.Standard.E2.64", 64, 512),
    ("BM.Standard.E3.128", 128, 2048),
    ("BM.Standard.E4.128", 128, 2048),
    ("BM.Standard.E5.192", 192, 2304),
    ("BM.Standard.E6.256", 256, 3072),
    ("BM.Standard.A1.160", 160, 1024),
    ("BM.Standard.A4.48", 48, 768),
    ("BM.DenseIO2.52", 52, 768),
    ("BM.DenseIO.E4.128", 128, 2048),
    ("BM.DenseIO.E5.128", 128, 1536),
    ("BM.Optimized3.36", 36, 512),
    ("BM.HPC2.36", 36, 384),
    ("BM.HPC.E5.144", 144, 768),
)

_GPU = (
    ("VM.GPU2.1", 12, 72, 1),
    ("BM.GPU2.2", 28, 192, 2),
    ("VM.GPU3.1", 6, 90, 1),
    ("VM.GPU3.2", 12, 180, 2),
    ("VM.GPU3.4", 24, 360, 4),
    ("BM.GPU3.8", 52, 768, 8),
    ("VM.GPU.A10.1", 15, 240, 1),
    ("VM.GPU.A10.2", 30, 480, 2),
    ("BM.GPU.A10.4", 64, 1024, 4),
    ("VM.GPU.L40S.1", 27, 256, 1),
    ("VM.GPU.L40S.2", 54, 512, 2),
    ("BM.GPU.L40S.4", 112, 1024, 4),
    ("VM.GPU.A100.40G.1", 15, 240, 1),
    ("VM.GPU.A100.80G.1", 15, 240, 1),
    ("VM.GPU.A100.B40G.1", 15, 240, 1),
    ("BM.GPU4.8", 64, 2048, 8),
    ("BM.GPU.A100-v2.8", 128, 2048, 8),
    ("BM.GPU.H100.8", 112, 2048, 8),
    ("BM.GPU.H200.8", 112, 3072, 8),
    ("BM.GPU.B200.8", 128, 4096, 8),
    ("BM.GPU.B300.8", 128, 4096, 8),
    ("BM.GPU.GB200.4", 144, 1024, 4),
    ("BM.GPU.GB200-v2.4", 144, 1024, 4),
    ("BM.GPU.GB300.4", 144, 1024, 4),
    ("BM.GPU.MI300X.8", 112, 2048, 8),
    ("BM.GPU.MI355X-v1.8", 128, 3072, 8),
)

SHAPES: dict[str, Shape] = (
    {name: Shape(name, ocpus, memory, flexible=True) for name, ocpus, memory in _FLEXIBLE}
    | {name: Shape(name, ocpus, memory) for name, ocpus, memory in _FIXED}
    | {name: Shape(name, ocpus, memory, gpus=gpus) for name, ocpus, memory, gpus in _GPU}
)
"""Every shape the simulation knows, by name."""

KUBERNETES_VERSIONS = ("v1.34.1", "v1.34.2", "v1.35.0", "v1.35.1", "v1.36.0", "v1.36.1")
"""What the option invokes list. A rule takes any patch of these three minors, since patches come monthly."""

NODE_POOL_SKEW = 3
"""How many minors a node pool may lag behind its cluster."""

_VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)")


def parse_version(text: str) -> tuple[int, int, int] | None:
    """``v1.36.1`` as numbers; None for what OKE would not take as a version."""
    found = _VERSION.fullmatch(text)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def supported_minors() -> tuple[tuple[int, int], ...]:
    """The minors of ``KUBERNETES_VERSIONS``, oldest first."""
    parsed = (parse_version(version) for version in KUBERNETES_VERSIONS)
    return tuple(sorted({version[:2] for version in parsed if version}))
