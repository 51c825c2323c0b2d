"""TEMPORARY: a sidecar by the contract, until the real one is merged."""
import asyncio
import time
from aiohttp import WSMsgType, web
from signalling.protocol.actions import Close, Drop, Send
from signalling.protocol.messages import encode
from signalling.protocol.session_messages import SUBPROTOCOL, SessionState, State, Reason
from signalling.shell import listening
from signalling.shell.health import health_app
from signalling.shell.peer import Peer
from signalling.sidecar.server import SidecarServer
from signalling.tickets.claims import AdmissionTicket, Command, CommandTicket
from signalling.tickets.signing import TicketRefused, prove


class StandIn(SidecarServer):
    def __init__(self, settings, name, keys):
        super().__init__(settings)
        self.name, self.keys = name, keys
        self.session = None
        self.over = False
        self.members = {}
        self.timers = {}

    def _ready(self):
        return super()._ready() and not self.over

    async def start(self):
        its = self._settings
        health = health_app(self._metrics.registry, self._ready, self._status)
        health.router.add_post("/{command}", self._command)
        self._runners["health"] = await listening.listen(health, its.health_host, its.health_port)
        from signalling.protocol.messages import Role
        streamers = self._websocket_app(Role.STREAMER, self._state.connect_streamer)
        self._runners["streamer"] = await listening.listen(streamers, its.streamer_host, its.streamer_port)
        app = web.Application()
        app.router.add_get("/{path:.*}", self._player)
        self._runners["players"] = await listening.listen(app, its.player_host, its.player_port)

    def _status(self):
        return {"streaming": self._state.streaming, "players": len(self.members), "session": self.session,
                "over": self.over, "draining": False, "participants": [
                    {"player": p, "role": m["role"], "connected": m["peer"] is not None, "since": 0} for p, m in self.members.items()]}

    async def _command(self, request):
        claims = prove(request.headers["Authorization"].removeprefix("Bearer "), CommandTicket, self.keys, time.time())
        if claims.instance != self.name or (self.session and claims.session != self.session):
            return web.Response(status=409)
        if claims.command is Command.RECYCLE:
            if not self.over:
                return web.Response(status=409)
            self.session, self.over = None, False
            return web.Response(status=204)
        for player in list(self.members):
            self._end(player, 4010)
        return web.Response(status=204)

    async def _player(self, request):
        try:
            ticket = prove(request.headers.get("Authorization", "").removeprefix("Bearer "), AdmissionTicket, self.keys, time.time())
        except TicketRefused:
            return web.Response(status=401)
        if ticket.instance != self.name:
            return web.Response(status=401)
        shared = ticket.limits.shared
        if not shared and (self.over or (self.session not in (None, ticket.session))):
            return web.Response(status=409)
        if ticket.player not in self.members and len(self.members) >= ticket.limits.players:
            return web.Response(status=503)
        socket = web.WebSocketResponse(protocols=[SUBPROTOCOL] if ticket.opted_in else [], compress=False)
        await socket.prepare(request)
        peer = Peer(socket, request.transport.abort, self._outbox)
        if not shared:
            self.session = ticket.session
        member = self.members.get(ticket.player)
        if member is not None:
            if member["peer"] is not None:
                member["peer"].close(4011, "taken over")
            if timer := self.timers.pop(ticket.player, None):
                timer.cancel()
        resumed = member is not None and not ticket.fresh
        actions = []
        if not resumed:
            if member is not None:
                self._do(self._state.disconnect(member["connection"]))
                self._peers.pop(member["connection"], None)
            connection = next(self._numbers)
            member = self.members[ticket.player] = {"connection": connection, "role": ticket.role, "ticket": ticket, "peer": peer}
            self._peers[connection] = peer
            actions = self._state.connect_player(connection)
        else:
            member["peer"] = peer
            self._peers[member["connection"]] = peer
        connection = member["connection"]
        async with peer.writing():
            self._do(actions)
            if ticket.opted_in:
                state = State.RESUMED if resumed else State.READY
                peer.send(encode(SessionState(state=state, role=ticket.role, grace_seconds=ticket.limits.grace_seconds)))
            async for frame in socket:
                if frame.type in {WSMsgType.TEXT, WSMsgType.BINARY} and member["peer"] is peer:
                    self._do(self._state.receive(connection, frame.data))
        if member["peer"] is peer:
            member["peer"] = None
            self._peers.pop(connection, None)
            code = socket.close_code
            grace = ticket.limits.grace_seconds
            delay = 0 if code == 1000 else min(10, grace) if code == 4000 else grace
            loop = asyncio.get_running_loop()
            if ticket.player in self.members:
                if delay:
                    self.timers[ticket.player] = loop.call_later(delay, self._end, ticket.player, 4010)
                else:
                    self._end(ticket.player, 4010)
        return socket

    def _do(self, actions):
        for action in actions:
            if isinstance(action, Close):
                for player, member in list(self.members.items()):
                    if member["connection"] == action.connection:
                        del self.members[player]
                        self.over = not member["ticket"].limits.shared
        super()._do(actions)

    def _end(self, player, code):
        member = self.members.pop(player, None)
        if member is None:
            return
        if timer := self.timers.pop(player, None):
            timer.cancel()
        self._do(self._state.disconnect(member["connection"]))
        if member["peer"] is not None:
            member["peer"].close(code, "over")
        self._peers.pop(member["connection"], None)
        if not member["ticket"].limits.shared and member["role"] == "owner":
            self.over = True
            for other in list(self.members):
                self._end(other, code)
