"""The Debian base of the local images: made by debootstrap, kept as an archive of its files."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.images import mirror, pip_settings, recipes
from local.images.sandbox import run_as_root
from local.progress import Step

_SETTINGS: Mapping[str, str] = {
    # A package's service must not start inside a build: the build's processes are the machine's.
    "usr/sbin/policy-rc.d": "#!/bin/sh\nexit 101\n",
    "etc/dpkg/dpkg.cfg.d/image": "force-unsafe-io\n"
    "path-exclude=/usr/share/doc/*\npath-include=/usr/share/doc/*/copyright\n"
    "path-exclude=/usr/share/man/*\npath-exclude=/usr/share/info/*\npath-exclude=/usr/share/locale/*\n"
    "path-exclude=/usr/share/lintian/*\n",
    "etc/apt/apt.conf.d/image": 'APT::Install-Recommends "false";\nAcquire::Languages "none";\n'
    'Dir::Cache::pkgcache "";\nDir::Cache::srcpkgcache "";\n',
}

_STRIPPED: Sequence[str] = (
    "etc/resolv.conf",
    "etc/hostname",
    "etc/machine-id",
    "usr/share/man/*",
    "usr/share/info/*",
    "usr/share/locale/*",
    "usr/share/lintian/*",
    "usr/share/bash-completion",
    "var/cache/apt/*",
    "var/cache/debconf/*-old",
    "var/lib/apt/lists/*",
    "var/lib/dpkg/*-old",
    "var/log/*",
    "tmp/*",
    "dev/*",
)


def mirror_sources(environment: Mapping[str, str] = os.environ) -> list[mirror.Source]:
    """The machine's Debian mirrors for the base's release; ``PIXEL_DEBIAN_MIRROR`` names another one."""
    named = environment.get("PIXEL_DEBIAN_MIRROR")
    if named:
        return [mirror.Source(named.rstrip("/"), recipes.DEBIAN_SUITE)]
    return mirror.debian_sources(mirror.read_sources(), mirror.read_os_release(), recipes.DEBIAN_SUITE)


def script(sources: Sequence[mirror.Source], root: Path, archive: Path, certificates: Path | None) -> str:
    """The shell script that makes the base's files below ``root`` and packs them into ``archive``.

    No folder of the machine is mounted below ``root``: packages that are set up there would write into it.
    """
    where = shlex.quote(str(root))
    suite = recipes.DEBIAN_SUITE
    address = [source.address for source in sources if source.suite == suite][:1]
    include = ",".join(sorted(recipes.BASE_PACKAGES))
    bootstrap = ["debootstrap", "--variant=minbase", f"--include={include}", suite, str(root), *address]
    lines = ["set -eu", "umask 022", "export DEBIAN_FRONTEND=noninteractive LC_ALL=C", shlex.join(bootstrap)]
    lines += [_written(root / name, text) for name, text in _SETTINGS.items()]
    lines.append(f"chmod 755 {where}/usr/sbin/policy-rc.d")
    if sources:
        lines += [
            f"rm -f {where}/etc/apt/sources.list",
            _written(root / f"etc/apt/sources.list.d/{suite}.sources", mirror.sources_text(sources)),
        ]
    lines += [
        f"mount -t proc proc {where}/proc",
        *_apt(where, certificates),
        f"umount {where}/proc",
        f"find {where}/usr/share/doc -type f ! -name copyright -delete",
        f"find {where}/usr/share/doc -type l -delete",
        f"cd {where} && rm -rf {' '.join(_STRIPPED)} && cd /",
        f"tar --numeric-owner --sort=name -C {where} -cf {shlex.quote(str(archive))} .",
    ]
    return "\n".join(lines) + "\n"


def _apt(where: str, certificates: Path | None) -> list[str]:
    """Security updates from inside the base; an https mirror of a company is trusted through a copy of its keys."""
    if certificates is None:
        return [f"chroot {where} apt-get -q {verb}" for verb in ("update", "-y dist-upgrade")]
    copy = "run/certificates.pem"
    apt = f"chroot {where} apt-get -q -o Acquire::https::CaInfo=/{copy}"
    return [
        f"cp {shlex.quote(str(certificates))} {where}/{copy}",
        f"{apt} update",
        f"{apt} -y dist-upgrade",
        f"rm {where}/{copy}",
    ]


def _written(path: Path, text: str) -> str:
    name = shlex.quote(str(path))
    return f"mkdir -p {shlex.quote(str(path.parent))} && printf %s {shlex.quote(text)} > {name}"


def make(archive: Path, work: Path, step: Step) -> None:
    """Make the base's archive (about half a minute and 150 MB); it appears whole or not at all."""
    part = work / archive.name
    text = script(mirror_sources(), work / "root", part, pip_settings.certificates(os.environ))
    what = "making the Debian base (debootstrap; PIXEL_DEBIAN_MIRROR names another mirror)"
    run_as_root(("sh", "-c", text), what, work.parent / "logs" / "base.log", step, os.environ)
    part.replace(archive)
