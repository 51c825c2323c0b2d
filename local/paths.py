"""Where the local stack keeps its files: one cache folder outside the checkout, keyed by version."""

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
"""The root of this checkout."""


def cache_root() -> Path:
    """The folder that holds everything the local stack keeps.

    ``PIXEL_CACHE`` overrides the default, ``$XDG_CACHE_HOME/pixel-streaming-oke``.
    """
    override = os.environ.get("PIXEL_CACHE")
    if override:
        return Path(override).absolute()
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "pixel-streaming-oke"


def tools_dir() -> Path:
    """Executables, as ``<name>/<version>/<name>``; kept when the stack goes."""
    return cache_root() / "tools"


def images_dir() -> Path:
    """Container images as archives, named by the hash of what they were built from; kept when the stack goes."""
    return cache_root() / "images"


def charts_dir() -> Path:
    """Helm charts as their makers publish them, as ``<name>-<version>.tgz``; kept when the stack goes."""
    return cache_root() / "charts"


def cluster_dir() -> Path:
    """Everything of the running cluster (etcd's data, containerd's root, keys, logs); removed when it stops."""
    return cache_root() / "cluster"


def stacks_dir() -> Path:
    """Pulumi state and the simulated OCI's state, one folder a stack; removed by destroy."""
    return cache_root() / "stacks"
