"""Programs that run for long: their output line by line, and an end that leaves none of their children behind."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Final

_SECONDS_TO_STOP: Final = 15.0


class CommandError(RuntimeError):
    """A program ended with something else than 0; ``code`` is what it ended with."""

    def __init__(self, command: Sequence[str], code: int) -> None:
        super().__init__(f"{' '.join(command[:2])} ended with {code}")
        self.code = code


def lines(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str], finish: bool = False
) -> Generator[str, None, None]:
    """Run a command and give its output and errors line by line; CommandError if it fails.

    Closed early (an exception, Ctrl-C) it interrupts the command's process group, and kills it after 15 s.
    ``finish`` is for a command that must not be killed half-way: it alone is interrupted, and then waited for.
    """
    started = list(command)
    if not finish and (setpriv := shutil.which("setpriv")):
        # If this process is killed outright, nothing below runs: the kernel then interrupts the command.
        started = [setpriv, "--pdeathsig", "INT", *started]
    process = subprocess.Popen(
        started,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        # A group of its own: Ctrl-C reaches this process only, which then decides how the command ends.
        process_group=0,
    )
    with process:
        assert process.stdout is not None  # noqa: S101 -- stdout=PIPE, for the type checker
        try:
            for line in process.stdout:
                yield line.rstrip("\n")
            process.wait()
        except BaseException:
            _stop(process, finish=finish)
            raise
    if process.returncode != 0:
        raise CommandError(command, process.returncode)


def _stop(process: subprocess.Popen[str], *, finish: bool) -> None:
    if finish:
        process.send_signal(signal.SIGINT)
        process.communicate()
        return
    _signal_group(process, signal.SIGINT)
    try:
        process.communicate(timeout=_SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        _signal_group(process, signal.SIGKILL)
        process.communicate()


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
