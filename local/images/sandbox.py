"""Runs the programs that build: in namespaces of their own, so that a killed run leaves no process and no mount."""

import os
import shlex
import shutil
import signal
import subprocess
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from local.images.errors import ImageError
from local.progress import Step

SHOWN_LINES = 20
"""How much of a failed program's output stands in the error; all of it is in the log."""

PACKAGES: Mapping[str, str] = {
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "setpriv": "util-linux",
    "unshare": "util-linux",
    "tar": "tar",
}
"""The programs a build needs, and the Debian packages that have them."""


def check_machine() -> None:
    """Refuse, naming the remedy, before anything is made: root, Linux and the programs of a build."""
    if os.geteuid() != 0:
        raise ImageError("building images needs root (debootstrap and buildah mount and change owners): use sudo -E")
    missing = [program for program in PACKAGES if shutil.which(program) is None]
    if missing:
        packages = " ".join(sorted({PACKAGES[program] for program in missing}))
        raise ImageError(
            f"not installed: {', '.join(missing)}; run: apt-get install -y --no-install-recommends {packages}"
        )


def run_as_root(
    command: Sequence[str],
    what: str,
    log: Path,
    step: Step,
    environment: Mapping[str, str],
    *,
    folder: Path | None = None,
    hidden: Sequence[Path] = (),
) -> None:
    """Run a program with its own mounts and processes; both end when it ends, or when this process is killed.

    Folders in ``hidden`` look empty to it, and what it writes there is gone afterwards.
    """
    namespaces = ("--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc")
    mounts = "".join(f"mount -t tmpfs none {shlex.quote(str(path))}; " for path in hidden)
    inside = ("sh", "-ec", f'{mounts}exec "$@"', "sh", *command)
    run(
        ("setpriv", "--pdeathsig", "KILL", "unshare", *namespaces, *inside), what, log, step, environment, folder=folder
    )


def run(
    command: Sequence[str],
    what: str,
    log: Path,
    step: Step,
    environment: Mapping[str, str],
    *,
    folder: Path | None = None,
) -> None:
    """Run a program, its output into a log and its latest line onto the progress bar.

    Raises ``ImageError`` with the end of the output when it fails.
    """
    last: deque[str] = deque(maxlen=SHOWN_LINES)
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("a", encoding="utf-8") as file,
        subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process,
    ):
        output = process.stdout
        assert output is not None  # noqa: S101  # Asked for above.
        try:
            for line in output:
                file.write(line)
                if line.strip():
                    last.append(line.rstrip())
                    step.update(line.strip()[:100])
        except BaseException:
            # The whole session: npm and buildah start others that would outlive them.
            os.killpg(process.pid, signal.SIGKILL)
            # The pipe ends with the last process that holds it: only then may the caller remove their files.
            output.read()
            raise
    code = process.returncode
    if code != 0:
        shown = "\n".join(f"    {line}" for line in last)
        raise ImageError(f"{what} failed (exit {code}):\n{shown}\nAll of it: {log}")
