"""What a preview of a stack costs against the same number of trivial resources on the same engine.

``make bench NAME=preview ARGS="--stack local --runs 5"``. The two are run in turn, each in a process of its own, and
compared pair by pair, so that a drift of the machine's speed cancels out.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import partial

import pulumi

from local.paths import CHECKOUT
from local.preview import preview_with
from local.progress import Steps
from local.stack import read_stack_file, run_program
from local.tools import ensure_tools


@dataclass(frozen=True)
class Cost:
    """One run: seconds by the clock, and processor seconds of the program, the engine and the plugins."""

    wall: float
    cpu: float


def trivial_program(count: int) -> None:
    """Register ``count`` resources with one property each."""
    for index in range(count):
        pulumi.CustomResource("oci:Bench/trivial:Trivial", f"trivial-{index}", {"index": index})


def one_preview(stack: str, trivial: int) -> int:
    """Preview the stack once, or ``trivial`` trivial resources in its place; returns the number of resources."""
    tool = ensure_tools(["pulumi"], Steps())["pulumi"]
    stack_file = {"config": {}} if trivial else read_stack_file(stack)
    program = partial(trivial_program, trivial) if trivial else run_program
    return sum(preview_with(tool, stack, stack_file, lambda _line: None, program).values())


def measure(stack: str, trivial: int) -> Cost:
    """Run one preview in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    command = [sys.executable, "-m", "tests.bench.preview", "--stack", stack, "--once", "--trivial", str(trivial)]
    subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def main() -> None:
    """Print each pair's ratio and the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", default="local")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--trivial", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        print(one_preview(options.stack, options.trivial))
        return
    # Also warms the caches for both sides. The stack itself is one of the resources the engine counts.
    count = one_preview(options.stack, 0) - 1
    print(f"{options.stack}: {count} resources; {os.cpu_count()} processors; wall and cpu seconds")
    pairs = [(measure(options.stack, 0), measure(options.stack, count)) for _ in range(options.runs)]
    for ours, trivial in pairs:
        print(
            f"  stack {ours.wall:6.2f} {ours.cpu:6.2f}   trivial {trivial.wall:6.2f} {trivial.cpu:6.2f}"
            f"   ratio {ours.wall / trivial.wall:5.2f} {ours.cpu / trivial.cpu:5.2f}"
        )
    wall = statistics.median(ours.wall / trivial.wall for ours, trivial in pairs)
    cpu = statistics.median(ours.cpu / trivial.cpu for ours, trivial in pairs)
    print(f"median ratio: wall {wall:.2f}, cpu {cpu:.2f}")


if __name__ == "__main__":
    main()
