"""Running a program in the node's namespaces."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from local import paths
from local.cluster import processes
from local.cluster.errors import ClusterError
from local.cluster.plan import ENVIRONMENT


def run_in_node(
    command: Sequence[str], *, stdin: IO[bytes] | int = subprocess.DEVNULL, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command as a process of the node and return what it printed.

    ClusterError when no node runs, or with ``check`` when the command fails. The command ends with the node.
    """
    pid = processes.first_process(paths.cluster_dir())
    if pid is None:
        raise ClusterError(f"the local cluster of {paths.cluster_dir()} is not running; start it first")
    return run_in(pid, command, stdin=stdin, check=check)


def run_in(
    pid: int, command: Sequence[str], *, stdin: IO[bytes] | int = subprocess.DEVNULL, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """As ``run_in_node``, in the namespaces of the process with this number."""
    enter = ["nsenter", f"--target={pid}", "--mount", "--net", "--pid", "--uts", "--ipc", "--", *command]
    done = subprocess.run(enter, stdin=stdin, capture_output=True, text=True, check=False, env=ENVIRONMENT)
    if check and done.returncode != 0:
        raise ClusterError(f"{command[0]} failed in the node (exit {done.returncode}): {done.stderr.strip()}")
    return done


def open_archive(archive: Path) -> IO[bytes]:
    """An image archive for reading; ClusterError that names it when it cannot be read."""
    try:
        return archive.open("rb")
    except OSError as error:
        raise ClusterError(f"image archive {archive}: {error.strerror}; build the image first") from error
