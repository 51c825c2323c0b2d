"""`capacity plan`: tables of what buffers promise and cost, for stacks or for a single rate."""

import argparse
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from capacity import demand as demands
from capacity import stack_file
from capacity.demand import DemandError, StackDemand, check_flags
from capacity.durations import exponential, fixed
from capacity.planning import week
from capacity.planning.plan import SURPLUS_SECONDS, Promised, Sizes
from capacity.planning.rule import Advice, advise
from capacity.planning.stack_plan import Event, StackPlan, first_day, level_of
from capacity.planning.week import Week
from capacity.stack_file import Stack

HELP: Final = "What buffers promise and cost, and what a service level needs"

_SECONDS: Final[Mapping[str, float]] = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_stack_arguments(parser, many=True)
    parser.add_argument(
        "--rush", action="store_true", help="nobody leaves while a node is made, as at an event's start"
    )
    parser.add_argument("--hours", action="store_true", help="also each time of the week: buffers in force, and needed")
    parser.add_argument("--json", action="store_true", help="numbers for programs")


def add_stack_arguments(parser: argparse.ArgumentParser, *, many: bool) -> None:
    """The flags that say which stack, and what is known of its players."""
    if many:
        parser.add_argument("--stack", nargs="+", default=[], help="stacks, by name or file; each is a region")
        parser.add_argument("--demand", nargs="+", type=Path, default=[], help="what is known of their players: files")
    else:
        parser.add_argument("--stack", required=True, help="a stack, by name or file")
        parser.add_argument("--demand", type=Path, help="what is known of its players: a file")
    parser.add_argument("--from", dest="begin", help="a day, such as 2027-03-01: its week, or from it on (next Monday)")
    parser.add_argument("--stacks-folder", type=Path, default=stack_file.STACKS, help=argparse.SUPPRESS)
    parser.add_argument("--service-level", type=float, help="chance that a player finds something ready (0.99)")
    parser.add_argument("--arrivals", help='players of every application, such as "10/s", "12/h" or "1/120s"')
    parser.add_argument("--provisioning", type=float, help="seconds from ordering a node to its being ready")
    parser.add_argument("--start", type=float, help="seconds from an instance's slot to its readiness")
    parser.add_argument("--session", type=float, help="seconds of a session, on average")
    parser.add_argument("--slots", type=int, help="instances of one node, where the shape is not known")
    parser.add_argument("--gpus", type=int, help="GPUs of one node, where the shape is not known")


def check_stack_flags(options: argparse.Namespace) -> None:
    """Complain of numbers that nothing can be planned with."""
    check_flags(options, "session slots gpus", "provisioning start")


def run(options: argparse.Namespace) -> None:
    """Print a plan."""
    check_stack_flags(options)
    if not options.stack:
        if options.arrivals is None or options.provisioning is None:
            raise DemandError("name a --stack, or give --arrivals and --provisioning")
        advice = advise(
            rate_of(options.arrivals),
            options.provisioning,
            level_of(options, None),
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
        begin = first_day(options.begin, stack.timezone)
        plans.append(StackPlan(stack, known_players(its, stack), options, begin, rush=options.rush))
    tables = [table for plan in plans for table in tables_of(plan, hours=options.hours)]
    _print(options, [numbers_of(plan) for plan in plans], tables)


def rate_of(text: str) -> float:
    """Players a second, of a text such as 10/s or 1/120s.

    Raises:
        DemandError: for another text.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)/(\d+(?:\.\d+)?)?(s|min|h|d)", text)
    # Zero players are nothing to plan for, and zero time is none.
    if not found or not float(found[1]) or not float(found[2] or 1):
        raise DemandError(f'--arrivals is {text!r}: use players by time, above 0, such as "10/s", "12/h" or "1/120s"')
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


def _assumed(options: argparse.Namespace, stack: Stack) -> StackDemand:
    given = {name: getattr(options, name) for name in ("arrivals", "provisioning", "start", "session")}
    if missing := [f"--{name}" for name, value in given.items() if value is None]:
        raise DemandError(f"nothing is known of the players of {stack.name}: give --demand, or {', '.join(missing)}")
    each = demands.Demand((3600 * rate_of(options.arrivals),), fixed(options.start), exponential(options.session))
    return StackDemand({its.name: each for its in stack.applications}, fixed(options.provisioning), stack.timezone)


def numbers_of(plan: StackPlan) -> dict[str, Any]:
    """All of it, for programs."""
    return {
        "stack": plan.stack.name,
        "region": plan.stack.region,
        "timezone": plan.planner.demand.timezone,
        "from": plan.monday.isoformat(),
        "slots_per_node": plan.planner.pool.slots,
        "currency": plan.stack.currency,
        "present": _week_numbers(plan.present),
        "proposed": _week_numbers(plan.proposed),
        "events": [
            {**asdict(each), "start": each.start.isoformat(), "end": each.end.isoformat()} for each in plan.events()
        ],
    }


def tables_of(plan: StackPlan, *, hours: bool) -> list[Table]:
    """All of it, for people."""
    tables = [_buffers(plan), _cost(plan)]
    if hours:
        tables.append(_hours(plan))
    if events := list(plan.events()):
        tables.append(_events(plan, events))
    return tables


def _buffers(plan: StackPlan) -> Table:
    table = Table(title=f"{plan.stack.name} ({plan.stack.region}): each application in its worst hour")
    for column in ("application", "buffers", "warm instances", "players/h", "wait", "mean wait", "1 in 100 waits"):
        table.add_column(column, justify="left" if column in ("application", "buffers") else "right")
    for name in plan.applications:
        for title, its in (("now", plan.present), ("proposed", plan.proposed)):
            instances = _range([hour.sizes.instances[name] for hour in its.hours])
            table.add_row(name, title, instances, *_cells(its.worst(name)))
    return table


def _cost(plan: StackPlan) -> Table:
    table = Table(title=f"{plan.stack.name}: nodes and money")
    for column in ("buffers", "free slots", "nodes", "GPU hours a day", f"{plan.stack.currency} a day"):
        table.add_column(column, justify="left" if column == "buffers" else "right")
    for title, its in (("now", plan.present), ("proposed", plan.proposed)):
        nodes = [hour.nodes for hour in its.hours]
        felt = " (cap felt)" if any(hour.capped for hour in its.hours) else ""
        table.add_row(
            title,
            _range([hour.sizes.slots for hour in its.hours]),
            f"{min(nodes):.1f}-{max(nodes):.1f} of {plan.planner.pool.most_nodes}{felt}",
            f"{its.totals.gpu_hours:.0f}",
            f"{its.totals.money:.2f}",
        )
    return table


def _hours(plan: StackPlan) -> Table:
    """What is kept at each time of the week, and what is needed then."""
    table = Table(
        title=f"{plan.stack.name}: buffers in the week from {plan.monday:%Y-%m-%d} ({plan.planner.demand.timezone})"
    )
    for column in ("what", "when", "in force", "needed", "short by"):
        table.add_column(column, justify="left" if column in ("what", "when") else "right")
    kinds: dict[str, Callable[[Sizes], int]] = {
        **{name: lambda sizes, name=name: sizes.instances[name] for name in plan.applications},  # type: ignore[misc]
        "free slots": lambda sizes: sizes.slots,
    }
    for what, number in kinds.items():
        both = zip(plan.present.hours, plan.proposed.hours, strict=True)
        values = [(number(now.sizes), number(then.sizes)) for now, then in both]
        for stretch in week.stretches(values):
            table.add_row(what, stretch.when, *_compared(*stretch.value))
    return table


def _events(plan: StackPlan, events: Sequence[Event]) -> Table:
    table = Table(title=f"{plan.stack.name}: events ({plan.stack.timezone}), beside the week's hours")
    for column in ("application", "what", "begins", "kind", "in force", "needed", "short by"):
        table.add_column(column, justify="right" if column in ("in force", "needed", "short by") else "left")
    for each in events:
        kept, needed = (sizes.instances[each.application] for sizes in (each.kept, each.needed))
        table.add_row(each.application, each.schedule, f"{each.start:%Y-%m-%d %H:%M}", "warm", *_compared(kept, needed))
        table.add_row("", "", "", "free slots", *_compared(each.kept.slots, each.needed.slots))
    return table


def _compared(kept: int, needed: int) -> tuple[str, str, str]:
    return str(kept), str(needed), str(needed - kept) if needed > kept else ""


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
