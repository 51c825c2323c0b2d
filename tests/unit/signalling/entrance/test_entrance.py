"""Who is let in: every kind of login state against every kind of request, as a table."""

import itertools
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from signalling.entrance.entrance import Admitted, Entrance, Refused, Request
from signalling.limits.limits import Limits
from signalling.limits.settings import LimitsSettings
from signalling.login.grants import Refusal
from signalling.login.login import Login
from signalling.login.settings import Algorithm, LoginSettings, Mode
from signalling.login.tickets import ShownTickets
from signalling.login.tokens import NoLogin, SharedLogin, SignedLogin, TokenLogin
from signalling.protocol.session_messages import Reason
from signalling.records.memory import MemoryRecords
from signalling.store.interface import StoreUnavailable
from signalling.tickets.claims import InvitationTicket, LinkTicket, PlayerTicket
from signalling.tickets.keys import public_keys, public_line, signing_key
from signalling.tickets.signing import sign
from tests.unit.signalling.login.issuer import AUDIENCE, ISSUER, SECRET, token

NOW = 1_800_000_000.0
KEY = signing_key("ab" * 32)
MODES: Mapping[str, TokenLogin] = {
    "none": NoLogin(),
    "shared": SharedLogin(lambda: ("opensesame",)),
    "signed": SignedLogin(LoginSettings(Mode.SIGNED, (Algorithm.HS256,), ISSUER, AUDIENCE), lambda: (SECRET,)),
}
HOST = "play.example.com"


class TwoApplications:
    """demo, other; the second can be paused."""

    def __init__(self) -> None:
        self.halted = {"halted"}

    def known(self) -> Sequence[str]:
        return ("demo", "other", "halted")

    def paused(self, application: str) -> bool:
        return application in self.halted


def entrance(mode: str = "none", records: Any = None, **limits: int) -> Entrance:
    its = LimitsSettings(trusted_proxies=("10.244.0.0/16",), **limits)
    login = Login(MODES[mode], ShownTickets(lambda: public_keys([public_line(KEY)])))
    return Entrance(
        TwoApplications(),
        login,
        Limits(its),
        records or MemoryRecords(lambda: NOW),
        origins=["https://shop.example.com"],
        proxies=its.proxies,
        clock=lambda: NOW,
    )


def request(target: str = "/", peer: str = "203.0.113.1", **headers: str) -> Request:
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(target, CIMultiDict({"Host": HOST, **said}), peer)


def link(app: str = "demo", id: str = "l1") -> str:
    return sign(LinkTicket(id=id, app=app, subject="bob"), KEY, NOW, 600)


OWN = sign(PlayerTicket(session="s1", player="s1", app="demo", joined=1), KEY, NOW, 600)
ADA = sign(PlayerTicket(session="s1", player="s1", app="demo", joined=1, subject="ada"), KEY, NOW, 600)

STATES = {
    "nobody": "",
    "shared token": "token=opensesame",
    "signed for all": f"token={token(SECRET, 'HS256', NOW)}",
    "signed for demo": f"token={token(SECRET, 'HS256', NOW, apps=['demo'])}",
    "signed, over": f"token={token(SECRET, 'HS256', NOW - 3600)}",
    "wrong token": "token=letmein",
    "link for demo": f"ticket={link()}",
    "forged link": f"ticket={link()[:-8]}AAAAAAAA",
    "own ticket": f"ticket={OWN}",
}
YES, REQUIRED, REFUSED, FORBIDDEN, UNKNOWN, PAUSED = (
    "yes",
    Reason.LOGIN_REQUIRED,
    Reason.LOGIN_REFUSED,
    Reason.FORBIDDEN,
    Reason.UNKNOWN_APPLICATION,
    Reason.PAUSED,
)
TABLE: Mapping[str, Sequence[list[Any]]] = {
    # login state: in the modes none, shared, signed: asking for demo, other, an unknown one, a paused one
    "nobody": ([YES, YES, UNKNOWN, PAUSED], [REQUIRED] * 4, [REQUIRED] * 4),
    "shared token": ([YES, YES, UNKNOWN, PAUSED], [YES, YES, UNKNOWN, PAUSED], [REFUSED] * 4),
    "signed for all": ([YES, YES, UNKNOWN, PAUSED], [REFUSED] * 4, [YES, YES, UNKNOWN, PAUSED]),
    "signed for demo": ([YES, YES, UNKNOWN, PAUSED], [REFUSED] * 4, [YES, FORBIDDEN, FORBIDDEN, FORBIDDEN]),
    "signed, over": ([YES, YES, UNKNOWN, PAUSED], [REFUSED] * 4, [REFUSED] * 4),
    "wrong token": ([YES, YES, UNKNOWN, PAUSED], [REFUSED] * 4, [REFUSED] * 4),
    "link for demo": ([YES, FORBIDDEN, FORBIDDEN, FORBIDDEN],) * 3,
    "forged link": ([REFUSED] * 4,) * 3,
    "own ticket": (
        [YES, YES, UNKNOWN, PAUSED],
        [YES, FORBIDDEN, FORBIDDEN, FORBIDDEN],
        [YES, FORBIDDEN, FORBIDDEN, FORBIDDEN],
    ),
}
ASKED = ("demo", "other", "nobody", "halted")


@pytest.mark.parametrize(("state", "mode"), list(itertools.product(STATES, MODES)))
async def test_every_login_state_with_every_request(state, mode):
    expected = TABLE[state][list(MODES).index(mode)]
    for application, wanted in zip(ASKED, expected, strict=True):
        for opted_in in (False, True):
            target = f"/?app={application}&{STATES[state]}{'&session=1' if opted_in else ''}"
            answer = await entrance(mode).ask(request(target))
            if wanted is YES:
                assert isinstance(answer, Admitted), (application, answer)
                assert (answer.application, answer.opted_in) == (application, opted_in)
            else:
                assert isinstance(answer, Refused), (application, answer)
                assert (answer.refusal.reason, answer.at_upgrade) == (wanted, not opted_in)


def test_the_table_is_whole():
    assert TABLE.keys() == STATES.keys()
    assert all(len(row) == len(MODES) and all(len(answers) == len(ASKED) for answers in row) for row in TABLE.values())


@pytest.mark.parametrize(
    ("query", "application"),
    [
        ("", "demo"),
        (f"ticket={link('other')}", "other"),
        (f"app=other&ticket={link('other')}", "other"),
        ("app=", "demo"),
    ],
)
async def test_which_application_is_meant(query, application):
    answer = await entrance().ask(request(f"/?{query}"))
    assert isinstance(answer, Admitted)
    assert answer.application == application


async def test_who_comes_back_to_a_paused_application_is_let_in():
    it = entrance("shared")
    it._applications.halted = {"demo"}  # type: ignore[attr-defined]
    assert isinstance(await it.ask(request(f"/?ticket={OWN}")), Admitted)
    assert isinstance(await it.ask(request("/?token=opensesame", Cookie=f"pixel_session={OWN}")), Admitted)
    invited = sign(InvitationTicket(session="s1", app="demo"), KEY, NOW, 60)
    assert isinstance(await it.ask(request(f"/?ticket={invited}")), Admitted)
    refused = await it.ask(request("/?token=opensesame"))
    assert isinstance(refused, Refused)
    assert (refused.refusal.status, refused.headers["Retry-After"]) == (503, "30")


@pytest.mark.parametrize(
    ("it", "status"),
    [
        (request("//[?token=opensesame"), 401),
        (request("/?token=opensesame", Origin="https://evil.example.com"), 403),
        (request("/", Authorization="Bearer \udcff"), 401),
        (request("/"), 401),
    ],
)
async def test_a_refusal_at_the_upgrade_has_a_status(it, status):
    answer = await entrance("shared").ask(it)
    assert isinstance(answer, Refused)
    assert (answer.at_upgrade, answer.refusal.status) == (True, status)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize("origin", [f"https://{HOST}", "https://shop.example.com"])
async def test_pages_that_may_connect(origin):
    assert isinstance(await entrance().ask(request("/", Origin=origin)), Admitted)


async def test_the_rate_is_of_the_players_address_and_not_of_the_proxys():
    it = entrance(upgrades_per_minute=60, upgrades_burst=2)

    async def statuses(*clients: str) -> list[int]:
        answers = [await it.ask(request("/?session=1", "10.244.0.9", X_Forwarded_For=each)) for each in clients]
        return [answer.refusal.status if isinstance(answer, Refused) else 101 for answer in answers]

    assert await statuses("203.0.113.1", "203.0.113.1", "203.0.113.1", "203.0.113.2") == [101, 101, 429, 101]
    # A player that writes the header itself is still the one whom the proxy saw.
    assert await statuses("192.0.2.1, 203.0.113.1", "192.0.2.2, 203.0.113.1") == [429, 429]
    refused = await it.ask(request("/?session=1", "10.244.0.9", X_Forwarded_For="203.0.113.1"))
    assert isinstance(refused, Refused)
    # Nobody who comes too often is given a connection to hear about it.
    assert refused.at_upgrade
    assert refused.headers["Retry-After"] == "1"


async def admitted(it: Entrance, target: str = "/", **headers: str) -> Admitted:
    answer = await it.ask(request(target, **headers))
    assert isinstance(answer, Admitted), answer
    return answer


async def reason(it: Entrance, who: Admitted, session: str, waiting: int = 0) -> Reason | None:
    refusal: Refusal | None = await it.begin(who, session, waiting)
    return refusal.reason if refusal else None


async def test_a_link_begins_one_session():
    it = entrance("shared")
    who = await admitted(it, f"/?ticket={link()}")
    assert await reason(it, who, "s1") is None
    # The same session, as after a lost connection that was not resumed.
    assert await reason(it, who, "s1") is None
    assert await reason(it, await admitted(it, f"/?ticket={link()}"), "s2") is Reason.LOGIN_REFUSED
    own = sign(PlayerTicket(session="s1", player="s1", app="demo", joined=1, subject="bob"), KEY, NOW, 600)
    back = await admitted(it, f"/?ticket={link()}", Cookie=f"pixel_session={own}")
    assert back.grant.returning is not None
    assert await reason(it, back, "s3") is None
    assert await reason(it, await admitted(it, f"/?ticket={link(id='l2')}"), "s4") is None


async def test_a_link_that_was_used_takes_no_place():
    it = entrance("shared", sessions_per_address=2)
    assert await reason(it, await admitted(it, f"/?ticket={link()}"), "s1") is None
    for number in range(5):
        assert await reason(it, await admitted(it, f"/?ticket={link()}"), f"x{number}") is Reason.LOGIN_REFUSED
    assert await reason(it, await admitted(it, "/?token=opensesame"), "s2") is None
    assert await reason(it, await admitted(it, "/?token=opensesame"), "s3") is Reason.TOO_MANY


async def test_links_are_used_once_for_each_replica_while_the_store_is_away():
    class Away(MemoryRecords):
        async def first(self, key: str, value: str, seconds: float) -> str:
            raise StoreUnavailable("away")

    it = entrance("shared", Away())
    who = await admitted(it, f"/?ticket={link()}")
    assert await reason(it, who, "s1") is None
    assert await reason(it, who, "s2") is Reason.LOGIN_REFUSED


async def test_ones_own_ticket_begins_nothing():
    it = entrance("shared")
    assert await reason(it, await admitted(it, f"/?ticket={OWN}"), "s2") is Reason.LOGIN_REQUIRED
    assert await reason(it, await admitted(it, f"/?token=opensesame&ticket={OWN}"), "s2") is None


async def test_queue_and_sessions_are_limited():
    it = entrance("signed", queue_length=3, sessions_per_subject=1)
    who = await admitted(it, f"/?{STATES['signed for all']}")
    assert await reason(it, who, "s1", waiting=3) is Reason.QUEUE_FULL
    assert await reason(it, who, "s1", waiting=2) is None
    assert await reason(it, who, "s2") is Reason.TOO_MANY
    await it.limits.leave(it.claimant(who, "s1"))
    assert await reason(it, who, "s2") is None


async def test_nothing_that_is_presented_is_logged(caplog):
    caplog.set_level(logging.DEBUG)
    for mode in MODES:
        it = entrance(mode)
        for shown in STATES.values():
            for cookie in (ADA, f"{ADA[:-8]}AAAAAAAA"):
                headers = {"Cookie": f"pixel_session={cookie}", "Authorization": "Bearer letmein"}
                await it.ask(request(f"/?app=demo&{shown}", **headers))
    written = json.dumps([vars(record) for record in caplog.records], default=str)
    assert "refused" in written
    for secret in ("opensesame", "letmein", SECRET, "eyJ", ADA, OWN):
        assert secret not in written


@given(st.text(max_size=100), st.text(max_size=60), st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
async def test_nothing_that_is_sent_raises(target, origin, authorization, protocols, forwarded):
    headers = {
        "Origin": origin,
        "Authorization": authorization,
        "Sec_WebSocket_Protocol": protocols,
        "X_Forwarded_For": forwarded,
    }
    for mode in MODES:
        assert isinstance(await entrance(mode).ask(request(target, "10.244.0.1", **headers)), Admitted | Refused)
