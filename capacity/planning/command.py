"""`capacity plan`: tables of what buffers promise and cost, for stacks or for a single rate."""

import argparse
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from capacity import demand as demands
from capacity import stack_file
from capacity.demand import DemandError, StackDemand
from capacity.durations import exponential, fixed
from capacity.planning import base_stock, week
from capacity.planning.plan import SURPLUS_SECONDS, Planner, Pool, Promised, Sizes
from capacity.planning.rule import Advice, advise
from capacity.planning.week import Week
from capacity.stack_file import ServiceLevel, Stack

HELP: Final = "What buffers promise and cost, and what a service level needs"
SERVICE_LEVEL: Final = 0.99

_SECONDS: Final[Mapping[str, float]] = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_stack_arguments(parser, many=True)
    parser.add_argument(
        "--rush", action="store_true", help="nobody leaves while a node is made, as at an event's start"
    )
    parser.add_argument("--hours", action="store_true", help="also each stretch of the week with its buffers")
    parser.add_argument("--json", action="store_true", help="numbers for programs")


def add_stack_arguments(parser: argparse.ArgumentParser, *, many: bool) -> None:
    """The flags that say which stack, and what is known of its players."""
    if many:
        parser.add_argument("--stack", nargs="+", default=[], help="stacks, by name or file; each is a region")
        parser.add_argument("--demand", nargs="+", type=Path, default=[], help="what is known of their players: files")
    else:
        parser.add_argument("--stack", required=True, help="a stack, by name or file")
        parser.add_argument("--demand", type=Path, help="what is known of its players: a file")
    parser.add_argument("--stacks-folder", type=Path, default=stack_file.STACKS, help=argparse.SUPPRESS)
    parser.add_argument("--service-level", type=float, help="chance that a player finds something ready (0.99)")
    parser.add_argument("--arrivals", help='players of every application, such as "10/s", "12/h" or "1/120s"')
    parser.add_argument("--provisioning", type=float, help="seconds from ordering a node to its being ready")
    parser.add_argument("--start", type=float, help="seconds from an instance's slot to its readiness")
    parser.add_argument("--session", type=float, help="seconds of a session, on average")
    parser.add_argument("--slots", type=int, help="instances of one node, where the shape is not known")
    parser.add_argument("--gpus", type=int, help="GPUs of one node, where the shape is not known")


def run(options: argparse.Namespace) -> None:
    """Print a plan."""
    if not options.stack:
        if options.arrivals is None or options.provisioning is None:
            raise DemandError("name a --stack, or give --arrivals and --provisioning")
        advice = advise(
            rate_of(options.arrivals),
            options.provisioning,
            _level(options, None),
            None if options.session is None else exponential(options.session),
            SURPLUS_SECONDS,
        )
        _print(options, asdict(advice), [rule_table([advice])])
        return
    if options.demand and len(options.demand) != len(options.stack):
        raise DemandError(f"{len(options.demand)} files of --demand for {len(options.stack)} stacks: give one for each")
    plans = []
    for number, name in enumerate(options.stack):
        stack = stack_file.read(name, options.stacks_folder)
        its = argparse.Namespace(**{**vars(options), "demand": options.demand[number] if options.demand else None})
        plans.append(StackPlan(stack, known_players(its, stack), options, rush=options.rush))
    tables = [table for plan in plans for table in plan.tables(hours=options.hours)]
    _print(options, [plan.numbers() for plan in plans], tables)


def rate_of(text: str) -> float:
    """Players a second, of a text such as 10/s or 1/120s.

    Raises:
        DemandError: for another text.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)?(s|min|h|d)", text)
    if not found:
        raise DemandError(f'--arrivals is {text!r}: use players by time, such as "10/s", "12/h" or "1/120s"')
    return float(found[1]) / (float(found[2] or 1) * _SECONDS[found[3]])


def known_players(options: argparse.Namespace, stack: Stack) -> StackDemand:
    """What the flags say of a stack's players.

    Raises:
        DemandError: where they say nothing, or name an application that the stack does not have.
    """
    known = demands.read(options.demand) if options.demand else _assumed(options, stack)
    names = [each.name for each in stack.applications]
    if unknown := sorted(set(known.applications) - set(names)):
        raise DemandError(f"{stack.name} has no application {', '.join(unknown)}; it has {', '.join(names)}")
    return known


def _level(options: argparse.Namespace, of_stack: float | None) -> float:
    level: float = options.service_level if options.service_level is not None else (of_stack or SERVICE_LEVEL)
    if not 0 < level < 1:
        raise DemandError(f"--service-level is {level}: use a chance between 0 and 1, such as 0.99")
    return level


def _assumed(options: argparse.Namespace, stack: Stack) -> StackDemand:
    given = {name: getattr(options, name) for name in ("arrivals", "provisioning", "start", "session")}
    if missing := [f"--{name}" for name, value in given.items() if value is None]:
        raise DemandError(f"nothing is known of the players of {stack.name}: give --demand, or {', '.join(missing)}")
    each = demands.Demand((3600 * rate_of(options.arrivals),), fixed(options.start), exponential(options.session))
    return StackDemand({its.name: each for its in stack.applications}, fixed(options.provisioning))


class StackPlan:
    """One stack: its buffers as they are, and as they should be."""

    def __init__(self, stack: Stack, known: StackDemand, options: argparse.Namespace, *, rush: bool = False) -> None:
        self.stack = stack
        self.timezone = known.timezone
        pool = Pool(
            slots=options.slots or stack.slots,
            gpus=options.gpus or stack.known_shape.gpus,
            least_nodes=stack.least_nodes,
            most_nodes=stack.most_nodes,
            gpu_hour_price=stack.gpu_hour_price,
        )
        self.applications = {each.name: each for each in stack.applications if each.name in known.applications}
        levels = {
            name: _level(options, its.buffer.service_level.chance if its.buffer.service_level else None)
            for name, its in self.applications.items()
        }
        self.planner = Planner(known, pool, levels, rush=rush)
        self.present = week.plan(self.planner, self._present)
        self.proposed = week.proposed(self.planner)

    def _present(self, hour: int) -> Sizes:
        """What the stack file keeps ready in an hour of the week."""
        # Some week in winter: an hour's summer time moves a schedule of another zone by nothing, mostly.
        time = datetime(2024, 1, 1, 0, 30, tzinfo=ZoneInfo(self.timezone)) + timedelta(hours=hour)
        instances, slots = {}, 0
        for name, its in self.applications.items():
            buffer, weights = its.buffer.at(time), its.weights
            sessions = (
                self.planner.demand.applications[name].rate(hour) * self.planner.demand.applications[name].session.mean
            )
            parts = [weight / sum(weights) for weight in weights]
            level = buffer.service_level
            promised = [_promised(level, part, level.start_seconds) if level else 0 for part in parts]
            instances[name] = sum(
                max(int(buffer.instances), math.ceil(buffer.percent * part * sessions / 100 - 1e-9), number)
                for part, number in zip(parts, promised, strict=True)
            )
            slots += max(
                int(buffer.nodes) * self.planner.pool.slots,
                math.ceil(buffer.nodes_percent * sessions / 100 - 1e-9),
                _promised(level, 1.0, level.provision_seconds) if level else 0,
            )
        return Sizes(instances, slots)

    def numbers(self) -> dict[str, Any]:
        """All of it, for programs."""
        return {
            "stack": self.stack.name,
            "region": self.stack.region,
            "timezone": self.timezone,
            "slots_per_node": self.planner.pool.slots,
            "currency": self.stack.currency,
            "present": _week_numbers(self.present),
            "proposed": _week_numbers(self.proposed),
        }

    def tables(self, *, hours: bool) -> list[Table]:
        """All of it, for people."""
        buffers = Table(title=f"{self.stack.name} ({self.stack.region}): each application in its worst hour")
        for column in ("application", "buffers", "warm instances", "players/h", "wait", "mean wait", "1 in 100 waits"):
            buffers.add_column(column, justify="left" if column in ("application", "buffers") else "right")
        for name in self.applications:
            for title, plan in (("now", self.present), ("proposed", self.proposed)):
                buffers.add_row(
                    name, title, _range([h.sizes.instances[name] for h in plan.hours]), *_cells(plan.worst(name))
                )
        cost = Table(title=f"{self.stack.name}: nodes and money")
        for column in ("buffers", "free slots", "nodes", "GPU hours a day", f"{self.stack.currency} a day"):
            cost.add_column(column, justify="left" if column == "buffers" else "right")
        for title, plan in (("now", self.present), ("proposed", self.proposed)):
            nodes = [hour.nodes for hour in plan.hours]
            felt = " (cap felt)" if any(hour.capped for hour in plan.hours) else ""
            cost.add_row(
                title,
                _range([hour.sizes.slots for hour in plan.hours]),
                f"{min(nodes):.1f}-{max(nodes):.1f} of {self.planner.pool.most_nodes}{felt}",
                f"{plan.totals.gpu_hours:.0f}",
                f"{plan.totals.money:.2f}",
            )
        return [buffers, cost, *([self._schedule()] if hours else [])]

    def _schedule(self) -> Table:
        table = Table(title=f"{self.stack.name}: proposed buffers by time ({self.timezone})")
        for column in ("what", "when", "number"):
            table.add_column(column)
        rows = {name: [hour.sizes.instances[name] for hour in self.proposed.hours] for name in self.applications}
        for name, values in {**rows, "free slots": [hour.sizes.slots for hour in self.proposed.hours]}.items():
            usual = week.usual(values)
            table.add_row(name, "else", str(usual))
            for stretch in week.stretches(values, usual):
                table.add_row(name, stretch.when, str(stretch.value))
        return table


def rule_table(advices: Sequence[Advice]) -> Table:
    """What the rule of thumb promises."""
    table = Table(title="Rule of thumb (rate x time), and what it promises")
    level = f"{100 * advices[0].service_level:g} %"
    for column in (
        "players/h",
        "seconds",
        "rule",
        "its chance of waiting",
        f"{level} needs",
        "in balance",
        f"{level} needs then",
    ):
        table.add_column(column, justify="right")
    for each in advices:
        balance = "?" if each.promised_in_balance is None else _percent(each.promised_in_balance)
        table.add_row(
            f"{each.arrivals_per_hour:g}",
            f"{each.lead_seconds:g}",
            str(each.rule_of_thumb),
            _percent(each.promised.chance_of_waiting),
            str(each.buffer),
            balance,
            "?" if each.buffer_in_balance is None else str(each.buffer_in_balance),
        )
    table.caption = (
        'In balance: where sessions end as often as they begin, and give their slots back ("?": give --session)'
    )
    return table


def _promised(level: ServiceLevel, part: float, lead: float) -> int:
    """What the fleet controller keeps for a service level, of which a version has a part."""
    rate = part * level.arrivals_per_hour / 3600
    return base_stock.buffer_for(level.chance, rate, lead) if rate else 0


def _week_numbers(plan: Week) -> dict[str, Any]:
    return {**asdict(plan.totals), "hours": [asdict(hour) for hour in plan.hours]}


def _cells(worst: Promised | None) -> list[str]:
    if worst is None:
        return ["0", "-", "-", "-"]
    if worst.overloaded:
        return [f"{worst.arrivals_per_hour:g}", "100 %", "without end", "without end"]
    return [
        f"{worst.arrivals_per_hour:g}",
        _percent(worst.chance_of_waiting),
        f"{worst.mean_wait:.1f} s",
        f"{worst.waits_longest:.0f} s" if worst.waits_longest else "none",
    ]


def _percent(chance: float) -> str:
    return f"{100 * chance:.3g} %"


def _range(values: Sequence[int]) -> str:
    return str(values[0]) if min(values) == max(values) else f"{min(values)}-{max(values)}"


def _print(options: argparse.Namespace, numbers: object, tables: Sequence[Table]) -> None:
    if options.json:
        print(json.dumps(numbers, indent=2))
        return
    console = Console()
    for table in tables:
        console.print(table)
