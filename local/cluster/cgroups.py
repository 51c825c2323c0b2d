"""The one cgroup that holds everything of the local cluster, in cgroup v2 or in every hierarchy of v1."""

import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from local.cluster.errors import ClusterError, Problem

REQUIRED = ("cpu", "cpuset", "memory", "pids")
"""Controllers without which the kubelet does not start."""
SYSTEM = "system"
"""The leaf for the node's own processes: in v2 a group with processes cannot hand controllers to its children."""
REMOVAL_SECONDS = 10.0


@dataclass(frozen=True)
class Hierarchy:
    """One mounted cgroup file system; ``controllers`` is empty for v2 and for v1's named ones."""

    mount: Path
    unified: bool
    controllers: frozenset[str] = frozenset()


def parse_hierarchies(mounts: str) -> tuple[Hierarchy, ...]:
    """The cgroup file systems in the text of /proc/self/mounts; later mounts on one place hide earlier ones."""
    found: dict[str, Hierarchy] = {}
    for line in mounts.splitlines():
        _, place, kind, options, *_ = line.split(" ")
        if kind == "cgroup2":
            found[place] = Hierarchy(Path(place), unified=True)
        elif kind == "cgroup":
            controllers = frozenset(options.split(",")) & {*REQUIRED, "cpuacct", "devices", "freezer", "blkio"}
            found[place] = Hierarchy(Path(place), unified=False, controllers=controllers)
        else:
            found.pop(place, None)
    return tuple(found.values())


def hierarchies() -> tuple[Hierarchy, ...]:
    """The cgroup file systems mounted here."""
    return parse_hierarchies(Path("/proc/self/mounts").read_text())


def available(mounted: Iterable[Hierarchy]) -> frozenset[str]:
    """Every controller that can be used: those of v1's hierarchies, and those that v2's root offers."""
    found: set[str] = set()
    for hierarchy in mounted:
        found |= hierarchy.controllers
        if hierarchy.unified:
            with suppress(OSError):
                found |= set((hierarchy.mount / "cgroup.controllers").read_text().split())
    return frozenset(found)


def problems(mounted: Iterable[Hierarchy]) -> Iterator[Problem]:
    """What keeps the kubelet from using this machine's cgroups."""
    mounted = tuple(mounted)
    missing = sorted(set(REQUIRED) - available(mounted))
    if missing:
        remedy = "boot with these controllers enabled (cgroup_enable=… on the kernel command line)"
        yield Problem("cgroup controllers", f"{', '.join(missing)} not available", remedy)
    for hierarchy in mounted:
        if os.statvfs(hierarchy.mount).f_flag & os.ST_RDONLY:
            remedy = "run on the machine itself or in a privileged container"
            yield Problem(str(hierarchy.mount), "mounted read-only", remedy)


def create(name: str, mounted: Iterable[Hierarchy]) -> None:
    """Make the group with its controllers and the leaf for the node's own processes, in every hierarchy."""
    for hierarchy in mounted:
        group = hierarchy.mount / name
        if hierarchy.unified:
            _enable(hierarchy.mount)
        for path in (group, group / SYSTEM):
            path.mkdir(exist_ok=True)
            if "cpuset" in hierarchy.controllers:
                # A new v1 cpuset has neither processors nor memory, and takes no process until it does.
                for key in ("cpuset.cpus", "cpuset.mems"):
                    (path / key).write_text((path.parent / key).read_text())
        if hierarchy.unified:
            _enable(group)


def _enable(group: Path) -> None:
    offered = set((group / "cgroup.controllers").read_text().split())
    enabled = set((group / "cgroup.subtree_control").read_text().split())
    wanted = sorted((set(REQUIRED) | {"io", "hugetlb"}) & offered - enabled)
    if not wanted:
        return
    try:
        (group / "cgroup.subtree_control").write_text(" ".join(f"+{controller}" for controller in wanted))
    except OSError as error:
        remedy = "run on the machine itself: a container whose root group has processes cannot share controllers"
        value = f"cannot enable {', '.join(wanted)} ({error.strerror})"
        raise ClusterError(str(Problem(str(group / "cgroup.subtree_control"), value, remedy))) from error


def remove(name: str, mounted: Iterable[Hierarchy]) -> None:
    """Remove the group and all below it, ending any process still in it; harmless where there is none.

    The kernel frees a group a moment after its last process, hence the retries; ClusterError when that takes
    longer than REMOVAL_SECONDS.
    """
    deadline = time.monotonic() + REMOVAL_SECONDS
    left = [path for hierarchy in mounted if (path := hierarchy.mount / name).is_dir()]
    while left:
        for group in left:
            for directory, _, _ in os.walk(group, topdown=False):
                _kill_members(Path(directory))
                with suppress(OSError):
                    Path(directory).rmdir()
        left = [group for group in left if group.is_dir()]
        if left and time.monotonic() > deadline:
            members = sorted({pid for group in left for pid in _members(group)})
            remedy = "end these processes, then run it again"
            raise ClusterError(str(Problem("cgroup", f"{left[0]} still has processes {members}", remedy)))
        if left:
            time.sleep(0.02)


def _members(group: Path) -> list[int]:
    found: list[int] = []
    for directory, _, _ in os.walk(group):
        with suppress(OSError):
            found += [int(pid) for pid in (Path(directory) / "cgroup.procs").read_text().split()]
    return found


def _kill_members(directory: Path) -> None:
    with suppress(OSError):
        for pid in (directory / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
