"""How much of a core each process used between two looks. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from streamer.cpu_exporter.processes import TICKS, Process

Seen = Mapping[tuple[int, int], Process]
"""By number and start."""


@dataclass(frozen=True, slots=True)
class Usage:
    """One process between two looks."""

    process: Process
    percent: float
    """Of one core."""


@dataclass(frozen=True, slots=True)
class Look:
    """The processes at one moment."""

    processes: Seen
    time: float
    """Seconds since the machine booted: the clock of processes' starts."""


def between(before: Look, after: Look) -> list[Usage]:
    """What each process that is still there used, in percent of one core.

    Of a process that started meanwhile all that it used counts, so that the sum is what the pod used; what a process
    used in its last moments, after the look before, nobody can tell any more.
    """
    seconds = after.time - before.time
    if seconds <= 0:
        return [Usage(process, 0.0) for process in after.processes.values()]
    return [
        Usage(process, 100 * (process.ticks - _ticks_before(key, process, before)) / TICKS / seconds)
        for key, process in after.processes.items()
    ]


def _ticks_before(key: tuple[int, int], process: Process, before: Look) -> int:
    known = before.processes.get(key)
    if known is not None:
        return known.ticks
    # An older one that was not looked at before, among too many, has no beginning to count from.
    return 0 if process.started / TICKS >= before.time - 1 / TICKS else process.ticks
