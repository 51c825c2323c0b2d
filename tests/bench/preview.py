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


def trivial_program(oci: int, kubernetes: int, providers: int) -> None:
    """Register resources of one property each, through as many providers of the same plugins as the stack has."""
    import pulumi_kubernetes
    import pulumi_oci

    # Each is a process of its own, whatever goes through it.
    regions = [pulumi_oci.Provider(f"region-{index}", region="eu-frankfurt-1") for index in range(providers)]
    region = regions[0]
    cluster = pulumi_kubernetes.Provider(
        "cluster", kubeconfig=pulumi.Output.unsecret(region.id), cluster_identifier="a"
    )
    for index in range(oci):
        label = {"compartmentId": "ocid1.compartment.oc1..aaaaaaaalocal", "cidrBlocks": ["10.0.0.0/16"]}
        options = pulumi.ResourceOptions(provider=regions[index % providers])
        pulumi.CustomResource("oci:Core/vcn:Vcn", f"trivial-{index}", label, options)
    for index in range(kubernetes):
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"a-{index}", "namespace": "default"}}
        pulumi.CustomResource(
            "kubernetes:core/v1:ConfigMap", f"map-{index}", document, pulumi.ResourceOptions(provider=cluster)
        )


def one_preview(stack: str, trivial: Sequence[int] | None) -> tuple[int, int, int]:
    """Preview the stack once, or trivial resources in its place.

    Returns how many resources of OCI's there were, how many of Kubernetes', and how many providers of OCI's.
    """
    tool = ensure_tools(["pulumi"], Steps())["pulumi"]
    stack_file: StackFile = read_stack_file(stack)
    program = run_program if trivial is None else partial(trivial_program, *trivial)
    report = preview_with(tool, stack, stack_file, lambda _line: None, program)
    kubernetes = sum(change.type.startswith("kubernetes:") for change in report.changes)
    providers = sum(change.type == "pulumi:providers:oci" for change in report.changes)
    # Components have no cheaper counterpart; each counts as one resource of OCI's. One provider is Kubernetes', and the
    # stack is a resource itself.
    return len(report.changes) - kubernetes - providers - 2, kubernetes, providers


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
        one_preview(options.stack, None if options.once == "stack" else list(map(int, options.once.split(","))))
        return
    print(f"{os.cpu_count()} processors; wall and cpu seconds")
    if options.stacks:
        stacks = options.stacks.split(",")
        command = [sys.executable, "-m", "local", "preview"]
        measure([*command, stacks[0]])
        compare((f"{len(stacks)} stacks", "one"), ([*command, *stacks], [*command, stacks[0]]), options.runs)
        return
    # Also warms the caches for both sides.
    oci, kubernetes, providers = one_preview(options.stack, None)
    print(f"{options.stack}: {oci} resources and components, {kubernetes} of Kubernetes, {providers} providers of OCI")
    command = [sys.executable, "-m", "tests.bench.preview", "--stack", options.stack, "--once"]
    trivial = f"{oci},{kubernetes},{providers}"
    compare(("stack", "trivial"), ([*command, "stack"], [*command, trivial]), options.runs)


if __name__ == "__main__":
    main()
