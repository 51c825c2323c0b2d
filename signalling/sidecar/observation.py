"""The sidecar's port for the cluster: health, metrics, what goes on, and commands."""

import time
from typing import Annotated, Final, Protocol

import msgspec
from aiohttp import web
from msgspec import Meta
from prometheus_client import CollectorRegistry

from signalling.protocol.actions import Action
from signalling.protocol.session import Participant
from signalling.protocol.session_messages import OperatorReason, Reason
from signalling.protocol.sidecar import Sidecar
from signalling.shell.health import health_app
from signalling.sidecar.entry import Entry
from signalling.tickets.claims import Command, CommandTicket

BODY_BYTES: Final = 4096
LONGEST_WARNING: Final = 86_400


class Observed(Protocol):
    """What this port shows and commands."""

    @property
    def state(self) -> Sidecar:
        """The instance's state."""
        ...

    @property
    def now(self) -> float:
        """The time by the state's clock."""
        ...

    def ready(self) -> bool:
        """Whether a player would find a stream here."""
        ...

    def do(self, actions: list[Action]) -> None:
        """Carry out actions of the state's."""
        ...

    async def drain(self) -> None:
        """Take nobody new, and wait for the sessions under way."""
        ...


class _End(msgspec.Struct):
    """The body of the command to end a session."""

    reason: OperatorReason = "terminated"
    seconds: Annotated[float, Meta(ge=0, le=LONGEST_WARNING)] = 0.0


_END: Final = msgspec.json.Decoder(_End)


def status(server: Observed) -> dict[str, object]:
    """What goes on; ``session`` is none for sessions that share the instance."""
    state = server.state
    alone = [session.id for session in state.sessions.under_way.values() if not session.limits.shared]
    return {
        "streaming": state.streaming,
        "players": state.player_count,
        "session": next(iter(alone), None),
        "over": state.over,
        "bad": list(state.sessions.bad),
        "draining": state.draining,
        "participants": [_participant(one, server.now) for one in state.sessions.participants],
    }


def _participant(participant: Participant, now: float) -> dict[str, object]:
    return {
        "player": participant.name,
        "session": participant.session.id,
        "subject": participant.session.subject,
        "role": participant.role.value,
        "connected": not participant.away,
        # Unix time: the state's own clock means nothing elsewhere.
        "since": round(time.time() - (now - participant.since), 3),
        "stats": None if participant.stats is None else _stats(participant),
    }


def _stats(participant: Participant) -> object:
    stats = msgspec.to_builtins(participant.stats)
    stats.pop("type")
    return stats


def observation_app(server: Observed, registry: CollectorRegistry, entry: Entry) -> web.Application:
    """Health, metrics and ``/status``; ``GET /drain``, ``POST /end`` and ``POST /recycle``."""

    async def drain(_: web.Request) -> web.Response:
        """The preStop hook of the application's container, which must not end while somebody plays."""
        await server.drain()
        return web.Response(text="drained\n")

    async def end(request: web.Request) -> web.Response:
        ticket = _commanded(request, entry, Command.END)
        if ticket is None:
            return _unauthorized()
        try:
            asked = _END.decode(await request.read() or b"{}")
        except (msgspec.DecodeError, UnicodeError) as error:
            return web.Response(text=f"{error}\n", status=400)
        if ticket.session not in server.state.sessions.under_way:
            return web.Response(text="There is no such session.\n", status=404)
        server.do(server.state.end(ticket.session, Reason(asked.reason), asked.seconds, server.now))
        return web.json_response(status(server))

    async def recycle(request: web.Request) -> web.Response:
        if _commanded(request, entry, Command.RECYCLE) is None:
            return _unauthorized()
        if not server.state.recycle():
            return web.Response(text="Its session is not over, or it is on its way out.\n", status=409)
        return web.json_response(status(server))

    app = health_app(registry, server.ready, lambda: status(server), body_bytes=BODY_BYTES)
    app.add_routes([web.get("/drain", drain), web.post("/end", end), web.post("/recycle", recycle)])
    return app


def _commanded(request: web.Request, entry: Entry, command: Command) -> CommandTicket | None:
    ticket = entry.command(request.headers)
    return ticket if ticket is not None and ticket.command is command else None


def _unauthorized() -> web.Response:
    return web.Response(text="This needs a ticket.\n", status=401, headers={"WWW-Authenticate": "Bearer"})
