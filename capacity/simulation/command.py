"""`capacity simulate`: a stack's players, instances and nodes, event by event."""

import argparse
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.table import Table

from capacity import stack_file
from capacity.buffer import instances_of, slots_of
from capacity.demand import DemandError, StackDemand, check_flags
from capacity.durations import exponential
from capacity.planning.command import add_stack_arguments, check_stack_flags, known_players
from capacity.planning.plan import Sizes
from capacity.planning.stack_plan import StackPlan, first_day
from capacity.schedules import changes
from capacity.simulation import report, trace
from capacity.simulation.draws import Players
from capacity.simulation.report import Priced
from capacity.simulation.result import Result, simulate
from capacity.simulation.scenario import DAY, HOUR, Application, Change, Outage, Pool, Scenario, SlotsChange

HELP: Final = "Play a stack's players, instances and nodes, event by event"
SWEEP: Final = (-4, -3, -2, -1, 0, 1, 2, 3, 4)
"""What is added to each application's buffer for the plot of cost against buffer."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's flags."""
    add_stack_arguments(parser, many=False)
    parser.add_argument(
        "--buffers",
        choices=("now", "proposed"),
        default="now",
        help="of the stack file with its schedules, or of the plan",
    )
    parser.add_argument("--days", type=float, default=7.0, help="simulated, from the day on that --from says (7)")
    parser.add_argument("--seed", type=int, default=1, help="of chance (1)")
    parser.add_argument("--trace", type=Path, help="recorded players as CSV: arrival, session_seconds, application")
    parser.add_argument("--patience", type=float, help="seconds that players wait before they leave, on average")
    parser.add_argument("--crash-hours", type=float, help="of an instance's life until it crashes, on average")
    parser.add_argument("--node-loss-hours", type=float, help="of a node's life until it is lost, on average")
    parser.add_argument("--outage", action="append", default=[], help="no new nodes: hours from then, such as 30-32.5")
    parser.add_argument("--report", type=Path, help="write plots and numbers into this HTML file")
    parser.add_argument("--json", action="store_true", help="numbers for programs")


def run(options: argparse.Namespace) -> None:
    """Simulate, print, write the report."""
    check_stack_flags(options)
    check_flags(options, "days patience crash_hours node_loss_hours")
    stack = stack_file.read(options.stack, options.stacks_folder)
    known = known_players(options, stack)
    recording = None if options.trace is None else trace.read(options.trace, list(known.applications))
    if recording is not None and recording.begin is not None and options.begin is None:
        begin = recording.begin.astimezone(ZoneInfo(stack.timezone))
    else:
        begin = first_day(options.begin, stack.timezone)
    plan = StackPlan(stack, known, options, begin)
    players = None if recording is None else recording.players
    lasts = span(known, options.days) if players is None else Span(float(players.arrival[-1]) + HOUR, 0.0)
    scenario = scenario_of(plan, options, begin, lasts)
    result = simulate(scenario, options.seed, players)
    numbers = {
        "from": begin.isoformat(),
        "applications": [asdict(each) for each in report.figures(result)],
        "interrupted": result.interrupted,
        "nodes": result.mean_nodes,
        **_cost(plan, result),
        "events": result.events,
    }
    if options.json:
        print(json.dumps(numbers, indent=2))
    else:
        Console().print(_table(f"{stack.name} from {begin:%Y-%m-%d %H:%M}", result, plan))
    if options.report is not None:
        kept = "as proposed" if options.buffers == "proposed" else "as they are"
        title = f"{stack.name} from {begin:%Y-%m-%d %H:%M} ({stack.timezone}), buffers {kept}"
        priced = sweep(plan, scenario, options.seed, players)
        options.report.write_text(report.page(title, result, priced, stack.currency))


@dataclass(frozen=True)
class Span:
    """How long is simulated, in seconds."""

    seconds: float
    """All of it."""
    settling: float
    """What goes before the first day that counts."""


def span(known: StackDemand, days: float) -> Span:
    """So many days, and before them a settling: five sessions long the number of players tells how it began."""
    longest = max(each.session.mean for each in known.applications.values())
    varies = max(len(each.arrivals_per_hour) for each in known.applications.values()) > 1
    settling = DAY if varies else 5 * longest
    return Span(settling + days * DAY, settling)


def scenario_of(plan: StackPlan, options: argparse.Namespace, begin: datetime, lasts: Span) -> Scenario:
    """The stack with the buffers that were asked for; `begin` is when the settling is over."""
    known, pool = plan.planner.demand, plan.planner.pool
    start = begin.astimezone(UTC) - timedelta(seconds=lasts.settling)
    end = start + timedelta(seconds=lasts.seconds)
    kept = (
        {name: _proposed(plan, name, start, end) for name in known.applications}
        if options.buffers == "proposed"
        else {name: _in_force(plan.applications[name], pool.slots, start, end) for name in known.applications}
    )
    slots = [SlotsChange(each.time, each.buffer) for each in _by_hour(plan, lambda sizes: sizes.slots, start, end)]
    free = slots if options.buffers == "proposed" else [SlotsChange(0.0, 0)]
    return Scenario(
        tuple(
            Application(
                name=name,
                **_rates(known, name, start, end),
                session=its.session,
                start=its.start,
                **{key: value for key, value in asdict(kept[name][0]).items() if key != "time"},
                changes=tuple(kept[name][1:]),
                priority=plan.applications[name].priority,
                patience=None if options.patience is None else exponential(options.patience),
                crash=None if options.crash_hours is None else exponential(HOUR * options.crash_hours),
            )
            for name, its in known.applications.items()
        ),
        Pool(
            provisioning=known.node,
            most_nodes=pool.most_nodes,
            slots=pool.slots,
            buffer=free[0].slots,
            changes=tuple(free[1:]),
            least_nodes=pool.least_nodes,
            surplus_seconds=pool.surplus_seconds,
            loss=None if options.node_loss_hours is None else exponential(HOUR * options.node_loss_hours),
            outages=tuple(outage_of(each, lasts.settling) for each in options.outage),
        ),
        seconds=lasts.seconds,
        settling=lasts.settling,
    )


def _in_force(its: stack_file.Application, slots_per_node: int, start: datetime, end: datetime) -> list[Change]:
    """What the fleet controller keeps, from each moment on at which that changes."""
    return [
        Change(
            (moment - start).total_seconds(),
            buffer=sum(instances_of(buffer, part, 0) for part in its.parts),
            buffer_percent=buffer.percent,
            least=buffer.minimum,
            most=buffer.maximum,
            slots=slots_of(buffer, slots_per_node, 0),
            slots_percent=buffer.nodes_percent,
        )
        for moment, buffer in changes(its.buffer, its.schedules, start, end)
    ]


def _proposed(plan: StackPlan, name: str, start: datetime, end: datetime) -> list[Change]:
    """What the plan proposes for the hours of the week, within the stack file's bounds; events are left out."""
    its = plan.applications[name].buffer
    found = _by_hour(plan, lambda sizes: sizes.instances[name], start, end)
    return [replace(each, least=its.minimum, most=its.maximum) for each in found]


def _by_hour(plan: StackPlan, size: Callable[[Sizes], int], start: datetime, end: datetime) -> list[Change]:
    """A number that the plan proposes, from each hour on in which it becomes another."""
    found: list[Change] = []
    for seconds, hour in _hours(plan.planner.demand, start, end):
        now = size(plan.proposed.hours[hour].sizes)
        if not found or found[-1].buffer != now:
            found.append(Change(seconds, now))
    return found


def _hours(known: StackDemand, start: datetime, end: datetime) -> Iterator[tuple[float, int]]:
    """Seconds from the start, and the hour of the week: at the start, and whenever a clock shows another hour."""
    moment = start
    while moment < end:
        yield (moment - start).total_seconds(), known.hour(moment)
        local = moment.astimezone(ZoneInfo(known.timezone))
        moment += timedelta(hours=1) - timedelta(
            minutes=local.minute, seconds=local.second, microseconds=local.microsecond
        )


def _rates(known: StackDemand, name: str, start: datetime, end: datetime) -> dict[str, Any]:
    """Players a second in each hour from the start on: also where clocks are put forward or back meanwhile."""
    its = known.applications[name]
    if len(its.arrivals_per_hour) == 1:
        return {"rates": [its.rate(0)]}
    hours = math.ceil((end - start) / timedelta(hours=1))
    # Hours that begin within one of the week, as where zones differ by half an hour, go with its middle.
    middles = (start + timedelta(hours=hour + 0.5) for hour in range(hours))
    return {"rates": [its.rate(known.hour(middle)) for middle in middles], "period": HOUR * hours}


def outage_of(text: str, settling: float) -> Outage:
    """An outage as the flag has it, in hours from the first day on; the settling goes before it.

    Raises:
        DemandError: for another text.
    """
    try:
        start, end = map(float, text.split("-"))
    except ValueError:
        start = end = math.nan
    if not start < end:
        raise DemandError(f'--outage is {text!r}: use hours from the start, such as "30-32.5"')
    return Outage(settling + HOUR * start, settling + HOUR * end)


def sweep(plan: StackPlan, scenario: Scenario, seed: int, players: Players | None) -> list[Priced]:
    """The same with every application's buffer made smaller and larger."""
    found: list[Priced] = []
    for more in SWEEP:
        changed = replace(scenario, applications=tuple(_enlarged(each, more) for each in scenario.applications))
        result = simulate(changed, seed, players)
        warm = sum(each.buffer + each.slots for each in changed.applications) + scenario.pool.buffer
        its = Priced(warm, result.chance_of_waiting(), **_cost(plan, result))
        if not found or found[-1].warm != its.warm:
            found.append(its)
    return found


def _enlarged(its: Application, more: int) -> Application:
    changes = tuple(replace(each, buffer=max(each.buffer + more, 0)) for each in its.changes)
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
