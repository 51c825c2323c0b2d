"""What was learned of a stack, as a demand file; and the buffers that follow, as they would stand in the stack file."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from capacity.demand import Demand, StackDemand
from capacity.durations import Duration
from capacity.learning import observed
from capacity.learning.arrivals import HourOfWeek, by_hour
from capacity.learning.observed import SESSION_LENGTHS, STARTS
from capacity.learning.prometheus import Prometheus
from capacity.planning import base_stock, week
from capacity.planning.plan import Planner
from capacity.stack_file import Stack

_LEVELS: Final = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
"""Quantiles that a demand file keeps of a distribution."""


class LearningError(ValueError):
    """Too little is known; the text says of what, and what to do."""


@dataclass(frozen=True)
class Learned:
    """What Prometheus knows."""

    hours: Mapping[str, tuple[HourOfWeek, ...]]
    starts: Mapping[str, Duration]
    sessions: Mapping[str, Duration]
    node: Duration | None
    timezone: str


def learn(prometheus: Prometheus, start: float, end: float, timezone: str, caution: float) -> Learned:
    """Ask for everything, from `start` to `end` (seconds of the Unix epoch)."""
    zone = ZoneInfo(timezone)
    pods = observed.pods(prometheus, start, end)
    counts = observed.arrivals(prometheus, start, end)
    nodes = observed.durations({"": observed.provisionings(pods)})
    return Learned(
        hours={name: by_hour(each, zone, caution) for name, each in counts.items()},
        # What was seen of each pod holds those that never got ready; a histogram does not.
        starts={
            **observed.histogram(prometheus, STARTS, start, end),
            **observed.durations(observed.starts(pods)),
        },
        sessions=observed.histogram(prometheus, SESSION_LENGTHS, start, end)
        or observed.durations(observed.sessions(prometheus, max(start, end - 7 * observed.DAY), end)),
        node=nodes.get(""),
        timezone=timezone,
    )


def demand_of(learned: Learned, stack: Stack, node: Duration | None) -> StackDemand:
    """A demand to plan with; `node` stands in where no provisioning was seen.

    Raises:
        LearningError: for a stack of which too little is known.
    """
    names = [each.name for each in stack.applications if learned.hours.get(each.name)]
    for what, known in (("start times", learned.starts), ("session lengths", learned.sessions)):
        if missing := [name for name in names if name not in known]:
            raise LearningError(f"too few {what} were seen of {', '.join(missing)}: ask for more weeks")
    if not names:
        raise LearningError(f"no player of {stack.name} was seen: is this the Prometheus of its cluster?")
    provisioning = learned.node or node
    if provisioning is None:
        raise LearningError("too few nodes were started while an instance waited for one: give --provisioning")
    applications = {
        name: Demand(
            arrivals_per_hour=tuple(round(each.planned, 3) for each in learned.hours[name]),
            start=learned.starts[name],
            session=learned.sessions[name],
        )
        for name in names
    }
    return StackDemand(applications, provisioning, learned.timezone)


def demand_file(demand: StackDemand) -> dict[str, Any]:
    """The content of the demand file."""
    return {
        "timezone": demand.timezone,
        "node_seconds": _quantiles(demand.node),
        "applications": {
            name: {
                "arrivals_per_hour": list(each.arrivals_per_hour),
                "start_seconds": _quantiles(each.start),
                "session_seconds": _quantiles(each.session),
            }
            for name, each in demand.applications.items()
        },
    }


def _quantiles(duration: Duration) -> Any:  # noqa: ANN401 - what YAML holds
    if duration.seconds[0] == duration.seconds[-1]:
        return duration.seconds[0]
    # With its end, so that the mean stays what it is.
    found = {level: round(duration.quantile(level), 1) for level in _LEVELS}
    return {"quantiles": {0.0: round(duration.seconds[0], 1), **found, 1.0: round(duration.seconds[-1], 1)}}


def buffers(planner: Planner, stack: Stack, timezone: str) -> dict[str, dict[str, Any]]:
    """By application: the keys of its `buffer` as they would stand in the stack file; None for one to leave out.

    Free slots are any application's; they stand with the first one that is planned for.
    """
    plan = week.proposed(planner)
    found: dict[str, dict[str, Any]] = {}
    for application in stack.applications:
        if application.name not in planner.demand.applications:
            continue
        name = application.name
        instances = [
            _of_each_version(planner, name, application.weights, hour, its.sizes.instances[name])
            for hour, its in enumerate(plan.hours)
        ]
        slots = [its.sizes.slots if not found else 0 for its in plan.hours]
        nodes = [math.ceil(each / planner.pool.slots) for each in slots]
        found[name] = _buffer(instances, nodes, timezone)
    return found


def _of_each_version(planner: Planner, name: str, weights: tuple[int, ...], hour: int, total: int) -> int:
    """The stack file has one number for every version: that of the one with the most players."""
    if len(weights) < 2 or not total:
        return total
    share = max(weights) / sum(weights)
    demand = planner.demand.applications[name]
    own = base_stock.buffer_for(planner.levels[name], share * demand.rate(hour), demand.start.mean)
    return max(math.ceil(share * total), own)


def _buffer(instances: list[int], nodes: list[int], timezone: str) -> dict[str, Any]:
    usual = {"instances": week.usual(instances), "nodes": week.usual(nodes)}
    schedule = [
        {"when": stretch.when, "timezone": timezone, key: stretch.value}
        for key, values in (("instances", instances), ("nodes", nodes))
        for stretch in week.stretches(values, usual[key])
    ]
    return {"instances": usual["instances"], "nodes": usual["nodes"] or None, "schedule": schedule or None}
