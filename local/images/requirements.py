"""The Python packages of an image, from uv's lock, each with the hashes a build insists on."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from local.images.errors import ImageError


def export(checkout: Path, group: str, cache: Path, environment: Mapping[str, str] = os.environ) -> bytes:
    """A hashed requirements file for one dependency group; kept in ``cache`` for as long as the lock stays the same.

    Raises ``ImageError`` where uv is missing or the lock does not fit pyproject.toml.
    """
    key = sha256()
    for name in ("pyproject.toml", "uv.lock"):
        path = checkout / name
        if not path.is_file():
            raise ImageError(f"{name} is missing in {checkout}; run from a complete checkout of the project")
        key.update(path.read_bytes())
    kept = cache / f"{group}-{key.hexdigest()[:12]}.txt"
    if kept.is_file():
        return kept.read_bytes()
    text = _exported(checkout, group, environment)
    cache.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(f".{os.getpid()}.part")
    part.write_bytes(text)
    part.replace(kept)
    return text


def command(uv: str, group: str) -> list[str]:
    """The export of one group, without the addresses of any index and without the project itself."""
    flags = ("--locked", "--no-emit-project", "--no-header", "--no-annotate", "--quiet")
    return [uv, "export", "--only-group", group, *flags]


def _exported(checkout: Path, group: str, environment: Mapping[str, str]) -> bytes:
    uv = environment.get("UV") or shutil.which("uv", path=environment.get("PATH"))
    if uv is None:
        raise ImageError("uv is not installed; install it (pip install uv), it reads the locked versions of an image")
    result = subprocess.run(command(uv, group), cwd=checkout, capture_output=True, check=False, env=dict(environment))
    if result.returncode != 0:
        said = result.stderr.decode(errors="replace").strip()
        raise ImageError(f"uv could not export dependency group {group!r}: {said}\nRun `uv lock` if the lock is behind")
    return result.stdout
