"""Which stacks a set of changed files touches, so that a pull request previews those and no other.

Standard library only: CI asks before anything is installed.
"""

import subprocess
from collections.abc import Iterable
from fnmatch import fnmatchcase

from local.paths import CHECKOUT

STACK_FILES = CHECKOUT / "stacks"

EVERY_STACK = (
    "__main__.py",
    "Pulumi.yaml",
    "components/*",
    "manifests/*",
    # The SDKs' versions decide what reaches the engine.
    "pyproject.toml",
    "uv.lock",
)
"""What every stack is made from. `*` matches across folders."""

LOCAL_STACK = (
    # Elsewhere images are named by tag, and a change reaches a stack when its file names a new one.
    "signalling/*",
    "streamer/*",
    "capacity/*",
    "player/*",
    "operator/*",
    ".dockerignore",
    "local/images/*",
)
"""What is built into the images of the local stack, which are named by their content."""

LOCAL = "local"


def stack_names() -> list[str]:
    """The stacks that have a file in ``stacks/``, sorted."""
    return sorted(path.name.removeprefix("Pulumi.").removesuffix(".yaml") for path in STACK_FILES.glob("Pulumi.*.yaml"))


def touched(changed: Iterable[str], stacks: Iterable[str]) -> tuple[str, ...]:
    """The stacks, in their order, that any of the changed files (paths in the checkout) touches.

    A stack whose file was deleted is not among ``stacks`` and so is never touched; it has no preview either.
    """
    files = tuple(changed)
    known = tuple(stacks)
    if _any(files, EVERY_STACK):
        return known
    own = {f"stacks/Pulumi.{stack}.yaml": stack for stack in known}
    found = {own[file] for file in files if file in own}
    if _any(files, LOCAL_STACK):
        found.add(LOCAL)
    return tuple(stack for stack in known if stack in found)


def _any(files: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(file, pattern) for file in files for pattern in patterns)


def changed_since(base: str) -> list[str]:
    """The files that differ between the checkout's commit and where it left ``base``; both names of a renamed file.

    Raises ``ValueError`` with git's own words, such as for an unknown revision.
    """
    command = ["git", "diff", "--name-only", "--no-renames", "-z", f"{base}...HEAD", "--"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValueError(f"git cannot compare with {base!r}: {done.stderr.strip()}")
    return [file for file in done.stdout.split("\0") if file]
