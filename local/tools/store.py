"""The cache of tools: one folder for each tool and key, put in place by one rename, under one lock."""

import hashlib
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from local.progress import Steps
from local.tools.catalogue import MODULES, Tool
from local.tools.errors import ToolError
from local.tools.locking import held

_STAGING: Final = ".staging-"
_RECEIPT: Final = "receipt.json"
_LOCK_FILE: Final = "lock.json"


@dataclass(frozen=True)
class Receipt:
    """Where a cached executable came from; ``size`` in bytes tells a file that was cut short."""

    tool: str
    version: str
    origin: str
    sha256: str
    size: int


def machine() -> str:
    """The system and processor that executables are for, as ``linux-amd64``; an unknown processor keeps its name."""
    processor = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return f"{platform.system().lower()}-{processor}"


def key(tool: Tool) -> str:
    """Names what a cached tool was made from: version, then a hash of its catalogue row, module files and machine."""
    digest = hashlib.sha256()
    row = asdict(tool) | {"fit": tool.fit.name, "machine": machine()}
    # What a row leaves out says nothing: a field that only some tools use leaves the other tools' keys as they are.
    row["source"] = {name: value for name, value in row["source"].items() if value}
    digest.update(json.dumps(row, sort_keys=True).encode())
    module = MODULES / tool.source.module
    for file in sorted(module.rglob("*")):
        if file.is_file():
            digest.update(f"\0{file.relative_to(module)}\0".encode())
            digest.update(file.read_bytes())
    return f"{tool.version}-{digest.hexdigest()[:12]}"


def sha256(file: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


@dataclass(frozen=True)
class Store:
    """Tools below ``root`` as ``<name>/<version>-<hash>/<name>``, each with a receipt; ``lock.json`` beside them."""

    root: Path

    def path(self, tool: Tool) -> Path:
        """Where the tool's executable is or will be."""
        return self.root / tool.name / key(tool) / tool.name

    def cached(self, tool: Tool) -> Path | None:
        """The tool's executable if it is here, whole and made from what the catalogue now says."""
        executable = self.path(tool)
        try:
            receipt = Receipt(**json.loads((executable.parent / _RECEIPT).read_text()))
            whole = executable.stat().st_size == receipt.size
        except (OSError, ValueError, TypeError):
            return None
        return executable if whole and os.access(executable, os.X_OK) else None

    def install(self, tool: Tool, executable: Path, origin: str, beside: tuple[Path, ...] = ()) -> Path:
        """Put an executable (and files that belong next to it) in place; the files are moved out of a staging folder.

        Call with the lock held. A reader sees the whole tool or none of it.
        """
        with self.staging() as staging:
            folder = staging / "tool"
            folder.mkdir()
            for file, name in ((executable, tool.name), *((file, file.name) for file in beside)):
                file.chmod(0o755)
                file.replace(folder / name)
            installed = folder / tool.name
            receipt = Receipt(tool.name, tool.version, origin, sha256(installed), installed.stat().st_size)
            (folder / _RECEIPT).write_text(json.dumps(asdict(receipt), indent=2) + "\n")
            target = self.path(tool).parent
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                # Not whole, or ``cached`` would have found it. Moved away first, as deleting takes more than a moment.
                target.replace(staging / "old")
            folder.replace(target)
        return self.path(tool)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder on the cache's own filesystem that is gone afterwards."""
        self.root.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=_STAGING, dir=self.root))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def locked(self, steps: Steps) -> Iterator[None]:
        """Hold the cache's lock, waiting for another run that holds it; sweeps what a killed run left half-made."""
        with held(self.root / ".lock", "Wait for another run that installs tools", steps):
            for folder in self.root.glob(f"{_STAGING}*"):
                shutil.rmtree(folder, ignore_errors=True)
            yield

    def record(self, url: str, digest: str) -> None:
        """Write down the digest of a verified download, and refuse one that differs from what was got before.

        The release's own checksum file stands next to the download, so it cannot tell a release that was replaced;
        this record can. Call with the lock held. ToolError if the digests differ.
        """
        file = self.root / _LOCK_FILE
        known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
        if known.setdefault(url, digest) != digest:
            raise ToolError(
                f"{url} is not the file it was before: {digest}, recorded {known[url]} in {file}. "
                "Find out why the release changed; remove its line there only if you trust the new one"
            )
        with self.staging() as staging:
            fresh = staging / _LOCK_FILE
            fresh.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
            fresh.replace(file)
