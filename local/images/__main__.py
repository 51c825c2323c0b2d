"""``python -m local.images``: build the local images; ``prepare``: what `docker build` needs beside the checkout."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from local.images import ImageError, build_images, context, page, requirements
from local.images.recipes import RECIPES
from local.paths import CHECKOUT, images_dir
from local.progress import Steps


def prepare(steps: Steps) -> None:
    """Write the locked requirements and the built pages where the Dockerfiles look for them."""
    folder = CHECKOUT / "build/requirements"
    folder.mkdir(parents=True, exist_ok=True)
    for recipe in RECIPES:
        if recipe.group is not None:
            exported = requirements.export(CHECKOUT, recipe.group, images_dir() / "requirements")
            (folder / f"{recipe.group}.txt").write_bytes(exported)
    for name in sorted({name for recipe in RECIPES for name in recipe.pages}):
        with steps.step(f"{name} page") as step, tempfile.TemporaryDirectory() as work:
            built = Path(work) / "dist"
            page.make(name, page.sources(CHECKOUT, name), built, Path(work) / "page", step)
            shutil.rmtree(CHECKOUT / name / "dist", ignore_errors=True)
            context.copy_folder(built, CHECKOUT / name / "dist")


def main() -> int:
    """Run a command; an error a person can mend is one message, not a traceback."""
    parser = argparse.ArgumentParser(prog="python -m local.images", description=__doc__)
    parser.add_argument("command", nargs="?", choices=("build", "prepare"), default="build")
    command = parser.parse_args().command
    try:
        if command == "prepare":
            prepare(Steps())
            return 0
        for name, image in build_images(Steps()).items():
            print(f"{name} {image.reference} {image.archive} {image.archive.stat().st_size / 1e6:.0f} MB")
    except ImageError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
