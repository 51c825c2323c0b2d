"""`capacity learn`: asks Prometheus, and proposes buffers as a diff of the stack file."""

import argparse
import time
from pathlib import Path
from typing import Final

import yaml
from rich.console import Console
from rich.table import Table

from capacity import proposal, stack_file
from capacity.demand import StackDemand, check_flags, check_share, zone_of
from capacity.durations import Duration, fixed
from capacity.learning.learned import Learned, buffers, demand_file, demand_of, learn
from capacity.learning.prometheus import Prometheus
from capacity.planning.plan import Planner, Pool
from capacity.planning.stack_plan import SERVICE_LEVEL
from capacity.stack_file import Stack

HELP: Final = "Learn from Prometheus who comes when, and propose buffers as a diff"
WEEK: Final = 7 * 86400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    parser.add_argument("--stack", required=True, help="a stack, by name or file")
    parser.add_argument("--stacks-folder", type=Path, default=stack_file.STACKS, help=argparse.SUPPRESS)
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="address of Prometheus")
    parser.add_argument("--weeks", type=float, default=4.0, help="that are looked at (4)")
    parser.add_argument("--until", type=float, help="seconds of the Unix epoch; now, unless it is given")
    parser.add_argument("--timezone", default="UTC", help="of the hours of the week, such as Europe/Berlin (UTC)")
    parser.add_argument("--service-level", type=float, help="chance that a player finds something ready (0.99)")
    parser.add_argument(
        "--caution", type=float, default=0.9, help="chance that no hour's mean is above what is planned (0.9)"
    )
    parser.add_argument("--provisioning", type=float, help="seconds of a node, where too few were seen")
    parser.add_argument("--slots", type=int, help="instances of one node, where the shape is not known")
    parser.add_argument("--gpus", type=int, help="GPUs of one node, where the shape is not known")
    parser.add_argument("--write", type=Path, help="write what was learned into this demand file")


def run(options: argparse.Namespace) -> None:
    """Print what was learned, then the diff."""
    check_flags(options, "weeks slots gpus", "provisioning")
    zone_of("--timezone", options.timezone)
    check_share("--caution", options.caution)
    if options.service_level is not None:
        check_share("--service-level", options.service_level)
    stack = stack_file.read(options.stack, options.stacks_folder)
    # Whole hours, as the hours of the week are.
    end = (options.until or time.time()) // 3600 * 3600
    with Prometheus(options.prometheus) as prometheus:
        learned = learn(prometheus, end - options.weeks * WEEK, end, options.timezone, options.caution)
    demand = demand_of(learned, stack, None if options.provisioning is None else fixed(options.provisioning))
    # The diff goes to the standard output, for `patch`; what is for eyes goes beside it.
    Console(stderr=True).print(_table(learned, demand))
    if options.write is not None:
        options.write.write_text(yaml.safe_dump(demand_file(demand), sort_keys=False, default_flow_style=None))
    planner = _planner(stack, demand, options)
    # Counts take the place of a service level, which would count where it asks for more.
    changes = {
        name: {"buffer.service_level": None, **{f"buffer.{key}": value for key, value in buffer.items()}}
        for name, buffer in buffers(planner, stack, learned.timezone).items()
    }
    print(proposal.of_applications(stack.path, changes), end="")


def _planner(stack: Stack, demand: StackDemand, options: argparse.Namespace) -> Planner:
    levels = {
        its.name: options.service_level
        or (its.buffer.service_level.chance if its.buffer.service_level else SERVICE_LEVEL)
        for its in stack.applications
    }
    pool = Pool(
        slots=options.slots or stack.slots,
        gpus=options.gpus or stack.known_shape.gpus,
        least_nodes=stack.least_nodes,
        most_nodes=stack.most_nodes,
        gpu_hour_price=stack.gpu_hour_price,
    )
    return Planner(demand, pool, levels)


def _table(learned: Learned, demand: StackDemand) -> Table:
    table = Table(title=f"Learned ({learned.timezone})")
    for column in ("what", "mean", "half", "1 in 10", "1 in 100"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for name, its in demand.applications.items():
        hours = learned.hours[name]
        busiest = max(hours, key=lambda each: each.mean)
        mean = sum(each.mean for each in hours) / len(hours)
        table.add_row(f"{name}: players an hour", f"{mean:.1f}")
        table.add_row(f"{name}: busiest hour, planned", f"{busiest.mean:.1f}, {busiest.planned:.1f}")
        table.add_row(f"{name}: start", *_cells(its.start))
        table.add_row(f"{name}: session", *_cells(its.session))
    table.add_row("node", *_cells(demand.node))
    return table


def _cells(duration: Duration) -> list[str]:
    return [f"{duration.mean:.0f} s", *(f"{duration.quantile(level):.0f} s" for level in (0.5, 0.9, 0.99))]
