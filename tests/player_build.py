"""The player's own tools, in a copy outside the checkout: installed once for each lock file, for tests and checks."""

import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

from local.paths import CHECKOUT, cache_root

PLAYER = CHECKOUT / "player"
_NOT_COPIED = ("node_modules", "dist")


def installed() -> Path:
    """A copy of ``player`` as it is now, with its packages."""
    lock = (PLAYER / "package-lock.json").read_bytes()
    folder = cache_root() / "player" / sha256(lock + (PLAYER / "package.json").read_bytes()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        for old in folder.iterdir():
            if old.name == "node_modules":
                continue
            shutil.rmtree(old) if old.is_dir() else old.unlink()
        ignore = shutil.ignore_patterns(*_NOT_COPIED)
        shutil.copytree(PLAYER, folder, ignore=ignore, dirs_exist_ok=True)
        if not (folder / "node_modules/.package-lock.json").is_file():
            npm(folder, "ci")
    return folder


def npm(folder: Path, *arguments: str) -> str:
    """Run npm; its output is in the error where it fails."""
    done = subprocess.run(["npm", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"npm {' '.join(arguments)}:\n{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    return done.stdout
