"""A web page's sources with their packages and builds, in the cache: once for each content, whoever asks for it."""

import shutil
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

from local.paths import CHECKOUT, cache_root

_NOT_COPIED = ("node_modules", "dist")
_KEPT = 4
"""Folders of each kind that stay; the oldest beyond that go."""


@dataclass(frozen=True)
class Page:
    """A folder of the checkout with a ``package.json``."""

    name: str
    builds: tuple[str, ...] = ("build",)
    """Scripts of its ``package.json``."""

    @property
    def sources(self) -> Path:
        """Where it is."""
        return CHECKOUT / self.name

    def installed(self) -> Path:
        """A copy of it as it is now, with its packages."""
        root = cache_root() / f"{self.name}-page"
        root.mkdir(parents=True, exist_ok=True)
        with FileLock(root / ".lock"):
            packages = self._packages(root)
            folder = root / f"sources-{self._content()}"
            if not folder.is_dir():
                work = folder.with_suffix(".work")
                shutil.rmtree(work, ignore_errors=True)
                shutil.copytree(self.sources, work, ignore=shutil.ignore_patterns(*_NOT_COPIED))
                (work / "node_modules").symlink_to(packages)
                work.rename(folder)
            folder.touch()
            _prune(root, "sources-*")
        return folder

    def built(self) -> Path:
        """The same, with what the scripts make: the page in ``dist``."""
        folder = self.installed()
        with FileLock(folder.parent / f".{folder.name}.lock"):
            if not (folder / ".built").is_file():
                for script in self.builds:
                    npm(folder, "run", script)
                (folder / ".built").touch()
        return folder

    def _packages(self, root: Path) -> Path:
        """The packages of the lock file as it is now."""
        names = (".npmrc", "package.json", "package-lock.json")
        key = sha256(b"".join((self.sources / name).read_bytes() for name in names)).hexdigest()[:12]
        folder = root / f"packages-{key}"
        if not (folder / "node_modules/.package-lock.json").is_file():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            for name in names:
                shutil.copyfile(self.sources / name, folder / name)
            npm(folder, "ci")
        folder.touch()
        _prune(root, "packages-*")
        return folder / "node_modules"

    def _content(self) -> str:
        digest = sha256()
        for path in sorted(self.sources.rglob("*")):
            relative = path.relative_to(self.sources)
            if path.is_file() and not set(relative.parts).intersection(_NOT_COPIED):
                digest.update(f"{relative}\n{path.stat().st_size}\n".encode())
                digest.update(path.read_bytes())
        return digest.hexdigest()[:12]


OPERATOR = Page("operator")
PLAYER = Page("player", ("build", "build:embed"))
"""With the embedding package in ``embed/dist``."""


def npm(folder: Path, *arguments: str) -> str:
    """Run npm; its output is in the error where it fails."""
    done = subprocess.run(["npm", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"npm {' '.join(arguments)}:\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def _prune(root: Path, pattern: str) -> None:
    for old in sorted(root.glob(pattern), key=lambda each: each.stat().st_mtime)[:-_KEPT]:
        shutil.rmtree(old)
