"""The Debian packages that the local stack and its tests use, and their installation.

``python -m local.tools.packages [group …]`` installs the named groups, all of them if none is named.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.paths import cache_root
from local.progress import Step, Steps
from local.tools.errors import ToolError
from local.tools.locking import held
from local.tools.policy import POLICY, is_ours, services_kept_down
from local.tools.running import CommandError, lines

CLUSTER: Final = "cluster"
IMAGES: Final = "images"
TURN: Final = "turn"
BROWSER: Final = "browser"
MONITORING: Final = "monitoring"
REDIS: Final = "redis"
GROUPS: Final = (CLUSTER, IMAGES, TURN, BROWSER, MONITORING, REDIS)

_TAIL: Final = 12
_SYSTEM_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Package:
    """A Debian package: the group that needs it, what for, and what shows that its content is here without it.

    ``proof`` names commands, or absolute paths of files. ``services`` are systemd units that the package would start at
    every boot; where this module installs the package they are disabled, for the stack starts its own.
    """

    name: str
    group: str
    reason: str
    proof: tuple[str, ...]
    services: tuple[str, ...] = ()


PACKAGES: Final = (
    Package("containerd", CLUSTER, "runs the node's containers", ("containerd", "ctr"), ("containerd.service",)),
    Package("runc", CLUSTER, "starts a container for containerd and buildah", ("runc",)),
    Package(
        "containernetworking-plugins",
        CLUSTER,
        "gives pods their network",
        ("/usr/lib/cni/ptp", "/usr/lib/cni/host-local", "/usr/lib/cni/portmap", "/usr/lib/cni/loopback"),
    ),
    Package("iptables", CLUSTER, "kube-proxy's and the CNI plugins' rules", ("iptables",)),
    Package("conntrack", CLUSTER, "shows and clears the connections that the node's kernel tracks", ("conntrack",)),
    Package("iproute2", CLUSTER, "interfaces, routes and network namespaces", ("ip",)),
    Package("util-linux", CLUSTER, "enters the node's namespaces", ("nsenter", "unshare", "setpriv")),
    Package("mount", CLUSTER, "mounts of the node and of the kubelet", ("mount", "umount")),
    Package("catatonit", CLUSTER, "the process that holds a pod's namespaces", ("catatonit",)),
    Package("buildah", IMAGES, "builds the images from the Dockerfiles", ("buildah",)),
    Package("debootstrap", IMAGES, "makes the Debian base of the images", ("debootstrap",)),
    Package("coturn", TURN, "a TURN server for tests without a cluster", ("turnserver",), ("coturn.service",)),
    Package("chromium", BROWSER, "the browser of the browser tests", ("chromium",)),
    Package(
        "fonts-dejavu-core", BROWSER, "Chromium draws no text without a font", ("/usr/share/fonts/truetype/dejavu",)
    ),
    Package(
        "prometheus-alertmanager",
        MONITORING,
        "shows whom an alert reaches",
        ("prometheus-alertmanager", "amtool"),
        ("prometheus-alertmanager.service",),
    ),
    Package(
        "prometheus-node-exporter",
        MONITORING,
        "tells Prometheus of a node's interfaces and sockets",
        ("prometheus-node-exporter",),
        ("prometheus-node-exporter.service",),
    ),
    Package(
        "redis-server",
        REDIS,
        "what several matchmakers share, in tests",
        ("redis-server", "redis-cli"),
        ("redis-server.service",),
    ),
)


def ensure_packages(steps: Steps, groups: Iterable[str] = (CLUSTER, IMAGES)) -> None:
    """Install what is missing of the groups' packages, saying which and what for; nothing where all are here.

    The default groups are what a local stack needs; TURN, BROWSER, MONITORING and REDIS are for tests.
    ToolError names the packages to install by hand where this cannot be done: no root, no apt, apt's own failure.
    """
    wanted = chosen(groups)
    absent = _absent(wanted)
    root = os.geteuid() == 0
    if not absent:
        if root and is_ours():
            with _lock(steps):
                POLICY.unlink(missing_ok=True)
        return
    require_apt(absent, root=root, apt=shutil.which("apt-get") is not None)
    with _lock(steps):
        # Another run may have installed them while this one waited.
        if absent := _absent(wanted):
            install(absent, steps)


def install(absent: Sequence[Package], steps: Steps, policy: Path = POLICY) -> None:
    """Install packages with apt, saying which and what for, and start none of their services; ToolError if apt fails.

    ``policy`` is where invoke-rc.d looks for its policy.
    """
    for package in absent:
        steps.console.print(f"           {package.name}: {package.reason}", markup=False)
    with steps.step(f"Install {len(absent)} Debian packages") as step, services_kept_down(policy):
        if not _known_to_apt(absent):
            _apt(["update"], absent, step, last=True)
        command = ["install", *_INSTALL, *_names(absent)]
        try:
            try:
                _apt(command, absent, step)
            except _Repairable as problem:
                problem.repair(absent, step)
                _apt(command, absent, step, last=True)
        finally:
            # After a failure too: it may have come after the service's package.
            _disable_services(absent)


def chosen(groups: Iterable[str]) -> tuple[Package, ...]:
    """The packages of the named groups; ToolError if a group does not exist."""
    names = set(groups)
    if unknown := sorted(names - set(GROUPS)):
        raise ToolError(f"there is no package group {unknown[0]!r}; there are {', '.join(GROUPS)}")
    return tuple(package for package in PACKAGES if package.group in names)


def missing(
    packages: Sequence[Package], states: Mapping[str, str], is_here: Callable[[str], bool]
) -> tuple[Package, ...]:
    """The packages to install, from dpkg's state of each (no entry: dpkg does not know it).

    A package that dpkg left half-way is missing. One that is not installed is not missing where another brings what it
    would bring (Docker's own containerd.io has containerd, and the two packages exclude each other).
    """
    absent_states = {"not-installed", "config-files"}

    def present(package: Package) -> bool:
        state = states.get(package.name, "not-installed")
        return state == "installed" or (state in absent_states and all(map(is_here, package.proof)))

    return tuple(package for package in packages if not present(package))


def require_apt(absent: Sequence[Package], *, root: bool, apt: bool) -> None:
    """ToolError with what to do by hand if packages cannot be installed from here."""
    names = " ".join(_names(absent))
    if not apt:
        raise ToolError(
            "these Debian packages, or what they hold, are missing and there is no apt-get to install them: "
            + "; ".join(f"{package.name} ({', '.join(package.proof)})" for package in absent)
        )
    if not root:
        raise ToolError(
            f"Debian packages are missing and only root can install them; run: "
            f"sudo apt-get install --no-install-recommends {names}"
        )


def dpkg_states(names: Iterable[str]) -> dict[str, str]:
    """What dpkg says of each package it knows: installed, config-files, half-configured …; nothing without dpkg."""
    if shutil.which("dpkg-query") is None:
        return {}
    answer = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n", *names],
        capture_output=True,
        text=True,
        check=False,  # It ends with 1 where it does not know one of them, and still names the others.
    )
    # A package installed for several architectures has several lines; one installed copy is enough.
    rows = [line.split() for line in answer.stdout.splitlines()]
    return {row[0]: row[1] for row in sorted(rows, key=lambda row: row[-1] == "installed") if len(row) == 2}


_INSTALL: Final = (
    "-y",
    "--no-install-recommends",
    # Never at the price of a package that is in use, such as Docker's.
    "--no-remove",
    "-o",
    "Dpkg::Options::=--force-confold",
)
_APT: Final = (
    # apt closes its status descriptor to the package scripts, which need their standard output.
    *("sh", "-c", 'exec "$@" 3>&1', "sh"),
    *("apt-get", "-q", "-o", "APT::Status-Fd=3", "-o", "DPkg::Lock::Timeout=300", "-o", "Dpkg::Use-Pty=0"),
)
_ENVIRONMENT: Final = {
    "LC_ALL": "C",
    "DEBIAN_FRONTEND": "noninteractive",
    # Ubuntu would otherwise restart services of the machine that use a library just upgraded.
    "NEEDRESTART_SUSPEND": "1",
    # invoke-rc.d starts nothing in this runlevel.
    "RUNLEVEL": "1",
}


@dataclass
class _Repairable(Exception):
    """apt failed for a reason that has a known repair."""

    repair: Callable[[Sequence[Package], Step], None]


def _apt(arguments: Sequence[str], absent: Sequence[Package], step: Step, *, last: bool = False) -> None:
    tail: deque[str] = deque(maxlen=_TAIL)
    try:
        # Killed in the middle, dpkg would leave half-installed packages to the user.
        output = lines([*_APT, *arguments], folder=Path("/"), environment=os.environ | _ENVIRONMENT, finish=True)
        with closing(output):
            for line in output:
                if (state := progress(line)) is not None:
                    step.update(*state)
                elif line.strip() and not line.startswith("pmerror:"):
                    tail.append(line)
    except CommandError as error:
        said = "\n  ".join(tail)
        repair = _repair_for(said)
        if repair is not None and not last:
            raise _Repairable(repair) from error
        raise ToolError(
            f"apt-get {arguments[0]} failed, install by hand: {' '.join(_names(absent))}. Its last words:\n  {said}"
        ) from error


def progress(line: str) -> tuple[str, float] | None:
    """What a line of apt's status output says: a text and the finished part; None for any other line."""
    kind, _, rest = line.partition(":")
    parts = rest.split(":", 2)
    if kind not in {"dlstatus", "pmstatus"} or len(parts) != 3:
        return None
    try:
        half = float(parts[1]) / 200
    except ValueError:
        return None
    return parts[2].strip(), half if kind == "dlstatus" else 0.5 + half


def _repair_for(said: str) -> Callable[[Sequence[Package], Step], None] | None:
    if "dpkg --configure -a" in said:
        return lambda absent, step: _configure()
    if "404 " in said or "Unable to fetch" in said or "Failed to fetch" in said:
        # The lists are older than the archive.
        return lambda absent, step: _apt(["update"], absent, step, last=True)
    return None


def _configure() -> None:
    subprocess.run(["dpkg", "--configure", "-a"], env=os.environ | _ENVIRONMENT, capture_output=True, check=False)


def _known_to_apt(packages: Sequence[Package]) -> bool:
    answer = subprocess.run(
        ["apt-cache", "policy", *_names(packages)],
        env=os.environ | _ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    candidates = [line.split()[-1] for line in answer.stdout.splitlines() if line.strip().startswith("Candidate:")]
    return len(candidates) == len(packages) and "(none)" not in candidates


def _disable_services(packages: Sequence[Package]) -> None:
    systemctl = shutil.which("systemctl")
    for service in (service for package in packages for service in package.services if systemctl):
        subprocess.run([str(systemctl), "disable", "--quiet", service], capture_output=True, check=False)


def _absent(wanted: Sequence[Package]) -> tuple[Package, ...]:
    return missing(wanted, dpkg_states(package.name for package in wanted), _is_here)


def _lock(steps: Steps) -> AbstractContextManager[None]:
    return held(cache_root() / ".packages.lock", "Wait for another run that installs packages", steps)


def _is_here(proof: str) -> bool:
    if proof.startswith("/"):
        return Path(proof).exists()
    # Root's programs are found for a user too: whether they are here does not depend on who asks.
    return shutil.which(proof, path=os.pathsep.join([os.environ.get("PATH", ""), _SYSTEM_PATH])) is not None


def _names(packages: Iterable[Package]) -> list[str]:
    return [package.name for package in packages]


def main(arguments: Sequence[str] | None = None) -> int:
    """Install package groups from the command line; 1 and the reason on standard error if that fails."""
    parser = argparse.ArgumentParser(prog="python -m local.tools.packages", description=main.__doc__)
    parser.add_argument("group", nargs="*", help=f"{', '.join(GROUPS)}; all of them if none is named")
    groups: list[str] = parser.parse_args(arguments).group
    try:
        ensure_packages(Steps(), groups or GROUPS)
    except ToolError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
