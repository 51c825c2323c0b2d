"""The commands, as a table: the operation of the session API that each stands for, and how its answer is shown.

What a command takes is what its route's definitions take; ``arguments`` makes the one of the other.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from signalling.operations.routes import ROUTES, Route

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    value: Callable[[Item], object]


def _member(name: str) -> Column:
    return Column(name, lambda item: item.get(name))


def _columns(*names: str) -> tuple[Column, ...]:
    """Members of the items, under their own names."""
    return tuple(map(_member, names))


@dataclass(frozen=True, slots=True)
class Command:
    """One row."""

    name: str
    operation: str
    columns: tuple[Column, ...] = ()
    """Of a list."""
    items: Callable[[Any], Iterable[Item]] = lambda answer: answer["items"]
    says: Callable[[Any], str] | None = None
    """What is said of an answer that is no list; None shows all of it."""
    whole: bool = False
    """All pages are asked for."""

    @property
    def route(self) -> Route:
        """What it asks."""
        return next(route for route in ROUTES if route.operation == self.operation)


def _picture(session: Item) -> str:
    """What the owner's page last reported; empty unless players were asked for."""
    owner = next((each for each in session["players"] or () if each["role"] == "owner"), None)
    stats = (owner or {}).get("stats") or {}
    figures = (
        ("framesPerSecond", 1.0, "fps"),
        ("bitrate", 1e-6, "Mbit/s"),
        ("roundTripSeconds", 1e3, "ms"),
    )
    return " ".join(
        f"{stats[name] * factor:.0f} {unit}" for name, factor, unit in figures if stats.get(name) is not None
    )


def _fleets(answer: Any) -> Iterable[Item]:  # noqa: ANN401 - JSON
    for application in answer["items"]:
        fleets: Iterable[Item] = application["fleets"] or ({},)
        for fleet in fleets:
            yield {**fleet, "application": application["name"], "paused": application["paused"]}


def _fleet_state(fleet: Item) -> str:
    states = (
        ("paused", fleet["paused"]),
        ("drained", fleet.get("drained")),
        ("rolled back", fleet.get("rolled_back")),
        ("buffer changed", fleet.get("override") is not None),
    )
    return ", ".join(name for name, holds in states if holds)


def _done(answer: Any) -> str:  # noqa: ANN401 - JSON
    warning = f", after a warning of {answer['seconds']:g} s" if answer["seconds"] else ""
    return f"done: {answer['target']}{warning}"


def _link(answer: Any) -> str:  # noqa: ANN401 - JSON
    return f"{answer['url'] or answer['path']}\nuntil {answer['expires']}, for one session"


COMMANDS: Final = (
    Command(
        "sessions",
        "listSessions",
        (
            *_columns("id", "subject", "application", "version", "state", "position", "instance", "node", "gpu"),
            Column("since", lambda session: session["started"] or session["joined"]),
            Column("picture", _picture),
        ),
        whole=True,
    ),
    Command("session", "getSession"),
    Command("end", "endSession", says=_done),
    Command("queue", "getQueue", _columns("position", "session", "subject", "priority", "joined", "estimate_seconds")),
    Command(
        "buffers",
        "listApplications",
        (
            *_columns(
                "application", "version", "weight", "sessions", "idle", "starting", "buffer", "target", "override"
            ),
            Column("state", _fleet_state),
        ),
        items=_fleets,
    ),
    Command("buffer", "setBuffer", says=_done),
    Command("reset-buffer", "resetBuffer", says=_done),
    Command(
        "instances",
        "listInstances",
        _columns("name", "application", "version", "state", "node", "gpu", "session", "started"),
    ),
    Command("drain-instance", "drainInstance", says=_done),
    Command("drain-version", "drainVersion", says=_done),
    Command("resume-version", "resumeVersion", says=_done),
    Command("application", "getApplication"),
    Command("pause", "pauseApplication", says=_done),
    Command("resume", "resumeApplication", says=_done),
    Command("link", "createTicket", says=_link),
    Command(
        "nodes",
        "listNodes",
        _columns("name", "pools", "shape", "ready", "schedulable", "gpus", "instances", "sessions", "kubelet"),
    ),
    Command("turn", "listTurnNodes", _columns("name", "address", "offered")),
    Command("regions", "listRegions", _columns("name", "url", "reachable", "room")),
    Command("usage", "getUsage", _columns("application", "subject", "session_seconds", "sessions")),
    Command("audit", "getAuditLog", _columns("at", "operator", "action", "target", "status", "credential", "address")),
)
