"""Nothing secret reaches a log: the sidecar's output is searched for it, and what any program hands to its logger."""

import ast
import asyncio
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, WSServerHandshakeError

from signalling.tickets.claims import Command, PlayerTicket, SessionLimits
from signalling.tickets.keys import public_line
from tests.ports import free_port
from tests.unit.signalling.clients import PATIENCE, Client, cut, streamer
from tests.unit.signalling.pod import KEY, STRANGE, admission, command, signed

RUNTIME = Path(__file__).parents[3] / "signalling"
MARK = "never-to-be-read"
"""Part of all that peers send in confidence."""
ICE = {"urls": ["turn:198.51.100.7"], "username": f"1795397333:{MARK}", "credential": f"{MARK}="}


class Program:
    """The sidecar as a process that logs as much as it can."""

    def __init__(self, http: ClientSession, folder: Path) -> None:
        self.http = http
        (folder / "keys").write_text(public_line(KEY))
        (folder / "token").write_text(f"{MARK}-token")
        self.ports = {name: free_port() for name in ("STREAMER", "SFU", "PLAYER", "HEALTH")}
        self.environ = {
            **os.environ,
            **{f"SIDECAR_{name}_PORT": str(port) for name, port in self.ports.items()},
            "SIDECAR_TICKET_KEYS": str(folder / "keys"),
            "SIDECAR_INSTANCE": "demo-1",
            "SIDECAR_STREAMER_TOKEN_FILE": str(folder / "token"),
            "SIDECAR_CONTROL_URL": f"http://127.0.0.1:{free_port()}",
            "SIDECAR_LOG_LEVEL": "debug",
            "PYTHONASYNCIODEBUG": "1",
        }
        self.written = b""
        self.process: asyncio.subprocess.Process

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-X", "dev", "-m", "signalling.sidecar"),
            env=self.environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert self.process.stdout is not None
        while b'"listening"' not in self.written:
            line = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE)
            assert line, self.written
            self.written += line

    async def stop(self) -> str:
        """End it; all that it wrote."""
        if self.process.returncode is None:
            self.process.terminate()
        rest, _ = await asyncio.wait_for(self.process.communicate(), PATIENCE)
        assert self.process.returncode == 0
        return (self.written + rest).decode()

    def url(self, port: str, query: str = "") -> str:
        return f"ws://127.0.0.1:{self.ports[port]}/{query}"

    async def player(self, ticket: str, query: str = "") -> Client:
        client = await Client.connect(
            self.http, self.url("PLAYER", query), headers={"Authorization": f"Bearer {ticket}"}
        )
        await client.expect("config")
        return client

    async def ask(self, method: str, path: str, ticket: str = "", body: str = "") -> str:
        headers = {"Authorization": f"Bearer {ticket}"}
        url = f"http://127.0.0.1:{self.ports['HEALTH']}{path}"
        async with self.http.request(method, url, headers=headers, data=body) as answer:
            return await answer.text()


@pytest.fixture
async def program(http, tmp_path):
    it = Program(http, tmp_path)
    await it.start()
    yield it
    if it.process.returncode is None:
        it.process.kill()
        await it.process.communicate()


async def test_a_sidecar_writes_and_shows_nothing_secret(program):
    limits = SessionLimits(grace_seconds=30, max_seconds=3600)
    first, again = (signed(admission(opted_in=True, resume=resume, limits=limits)) for resume in (False, True))
    own = signed(PlayerTicket(session="s", player="s", app="demo", joined=1))
    bad, end = signed(admission(), STRANGE), command(Command.END)
    await _refused(program, bad, own, end)
    unreal = await streamer(program.http, program.url("STREAMER", f"?token={MARK}-token"))
    player = await program.player(first, f"?ticket={own}&token={MARK}")
    player_id = await _negotiated(player, unreal)
    for nonsense in (f'{{"type":"{MARK}"}}', f"{MARK}", f'{{"type":"offer","sdp":7,"x":"{MARK}"}}'):
        await player.socket.send_str(nonsense)
        await unreal.socket.send_str(nonsense)
    await player.say("sessionResume", ticket=own, fresh=False)
    await player.say("control", action="api/level", payload={"password": MARK})
    assert (await player.expect("response"))["error"]
    cut(player.socket)
    back = await program.player(again)
    assert (await back.expect("sessionState"))["state"] == "resumed"
    await unreal.say("disconnectPlayer", playerId=player_id, reason=MARK)
    await back.expect("sessionPlayers")
    shown = [await program.ask("GET", path) for path in ("/status", "/metrics")]
    shown += [await program.ask("POST", "/end", end, f'{{"seconds":"{MARK}"}}')]
    await back.closed()
    await unreal.socket.close()
    written = await program.stop()
    assert all(f'"message":"{what}"' in written for what in ("player admitted", "connected", "disconnected", "stopped"))
    assert "the application's API failed" in written
    signatures = [ticket.rpartition(".")[2] for ticket in (first, again, own, bad, end)]
    for secret in (MARK, *signatures, *first.split("."), *own.split("."), "ab" * 32, public_line(KEY)):
        assert secret not in written
        assert secret not in "".join(shown)


async def _refused(program: Program, *tickets: str) -> None:
    for ticket in tickets:
        with pytest.raises(WSServerHandshakeError):
            await program.player(ticket, f"?ticket={ticket}")
    with pytest.raises(WSServerHandshakeError):
        await program.http.ws_connect(program.url("STREAMER", f"?token={MARK}"))


async def _negotiated(player: Client, unreal: Client) -> str:
    for kind in ("sessionState", "sessionPlayers"):
        await player.expect(kind)
    await player.say("subscribe", streamerId="demo")
    player_id = str((await unreal.expect("playerConnected"))["playerId"])
    options = {"iceServers": [ICE]}
    await unreal.say("offer", sdp=f"v=0 a=ice-pwd:{MARK}", playerId=player_id, peerConnectionOptions=options)
    await player.expect("offer")
    await player.say("answer", sdp=f"v=0 a=ice-pwd:{MARK}")
    await unreal.expect("answer")
    await player.say("iceCandidate", candidate={"candidate": f"candidate:1 ufrag {MARK}"})
    await unreal.expect("iceCandidate")
    return player_id


LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
SECRET = re.compile(
    r"(^|_)(tickets?|tokens?|secrets?|credentials?|passwords?|keys?|seed|sdp|candidate|cookies?|authorization|bearer|"
    r"headers|query|payload|body|data|environ)$",
    re.IGNORECASE,
)
"""Names of what holds a secret, or may."""


HARMLESS = {"len", "type", "bool"}
"""What these make of a secret is none."""


def logged(source: str) -> Iterator[tuple[int, str]]:
    """Line and name of each thing that a program hands to a logger; of ``ticket.session`` that is ``session``."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in LEVELS
            and re.fullmatch(r"_?LOG(GER)?", ast.unparse(node.func.value).rpartition(".")[2], re.IGNORECASE)
        ):
            for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                yield from ((node.lineno, name) for name in _names(argument))


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in HARMLESS:
        return
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp):
        names = list(_names(node.elt))
        yield from names
        for each in node.generators:
            # The things themselves, and not something that they say.
            if set(names) & set(_names(each.target)):
                yield from _names(each.iter)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _names(child)


@pytest.mark.parametrize("path", sorted(RUNTIME.rglob("*.py")), ids=lambda path: str(path.relative_to(RUNTIME)))
def test_no_program_hands_a_secret_to_its_log(path):
    source = path.read_text()
    assert [(line, name) for line, name in logged(source) if SECRET.search(name)] == []
    assert not re.search(r"\bprint\(", source), "what is printed is in the log of the container"


@pytest.mark.parametrize(
    "line",
    [
        'LOG.info("x", extra={"a": ticket})',
        'LOG.warning(f"x {self._admin_key}")',
        'LOG.debug("x %s", request.headers)',
        'self._log.error("x", extra={"a": [str(its.turn.credential)]})',
        'LOG.info("x", extra={"a": [one for one in keys]})',
        'LOG.exception("x", extra=dict(a=signed(token), b=len(token)))',
    ],
)
def test_a_secret_that_is_handed_to_a_log_is_noticed(line):
    assert any(SECRET.search(name) for _, name in logged(line))


def test_what_a_ticket_or_a_key_is_called_may_be_written():
    line = 'LOG.info("x", extra={"session": ticket.session, "size": len(ticket), "ids": [key.id for key in keys]})'
    assert [name for _, name in logged(line)] == ["session", "id"]
