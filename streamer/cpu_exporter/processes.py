"""What `/proc` says about processes. Nothing but the CPU time, the start and the name is read of any."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

TICKS: Final = os.sysconf("SC_CLK_TCK")
"""Of the times in `/proc`, a second."""
PAUSE: Final = 1
"""The process that holds the pod's namespaces; it does nothing."""
MOST: Final = 512
"""Processes that are looked at: an instance runs a customer's binary, which may start as many as it likes."""
NAME_LENGTH: Final = 64

_KERNEL_NAME: Final = 15
"""The kernel keeps no more of a name."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process at one moment."""

    pid: int
    started: int
    """Ticks since the machine booted. With the number it tells a process from a later one of the same number."""
    name: str
    ticks: int
    """CPU time so far, of the process itself in user and kernel mode."""


def parse(line: bytes) -> tuple[str, int, int]:
    """Name, CPU ticks and start, of the line in `stat`; the name stands in parentheses and may hold some itself."""
    opening, closing = line.index(b"("), line.rindex(b")")
    fields = line[closing + 2 :].split(None, 20)
    # By proc(5), counted from the field after the name: utime is the 12th, stime the 13th, starttime the 20th.
    return line[opening + 1 : closing].decode(errors="replace"), int(fields[11]) + int(fields[12]), int(fields[19])


class Processes:
    """Reads all processes of a process namespace, again and again."""

    def __init__(self, proc: Path) -> None:
        self._proc: Final = str(proc)
        self._names: dict[tuple[int, int, str], str] = {}

    def read(self) -> Iterator[Process]:
        """The processes there are; one that goes meanwhile is left out."""
        names: dict[tuple[int, int, str], str] = {}
        for pid in self._pids():
            line = self._content(pid, "stat", 1024)
            if line is None:
                continue
            short, ticks, started = parse(line)
            key = (pid, started, short)
            # A process may take another name, hence the name in the key.
            name = self._names.get(key) or self._full_name(pid, short)
            names[key] = name
            yield Process(pid, started, name, ticks)
        self._names = names

    def left_out(self) -> int:
        """How many there are beyond those that are looked at."""
        return max(sum(each.isdecimal() for each in os.listdir(self._proc)) - 1 - MOST, 0)  # noqa: PTH208 - faster

    def _pids(self) -> list[int]:
        pids = sorted(int(each) for each in os.listdir(self._proc) if each.isdecimal())  # noqa: PTH208 - faster
        return [pid for pid in pids if pid != PAUSE][:MOST]

    def _content(self, pid: int, name: str, size: int) -> bytes | None:
        try:
            file = os.open(f"{self._proc}/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, PermissionError):
            return None
        try:
            return os.read(file, size) or None
        except ProcessLookupError:
            return None
        finally:
            os.close(file)

    def _full_name(self, pid: int, short: str) -> str:
        """The name, longer than the kernel keeps it where the command line begins with it."""
        if len(short) < _KERNEL_NAME:
            return short
        line = self._content(pid, "cmdline", 4096) or b""
        whole = line.partition(b"\0")[0].rpartition(b"/")[2].decode(errors="replace")
        return whole[:NAME_LENGTH] if whole.startswith(short) else short


def of_one_instant(processes: Iterator[Process]) -> Mapping[tuple[int, int], Process]:
    """By number and start, which together no two processes have."""
    return {(each.pid, each.started): each for each in processes}
