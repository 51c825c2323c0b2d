"""Taking away what a cluster made, whether it was stopped, was killed, or never became ready."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from local.cluster import addresses, cgroups, network, processes
from local.cluster.errors import ClusterError


def end(directory: Path) -> None:
    """End every process of the cluster in this folder, and remove its namespaces, interface, route and cgroups.

    Of a cluster of another folder nothing is touched.
    """
    found = processes.find()
    own = [process for process in found if process.directory == directory]
    for process in sorted(own, key=lambda process: not process.first):
        if not processes.kill(process):
            raise ClusterError(f"process {process.pid} of the local cluster does not end; see what it waits for")
    if len(own) == len(found):
        network.disconnect()
        cgroups.remove(addresses.CGROUP, cgroups.hierarchies())


def remove(directory: Path) -> None:
    """Remove the cluster in this folder, and the folder; harmless where there is nothing."""
    if os.geteuid() != 0:
        if directory.exists():
            raise ClusterError(f"{directory} belongs to root; run it as root (sudo)")
        return
    end(directory)
    unmount(directory)
    if directory.exists():
        shutil.rmtree(directory)


def mounts_below(directory: Path, mountinfo: str) -> Iterator[Path]:
    """The mounts at or below a folder, innermost first, from the text of /proc/self/mountinfo."""
    places = [_unescape(line.split(" ")[4]) for line in mountinfo.splitlines()]
    for place in sorted(places, key=len, reverse=True):
        if Path(place).is_relative_to(directory):
            yield Path(place)


def unmount(directory: Path) -> None:
    """Unmount whatever this machine sees mounted at or below a folder, so that removing it removes only its own."""
    for place in mounts_below(directory, Path("/proc/self/mountinfo").read_text()):
        done = subprocess.run(["umount", "--lazy", str(place)], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ClusterError(f"mount {place} cannot be removed ({done.stderr.strip()}); unmount it by hand")


def _unescape(text: str) -> str:
    """The kernel writes space, tab, newline and backslash of a path as octal."""
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape") if "\\" in text else text
