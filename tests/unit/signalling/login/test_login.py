"""Login as a whole: every kind of credential in every mode, and what a player's own ticket is good for."""

import itertools
from collections.abc import Awaitable, Mapping, Sequence
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from signalling.login.grants import STATUSES, Grant, Refusal
from signalling.login.login import NO_LINK, Login
from signalling.login.presented import Presented
from signalling.login.settings import Algorithm, LoginSettings, Mode
from signalling.login.tickets import ShownTickets
from signalling.login.tokens import REFUSED, REQUIRED, NoLogin, SharedLogin, SignedLogin, TokenLogin
from signalling.protocol.session_messages import Reason
from signalling.tickets.claims import (
    AdmissionTicket,
    Claims,
    Command,
    CommandTicket,
    InvitationTicket,
    LinkTicket,
    PlayerTicket,
    RegionTicket,
    Role,
)
from signalling.tickets.keys import SigningKey, public_keys, public_line, signing_key
from signalling.tickets.signing import sign
from tests.unit.signalling.login.issuer import AUDIENCE, ISSUER, SECRET, token

NOW = 1_800_000_000.0
KEY, PEER, FORGER = (signing_key(pair * 32) for pair in ("ab", "cd", "ef"))
SIGNED = LoginSettings(Mode.SIGNED, (Algorithm.HS256,), ISSUER, AUDIENCE)
MODES: Mapping[str, TokenLogin] = {
    "none": NoLogin(),
    "shared": SharedLogin(lambda: ("opensesame",)),
    "signed": SignedLogin(SIGNED, lambda: (SECRET,)),
}
TOKENS = {"none": "whatever", "shared": "opensesame", "signed": token(SECRET, "HS256", NOW)}
GRANTS = {"none": Grant(), "shared": Grant(), "signed": Grant("ada")}

OWN = PlayerTicket(session="s1", player="s1", app="demo", joined=5, subject="ada", priority=2, max_seconds=60)
LINK = LinkTicket(id="l1", app="demo", subject="bob", priority=3, max_seconds=90)
INVITATION = InvitationTicket(session="s9", app="demo")
REGION = RegionTicket(region="here", app="demo", subject="eve", priority=1)


def decide(
    mode: str, *, tokens: Sequence[str] = (), tickets: Sequence[str] = (), cookie: str = "", now: float = NOW
) -> Awaitable[Grant | Refusal]:
    async def peer_keys(_: str) -> Mapping[str, Ed25519PublicKey]:
        return public_keys([public_line(PEER)])

    tickets_login = ShownTickets(lambda: public_keys([public_line(KEY)]), "here", peer_keys)
    return Login(MODES[mode], tickets_login).decide(Presented(True, tuple(tokens), tuple(tickets), cookie), now)


def link(claims: Claims = LINK, key: SigningKey = KEY) -> str:
    return sign(claims, key, NOW, 60)


STATES: Mapping[str, tuple[dict[str, Any], Grant | Refusal, Grant | Refusal, Grant | Refusal]] = {
    # what is shown, by what it is; what it comes to in each mode: none, shared, signed
    "nothing": ({}, GRANTS["none"], REQUIRED, REQUIRED),
    "a wrong token": ({"tokens": ["letmein"]}, GRANTS["none"], REFUSED, REFUSED),
    "a forged link": ({"tickets": [link(key=FORGER)]}, NO_LINK, NO_LINK, NO_LINK),
    "a link of a peer's key": ({"tickets": [link(key=PEER)]}, NO_LINK, NO_LINK, NO_LINK),
    "an admission ticket": (
        {"tickets": [link(AdmissionTicket(session="s", player="s", app="demo", instance="i"))]},
        NO_LINK,
        NO_LINK,
        NO_LINK,
    ),
    "a command ticket": (
        {"tickets": [link(CommandTicket(session="s", instance="i", command=Command.END))]},
        NO_LINK,
        NO_LINK,
        NO_LINK,
    ),
    "a region ticket of our own key": ({"tickets": [link(REGION)]}, NO_LINK, NO_LINK, NO_LINK),
    "a region ticket for elsewhere": (
        {"tickets": [link(RegionTicket(region="there", app="demo"), PEER)]},
        NO_LINK,
        NO_LINK,
        NO_LINK,
    ),
    "a forged cookie": ({"cookie": link(OWN, FORGER)}, GRANTS["none"], REQUIRED, REQUIRED),
    "a forged own ticket": ({"tickets": [link(OWN, FORGER)]}, GRANTS["none"], REQUIRED, REQUIRED),
    "no ticket at all": ({"tickets": ["x.y.z"]}, NO_LINK, NO_LINK, NO_LINK),
}


@pytest.mark.parametrize(("state", "mode"), list(itertools.product(STATES, MODES)))
async def test_what_does_not_hold(state, mode):
    shown, *answers = STATES[state]
    assert await decide(mode, **shown) == answers[list(MODES).index(mode)]


@pytest.mark.parametrize("mode", MODES)
async def test_the_right_token_is_a_grant(mode):
    assert await decide(mode, tokens=[TOKENS[mode]]) == GRANTS[mode]
    # Whatever else is wrong beside it, as by the reference's rules.
    assert await decide(mode, tokens=["letmein", TOKENS[mode]], tickets=[link(key=FORGER)]) == GRANTS[mode]


@pytest.mark.parametrize("mode", MODES)
async def test_tickets_stand_for_a_token(mode):
    got = await decide(mode, tickets=[link()])
    assert got == Grant("bob", frozenset({"demo"}), 3, 90, once="link:l1", once_seconds=70)
    assert await decide(mode, tickets=[link(INVITATION)]) == Grant(
        applications=frozenset({"demo"}), role=Role.SPECTATOR, session="s9"
    )
    passed_on = await decide(mode, tickets=[link(REGION, PEER)])
    assert isinstance(passed_on, Grant)
    assert (passed_on.subject, passed_on.priority, passed_on.spilled) == ("eve", 1, True)
    assert passed_on.once.startswith("region:")
    again = await decide(mode, tickets=[sign(REGION, PEER, NOW + 1, 60)])
    assert isinstance(again, Grant)
    assert again.once != passed_on.once


@pytest.mark.parametrize("mode", MODES)
async def test_a_ticket_that_has_run_out_is_no_login(mode):
    assert await decide(mode, tickets=[link()], now=NOW + 3600) == NO_LINK
    # One that led back to something long over does not keep anybody from beginning anew.
    assert await decide(mode, tickets=[link(OWN)], now=NOW + 3600) == await decide(mode)


@pytest.mark.parametrize("way", ["tickets", "cookie"])
async def test_a_players_own_ticket_leads_back_and_begins_nothing(way):
    ticket = link(OWN)
    shown: dict[str, Any] = {"tickets": [ticket]} if way == "tickets" else {"cookie": ticket}
    back = Grant("ada", frozenset({"demo"}), 2, 60, returning=OWN, resume_only=True)
    for mode in ("shared", "signed"):
        assert await decide(mode, **shown) == back
    # With a login beside it, it leads back, and the login may begin something new.
    assert await decide("signed", tokens=[TOKENS["signed"]], **shown) == Grant("ada", returning=OWN)


async def test_somebody_elses_ticket_in_the_same_browser_leads_nowhere():
    other = token(SECRET, "HS256", NOW, sub="bob")
    assert await decide("signed", tokens=[other], cookie=link(OWN)) == Grant("bob")
    assert await decide("none", cookie=link(OWN)) == Grant()


async def test_a_link_that_was_used_leads_back_to_what_it_began():
    own = PlayerTicket(session="s1", player="s1", app="demo", joined=5, subject="bob")
    got = await decide("shared", tickets=[link()], cookie=link(own))
    assert isinstance(got, Grant)
    assert (got.returning, got.once, got.resume_only) == (own, "link:l1", False)
    # The link has run out meanwhile, the player's own ticket has not.
    later = sign(own, KEY, NOW, 7200)
    got = await decide("none", tickets=[link()], cookie=later, now=NOW + 3600)
    assert isinstance(got, Grant)
    assert (got.returning, got.resume_only) == (own, True)


def test_every_reason_of_a_refusal_has_a_status():
    for reason in Reason:
        assert 400 <= Refusal(reason, "").status <= 503
    assert STATUSES[Reason.LOGIN_REQUIRED] == 401


def test_a_grant_covers_its_applications():
    assert Grant().covers("demo")
    assert Grant(applications=frozenset({"demo"})).covers("demo")
    assert not Grant(applications=frozenset()).covers("demo")
