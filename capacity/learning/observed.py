"""What is asked of Prometheus, and what its answers say of each pod, node and session. Pure but for the asking."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from capacity.durations import Duration
from capacity.learning.prometheus import Prometheus, Series
from capacity.learning.survival import Seen, estimate, of_buckets

DAY: Final = 86400.0
INSTANCES: Final = 'namespace="pixel-instances"'

ARRIVALS: Final[Sequence[str]] = (
    "sum by (application) (increase(pixel_players_joined_total[1h]))",
    # Whoever left the queue is not in it.
    "sum by (application) (increase(pixel_queue_wait_seconds_count[1h]))",
)
"""The first that has an answer counts."""

STARTS: Final = "sum by (application, le) (increase(pixel_instance_start_seconds_bucket[%ds]))"
SESSION_LENGTHS: Final = "sum by (application, le) (increase(pixel_session_seconds_bucket[%ds]))"
SESSIONS: Final = "max by (application, session) (max_over_time(pixel:session_pod:info[%ds]))"
"""A series for each session while it lasts; over a time, since a series alone lingers for minutes after its end."""

PODS: Final[Mapping[str, str]] = {
    "created": f"max by (namespace, pod) (max_over_time(kube_pod_created{{{INSTANCES}}}[1d]))",
    "scheduled": f"max by (namespace, pod) (max_over_time(kube_pod_status_scheduled_time{{{INSTANCES}}}[1d]))",
    # A pod may lose its readiness and get it again: the first time counts.
    "ready": f"min by (namespace, pod) (min_over_time(kube_pod_status_ready_time{{{INSTANCES}}}[1d]))",
    "last": f"max by (namespace, pod) (max_over_time(timestamp(kube_pod_created{{{INSTANCES}}})[1d:1m]))",
    "application": f"max by (namespace, pod, label_app_pixel_app) (max_over_time(kube_pod_labels{{{INSTANCES}}}[1d]))",
    "node": f'max by (namespace, pod, node) (max_over_time(kube_pod_info{{{INSTANCES},node!=""}}[1d]))',
}
"""What kube-state-metrics tells of pods, day by day; times are seconds of the Unix epoch."""
NODES: Final = "max by (node) (max_over_time(kube_node_created[1d]))"

WAITED: Final = 5.0
"""Seconds until a pod has a node, from which on it waited for one, and not for the scheduler."""


@dataclass(frozen=True)
class Pod:
    """One instance's pod; times are seconds of the Unix epoch, none where it never came so far."""

    application: str
    created: float
    scheduled: float | None
    ready: float | None
    last: float
    """When it was last seen."""
    node_created: float | None
    """When the node that it came to was made."""


def arrivals(prometheus: Prometheus, start: float, end: float) -> dict[str, list[tuple[float, float]]]:
    """By application: the ends of hours, and how many players came in each."""
    for expression in ARRIVALS:
        series = prometheus.during(expression, start + 3600, end, 3600)
        if series:
            return {
                each.labels.get("application", ""): list(zip(each.times, each.values, strict=True)) for each in series
            }
    return {}


def pods(prometheus: Prometheus, start: float, end: float) -> list[Pod]:
    """Every pod of an instance that was made in a time. Of an older one nobody saw when it was ready first."""
    found: dict[str, dict[tuple[str, str], Series]] = {name: {} for name in PODS}
    nodes: dict[str, set[float]] = defaultdict(set)
    # From the last day back: what is told of a day before stands in for nothing, but for the first readiness.
    for until in _days(start, end):
        for name, expression in PODS.items():
            for each in prometheus.at(expression, until):
                key = (each.labels["namespace"], each.labels["pod"])
                known = found[name].get(key)
                if known is None or (name == "ready" and each.values[0] < known.values[0]):
                    found[name][key] = each
        for each in prometheus.at(NODES, until):
            nodes[each.labels["node"]].add(each.values[0])
    return [pod for pod in _pods(found, nodes) if pod.created >= start]


def _pods(found: Mapping[str, Mapping[tuple[str, str], Series]], nodes: Mapping[str, set[float]]) -> Iterator[Pod]:
    for key, created in found["created"].items():
        label, node = found["application"].get(key), found["node"].get(key)
        if label is None or not label.labels.get("label_app_pixel_app") or key not in found["last"]:
            continue
        scheduled, last = _value(found["scheduled"], key), found["last"][key].values[0]
        # Nodes are called after their addresses, which others have had before and will have again.
        made = nodes.get(node.labels["node"], set()) if node is not None else set()
        yield Pod(
            application=label.labels["label_app_pixel_app"],
            created=created.values[0],
            scheduled=scheduled,
            ready=_value(found["ready"], key),
            last=last,
            node_created=max((time for time in made if time <= (scheduled or last)), default=None),
        )


def _value(found: Mapping[tuple[str, str], Series], key: tuple[str, str]) -> float | None:
    series = found.get(key)
    # kube-state-metrics tells 0 of what has not happened.
    return series.values[0] if series and series.values[0] > 0 else None


def starts(pods: Sequence[Pod]) -> dict[str, list[Seen]]:
    """By application: from a pod's node to its readiness. One that was not ready when last seen took longer."""
    found: dict[str, list[Seen]] = defaultdict(list)
    for pod in pods:
        if pod.scheduled is not None:
            until = pod.ready if pod.ready is not None and pod.ready >= pod.scheduled else None
            found[pod.application].append(Seen((until or pod.last) - pod.scheduled, until is not None))
    return dict(found)


def provisionings(pods: Sequence[Pod]) -> list[Seen]:
    """How long nodes took: of pods that waited for one.

    Who came to a node that was made meanwhile saw it through. Who got a slot on an older one, as a session ended, or
    still waited when last seen, knows only that no node came before.
    """
    found = []
    for pod in pods:
        waited = (pod.scheduled if pod.scheduled is not None else pod.last) - pod.created
        if waited >= WAITED:
            new = pod.node_created is not None and pod.node_created >= pod.created
            found.append(Seen(waited, pod.scheduled is not None and new))
    return found


def sessions(prometheus: Prometheus, start: float, end: float, step: float = 60.0) -> dict[str, list[Seen]]:
    """By application: how long sessions lasted, to a step. One that was there at the beginning is left out: nobody
    knows when it began. One that is there at the end lasts longer.
    """
    found: dict[str, list[Seen]] = defaultdict(list)
    for each in prometheus.during(SESSIONS % step, start, end, step):
        if each.times[0] > start + step:
            # From the first step in which there was something of it to the last: on average neither early nor late.
            lasted = max(each.times[-1] - each.times[0], step / 2)
            found[each.labels.get("application", "")].append(Seen(lasted, each.times[-1] < end - 2 * step))
    return dict(found)


def histogram(prometheus: Prometheus, expression: str, start: float, end: float) -> dict[str, Duration]:
    """By application: what a histogram says of a time."""
    buckets: dict[str, dict[float, float]] = defaultdict(dict)
    for each in prometheus.at(expression % int(end - start), end):
        bound = math.inf if each.labels["le"] == "+Inf" else float(each.labels["le"])
        buckets[each.labels.get("application", "")][bound] = each.values[0]
    found = {}
    for application, counts in buckets.items():
        bounds = sorted(counts)
        if (duration := of_buckets(bounds, [counts[bound] for bound in bounds])) is not None:
            found[application] = duration
    return found


def durations(seen: Mapping[str, Sequence[Seen]]) -> dict[str, Duration]:
    """The distributions of those of which enough was seen."""
    estimated = {name: estimate(each) for name, each in seen.items()}
    return {name: duration for name, duration in estimated.items() if duration is not None}


def _days(start: float, end: float) -> Iterator[float]:
    until = end
    while until > start:
        yield until
        until -= DAY
