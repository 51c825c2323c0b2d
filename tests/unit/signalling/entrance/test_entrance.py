"""Who is let in: every kind of login state against every kind of request, as a table."""

import itertools
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.entrance.entrance import Entrance, Granted
from signalling.limits.limits import PLACE_SECONDS, RETURNS, Limits
from signalling.limits.settings import LimitsSettings
from signalling.login.grants import Grant
from signalling.login.login import Login
from signalling.login.settings import Algorithm, LoginSettings, Mode
from signalling.login.tickets import ShownTickets
from signalling.login.tokens import NoLogin, SharedLogin, SignedLogin, TokenLogin
from signalling.matchmaker.admission import Admitted, Redirected, Refused
from signalling.protocol.session_messages import Reason
from signalling.records.memory import MemoryRecords
from signalling.shell.handshake import UpgradeRequest
from signalling.store.interface import StoreUnavailable
from signalling.tickets.claims import InvitationTicket, LinkTicket, PlayerTicket
from signalling.tickets.keys import SigningKey, public_keys, public_line, signing_key
from signalling.tickets.signing import sign
from tests.unit.signalling.entrance.requests import asked
from tests.unit.signalling.login.issuer import AUDIENCE, ISSUER, SECRET, token

NOW = 1_800_000_000.0
KEY = signing_key("ab" * 32)
MODES: Mapping[str, TokenLogin] = {
    "none": NoLogin(),
    "shared": SharedLogin(lambda: ("opensesame",)),
    "signed": SignedLogin(LoginSettings(Mode.SIGNED, (Algorithm.HS256,), ISSUER, AUDIENCE), lambda: (SECRET,)),
}
HOST = "play.example.com"


class Around:
    """The rest of a replica, as the entrance sees it."""

    def __init__(self) -> None:
        self.rooms = 1
        self.sessions: set[str] = set()
        self.seated: set[str] = set()
        self.next_region: Redirected | None = None
        self.waits: list[tuple[str, str, str]] = []

    def room(self, application: str) -> int:
        return self.rooms

    def going_on(self, session: str) -> bool:
        return session in self.sessions

    def has_instance(self, session: str) -> bool:
        return session in self.seated

    def elsewhere(self, application: str, grant: Grant) -> Redirected | None:
        return self.next_region

    def queued(self, session: str, application: str, subject: str) -> None:
        self.waits.append((session, application, subject))


class It:
    """An entrance with its surroundings and a clock."""

    def __init__(self, mode: str = "none", records: Any = None, **limits: Any) -> None:
        its = LimitsSettings(trusted_proxies=("10.244.0.0/16",), **limits)
        self.now = NOW
        self.around = Around()
        self.limits = Limits(its)
        self.entrance = Entrance(
            Login(MODES[mode], ShownTickets(lambda: public_keys([public_line(KEY)]))),
            self.limits,
            records or MemoryRecords(lambda: self.now),
            origins=["https://shop.example.com"],
            proxies=its.proxies,
            clock=lambda: self.now,
        )
        self.entrance.attach(self.around)

    async def ask(self, target: str = "/", application: str = "demo", **said: str) -> Admitted | Refused:
        return await self.entrance.arrive(application, request(target, **said))

    async def admitted(self, target: str = "/", **said: str) -> Granted:
        answer = await self.ask(target, **said)
        assert isinstance(answer, Granted), answer
        return answer

    async def reason(self, who: Admitted, session: str, waiting: int = 0) -> Reason | None:
        answer = await self.entrance.enter(session, "demo", who, waiting)
        assert not isinstance(answer, Redirected)
        return answer.reason if answer else None


def request(target: str = "/", peer: str = "203.0.113.1", **headers: str) -> UpgradeRequest:
    said = {"Host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return asked(target, *said.items(), peer=peer)


def link(app: str = "demo", id: str = "l1") -> str:
    return sign(LinkTicket(id=id, app=app, subject="bob"), KEY, NOW, 600)


def own(player: str = "s1", app: str = "demo", *, key: SigningKey = KEY, signed: float = NOW) -> str:
    return sign(PlayerTicket(session="s1", player=player, app=app, joined=1), key, signed, 600)


OWN = own()
ADA = sign(PlayerTicket(session="s1", player="s1", app="demo", joined=1, subject="ada"), KEY, NOW, 600)
ALL = f"token={token(SECRET, 'HS256', NOW)}"

STATES = {
    "nobody": "",
    "shared token": "token=opensesame",
    "signed for all": ALL,
    "signed for demo": f"token={token(SECRET, 'HS256', NOW, apps=['demo'])}",
    "signed, over": f"token={token(SECRET, 'HS256', NOW - 3600)}",
    "wrong token": "token=letmein",
    "link for demo": f"ticket={link()}",
    "forged link": f"ticket={link()[:-8]}AAAAAAAA",
    "own ticket": f"ticket={OWN}",
}
YES, REQUIRED, REFUSED, FORBIDDEN = "yes", Reason.LOGIN_REQUIRED, Reason.LOGIN_REFUSED, Reason.FORBIDDEN
TABLE: Mapping[str, Sequence[list[Any]]] = {
    # login state: in the modes none, shared, signed: asking for demo, for other
    "nobody": ([YES, YES], [REQUIRED] * 2, [REQUIRED] * 2),
    "shared token": ([YES, YES], [YES, YES], [REFUSED] * 2),
    "signed for all": ([YES, YES], [REFUSED] * 2, [YES, YES]),
    "signed for demo": ([YES, YES], [REFUSED] * 2, [YES, FORBIDDEN]),
    "signed, over": ([YES, YES], [REFUSED] * 2, [REFUSED] * 2),
    "wrong token": ([YES, YES], [REFUSED] * 2, [REFUSED] * 2),
    "link for demo": ([YES, FORBIDDEN],) * 3,
    "forged link": ([REFUSED] * 2,) * 3,
    "own ticket": ([YES, YES], [YES, FORBIDDEN], [YES, FORBIDDEN]),
}
ASKED = ("demo", "other")


@pytest.mark.parametrize(("state", "mode"), list(itertools.product(STATES, MODES)))
async def test_every_login_state_with_every_request(state, mode):
    expected = TABLE[state][list(MODES).index(mode)]
    for application, wanted in zip(ASKED, expected, strict=True):
        for opted_in in (False, True):
            target = f"/?app={application}&{STATES[state]}{'&session=1' if opted_in else ''}"
            answer = await It(mode).ask(target, application)
            if wanted is YES:
                assert isinstance(answer, Granted), (application, answer)
                assert answer.opted_in == opted_in
            else:
                assert isinstance(answer, Refused), (application, answer)
                assert answer.reason == wanted
                assert answer.status == (403 if wanted is FORBIDDEN else 401)


def test_the_table_is_whole():
    assert TABLE.keys() == STATES.keys()
    assert all(len(row) == len(MODES) and all(len(answers) == len(ASKED) for answers in row) for row in TABLE.values())


async def test_what_a_login_says_is_what_the_player_is():
    said = token(SECRET, "HS256", NOW, priority=3, max_seconds=60)
    who = await It("signed").admitted(f"/?token={said}")
    assert (who.subject, who.priority, who.max_seconds, who.address) == ("ada", 3, 60, "203.0.113.1")
    assert (who.invited, who.returning, who.resume_only) == (None, None, False)
    invited = sign(InvitationTicket(session="s9", app="demo"), KEY, NOW, 60)
    guest = await It("shared").admitted(f"/?ticket={invited}")
    assert guest.invited == InvitationTicket(session="s9", app="demo")
    back = await It("signed").admitted("/", Cookie=f"pixel_session={ADA}")
    assert back.returning is not None
    assert (back.returning.session, back.resume_only, back.subject) == ("s1", True, "ada")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"Origin": "https://evil.example.com"}, 403),
        ({"Origin": "null"}, 403),
        ({"Authorization": "Bearer \udcff"}, 401),
        ({}, 401),
    ],
)
async def test_a_refusal_has_a_status(said, status):
    answer = await It("shared").ask("/", **said)
    assert isinstance(answer, Refused)
    assert answer.status == status


@pytest.mark.parametrize("origin", [f"https://{HOST}", "https://shop.example.com"])
async def test_pages_that_may_connect(origin):
    await It().admitted("/", Origin=origin)


async def test_the_rate_is_of_the_players_address_and_not_of_the_proxys():
    it = It(upgrades_per_minute=60, upgrades_burst=2)

    async def statuses(*clients: str) -> list[int]:
        answers = [await it.ask("/", peer="10.244.0.9", X_Forwarded_For=each) for each in clients]
        return [answer.status if isinstance(answer, Refused) else 101 for answer in answers]

    assert await statuses("203.0.113.1", "203.0.113.1", "203.0.113.1", "203.0.113.2") == [101, 101, 429, 101]
    # A player that writes the header itself is still the one whom the proxy saw.
    assert await statuses("192.0.2.1, 203.0.113.1", "192.0.2.2, 203.0.113.1") == [429, 429]
    refused = await it.ask("/", peer="10.244.0.9", X_Forwarded_For="203.0.113.1")
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.retry) == (Reason.RATE_LIMITED, True)
    assert refused.retry_after == pytest.approx(1)
    it.now += 1
    await it.admitted("/", peer="10.244.0.9", X_Forwarded_For="203.0.113.1")


INVITED = sign(InvitationTicket(session="s1", app="demo"), KEY, NOW, 600)


@pytest.mark.parametrize("cookie", [False, True])
async def test_who_comes_back_to_its_session_does_not_count_for_its_address(cookie):
    it = It(upgrades_per_minute=60, upgrades_burst=1)
    it.around.seated = {"s1"}
    back = ("/", {"Cookie": f"pixel_session={OWN}"}) if cookie else (f"/?ticket={OWN}", {})
    await it.admitted("/")
    for _ in range(RETURNS.burst):
        assert (await it.admitted(back[0], **back[1])).returning is not None
    # Nobody comes back so often: from then on it is a connection like any other.
    refused = await it.ask(back[0], **back[1])
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.RATE_LIMITED
    it.now += RETURNS.interval
    await it.admitted(back[0], **back[1])
    await it.admitted("/")


@pytest.mark.parametrize(
    ("shown", "seated"),
    [
        (f"ticket={OWN[:-8]}AAAAAAAA", True),
        (f"ticket={OWN[:-8]}AAAAAAAA&ticket={OWN}", True),
        (f"ticket={own(key=signing_key('cd' * 32))}", True),
        (f"ticket={own(signed=NOW - 900)}", True),
        (f"ticket={own(app='other')}", True),
        (f"ticket={own(player='g1')}", True),
        (f"ticket={INVITED}", True),
        (f"ticket={link()}", True),
        (f"ticket={OWN}", False),
        ("", True),
    ],
)
async def test_whatever_else_is_shown_counts_for_the_address(shown, seated):
    it = It(upgrades_per_minute=60, upgrades_burst=1)
    it.around.sessions, it.around.seated = {"s1"}, {"s1"} if seated else set()
    await it.ask(f"/?{shown}")
    refused = await it.ask(f"/?{shown}")
    assert isinstance(refused, Refused)
    assert refused.reason is Reason.RATE_LIMITED


async def test_a_link_begins_one_session():
    it = It("shared")
    who = await it.admitted(f"/?ticket={link()}")
    assert await it.reason(who, "s1") is None
    # The same session, as after a lost connection that was not resumed.
    assert await it.reason(who, "s1") is None
    assert await it.reason(await it.admitted(f"/?ticket={link()}"), "s2") is Reason.LOGIN_REFUSED
    bobs = sign(PlayerTicket(session="s1", player="s1", app="demo", joined=1, subject="bob"), KEY, NOW, 600)
    back = await it.admitted(f"/?ticket={link()}", Cookie=f"pixel_session={bobs}")
    assert back.returning is not None
    assert await it.reason(back, "s3") is None
    assert await it.reason(await it.admitted(f"/?ticket={link(id='l2')}"), "s4") is None


async def test_a_link_that_was_used_takes_no_place():
    it = It("shared", sessions_per_address=2)
    assert await it.reason(await it.admitted(f"/?ticket={link()}"), "s1") is None
    for number in range(5):
        assert await it.reason(await it.admitted(f"/?ticket={link()}"), f"x{number}") is Reason.LOGIN_REFUSED
    assert await it.reason(await it.admitted("/?token=opensesame"), "s2") is None
    assert await it.reason(await it.admitted("/?token=opensesame"), "s3") is Reason.TOO_MANY


async def test_links_are_used_once_for_each_replica_while_the_store_is_away():
    class Away(MemoryRecords):
        async def first(self, key: str, value: str, seconds: float) -> str:
            raise StoreUnavailable("away")

    it = It("shared", Away())
    who = await it.admitted(f"/?ticket={link()}")
    assert await it.reason(who, "s1") is None
    assert await it.reason(who, "s2") is Reason.LOGIN_REFUSED


async def test_queue_and_sessions_are_limited():
    it = It("signed", queue_length=3, sessions_per_subject=1)
    who = await it.admitted(f"/?{ALL}")
    assert await it.reason(who, "s1", waiting=3) is Reason.QUEUE_FULL
    assert await it.reason(who, "s1", waiting=2) is None
    assert await it.reason(who, "s2") is Reason.TOO_MANY
    await it.entrance.leave("s1")
    assert await it.reason(who, "s2") is None
    # A session that another replica has seen end.
    await it.entrance.over("s2", "ada")
    assert await it.reason(who, "s3") is None


async def test_places_are_renewed_while_their_sessions_go_on():
    it = It("signed", sessions_per_subject=1)
    who = await it.admitted(f"/?{ALL}")
    assert await it.reason(who, "s1") is None
    it.around.sessions = {"s1"}
    for _ in range(3):
        it.now += PLACE_SECONDS - 1
        await it.entrance.renew()
    assert await it.reason(who, "s2") is Reason.TOO_MANY
    it.around.sessions = set()
    await it.entrance.renew()
    it.now += PLACE_SECONDS + 1
    assert await it.reason(who, "s2") is None


async def test_who_comes_back_to_another_replica_keeps_its_place_there():
    it = It("signed", sessions_per_subject=1)
    it.around.sessions = {"s1"}
    await it.admitted(f"/?{ALL}", Cookie=f"pixel_session={ADA}")
    await it.entrance.renew()
    assert await it.reason(await it.admitted(f"/?{ALL}"), "s2") is Reason.TOO_MANY


async def test_where_there_is_no_room_an_opted_in_player_is_sent_on_and_a_stock_one_waits():
    it = It("signed", queue_length=5)
    to = it.around.next_region = Redirected("https://play-us.example.com/", "the-ticket")
    stock, opted_in = await it.admitted(f"/?{ALL}"), await it.admitted(f"/?{ALL}&session=1")
    assert await it.reason(opted_in, "s1") is None
    it.around.rooms = 0
    assert await it.entrance.enter("s2", "demo", opted_in, 99) == to
    assert "the-ticket" not in repr(to)
    assert await it.reason(stock, "s3") is None
    it.around.next_region = None
    assert await it.reason(opted_in, "s4") is None
    assert await it.reason(opted_in, "s5", waiting=5) is Reason.QUEUE_FULL
    assert it.around.waits == [("s3", "demo", "ada"), ("s4", "demo", "ada")]


async def test_who_has_a_place_in_the_queue_is_neither_sent_on_nor_refused_for_its_length():
    it = It("signed", queue_length=5)
    opted_in = await it.admitted(f"/?{ALL}&session=1")
    it.around.rooms, it.around.next_region = 0, Redirected("https://play-us.example.com/", "the-ticket")
    assert await it.entrance.enter("s1", "demo", opted_in, 99, returns=True) is None


async def test_nothing_that_is_presented_is_logged(caplog):
    caplog.set_level(logging.DEBUG)
    for mode in MODES:
        it = It(mode)
        for shown in STATES.values():
            for cookie in (ADA, f"{ADA[:-8]}AAAAAAAA"):
                headers = {"Cookie": f"pixel_session={cookie}", "Authorization": "Bearer letmein"}
                await it.ask(f"/?app=demo&{shown}", **headers)
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
        assert isinstance(await It(mode).ask(f"/{target}", peer="10.244.0.1", **headers), Granted | Refused)
