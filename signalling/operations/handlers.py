"""What each route does: reads the request's structs, asks the service, gives the answer's struct."""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET

from signalling.operations import definitions as d
from signalling.operations.audit import AuditLog
from signalling.operations.problems import Absent, Away, Refused
from signalling.operations.service import Service
from signalling.protocol.session_messages import Reason
from signalling.store.interface import StoreUnavailable
from signalling.tickets.claims import LinkTicket, Role
from signalling.usage.ledger import Ledger

LONGEST_RANGE: Final = timedelta(days=400)
GOING_ON: Final = frozenset({d.SessionState.STARTING, d.SessionState.RUNNING, d.SessionState.AWAY})
"""States that only a session's instance can tell from each other."""


@dataclass(frozen=True, slots=True)
class Operations:
    """What the routes work with."""

    service: Service
    ledger: Ledger
    audit: AuditLog
    sign: Callable[[LinkTicket, float], str]
    """Makes a link ticket that lives for so many seconds."""
    page: str = ""
    """The address of the player page, ending with a slash; empty where the stack has no domain."""
    clock: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class Call:
    """A request, decoded by its route's definitions."""

    path: Mapping[str, str]
    query: Any
    body: Any


async def list_sessions(api: Operations, call: Call) -> d.Sessions:
    """Filtered, in the order of their ids, a page at a time."""
    query: d.SessionsQuery = call.query
    found = [session for session in await api.service.sessions() if _wanted(session, query)]
    if query.state in GOING_ON:
        found = [session for session in await _asked(api, found) if session.state is query.state]
    found.sort(key=lambda session: session.id)
    rest = [session for session in found if session.id > query.after]
    page = await _asked(api, rest[: query.limit])
    if not query.players:
        page = [msgspec.structs.replace(session, players=None) for session in page]
    return d.Sessions(items=tuple(page), next=page[-1].id if len(rest) > query.limit else None)


def _wanted(session: d.Session, query: d.SessionsQuery) -> bool:
    return (
        query.application in ("", session.application)
        and query.version in ("", session.version)
        and query.subject in ("", session.subject)
        and (query.state in (UNSET, session.state) or {query.state, session.state} <= GOING_ON)
    )


async def _asked(api: Operations, sessions: Sequence[d.Session]) -> list[d.Session]:
    """The sessions with their players and states, as their instances tell of them, or have just told."""

    async def ask(session: d.Session) -> d.Session:
        return session if session.instance is None else _told(session, await api.service.players(session))

    return list(await asyncio.gather(*map(ask, sessions)))


def _told(session: d.Session, players: tuple[d.Player, ...] | None) -> d.Session:
    """A session as its instance tells of it: only there it is known whether an owner is connected."""
    state = session.state
    if state is d.SessionState.RUNNING and players is not None:
        owners = [player.connected for player in players if player.role is Role.OWNER]
        if not any(owners):
            state = d.SessionState.AWAY if owners else d.SessionState.STARTING
    return msgspec.structs.replace(session, state=state, players=players)


async def get_session(api: Operations, call: Call) -> d.Session:
    """One of them."""
    wanted = call.path["session"]
    for session in await api.service.sessions():
        if session.id == wanted:
            return (await _asked(api, [session]))[0]
    raise Absent("session")


async def end_session(api: Operations, call: Call) -> d.Done:
    """The player hears of it first."""
    body: d.End = call.body
    session, reason = call.path["session"], Reason(body.reason)
    if body.queued_only:
        await api.service.dismiss(session, reason)
        return d.Done(target=session)
    warning = await api.service.end(session, reason, body.seconds)
    return d.Done(target=session, seconds=warning)


async def list_instances(api: Operations, call: Call) -> d.Instances:
    """In the order of their names."""
    query: d.InstancesQuery = call.query
    found = [
        each
        for each in await api.service.instances()
        if query.application in ("", each.application) and query.state in (UNSET, each.state)
    ]
    return d.Instances(items=tuple(sorted(found, key=lambda each: each.name)))


async def drain_instance(api: Operations, call: Call) -> d.Done:
    """For good: its fleet starts another."""
    body: d.Drain = call.body
    warning = await api.service.drain_instance(call.path["instance"], body.seconds)
    return d.Done(target=call.path["instance"], seconds=warning)


async def list_applications(api: Operations, _: Call) -> d.Applications:
    """In the stack's order."""
    return d.Applications(items=tuple(await api.service.applications()))


async def get_application(api: Operations, call: Call) -> d.Application:
    """One of them."""
    return await _application(api, call.path["application"])


async def _application(api: Operations, name: str) -> d.Application:
    for application in await api.service.applications():
        if application.name == name:
            return application
    raise Absent("application")


async def pause_application(api: Operations, call: Call) -> d.Done:
    """Holds until it is resumed."""
    await api.service.pause(call.path["application"], paused=True)
    return d.Done(target=call.path["application"])


async def resume_application(api: Operations, call: Call) -> d.Done:
    """The opposite."""
    await api.service.pause(call.path["application"], paused=False)
    return d.Done(target=call.path["application"])


async def drain_version(api: Operations, call: Call) -> d.Done:
    """Its weight counts as 0."""
    await api.service.drain_version(call.path["application"], call.path["version"], drained=True)
    return d.Done(target=_version(call))


async def resume_version(api: Operations, call: Call) -> d.Done:
    """The opposite."""
    await api.service.drain_version(call.path["application"], call.path["version"], drained=False)
    return d.Done(target=_version(call))


async def set_buffer(api: Operations, call: Call) -> d.Done:
    """The fleet controller follows."""
    body: d.Buffer = call.body
    await api.service.set_buffer(call.path["application"], call.path["version"], body.instances)
    return d.Done(target=_version(call))


async def reset_buffer(api: Operations, call: Call) -> d.Done:
    """The opposite."""
    await api.service.set_buffer(call.path["application"], call.path["version"], None)
    return d.Done(target=_version(call))


def _version(call: Call) -> str:
    return f"{call.path['application']}/{call.path['version']}"


async def get_queue(api: Operations, call: Call) -> d.Queue:
    """The first ones."""
    query: d.QueueQuery = call.query
    return await api.service.queue(call.path["application"], query.limit)


async def create_ticket(api: Operations, call: Call) -> d.LinkCreated:
    """Nothing is kept of it but that it was used."""
    body: d.Link = call.body
    try:
        await _application(api, body.application)
    except Absent as error:
        problem, remedy = "There is no such application.", "Name one of the stack's applications"
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        raise Refused(status, problem, remedy, key="application", value=body.application) from error
    link = LinkTicket(secrets.token_hex(16), body.application, body.subject, body.priority, body.max_seconds)
    ticket = api.sign(link, body.valid_seconds)
    path = "?" + urlencode({"app": body.application, "ticket": ticket})
    expires = datetime.fromtimestamp(int(api.clock()) + body.valid_seconds, UTC)
    url = f"{api.page}{path}" if api.page else None
    return d.LinkCreated(id=link.id, ticket=ticket, path=f"/{path}", url=url, expires=expires)


async def get_usage(api: Operations, call: Call) -> d.Usage:
    """Whole hours: what is asked in parts of one would not add up."""
    query: d.UsageQuery = call.query
    start, end = _hour("start", query.start), _hour("end", query.end)
    if not timedelta() < end - start <= LONGEST_RANGE:
        remedy = f"Use an end after the start, and at most {LONGEST_RANGE.days} days later"
        raise Refused(HTTPStatus.BAD_REQUEST, "It is no range.", remedy, key="end", value=end.isoformat())
    names = [query.application] if query.application else [each.name for each in await api.service.applications()]
    try:
        rows = await api.ledger.report(names, int(start.timestamp()) * 1000, int(end.timestamp()) * 1000)
    except StoreUnavailable as error:
        raise Away("the store that keeps usage does not answer") from error
    items = tuple(
        d.UsageRow(
            application=row.application,
            subject=row.subject,
            session_seconds=row.total.milliseconds / 1000,
            sessions=row.total.sessions,
        )
        for row in rows
        if query.subject in (UNSET, row.subject)
    )
    return d.Usage(start=start, end=end, items=items)


def _hour(key: str, said: datetime) -> datetime:
    try:
        time_ = said.astimezone(UTC)
    except OverflowError:
        # Near the first year or the last one, in a time zone in which it is another.
        time_ = None
    if time_ is None or time_ != time_.replace(minute=0, second=0, microsecond=0):
        remedy = "Use a whole hour, such as 2027-01-15T10:00:00Z"
        raise Refused(HTTPStatus.BAD_REQUEST, "It is no whole hour of UTC.", remedy, key=key, value=said.isoformat())
    return time_


async def list_nodes(api: Operations, _: Call) -> d.Nodes:
    """In the order of their names."""
    return d.Nodes(items=tuple(sorted(await api.service.nodes(), key=lambda node: node.name)))


async def list_turn_nodes(api: Operations, _: Call) -> d.TurnNodes:
    """In the order of their names."""
    return d.TurnNodes(items=tuple(sorted(await api.service.turn_nodes(), key=lambda node: node.name)))


async def list_regions(api: Operations, _: Call) -> d.Regions:
    """As they were last heard."""
    return d.Regions(name=api.service.region, items=tuple(await api.service.regions()))


async def get_audit(api: Operations, call: Call) -> d.Audit:
    """The newest first."""
    query: d.AuditQuery = call.query
    return await api.audit.read(query.after, query.limit)
