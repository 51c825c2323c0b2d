"""What previews cost against the same number of trivial resources, and several stacks against one.

``make bench NAME=preview ARGS="--stack production-us-ashburn-1 --runs 5"`` runs the stack and as many trivial resources
in turn, on the same engine and the same plugins. ``--stacks a,b,c`` runs ``python -m local preview a b c`` and the
preview of ``a`` alone in turn; there only the clock counts, since the processes of several previews are not the
command's own children. Pairs are compared, each run in a process of its own, so that a drift of the machine's speed
cancels out.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pulumi

from local.paths import CHECKOUT
from local.preview import preview_with
from local.progress import Steps
from local.stack import StackFile, read_stack_file, run_program
from local.tools import ensure_tools


@dataclass(frozen=True)
class Cost:
    """One run: seconds by the clock, and processor seconds of the program, the engine and the plugins."""

    wall: float
    cpu: float


def trivial_program(oci: int, kubernetes: int) -> None:
    """Register resources of one property each, through the plugins and providers that the stack uses."""
    import pulumi_kubernetes
    import pulumi_oci

    region = pulumi_oci.Provider("region", region="eu-frankfurt-1")
    cluster = pulumi_kubernetes.Provider(
        "cluster", kubeconfig=pulumi.Output.unsecret(region.id), cluster_identifier="a"
    )
    for index in range(oci):
        label = {"compartmentId": "ocid1.compartment.oc1..aaaaaaaalocal", "cidrBlocks": ["10.0.0.0/16"]}
        pulumi.CustomResource("oci:Core/vcn:Vcn", f"trivial-{index}", label, pulumi.ResourceOptions(provider=region))
    for index in range(kubernetes):
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"a-{index}", "namespace": "default"}}
        pulumi.CustomResource(
            "kubernetes:core/v1:ConfigMap", f"map-{index}", document, pulumi.ResourceOptions(provider=cluster)
        )


def one_preview(stack: str, trivial: tuple[int, int] | None) -> tuple[int, int]:
    """Preview the stack once, or trivial resources in its place; how many of OCI's and of Kubernetes' there were."""
    tool = ensure_tools(["pulumi"], Steps())["pulumi"]
    stack_file: StackFile = read_stack_file(stack)
    program = run_program if trivial is None else partial(trivial_program, *trivial)
    report = preview_with(tool, stack, stack_file, lambda _line: None, program)
    kubernetes = sum(change.type.startswith("kubernetes:") for change in report.changes)
    # Components and providers have no cheaper counterpart; each counts as one resource of OCI's.
    return len(report.changes) - kubernetes, kubernetes


def measure(command: Sequence[str]) -> Cost:
    """Run one command in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def compare(names: tuple[str, str], commands: tuple[Sequence[str], Sequence[str]], runs: int) -> None:
    """Run the two in turn, print each pair and the medians of their ratios."""
    pairs = []
    for _ in range(runs):
        ours, other = (measure(command) for command in commands)
        pairs.append((ours, other))
        print(
            f"  {names[0]} {ours.wall:6.2f} {ours.cpu:6.2f}   {names[1]} {other.wall:6.2f} {other.cpu:6.2f}"
            f"   ratio {ours.wall / other.wall:5.2f} {ours.cpu / other.cpu:5.2f}",
            flush=True,
        )
    wall = statistics.median(ours.wall / other.wall for ours, other in pairs)
    cpu = statistics.median(ours.cpu / other.cpu for ours, other in pairs)
    print(f"median ratio: wall {wall:.2f}, cpu {cpu:.2f}")


def main() -> None:
    """Compare one stack with trivial resources, or several stacks with the first of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stack", default="local")
    parser.add_argument(
        "--stacks", help="several, with commas: compare their previews in one call with the first one's"
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--once", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        counts = tuple(map(int, options.once.split(","))) if options.once != "stack" else None
        one_preview(options.stack, (counts[0], counts[1]) if counts else None)
        return
    print(f"{os.cpu_count()} processors; wall and cpu seconds")
    if options.stacks:
        stacks = options.stacks.split(",")
        command = [sys.executable, "-m", "local", "preview"]
        measure([*command, stacks[0]])
        compare((f"{len(stacks)} stacks", "one"), ([*command, *stacks], [*command, stacks[0]]), options.runs)
        return
    # Also warms the caches for both sides. The stack itself is one of the resources, and the two providers are.
    oci, kubernetes = one_preview(options.stack, None)
    print(f"{options.stack}: {oci} resources and components, {kubernetes} of Kubernetes")
    command = [sys.executable, "-m", "tests.bench.preview", "--stack", options.stack, "--once"]
    trivial = f"{max(oci - 3, 0)},{kubernetes}"
    compare(("stack", "trivial"), ([*command, "stack"], [*command, trivial]), options.runs)


if __name__ == "__main__":
    main()
