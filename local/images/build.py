"""Builds what is missing of the images, and nothing else."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from local.images import base, buildah, context, page, requirements
from local.images.archives import Image, image_at, mark_used, outdated
from local.images.errors import ImageError
from local.images.recipes import FORMAT, RECIPES, Recipe, base_key
from local.images.sandbox import check_machine
from local.paths import CHECKOUT, cache_root, images_dir
from local.progress import Step, Steps

NEEDED_BYTES = 3 * 1024**3
"""Room a first build takes at its height: the base, the layers of three images and their archives."""

LOCK_SECONDS = 1800
_WORK = ".work-"


@dataclass(frozen=True)
class Planned:
    """One image of this checkout: what goes into it, and what it is called because of that."""

    recipe: Recipe
    files: tuple[context.File, ...]
    pages: Mapping[str, tuple[context.File, ...]]
    """The sources of each of its pages."""
    image: Image


def build_images(steps: Steps) -> dict[str, Image]:
    """The images of this checkout by name (signalling, streamer, turn), built where an input has changed.

    Raises ``ImageError`` with the remedy. Nothing half-made stays after an error, an interrupt or a kill.
    """
    planned = plan(CHECKOUT, images_dir())
    if missing(planned):
        check_machine()
        if any(not _page_folder(*its).is_dir() for each in missing(planned) for its in each.pages.items()):
            page.check_node()
        with _locked(images_dir()) as work:
            _build(missing(planned), work, steps)
            _prune(images_dir())
    for each in planned:
        mark_used(each.image.archive)
    return {each.recipe.name: each.image for each in planned}


def plan(checkout: Path, folder: Path, recipes: Sequence[Recipe] = RECIPES) -> list[Planned]:
    """What this checkout's images are made of and called; reads files only."""
    planned: list[Planned] = []
    for recipe in recipes:
        files = [file for package in recipe.packages for file in context.tree(checkout, package)]
        dockerfile = context.single(checkout, recipe.dockerfile)
        if recipe.group is not None:
            exported = requirements.export(checkout, recipe.group, folder / "requirements")
            files.append(context.File(f"build/requirements/{recipe.group}.txt", exported))
        pages = {name: tuple(page.sources(checkout, name)) for name in recipe.pages}
        sources = [file for each in pages.values() for file in each]
        fingerprint = context.fingerprint([*files, *sources, dockerfile], FORMAT, base_key())
        image = image_at(folder, recipe.name, fingerprint)
        planned.append(Planned(recipe, (*files, dockerfile), pages, image))
    return planned


def missing(planned: Sequence[Planned]) -> list[Planned]:
    """The images without an archive. An archive is put in place whole, so its presence is enough."""
    return [each for each in planned if not each.image.archive.is_file()]


@contextmanager
def _locked(folder: Path) -> Iterator[Path]:
    """One build at a time; a work folder of its own on the same disk, removed whatever happens."""
    folder.mkdir(parents=True, exist_ok=True)
    check_room(shutil.disk_usage(folder).free, folder)
    try:
        with FileLock(folder / ".lock", timeout=LOCK_SECONDS):
            for left in folder.glob(f"{_WORK}*"):
                shutil.rmtree(left)
            shutil.rmtree(folder / "logs", ignore_errors=True)
            work = Path(tempfile.mkdtemp(prefix=_WORK, dir=folder))
            try:
                yield work
            finally:
                shutil.rmtree(work)
    except Timeout as error:
        raise ImageError(
            f"another build has held {folder / '.lock'} for {LOCK_SECONDS // 60} minutes; let it end, or end it"
        ) from error


def check_room(free: int, folder: Path) -> None:
    """Refuse, before anything is made, where the disk has too little room."""
    if free < NEEDED_BYTES:
        have, need = free / 1024**3, NEEDED_BYTES / 1024**3
        raise ImageError(
            f"building images needs {need:.0f} GiB free in {folder}, there are {have:.1f}; "
            "free some, or set PIXEL_CACHE to a folder on a larger disk"
        )


def _build(planned: Sequence[Planned], work: Path, steps: Steps) -> None:
    archive = images_dir() / f"base-{base_key()}.tar"
    if planned and not archive.is_file():
        with steps.step("Debian base for the images") as step:
            base.make(archive, work, step)
    storage: buildah.Storage | None = None
    for each in planned:
        for name, files in each.pages.items():
            if not _page_folder(name, files).is_dir():
                with steps.step(f"{name} page") as step:
                    page.make(name, files, _page_folder(name, files), work / f"page-{name}", step)
        with steps.step(f"image {each.recipe.name}") as step:
            storage = storage or buildah.opened(cache_root() / "buildah", work, step)
            _build_image(each, storage, archive, step)


def _page_folder(name: str, files: Sequence[context.File]) -> Path:
    return images_dir() / f"{name}-{page.key(files)}"


def _build_image(each: Planned, storage: buildah.Storage, archive: Path, step: Step) -> None:
    folder = storage.work / f"context-{each.recipe.name}"
    context.write(each.files, folder)
    for name, files in each.pages.items():
        mark_used(_page_folder(name, files))
        context.copy_folder(_page_folder(name, files), folder / name / "dist")
    reference = buildah.import_base(storage, archive, step)
    mark_used(archive)
    buildah.build(storage, each.image, folder / each.recipe.dockerfile, folder, base=reference, step=step)


def _prune(folder: Path) -> None:
    for place in (folder, folder / "requirements"):
        place.mkdir(exist_ok=True)
        names = [(path.name, path.stat().st_mtime) for path in place.iterdir()]
        for name in outdated(names):
            path = place / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
