"""What a build may see: exactly the files an image needs, named by one hash."""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

_SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "dist"})
_SKIPPED_SUFFIXES = (".pyc", ".test.ts", "Dockerfile")


@dataclass(frozen=True)
class File:
    """One file of a build: its path inside the context, and its content or where that is."""

    path: str
    content: bytes
    executable: bool = False


def tree(root: Path, folder: str) -> list[File]:
    """The files of a folder of the checkout, sorted by path; what tools leave behind and tests are left out."""
    start = root / folder
    found: list[File] = []
    for path in sorted(start.rglob("*")):
        parts = path.relative_to(start).parts
        if _SKIPPED_FOLDERS.intersection(parts) or path.name.endswith(_SKIPPED_SUFFIXES) or not path.is_file():
            continue
        found.append(single(root, str(path.relative_to(root))))
    return found


def single(root: Path, name: str) -> File:
    """One file of the checkout."""
    path = root / name
    return File(name, path.read_bytes(), bool(path.stat().st_mode & 0o100))


def fingerprint(files: Iterable[File], *keys: str) -> str:
    """The hash of a build: every file by path, mode and content, and the keys of what else goes into it.

    Times and owners do not count, so that a fresh clone finds what an older one built.
    """
    digest = sha256()
    for key in keys:
        digest.update(f"key {len(key)} {key}\n".encode())
    for file in sorted(files, key=lambda file: file.path):
        digest.update(f"file {file.path}\n{int(file.executable)} {len(file.content)}\n".encode())
        digest.update(file.content)
    return digest.hexdigest()


def write(files: Iterable[File], folder: Path) -> None:
    """Lay the files out in a folder, with the same modes whatever the umask."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(0o755 if file.executable else 0o644)
    for directory in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        directory.chmod(0o755)


def copy_folder(source: Path, target: Path) -> None:
    """A built folder into a context, with readable modes whatever the umask."""
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    for path in (target, *target.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
