"""Finding and ending the node's first process, by what it runs and never by a remembered number alone."""

import os
import select
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

NODE_MODULE = "local.cluster.node"
"""The node's first process is ``python -m`` of this module; its last argument is the cluster's folder."""


@dataclass(frozen=True)
class NodeProcess:
    """A running process of a local cluster: the first one of its PID namespace, or the ``unshare`` above it."""

    pid: int
    directory: Path
    first: bool


def directory_of(command_line: bytes) -> Path | None:
    """The cluster folder that a command line (as in /proc) belongs to, or None for any other program."""
    arguments = command_line.rstrip(b"\0").split(b"\0")
    if len(arguments) < 4 or arguments[-3:-1] != [b"-m", NODE_MODULE.encode()]:
        return None
    return Path(os.fsdecode(arguments[-1]))


def is_first(status: str) -> bool:
    """Whether the text of /proc/PID/status is of a process that is number 1 in a PID namespace below ours."""
    numbers = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
    return len(numbers) > 1 and numbers[-1] == "1"


def read(pid: int) -> NodeProcess | None:
    """The node process with this number, or None when it ended or is something else."""
    place = Path("/proc") / str(pid)
    try:
        directory = directory_of((place / "cmdline").read_bytes())
        if directory is None or place.stat().st_uid != 0:
            return None
        return NodeProcess(pid, directory, is_first((place / "status").read_text()))
    except OSError:
        return None


def find() -> tuple[NodeProcess, ...]:
    """Every node process on this machine, of any cache folder."""
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return tuple(process for number in numbers if (process := read(number)) is not None)


def first_process(directory: Path) -> int | None:
    """The host's number for the node's first process of the cluster in this folder."""
    return next((process.pid for process in find() if process.first and process.directory == directory), None)


def kill(process: NodeProcess, seconds: float = 10.0) -> bool:
    """End a process and wait for it; False when it has not ended within ``seconds``.

    The process is held by a descriptor before it is looked at again, so a number that was given to another
    program in between is never signalled. When the first process of the namespace has ended, so have all others.
    """
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return True
    try:
        if read(process.pid) == process:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            readable, _, _ = select.select([descriptor], [], [], seconds)
            if not readable:
                return False
        # Where this program started the cluster itself, the dead process is its child and stays listed until asked for.
        with suppress(ChildProcessError):
            os.waitid(os.P_PIDFD, descriptor, os.WEXITED | os.WNOHANG)
        return True
    finally:
        os.close(descriptor)
