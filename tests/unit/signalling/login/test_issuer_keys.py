"""An issuer's keys: rotation, outage, and how often it is asked, with a real server on loopback."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st

from signalling.login.grants import Grant
from signalling.login.issuer_keys import IssuerKeys, KeysUnknown
from signalling.login.key_sets import KeySet, Pace, UnusableKeySet, keys_of
from signalling.login.settings import Algorithm, LoginSettings, Mode
from signalling.login.tokens import REFUSED, UNDECIDED, SignedLogin
from tests.unit.signalling.clients import eventually
from tests.unit.signalling.login.issuer import AUDIENCE, ED, ISSUER, OTHER_RSA, RSA, KeyServer, published, token

NOW = 1_800_000_000.0
PACE = Pace()


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def server() -> AsyncIterator[KeyServer]:
    it = KeyServer()
    it.keys = [published(RSA, kid="one")]
    await it.start()
    yield it
    await it.stop()


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as it:
        yield it


def login(issuer: IssuerKeys) -> SignedLogin:
    algorithms = (Algorithm.RS256, Algorithm.EDDSA)
    return SignedLogin(LoginSettings(Mode.SIGNED, algorithms, ISSUER, AUDIENCE, "https://x"), tuple, issuer)


async def test_rotation_brings_a_new_key_at_once_and_takes_the_old_one(server, http):
    clock = Clock()
    issuer = IssuerKeys(http, server.url, PACE, clock)
    old, new = token(RSA, "RS256", NOW, {"kid": "one"}), token(OTHER_RSA, "RS256", NOW, {"kid": "two"})
    assert await login(issuer).admit((old,), NOW) == Grant("ada")
    server.keys.append(published(OTHER_RSA, kid="two"))
    clock.now += PACE.unknown
    assert await login(issuer).admit((new,), NOW) == Grant("ada")
    assert await login(issuer).admit((old,), NOW) == Grant("ada")
    del server.keys[0]
    clock.now += PACE.unknown
    # Any unknown key is a reason to look, and the answer counts for all.
    await login(issuer).admit((token(ED, "EdDSA", NOW, {"kid": "three"}),), NOW)
    assert await login(issuer).admit((old,), NOW) == REFUSED
    assert server.asked == 3


async def test_tokens_of_unknown_keys_make_nobody_ask_often(server, http):
    clock = Clock()
    issuer = IssuerKeys(http, server.url, PACE, clock)
    forged = [token(OTHER_RSA, "RS256", NOW, {"kid": f"no-{n}"}) for n in range(20)]
    answers = await asyncio.gather(*(login(issuer).admit((each,), NOW) for each in forged))
    assert answers == [REFUSED] * 20
    assert server.asked == 1
    for _ in range(20):
        clock.now += PACE.unknown / 10
        await login(issuer).admit((forged[0],), NOW)
    assert server.asked == 3


async def test_an_outage_keeps_the_known_keys(server, http):
    clock = Clock()
    issuer = IssuerKeys(http, server.url, PACE, clock)
    good = token(RSA, "RS256", NOW, {"kid": "one"})
    assert await login(issuer).admit((good,), NOW) == Grant("ada")
    await server.stop()
    clock.now += 7 * 86_400
    assert await login(issuer).admit((token(OTHER_RSA, "RS256", NOW, {"kid": "two"}),), NOW) == REFUSED
    assert await login(issuer).admit((good,), NOW) == Grant("ada")


async def test_nobody_can_tell_while_the_issuer_was_never_heard(server, http):
    clock = Clock()
    await server.stop()
    issuer = IssuerKeys(http, server.url, PACE, clock)
    good = token(RSA, "RS256", NOW, {"kid": "one"})
    assert await login(issuer).admit((good,), NOW) == UNDECIDED
    with pytest.raises(KeysUnknown):
        await issuer.find(Algorithm.RS256, "one")
    await server.start()
    clock.now += PACE.unknown
    assert await login(issuer).admit((good,), NOW) == Grant("ada")


@pytest.mark.parametrize("said", [b"", b"<html>", b"[]", b'{"keys": 1}', b"\xff"])
def test_what_is_no_key_set_is_said_to_be(said):
    with pytest.raises(UnusableKeySet):
        keys_of(said)


async def test_an_answer_that_is_no_key_set_is_an_outage(server, http):
    clock = Clock()
    issuer = IssuerKeys(http, server.url, PACE, clock)
    await issuer.find(Algorithm.RS256, "one")
    server.status = 500
    clock.now += PACE.unknown
    await issuer.find(Algorithm.RS256, "two")
    assert len(await issuer.find(Algorithm.RS256, "one")) == 1


async def test_keys_are_followed_without_anybody_asking(server, http):
    issuer = IssuerKeys(http, server.url, Pace(usual=0.02, least=0.02, most=0.02, unknown=3600, retry=0.02))
    following = asyncio.create_task(issuer.follow())
    await eventually(lambda: server.asked >= 3, "asked again and again")
    server.status = 500
    asked = server.asked
    await eventually(lambda: server.asked >= asked + 3, "asked again after failures")
    server.keys, server.status = [published(OTHER_RSA, kid="two")], 200

    async def known() -> bool:
        return bool(issuer._set.candidates(Algorithm.RS256, "two"))

    asked = server.asked
    await eventually(lambda: server.asked >= asked + 2, "asked for the new ones")
    assert await known()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_a_player_that_leaves_does_not_end_the_question_for_the_others(server, http):
    issuer = IssuerKeys(http, server.url)
    first = asyncio.create_task(issuer.find(Algorithm.RS256, "one"))
    second = asyncio.create_task(issuer.find(Algorithm.RS256, "one"))
    await asyncio.sleep(0)
    first.cancel()
    assert len(await second) == 1
    assert server.asked == 1


@pytest.mark.parametrize(("max_age", "wait"), [(None, PACE.usual), (0, PACE.least), (600, 600), (10**8, PACE.most)])
def test_how_long_keys_are_kept_is_the_servers_to_say_within_bounds(max_age, wait):
    it = KeySet(PACE)
    it.answered((), max_age, 1000)
    assert it.next_at == 1000 + wait


@given(st.lists(st.booleans(), max_size=30))
def test_questions_are_never_closer_than_the_pace(outcomes):
    it, now = KeySet(PACE), 0.0
    for answered in outcomes:
        if answered:
            it.answered((), None, now)
            assert it.next_at - now >= PACE.least
        else:
            it.failed(now)
            assert PACE.retry <= it.next_at - now <= PACE.least
        assert not it.worth_asking(now + PACE.unknown - 1)
        now = it.next_at
