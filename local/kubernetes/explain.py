"""Why something is not ready, in one text: its pods, what their containers wait for, recent warnings."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MAX_PODS = 5
MAX_EVENTS = 8


def selector_text(live: Mapping[str, Any]) -> str | None:
    """The label selector, as a query, of the pods that belong to a workload; None for what has no pods."""
    spec = live.get("spec")
    selector = spec.get("selector") if isinstance(spec, dict) else None
    if not isinstance(selector, dict):
        return None
    labels = selector.get("matchLabels") if "matchLabels" in selector or "matchExpressions" in selector else selector
    return ",".join(f"{key}={value}" for key, value in sorted((labels or {}).items())) or None


def pod_problem(pod: Mapping[str, Any]) -> str | None:
    """What keeps one pod from being ready, None where nothing does."""
    status = pod.get("status") or {}
    conditions = {item.get("type"): item for item in status.get("conditions") or ()}
    if conditions.get("Ready", {}).get("status") == "True" or status.get("phase") == "Succeeded":
        return None
    found = [
        text
        for key in ("initContainerStatuses", "containerStatuses")
        for container in status.get(key) or ()
        if (text := _container_problem(container))
    ]
    if not found:
        unmet = (conditions.get(name, {}) for name in ("PodScheduled", "Initialized", "ContainersReady", "Ready"))
        found = [_join(item, "reason", "message") for item in unmet if item.get("status") == "False"][:1]
    own = _join(status, "reason", "message")
    return "; ".join([*found, *([own] if own else [])]) or f"phase {status.get('phase', 'unknown')}"


def _container_problem(container: Mapping[str, Any]) -> str | None:
    name, state = container.get("name"), container.get("state") or {}
    last = (container.get("lastState") or {}).get("terminated")
    ended = f" (last ended with {last.get('exitCode')}, {last.get('reason')})" if last else ""
    if waits := state.get("waiting"):
        if waits.get("reason") in {"ContainerCreating", "PodInitializing"}:
            return None
        return f"container {name} is waiting: {_join(waits, 'reason', 'message')}{ended}"
    if (over := state.get("terminated")) and over.get("exitCode"):
        return f"container {name} ended with {over['exitCode']}: {_join(over, 'reason', 'message')}"
    if state.get("running") and not container.get("ready"):
        return f"container {name} runs but is not ready{ended}"
    return None


def pods_text(pods: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line for each pod that is not ready, newest first, at most ``MAX_PODS``; equal troubles are counted."""
    newest = sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")), reverse=True)
    troubled = [(pod["metadata"]["name"], text) for pod in newest if (text := pod_problem(pod))]
    lines = [f"pod {name}: {text}" for name, text in troubled[:MAX_PODS]]
    return [*lines, f"and {len(troubled) - MAX_PODS} more pods"] if len(troubled) > MAX_PODS else lines


def events_text(events: Iterable[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """One line for each recent warning about an object of one of ``names`` or made by it, at most ``MAX_EVENTS``."""
    about = [
        event
        for event in events
        if event.get("type") == "Warning"
        and any(_belongs(str((event.get("involvedObject") or {}).get("name", "")), name) for name in names)
    ]
    about.sort(key=lambda event: str(event.get("lastTimestamp") or event.get("eventTime") or ""))
    lines: dict[str, None] = {}
    for event in about:
        involved = event["involvedObject"]
        lines[f"event {involved.get('kind')} {involved.get('name')}: {_join(event, 'reason', 'message')}"] = None
    return list(lines)[-MAX_EVENTS:]


def _belongs(involved: str, name: str) -> bool:
    return involved == name or involved.startswith(f"{name}-")


def _join(source: Mapping[str, Any], *keys: str) -> str:
    return ": ".join(str(source[key]).strip() for key in keys if source.get(key))


def deletion_text(live: Mapping[str, Any]) -> str:
    """What keeps a deleted object from going: a namespace's remaining content, else its finalizers."""
    conditions = (live.get("status") or {}).get("conditions") or ()
    remaining = [
        str(item.get("message"))
        for item in conditions
        if str(item.get("type", "")).startswith("Namespace") and item.get("status") == "True" and item.get("message")
    ]
    finalizers = live["metadata"].get("finalizers") or (live.get("spec") or {}).get("finalizers") or ()
    if remaining:
        return "; ".join(remaining)
    return f"finalizers {', '.join(finalizers)} are still set" if finalizers else "it is still there"
