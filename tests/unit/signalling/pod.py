"""A sidecar that wants tickets, with its streamer and whoever signs for it, on real sockets."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from signalling.sidecar.server import SidecarServer
from signalling.sidecar.settings import SidecarSettings
from signalling.tickets.claims import AdmissionTicket, Command, CommandTicket, SessionLimits
from signalling.tickets.keys import public_line, signing_key
from signalling.tickets.signing import sign
from tests.unit.signalling.clients import Client, streamer

LOCAL: dict[str, Any] = {
    "admit_anybody": True,
    "player_host": "127.0.0.1",
    "health_host": "127.0.0.1",
    "streamer_port": 0,
    "sfu_port": 0,
    "player_port": 0,
    "health_port": 0,
}
"""Settings of one that lets anybody in."""
KEY, NEXT, STRANGE = (signing_key(digits * 32) for digits in ("ab", "cd", "ef"))
GRACE = SessionLimits(grace_seconds=30)


class Pod:
    """A sidecar that wants tickets, its streamer, and whoever signs for it."""

    def __init__(self, http: ClientSession, folder: Path, **more: Any) -> None:
        self.http = http
        self.keys = folder / "keys"
        self.keys.write_text(public_line(KEY))
        own = {**LOCAL, "admit_anybody": False, "ticket_keys": self.keys, "instance": "demo-1"}
        self.server = SidecarServer(SidecarSettings(**{**own, **more}))
        self.streamer: Client
        self.clients: list[Client] = []

    async def start(self) -> None:
        await self.server.start()
        self.streamer = await streamer(self.http, self.url("streamer"))
        self.clients.append(self.streamer)

    async def stop(self) -> None:
        for client in self.clients:
            # Nobody reads what the sidecar says at its end, and it would wait for an answer.
            await client.gone()
        await self.server.stop()

    def url(self, port: str) -> str:
        return f"ws://127.0.0.1:{self.server.ports[port]}/"

    async def player(self, ticket: str | AdmissionTicket, **more: Any) -> Client:
        token = ticket if isinstance(ticket, str) else signed(ticket)
        headers = {"Authorization": f"Bearer {token}"}
        client = await Client.connect(self.http, self.url("players"), headers=headers, **more)
        self.clients.append(client)
        client.config = await client.expect("config")
        return client

    async def playing(self, ticket: AdmissionTicket) -> tuple[Client, str]:
        """A player that is subscribed, and the id its streamer knows it by."""
        player = await self.player(ticket)
        if ticket.opted_in:
            await player.expect("sessionState")
            await player.expect("sessionPlayers")
        await player.say("subscribe", streamerId="demo")
        return player, (await self.streamer.expect("playerConnected"))["playerId"]

    async def refused(self, ticket: str | AdmissionTicket) -> int:
        with pytest.raises(WSServerHandshakeError) as refused:
            await self.player(ticket)
        return refused.value.status

    async def ask(self, method: str, path: str, ticket: str = "", **more: Any) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {ticket}"} if ticket else {}
        url = f"http://127.0.0.1:{self.server.ports['health']}{path}"
        async with self.http.request(method, url, headers=headers, **more) as answer:
            return answer.status, await answer.text()

    async def status(self) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads((await self.ask("GET", "/status"))[1])
        return shown


def admission(session: str = "s", player: str = "s", **more: Any) -> AdmissionTicket:
    return AdmissionTicket(
        session=session, player=player, app="demo", **{"instance": "demo-1", "limits": GRACE, **more}
    )


def signed(claims: Any, key: Any = KEY, age: float = 0.0, lifetime: float = 60.0) -> str:
    return sign(claims, key, time.time() - age, lifetime)


def command(what: Command, instance: str = "demo-1", key: Any = KEY) -> str:
    return signed(CommandTicket(session="s", instance=instance, command=what), key)
