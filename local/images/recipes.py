"""What each image is made of, as data."""

import platform
from dataclasses import dataclass
from hashlib import sha256

REPOSITORY = "localhost/pixel"
"""Where local images live: a name no registry answers to, so that nothing is ever pulled or pushed by accident."""

FORMAT = "1"
"""Part of every hash; raised when the way of building changes without a change of any input."""


@dataclass(frozen=True)
class Recipe:
    """One image: its Dockerfile and what of the checkout the Dockerfile copies (paths relative to the checkout)."""

    name: str
    dockerfile: str
    packages: tuple[str, ...] = ()
    """Python packages copied whole, by their folders."""
    group: str | None = None
    """Dependency group of pyproject.toml, exported with hashes to ``build/requirements/<group>.txt``."""
    pages: tuple[str, ...] = ()
    """Web pages of which the build is copied, from ``<page>/dist``."""


RECIPES: tuple[Recipe, ...] = (
    Recipe("capacity", "capacity/Dockerfile", packages=("capacity", "signalling/shell"), group="capacity"),
    Recipe(
        "signalling",
        "signalling/Dockerfile",
        packages=("signalling", "streamer/cpu_exporter"),
        group="signalling",
        pages=("player", "operator"),
    ),
    Recipe("streamer", "streamer/Dockerfile", packages=("streamer",), group="streamer"),
    Recipe("turn", "signalling/turn/Dockerfile"),
)

DEBIAN_SUITE = "bookworm"
"""The release whose Python is the one of pyproject.toml and of the Dockerfiles' default base (3.11)."""

BASE_PACKAGES: tuple[str, ...] = ("ca-certificates", "python-is-python3", "python3-minimal", "python3-venv")
"""What the base has beyond a minimal Debian; venv carries the pip with which a build stage installs."""


def base_key() -> str:
    """The hash that names the base: release, packages and machine, not the mirror they came from."""
    parts = (FORMAT, DEBIAN_SUITE, platform.machine(), *sorted(BASE_PACKAGES))
    return sha256("\n".join(parts).encode()).hexdigest()[:12]
