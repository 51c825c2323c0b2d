"""`capacity simulate`: a stack's players, instances and nodes, event by event."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from capacity import stack_file
from capacity.demand import HOURS, DemandError, StackDemand
from capacity.durations import exponential
from capacity.planning.command import StackPlan, add_stack_arguments, known_players
from capacity.simulation import report, trace
from capacity.simulation.draws import Players
from capacity.simulation.report import Priced
from capacity.simulation.result import Result, simulate
from capacity.simulation.scenario import DAY, HOUR, Application, Change, Outage, Pool, Scenario

HELP: Final = "Play a stack's players, instances and nodes, event by event"
SWEEP: Final = (-4, -3, -2, -1, 0, 1, 2, 3, 4)
"""What is added to each application's buffer for the plot of cost against buffer."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_stack_arguments(parser, many=False)
    parser.add_argument(
        "--buffers", choices=("now", "proposed"), default="now", help="of the stack file, or of the plan"
    )
    parser.add_argument("--days", type=float, default=7.0, help="simulated, after a settling (7)")
    parser.add_argument("--seed", type=int, default=1, help="of chance (1)")
    parser.add_argument("--trace", type=Path, help="recorded players as CSV: arrival, session_seconds, application")
    parser.add_argument("--patience", type=float, help="seconds that players wait before they leave, on average")
    parser.add_argument("--crash-hours", type=float, help="of an instance's life until it crashes, on average")
    parser.add_argument("--node-loss-hours", type=float, help="of a node's life until it is lost, on average")
    parser.add_argument("--outage", action="append", default=[], help="no new nodes: from-to in hours, such as 30-32.5")
    parser.add_argument("--report", type=Path, help="write plots and numbers into this HTML file")
    parser.add_argument("--json", action="store_true", help="numbers for programs")


def run(options: argparse.Namespace) -> None:
    """Simulate, print, write the report."""
    stack = stack_file.read(options.stack, options.stacks_folder)
    known = known_players(options, stack)
    plan = StackPlan(stack, known, options)
    scenario = scenario_of(plan, known, options)
    players = None
    if options.trace is not None:
        players = trace.read(options.trace, [each.name for each in scenario.applications])
        scenario = replace(scenario, seconds=float(players.arrival[-1]) + HOUR, settling=0.0)
    result = simulate(scenario, options.seed, players)
    numbers = {
        "applications": [asdict(each) for each in report.figures(result)],
        "interrupted": result.interrupted,
        "nodes": result.mean_nodes,
        **_cost(plan, result),
        "events": result.events,
    }
    if options.json:
        print(json.dumps(numbers, indent=2))
    else:
        Console().print(_table(stack.name, result, plan))
    if options.report is not None:
        title = f"{stack.name}, buffers {'as proposed' if options.buffers == 'proposed' else 'as they are'}"
        priced = sweep(plan, scenario, options.seed, players)
        options.report.write_text(report.page(title, result, priced, stack.currency))


def scenario_of(plan: StackPlan, known: StackDemand, options: argparse.Namespace) -> Scenario:
    """The stack with the buffers that were asked for."""
    week = plan.proposed if options.buffers == "proposed" else plan.present
    pool, longest = plan.planner.pool, max(each.session.mean for each in known.applications.values())
    # Five sessions long the number of players still tells how it began.
    settling = DAY if max(len(each.arrivals_per_hour) for each in known.applications.values()) > 1 else 5 * longest
    seconds = settling + options.days * DAY
    applications = tuple(
        Application(
            name=name,
            rates=[each / HOUR for each in its.arrivals_per_hour],
            session=its.session,
            start=its.start,
            buffer=week.hours[0].sizes.instances[name],
            changes=_changes([hour.sizes.instances[name] for hour in week.hours], seconds),
            patience=None if options.patience is None else exponential(options.patience),
            crash=None if options.crash_hours is None else exponential(HOUR * options.crash_hours),
        )
        for name, its in known.applications.items()
    )
    return Scenario(
        applications,
        Pool(
            provisioning=known.node,
            most_nodes=pool.most_nodes,
            slots=pool.slots,
            buffer=week.hours[0].sizes.slots,
            changes=_changes([hour.sizes.slots for hour in week.hours], seconds),
            least_nodes=pool.least_nodes,
            surplus_seconds=pool.surplus_seconds,
            loss=None if options.node_loss_hours is None else exponential(HOUR * options.node_loss_hours),
            outages=tuple(outage_of(each) for each in options.outage),
        ),
        seconds=seconds,
        settling=settling,
    )


def outage_of(text: str) -> Outage:
    """An outage as the flag has it.

    Raises:
        DemandError: for another text.
    """
    try:
        start, end = map(float, text.split("-"))
    except ValueError:
        raise DemandError(f'--outage is {text!r}: use hours from the start, such as "30-32.5"') from None
    return Outage(HOUR * start, HOUR * end)


def _changes(values: Sequence[int], seconds: float) -> tuple[Change, ...]:
    """The hours of a week, over and over, where they differ from the hour before."""
    found = []
    for hour in range(1, int(seconds // HOUR) + 1):
        before, now = values[(hour - 1) % HOURS], values[hour % HOURS]
        if now != before:
            found.append(Change(hour * HOUR, now))
    return tuple(found)


def sweep(plan: StackPlan, scenario: Scenario, seed: int, players: Players | None) -> list[Priced]:
    """The same with every application's buffer made smaller and larger."""
    found: list[Priced] = []
    for more in SWEEP:
        changed = replace(scenario, applications=tuple(_enlarged(each, more) for each in scenario.applications))
        result = simulate(changed, seed, players)
        warm = sum(each.buffer for each in changed.applications) + scenario.pool.buffer
        its = Priced(warm, result.chance_of_waiting(), **_cost(plan, result))
        if not found or found[-1].warm != its.warm:
            found.append(its)
    return found


def _enlarged(its: Application, more: int) -> Application:
    changes = tuple(Change(each.time, max(each.size + more, 0)) for each in its.changes)
    return replace(its, buffer=max(its.buffer + more, 0), changes=changes)


def _cost(plan: StackPlan, result: Result) -> dict[str, float]:
    gpu_hours = 24 * result.mean_nodes * plan.planner.pool.gpus
    return {"gpu_hours": gpu_hours, "money": gpu_hours * plan.planner.pool.gpu_hour_price}


def _table(name: str, result: Result, plan: StackPlan) -> Table:
    table = Table(title=f"{name}: {result.scenario.seconds / DAY:.1f} days, {result.events} events")
    for column in ("application", "players", "who wait", "mean wait", "1 in 100 waits", "gave up"):
        table.add_column(column, justify="left" if column == "application" else "right")
    for each in report.figures(result):
        table.add_row(
            each.application,
            str(each.players),
            f"{100 * each.chance_of_waiting:.2f} %",
            f"{each.mean_wait:.1f} s",
            f"{each.wait_99:.0f} s",
            str(each.gave_up),
        )
    cost = _cost(plan, result)
    table.caption = (
        f"{result.mean_nodes:.1f} nodes on average, {cost['gpu_hours']:.0f} GPU hours and {cost['money']:.2f} "
        f"{plan.stack.currency} a day, {result.interrupted} sessions cut off"
    )
    return table
