"""Previews of several stacks at once, each in a process of its own, a few more than there are processors.

The engine and the program's Python work one after the other for much of a preview, and Pulumi's settings are global to
a process: so processes, not threads. They are forked from one that has imported what all of them need. Each one's
output is shown whole and in the order asked for.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

_ENGINES_GRACE = 20
"""Seconds that an interrupted engine has to end its plugins and remove its working folder."""


@dataclass(frozen=True)
class Job:
    """What previews one stack, in a process of its own: a function, which may exit, and its arguments."""

    stack: str
    run: Callable[..., object]
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Outcome:
    """How one preview ended."""

    stack: str
    status: int
    output: str
    """Both of its streams, as they came."""


def room(processors: int) -> int:
    """How many previews run at a time: half as many again as processors, since each waits for a third of its time."""
    return -(-3 * processors // 2)


def run_all(jobs: Sequence[Job], workers: int) -> int:
    """Run the jobs, at most ``workers`` at a time; the number of those that failed.

    Raises ``KeyboardInterrupt`` once every process is gone.
    """
    try:
        return asyncio.run(_show_all(jobs, workers))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def preview_job(stack: str, reports: Path | None) -> Job:
    """The preview of one stack, by the command line's own function."""
    options = ["--reports", str(reports)] if reports else []
    return Job(stack, _command, (["preview", *options, "--", stack],))


def _command(arguments: list[str]) -> None:
    from local.__main__ import main  # noqa: PLC0415 - which imports this module

    sys.exit(main(arguments))


async def _show_all(jobs: Sequence[Job], workers: int) -> int:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    if task is not None:
        # A runner that is told to stop ends the engines too, as Ctrl-C does.
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
    failed: list[str] = []
    async with contextlib.aclosing(_outcomes(jobs, workers)) as outcomes:
        async for outcome in outcomes:
            print(f"━━━ {outcome.stack}{f': failed, status {outcome.status}' if outcome.status else ''}")
            print(outcome.output.rstrip("\n"), end="\n\n", flush=True)
            failed += [outcome.stack] if outcome.status else []
    if failed:
        print(f"{len(failed)} of {len(jobs)} previews failed: {', '.join(failed)}", file=sys.stderr)
    return len(failed)


async def _outcomes(jobs: Sequence[Job], workers: int) -> AsyncGenerator[Outcome, None]:
    """The outcomes in the jobs' order, each as soon as it and all before it are there."""
    room = asyncio.Semaphore(workers)

    async def one(job: Job) -> Outcome:
        async with room:
            return await _run(job)

    tasks = [asyncio.create_task(one(job)) for job in jobs]
    try:
        for task in tasks:
            # Shielded, so that a cancellation reaches all of them at once, and not this one first.
            yield await asyncio.shield(task)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(job: Job) -> Outcome:
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(["local.preloaded"])
    with tempfile.NamedTemporaryFile(prefix="preview-") as output:
        process = forking.Process(target=_in_process, args=(job, output.name))
        process.start()
        try:
            await _ended(process)
        finally:
            await _end(process)
        process.join()
        return Outcome(job.stack, process.exitcode or 0, output.read().decode(errors="replace"))


def _in_process(job: Job, output: str) -> None:
    # A session of its own: the terminal's Ctrl-C reaches the first process only, which passes it on, once.
    os.setsid()
    descriptor = os.open(output, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    os.close(descriptor)
    job.run(*job.arguments)


async def _ended(process: BaseProcess) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(process.sentinel, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(process.sentinel)


async def _end(process: BaseProcess) -> None:
    """Interrupt what still runs, engine and plugins included, and kill what does not heed it."""
    if not process.is_alive():
        return
    for number in (signal.SIGINT, signal.SIGKILL):
        deadline = asyncio.get_running_loop().time() + _ENGINES_GRACE
        there = _signal(process, number)
        while there and asyncio.get_running_loop().time() < deadline:
            # The group outlives its first process: the engine may still be ending its plugins.
            await asyncio.sleep(0.05)
            there = _signal(process, 0)
        if not there:
            return


def _signal(process: BaseProcess, number: int) -> bool:
    """Send a signal to the process's group, or to the process while it has none; whether anything was there."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid or 0, number)
        return True
    if process.is_alive():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid or 0, number)
            return True
    return False
