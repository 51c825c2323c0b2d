"""A service for the tests of the player page: speaks docs/session-protocol.md as a script has it, with real media.

Matchmaker and sidecar in one, without their care: it trusts whoever comes, and one demo streamer serves every session.
Everything a test decides is an attribute or a method; everything the page said is kept.
"""

import asyncio
import itertools
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

SUBPROTOCOL = "pixel-streaming.v1+session"
GRACE_SECONDS = 15


@dataclass(eq=False)
class Player:
    """A participant: its socket while it is connected, and how the streamer knows it."""

    ticket: str
    session: "Session"
    role: str
    socket: web.WebSocketResponse | None = None
    transport: asyncio.Transport | None = None
    streamer_id: str | None = None
    held: list[dict[str, Any]] = field(default_factory=list)
    """What the streamer said while the player was away."""
    said: list[dict[str, Any]] = field(default_factory=list)


@dataclass(eq=False)
class Session:
    """An owner and its spectators."""

    name: str
    players: list[Player] = field(default_factory=list)
    admitted: bool = False
    over: bool = False


class Service:
    """The state of the service; used from its own event loop only."""

    def __init__(self) -> None:
        self.streamer: web.WebSocketResponse | None = None
        self.streaming = asyncio.Event()
        self.sessions: list[Session] = []
        self.capacity = 1
        """Sessions at once; the others queue."""
        self.refusal: dict[str, Any] | None = None
        """What everybody who comes anew is told in the place of a session: fields of sessionState."""
        self.token: str | None = None
        """The login; None for none."""
        self.down = False
        """Nobody gets through, as in a network that is gone."""
        self.limits: dict[str, Any] = {}
        self.estimate: float | None = 30
        self.starts = True
        """Whether a claimed instance becomes ready by itself."""
        self.connections: list[dict[str, Any]] = []
        """For each connection its sub-protocols, query and first message."""
        self._numbers = itertools.count(1)
        self._invitations: dict[str, Session] = {}

    # What players do ------------------------------------------------------------------------------------------------

    async def serve_player(self, request: web.Request) -> web.StreamResponse:
        if self.down:
            return web.Response(status=503)
        offered = [each.strip() for each in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        socket = web.WebSocketResponse(protocols=(SUBPROTOCOL,))
        await socket.prepare(request)
        seen: dict[str, Any] = {"protocols": offered, "query": dict(request.query), "first": None}
        self.connections.append(seen)
        await send(socket, {"type": "config", "peerConnectionOptions": {}, "protocolVersion": "1.3.0"})
        # As the matchmaker does before it knows who comes; one that comes back is given its own again.
        nobody = {"type": "sessionTicket", "ticket": f"ticket-{next(self._numbers)}", "session": secrets.token_hex(8)}
        await send(socket, nobody)
        refusal = self._judge(offered)
        player = None
        try:
            async for frame in socket:
                if frame.type is not WSMsgType.TEXT:
                    break
                message = json.loads(frame.data)
                seen["first"] = seen["first"] or message
                if message["type"] == "sessionResume":
                    player = await self._resume(socket, message)
                elif player is None and refusal:
                    await send(socket, {"type": "sessionState", "state": "failed", **refusal})
                    await socket.close(code=1008)
                elif player is None:
                    player = await self._join(socket, offered)
                if player is not None:
                    player.transport = request.transport
                    player.said.append(message)
                    await self._from_player(player, message)
                elif message["type"] == "sessionResume":
                    failed = {"state": "failed", "reason": "session_over", "message": "", "retry": True}
                    await send(socket, {"type": "sessionState", **failed})
                    await socket.close(code=1000)
        finally:
            if player is not None and player.socket is socket:
                player.socket = None
                await self._left(player)
        return socket

    def _judge(self, offered: list[str]) -> dict[str, Any] | None:
        tokens = [each.removeprefix("pixel-token.") for each in offered if each.startswith("pixel-token.")]
        if self.refusal is not None:
            return self.refusal
        if self.token is not None and self.token not in tokens:
            reason = "login_refused" if tokens else "login_required"
            return {"reason": reason, "message": "", "retry": False}
        return None

    async def _join(self, socket: web.WebSocketResponse, offered: list[str]) -> Player:
        tickets = [each.removeprefix("pixel-ticket.") for each in offered if each.startswith("pixel-ticket.")]
        session = next((self._invitations[each] for each in tickets if each in self._invitations), None)
        role = "owner" if session is None else "spectator"
        if session is None:
            session = Session(f"session-{next(self._numbers)}")
            self.sessions.append(session)
        player = Player(f"ticket-{next(self._numbers)}", session, role, socket)
        session.players.append(player)
        await send(socket, {"type": "sessionTicket", "ticket": player.ticket, "session": session.name})
        return player

    async def _resume(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> Player | None:
        everybody = [player for session in self.sessions if not session.over for player in session.players]
        player = next((each for each in everybody if each.ticket == message["ticket"]), None)
        if player is None:
            return None
        if player.socket is not None:
            await player.socket.close(code=1001)
        player.socket = socket
        await send(socket, {"type": "sessionTicket", "ticket": player.ticket, "session": player.session.name})
        if not player.session.admitted:
            return player
        await self.tell(player, "ready" if message["fresh"] else "resumed", role=player.role, **self._its_limits())
        if message["fresh"]:
            await self._unsubscribe(player)
        for held in player.held:
            await send(socket, held)
        player.held.clear()
        await self._tell_players(player.session)
        return player

    async def _from_player(self, player: Player, message: dict[str, Any]) -> None:
        match message["type"]:
            case "ping":
                await self._send(player, {"type": "pong", "time": message["time"]})
            case "listStreamers":
                await self._seat()
            case "subscribe":
                player.streamer_id = str(next(self._numbers))
                await self._to_streamer(
                    player, {"type": "playerConnected", "dataChannel": player.role == "owner", "sfu": False}
                )
            case "answer" | "iceCandidate":
                await self._to_streamer(player, message)
            case "sessionEnd":
                await self._end_of(player)
            case "sessionActivity":
                await self.tell(player, "ready", role=player.role, **self._its_limits())
            case "sessionInvite":
                ticket = f"invitation-{next(self._numbers)}"
                self._invitations[ticket] = player.session
                await self._send(
                    player, {"type": "sessionInvitation", "ticket": ticket, "role": message["role"], "seconds": 3600}
                )
            case "sessionRequestControl":
                owner = next(each for each in player.session.players if each.role == "owner")
                await self._send(owner, {"type": "sessionControlRequested", "player": player.ticket})
            case "sessionHandOver":
                for each in player.session.players:
                    each.role = "owner" if each.ticket == message["player"] else "spectator"
                await self._tell_players(player.session)

    async def _seat(self) -> None:
        """Give instances to those who wait, in their order, and tell the others their place."""
        waiting = [each for each in self.sessions if not each.over and not each.admitted]
        room = self.capacity - sum(each.admitted and not each.over for each in self.sessions)
        for place, session in enumerate(waiting, 1):
            owner = session.players[0]
            if place > room:
                estimate = {} if self.estimate is None else {"estimateSeconds": self.estimate * (place - room)}
                await self.tell(owner, "queued", position=place - room, **estimate)
            elif any(each["type"] == "listStreamers" for each in owner.said):
                session.admitted = self.starts
                await self.tell(owner, "starting")
        for session in self.sessions:
            if session.admitted and not session.over:
                for player in session.players:
                    await self._admit(player)

    async def _admit(self, player: Player) -> None:
        """Answer the held question for the streamers, once for each time that it was asked."""
        asked = [each for each in player.said if each["type"] == "listStreamers"]
        if player.socket is None or not asked or player.streamer_id is not None:
            return
        player.said[:] = [each for each in player.said if each["type"] != "listStreamers"]
        await self.tell(player, "ready", role=player.role, **self._its_limits())
        await self._tell_players(player.session)
        await self.streaming.wait()
        await self._send(player, {"type": "streamerList", "ids": ["demo"]})

    async def _left(self, player: Player) -> None:
        await self._tell_players(player.session)
        if not player.session.admitted:
            player.session.over = True
            await self._seat()

    async def _end_of(self, player: Player) -> None:
        await self._unsubscribe(player)
        player.session.over = player.role == "owner"
        await self._seat()

    def _its_limits(self) -> dict[str, Any]:
        return {"graceSeconds": GRACE_SECONDS, **self.limits}

    async def _tell_players(self, session: Session) -> None:
        players = [
            {"player": each.ticket, "role": each.role, "connected": each.socket is not None} for each in session.players
        ]
        for each in session.players:
            await self._send(each, {"type": "sessionPlayers", "you": each.ticket, "players": players})

    # What the streamer does -----------------------------------------------------------------------------------------

    async def serve_streamer(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.streamer = socket
        await send(socket, {"type": "identify"})
        await send(socket, {"type": "config", "peerConnectionOptions": {}, "protocolVersion": "1.3.0"})
        async for frame in socket:
            message = json.loads(frame.data)
            match message["type"]:
                case "endpointId":
                    await send(socket, {"type": "endpointIdConfirm", "committedId": message["id"]})
                    self.streaming.set()
                case "ping":
                    await send(socket, {"type": "pong", "time": message["time"]})
                case "offer" | "iceCandidate":
                    await self._from_streamer(message)
        self.streamer = None
        self.streaming.clear()
        for session in self.sessions:
            for player in session.players:
                if player.streamer_id is not None and not session.over:
                    await self.end(player, "instance_failed")
        return socket

    async def _from_streamer(self, message: dict[str, Any]) -> None:
        for session in self.sessions:
            for player in session.players:
                if player.streamer_id != message["playerId"]:
                    continue
                if player.socket is None:
                    player.held.append(message)
                else:
                    await send(player.socket, message)

    async def _to_streamer(self, player: Player, message: dict[str, Any]) -> None:
        if self.streamer is not None:
            await send(self.streamer, {**message, "playerId": player.streamer_id})

    async def _unsubscribe(self, player: Player) -> None:
        if player.streamer_id is not None:
            await self._to_streamer(player, {"type": "playerDisconnected"})
            player.streamer_id = None

    # What a test does -----------------------------------------------------------------------------------------------

    async def tell(self, player: Player, state: str, **fields: Any) -> None:
        await self._send(player, {"type": "sessionState", "state": state, **fields})

    async def end(self, player: Player, reason: str, *, close: bool = True) -> None:
        """End a player's session for a reason; its connection may be closed later."""
        player.session.over = True
        await self.tell(player, "ended", reason=reason, message="")
        await self._unsubscribe(player)
        if close and player.socket is not None:
            await player.socket.close(code=1001)

    def owner(self) -> Player:
        """The owner of the newest session."""
        return next(each for each in self.sessions[-1].players if each.role == "owner")

    async def seat(self) -> None:
        await self._seat()

    async def cut(self) -> None:
        """Every connection breaks off, without a word."""
        for session in self.sessions:
            for player in session.players:
                if player.transport is not None:
                    player.transport.abort()

    async def _send(self, player: Player, message: dict[str, Any]) -> None:
        if player.socket is not None:
            await send(player.socket, message)


async def send(socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
    if not socket.closed:
        await socket.send_str(json.dumps(message))
