"""The built pages, player's and operator's, made by npm and Vite from their sources, only when these change."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from local.images import context
from local.images.errors import ImageError
from local.images.sandbox import run, run_as_root
from local.progress import Step

NODE = (20, 19)
"""The oldest Node.js that Vite runs on; the same as in each page's package.json."""

_FILES = (".npmrc", "index.html", "package-lock.json", "package.json", "tsconfig.json", "vite.config.ts")
_FOLDERS = ("src", "public")


def sources(checkout: Path, page: str) -> list[context.File]:
    """What a page (the name of its folder) is built from; the paths begin with that folder."""
    files = [context.single(checkout, f"{page}/{name}") for name in _FILES]
    for folder in _FOLDERS:
        files += context.tree(checkout, f"{page}/{folder}")
    return files


def key(files: Sequence[context.File]) -> str:
    """The hash that names a built page."""
    return context.fingerprint(files, "page")[:12]


def make(page: str, files: Sequence[context.File], target: Path, work: Path, step: Step) -> None:
    """Build a page into ``target``, in a folder of its own: the checkout's is not written to."""
    check_node()
    context.write(files, work)
    log = work.parent.parent / "logs" / f"{page}-page.log"
    # Needs no root; with it, a killed run takes npm and all it started along.
    start = run_as_root if os.geteuid() == 0 else run
    for command in (["npm", "ci"], ["npm", "run", "build"]):
        start(command, f"{' '.join(command)} of the {page} page", log, step, os.environ, folder=work / page)
    (work / page / "dist").replace(target)


def check_node() -> None:
    """Refuse, naming the remedy, where Node.js is missing or too old."""
    wanted = ".".join(map(str, NODE))
    if shutil.which("npm") is None or shutil.which("node") is None:
        raise ImageError(f"npm is not installed; install Node.js {wanted} or newer, the web pages are built with it")
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    if not recent(said):
        raise ImageError(f"Node.js is {said.strip() or 'of no known version'}; the web pages need {wanted} or newer")


def recent(version: str) -> bool:
    """Whether a ``node --version`` is one that builds the page."""
    match = re.match(r"v(\d+)\.(\d+)", version)
    return match is not None and (int(match[1]), int(match[2])) >= NODE
