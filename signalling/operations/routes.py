"""The routes of the session API, as a table. What each does is in ``handlers``."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import msgspec

from signalling.operations import definitions as d
from signalling.operations import handlers as h
from signalling.operations.handlers import Call, Operations

BASE: Final = "/api/v1"


@dataclass(frozen=True, slots=True)
class Route:
    """One row. Parts of the path in braces are parameters."""

    method: str
    path: str
    """Below BASE."""
    operation: str
    summary: str
    handle: Callable[[Operations, Call], Awaitable[Any]]
    answer: type[msgspec.Struct]
    query: type[msgspec.Struct] = d.Nothing
    body: type[msgspec.Struct] | None = None
    """An absent body counts as an empty one."""
    status: HTTPStatus = HTTPStatus.OK
    conflicts: bool = False
    """The state of a thing may be in the way."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the path's parameters."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))

    @property
    def acts(self) -> bool:
        """Whether it changes something, and so stands in the audit log."""
        return self.method != "GET"


_ACCEPTED: Final = HTTPStatus.ACCEPTED

ROUTES: Final = (
    Route(
        "GET", "/sessions", "listSessions", "Sessions that wait or go on", h.list_sessions, d.Sessions, d.SessionsQuery
    ),
    Route("GET", "/sessions/{session}", "getSession", "One session with its players", h.get_session, d.Session),
    Route(
        "POST",
        "/sessions/{session}/end",
        "endSession",
        "End a session after a warning",
        h.end_session,
        d.Done,
        body=d.End,
        status=_ACCEPTED,
        conflicts=True,
    ),
    Route("GET", "/instances", "listInstances", "Instances", h.list_instances, d.Instances, d.InstancesQuery),
    Route(
        "POST",
        "/instances/{instance}/drain",
        "drainInstance",
        "Give an instance no session any more, and end the one it has after a warning",
        h.drain_instance,
        d.Done,
        body=d.Drain,
        status=_ACCEPTED,
    ),
    Route(
        "GET",
        "/applications",
        "listApplications",
        "Applications with their fleets",
        h.list_applications,
        d.Applications,
    ),
    Route("GET", "/applications/{application}", "getApplication", "One application", h.get_application, d.Application),
    Route(
        "POST",
        "/applications/{application}/pause",
        "pauseApplication",
        "Let nobody new in; sessions and those who wait stay",
        h.pause_application,
        d.Done,
        body=d.Nothing,
        conflicts=True,
    ),
    Route(
        "POST",
        "/applications/{application}/resume",
        "resumeApplication",
        "Let players in again",
        h.resume_application,
        d.Done,
        body=d.Nothing,
        conflicts=True,
    ),
    Route(
        "POST",
        "/applications/{application}/versions/{version}/drain",
        "drainVersion",
        "Give a version no new sessions until it is resumed",
        h.drain_version,
        d.Done,
        body=d.Nothing,
    ),
    Route(
        "POST",
        "/applications/{application}/versions/{version}/resume",
        "resumeVersion",
        "Give a version new sessions again",
        h.resume_version,
        d.Done,
        body=d.Nothing,
    ),
    Route(
        "POST",
        "/applications/{application}/versions/{version}/buffer",
        "setBuffer",
        "Keep so many instances of a version ready, until a deployment changes the application's settings",
        h.set_buffer,
        d.Done,
        body=d.Buffer,
        conflicts=True,
    ),
    Route(
        "POST",
        "/applications/{application}/versions/{version}/buffer/reset",
        "resetBuffer",
        "Keep as many ready as the stack says",
        h.reset_buffer,
        d.Done,
        body=d.Nothing,
    ),
    Route("GET", "/applications/{application}/queue", "getQueue", "Who waits", h.get_queue, d.Queue, d.QueueQuery),
    Route(
        "POST",
        "/tickets",
        "createTicket",
        "Make a link that stands for a login, once",
        h.create_ticket,
        d.LinkCreated,
        body=d.Link,
        status=HTTPStatus.CREATED,
    ),
    Route("GET", "/usage", "getUsage", "What was used, by application and subject", h.get_usage, d.Usage, d.UsageQuery),
    Route("GET", "/nodes", "listNodes", "Nodes of the cluster", h.list_nodes, d.Nodes),
    Route("GET", "/turn", "listTurnNodes", "Nodes of the TURN pool", h.list_turn_nodes, d.TurnNodes),
    Route("GET", "/regions", "listRegions", "This region and its peers", h.list_regions, d.Regions),
    Route(
        "GET",
        "/audit",
        "getAuditLog",
        "What was done through this API, the newest first",
        h.get_audit,
        d.Audit,
        d.AuditQuery,
    ),
)
