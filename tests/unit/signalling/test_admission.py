"""Who may come in: every login at every port, every ticket in every situation, and every route with every login.

``test_authorisation`` has what may be said once somebody is in.
"""

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import jwt
import msgspec
import pytest
from aiohttp import WSServerHandshakeError
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from signalling.protocol.admission import NotAdmitted
from signalling.protocol.sidecar import Limits
from signalling.tickets.claims import (
    AdmissionTicket,
    Command,
    InvitationTicket,
    LinkTicket,
    PlayerTicket,
    RegionTicket,
    Role,
    SessionLimits,
)
from tests.unit.signalling.instance import OTHER, PLAYER, Instance, ticket
from tests.unit.signalling.pod import KEY, STRANGE, Pod, admission, command, signed

TOKEN = "the-token"


class Login(NamedTuple):
    """What somebody brings along."""

    bearer: str = ""
    query: str = ""
    subprotocols: tuple[str, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.bearer}"} if self.bearer else {}


def _forged(algorithm: str, key: Any) -> str:
    claims = {**msgspec.to_builtins(admission()), "aud": "admission", "iat": 0, "exp": 2**40}
    return jwt.encode(claims, key, algorithm, headers={"kid": KEY.id})


def _public() -> bytes:
    return KEY.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


LOGINS: dict[str, Callable[[], Login]] = {
    "none": Login,
    "nonsense": lambda: Login("nonsense"),
    "key of somebody else": lambda: Login(signed(admission(), STRANGE)),
    "unsigned": lambda: Login(_forged("none", None)),
    "public key as a shared one": lambda: Login(_forged("HS256", _public())),
    "too old": lambda: Login(signed(admission(), age=100)),
    "not yet": lambda: Login(signed(admission(), age=-100)),
    "another instance": lambda: Login(signed(admission(instance="demo-2"))),
    "no instance": lambda: Login(signed(admission(instance=""))),
    "player ticket": lambda: Login(signed(PlayerTicket(session="s", player="s", app="demo", joined=1))),
    "invitation": lambda: Login(signed(InvitationTicket(session="s", app="demo", role=Role.OWNER))),
    "link": lambda: Login(signed(LinkTicket(id="1", app="demo"))),
    "region": lambda: Login(signed(RegionTicket(region="eu", app="demo"))),
    "end": lambda: Login(command(Command.END)),
    "recycle": lambda: Login(command(Command.RECYCLE)),
    "admission in the URL": lambda: Login(query=f"?ticket={signed(admission())}&token={signed(admission())}"),
    "admission as a sub-protocol": lambda: Login(subprotocols=(f"pixel-ticket.{signed(admission())}",)),
    "admission": lambda: Login(signed(admission())),
    "wrong token": lambda: Login("the-toke", "?token=the-token2"),
    "token": lambda: Login(TOKEN),
    "token in the URL": lambda: Login(query=f"?token={TOKEN}"),
}
PORTS = ("streamer", "sfu", "players")
PLACES: dict[str, tuple[dict[str, Any], dict[str, set[str]]]] = {
    "in a cluster": (
        {},
        {"streamer": set(LOGINS), "sfu": set(LOGINS), "players": {"admission"}},
    ),
    "with a streamer from outside": (
        {"streamer_token_file": TOKEN},
        {"streamer": {"token", "token in the URL"}, "sfu": {"token", "token in the URL"}, "players": {"admission"}},
    ),
    "for anybody": (
        {"admit_anybody": True, "ticket_keys": None},
        {port: set(LOGINS) for port in PORTS},
    ),
}
"""By place, its settings and the logins that each port takes; with any other the answer is 401. In a cluster the ports
of streamers are on loopback, where nobody is but the application."""


@pytest.fixture(params=PLACES)
async def place(request, http, tmp_path):
    settings, takes = PLACES[request.param]
    more = dict(settings)
    if "streamer_token_file" in more:
        (tmp_path / "token").write_text(TOKEN)
        more["streamer_token_file"] = tmp_path / "token"
    it = Pod(http, tmp_path, **more)
    await it.server.start()
    yield it, takes
    await it.stop()


@pytest.mark.parametrize("port", PORTS)
async def test_each_login_at_each_port(place, port):
    pod, takes = place
    answers = {name: await _answer(pod, port, login()) for name, login in LOGINS.items()}
    assert answers == {name: 101 if name in takes[port] else 401 for name in LOGINS}


async def _answer(pod: Pod, port: str, login: Login) -> int:
    try:
        socket = await pod.http.ws_connect(
            pod.url(port) + login.query, headers=login.headers, protocols=login.subprotocols
        )
    except WSServerHandshakeError as refused:
        return refused.status
    await socket.close()
    return 101


@pytest.mark.parametrize("port", PORTS)
async def test_an_ordinary_request_gets_nothing_at_a_port_of_sockets(pod, port):
    for login in LOGINS.values():
        its = login()
        async with pod.http.get(pod.url(port).replace("ws", "http", 1) + its.query, headers=its.headers) as answer:
            assert answer.status == 426


ROUTES = {
    ("GET", "/healthz"): (200, 200, 200),
    ("GET", "/readyz"): (200, 200, 200),
    ("GET", "/status"): (200, 200, 200),
    ("GET", "/metrics"): (200, 200, 200),
    ("GET", "/drain"): (200, 200, 200),
    ("POST", "/end"): (401, 404, 401),
    ("POST", "/recycle"): (401, 401, 409),
    ("POST", "/drain"): (405, 405, 405),
    ("POST", "/status"): (405, 405, 405),
    ("GET", "/end"): (405, 405, 405),
    ("GET", "/recycle"): (405, 405, 405),
    ("GET", "/"): (404, 404, 404),
    ("GET", "/../etc/passwd"): (404, 404, 404),
}
"""The answer of an idle instance with any other login, with a command to end, with one to recycle."""


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_each_route_with_each_login(pod, method, path):
    otherwise, *commanded = ROUTES[method, path]
    expected = dict.fromkeys(LOGINS, otherwise) | dict(zip(("end", "recycle"), commanded, strict=True))
    answers = {}
    for name, login in LOGINS.items():
        its = login()
        answers[name] = (await pod.ask(method, path + its.query, its.bearer))[0]
    assert answers == expected


async def test_every_route_is_in_the_table(pod):
    served = {
        (route.method, route.resource.canonical)
        for route in pod.server._health.app.router.routes()
        if route.method != "HEAD"
    }
    assert served <= ROUTES.keys()


@pytest.mark.parametrize("path", ["/end", "/recycle"])
async def test_commands_are_made_out_to_an_instance_and_signed(pod, path):
    what = Command(path[1:])
    for bad in (command(what, "demo-2"), command(what, ""), command(what, key=STRANGE)):
        assert (await pod.ask("POST", path, bad))[0] == 401


async def test_where_anybody_comes_in_nobody_commands(http, tmp_path):
    it = Pod(http, tmp_path, admit_anybody=True, ticket_keys=None)
    await it.start()
    try:
        for path, login in itertools.product(("/end", "/recycle"), LOGINS.values()):
            assert (await it.ask("POST", path, login().bearer))[0] == 401
    finally:
        await it.stop()


OVER, FULL, IN = NotAdmitted.OVER, NotAdmitted.NO_ROOM, None
COMING = (
    *(("owner", how) for how in ("first", "seamless", "fresh")),
    *(("spectator", how) for how in ("first", "seamless", "fresh")),
)
#                                     owner: first, seamless, fresh; spectator: first, seamless, fresh
SITUATIONS: dict[str, tuple[NotAdmitted | None, ...]] = {
    "nobody was here":                (IN,   OVER, IN,   OVER, OVER, OVER),
    "the owner is here":              (IN,   IN,   IN,   IN,   OVER, IN),
    "the owner has not subscribed":   (IN,   OVER, IN,   IN,   OVER, IN),
    "the owner is away":              (IN,   IN,   IN,   IN,   OVER, IN),
    "both are here":                  (IN,   IN,   IN,   IN,   IN,   IN),
    "both are away":                  (IN,   IN,   IN,   IN,   IN,   IN),
    "another session is here":        (OVER, OVER, OVER, OVER, OVER, OVER),
    "another session shares":         (OVER, OVER, OVER, OVER, OVER, OVER),
    "it is over":                     (OVER, OVER, OVER, OVER, OVER, OVER),
    "it was over and is used again":  (IN,   OVER, IN,   OVER, OVER, OVER),
    "it drains":                      (FULL, OVER, FULL, FULL, OVER, FULL),
    "it drains with the owner here":  (IN,   IN,   IN,   FULL, OVER, FULL),
    "it drains with both":            (IN,   IN,   IN,   IN,   IN,   IN),
    "it is full of the owner":        (IN,   IN,   IN,   FULL, OVER, FULL),
}  # fmt: skip
"""What becomes of a player of session ``s`` who comes to the instance in this situation."""
LONG = SessionLimits(grace_seconds=30)


def _coming(role: str, how: str) -> AdmissionTicket:
    who = "s" if role == "owner" else "p2"
    return ticket("s", who, Role(role), limits=LONG, resume=how != "first", fresh=how == "fresh")


def _arranged(situation: str) -> Instance:
    it = Instance(Limits(players=1, waiting=0) if "full" in situation else None)
    it.identify()
    if "another" in situation:
        it.subscribe(PLAYER, admission=ticket("other", limits=SessionLimits(shared="shares" in situation)))
    if "subscribed" in situation:
        it.admit(PLAYER, _coming("owner", "first"))
    elif "owner" in situation or "both" in situation or "over" in situation:
        it.subscribe(PLAYER, admission=_coming("owner", "first"))
    if "both" in situation:
        it.subscribe(OTHER, admission=_coming("spectator", "first"))
    if "away" in situation:
        for connection in (PLAYER, OTHER):
            it.lose(connection, 4001)
    if "over" in situation:
        it.lose(PLAYER, 1000)
    if "again" in situation:
        assert it.recycle()
    if "drains" in situation:
        it.drain(600, it.time)
    return it


@pytest.mark.parametrize(("situation", "coming"), [*itertools.product(SITUATIONS, range(len(COMING)))])
def test_each_ticket_in_each_situation(situation, coming):
    it = _arranged(situation)
    assert it.refusal(_coming(*COMING[coming])) is SITUATIONS[situation][coming]


@pytest.mark.parametrize(("role", "expected"), [("owner", (IN, OVER, IN)), ("spectator", (OVER, OVER, OVER))])
def test_sessions_that_share_an_instance_are_let_in_beside_others(role, expected):
    it = _arranged("another session shares")
    for how, answer in zip(("first", "seamless", "fresh"), expected, strict=True):
        coming = msgspec.structs.replace(_coming(role, how), limits=SessionLimits(shared=True))
        assert it.refusal(coming) is answer
