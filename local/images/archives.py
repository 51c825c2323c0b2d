"""Names of finished archives, and which of them are kept."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from local.images.recipes import REPOSITORY

KEPT = 3
"""Archives kept of each image: the current one and two to go back to."""

_ARCHIVE = re.compile(r"(?P<name>[a-z]+)-(?P<hash>[0-9a-f]{12})(?P<suffix>\.tar|\.txt|)")


@dataclass(frozen=True)
class Image:
    """A built image: the reference its archive carries, and the archive (docker-archive)."""

    reference: str
    archive: Path


def image_at(folder: Path, name: str, fingerprint: str) -> Image:
    """The image of a fingerprint: tag and file name are its first twelve digits."""
    tag = fingerprint[:12]
    return Image(f"{REPOSITORY}/{name}:{tag}", folder / f"{name}-{tag}.tar")


def outdated(files: Iterable[tuple[str, float]], kept: int = KEPT) -> list[str]:
    """The names to remove, of (file name, time of last use): all but the latest ``kept`` of each image.

    A name that is not an archive's is never returned: the folder may hold what others put there.
    """
    ages: dict[str, list[tuple[float, str]]] = {}
    for name, used in files:
        match = _ARCHIVE.fullmatch(name)
        if match:
            ages.setdefault(match["name"] + match["suffix"], []).append((used, name))
    return sorted(name for group in ages.values() for _, name in sorted(group, reverse=True)[kept:])


def mark_used(path: Path) -> None:
    """Let pruning know that an archive is in use."""
    os.utime(path)
