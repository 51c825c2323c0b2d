"""Buildah on a storage of its own, below the cache: no registry, no daemon, nothing left elsewhere."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from local.images import pip_settings
from local.images.archives import Image
from local.images.errors import ImageError
from local.images.recipes import REPOSITORY, base_key
from local.images.sandbox import run_as_root
from local.progress import Step

LAYERS_KEPT = 80
"""Layers after which the storage starts anew: they only save time, and each source change adds some."""

_NOTES = Path("/var/lib")
"""Below it buildah notes which layers a registry has, whatever its root; nothing of that is to stay."""

_LIST = ("images", "--quiet")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Storage:
    """Buildah's storage and the folder of the running build, whose contents go when the build ends."""

    root: Path
    work: Path
    driver: str

    def run(self, arguments: Sequence[str], what: str, step: Step) -> None:
        """Run buildah; its temporary files and its mounts stay in the folder of this build."""
        temporary = self.work / "tmp"
        temporary.mkdir(exist_ok=True)
        environment = dict(os.environ) | {"TMPDIR": str(temporary)}
        log = self.work.parent / "logs" / "buildah.log"
        hidden = () if self.work.is_relative_to(_NOTES) else (_NOTES,)
        run_as_root((*self.command(), *arguments), what, log, step, environment, hidden=hidden)

    def answers(self, arguments: Sequence[str], step: Step) -> bool:
        """Whether buildah succeeds at something that changes nothing."""
        try:
            self.run(arguments, "asking buildah", step)
        except ImageError:
            return False
        return True

    def command(self) -> list[str]:
        """Buildah with this storage."""
        folders = ("--root", str(self.root), "--runroot", str(self.work / "run"))
        return ["buildah", *folders, "--storage-driver", self.driver]


def opened(folder: Path, work: Path, step: Step) -> Storage:
    """The storage for a build: the overlay driver where the file system has it, else plain copies.

    A storage that has grown, or that a killed run left unreadable, is begun anew; it holds nothing but saved time.
    """
    driver = "overlay" if Storage(work / "probe", work, "overlay").answers(_LIST, step) else "vfs"
    storage = Storage(folder / driver, work, driver)
    layers = folder / driver / driver
    if layers.is_dir() and (len(list(layers.iterdir())) > LAYERS_KEPT or not storage.answers(_LIST, step)):
        shutil.rmtree(folder / driver)
    storage.root.mkdir(parents=True, exist_ok=True)
    storage.run(("rm", "--all"), "clearing buildah's storage", step)
    return storage


def import_base(storage: Storage, archive: Path, step: Step) -> str:
    """The base as an image of this storage; its reference."""
    reference = f"{REPOSITORY}/base:{base_key()}"
    if storage.answers(("inspect", "--type", "image", "--format", "{{.FromImageID}}", reference), step):
        return reference
    what = "importing the Debian base"
    name = "pixel-base"
    storage.run(("from", "--name", name, "scratch"), what, step)
    storage.run(("add", "--quiet", name, str(archive), "/"), what, step)
    storage.run(("config", "--env", f"PATH={_PATH}", "--cmd", '["sh"]', name), what, step)
    storage.run(("commit", "--quiet", "--rm", name, reference), what, step)
    return reference


def secrets(work: Path) -> list[str]:
    """Options that lend a build this machine's way to the package registries; the files go with the build."""
    certificates = pip_settings.certificates(os.environ)
    found = pip_settings.settings(pip_settings.read_files(os.environ), os.environ)
    path = work / "pip.conf"
    path.touch(mode=0o600)
    path.write_text(pip_settings.file_text(found, certificates is not None), encoding="utf-8")
    options = ["--secret", f"id=pip,src={path}"]
    if certificates is not None:
        options += ["--secret", f"id=certificates,src={certificates}"]
    return options


def build(storage: Storage, image: Image, dockerfile: Path, context: Path, *, base: str, step: Step) -> None:
    """Build an image from a Dockerfile and pack it into its archive, which appears whole or not at all."""
    options = ["--isolation", "chroot", "--ulimit", "nofile=1024:4096", "--layers", "--force-rm", "--pull-never"]
    source = ["--build-arg", f"BASE={base}", *secrets(storage.work), "--file", str(dockerfile), str(context)]
    storage.run(("bud", *options, "--tag", image.reference, *source), f"building {image.reference}", step)
    part = storage.work / image.archive.name
    part.unlink(missing_ok=True)
    storage.run(("push", "--quiet", image.reference, f"docker-archive:{part}:{image.reference}"), "packing", step)
    if not part.is_file():
        raise ImageError(f"buildah packed no archive for {image.reference}; the disk of {part.parent} may be full")
    part.replace(image.archive)
