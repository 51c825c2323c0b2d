"""Limits over all replicas, with a real Redis, and what is left of them while it is away."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from signalling.limits.limits import PLACE_SECONDS, Claimant, Limits
from signalling.limits.settings import LimitsSettings
from signalling.protocol.session_messages import Reason
from signalling.records.redis import RedisRecords
from tests.unit.signalling.redis_server import RedisServer, redis_server

NOW = 1_800_000_000.0
SETTINGS = LimitsSettings(
    sessions_per_subject=2, sessions_per_address=3, queue_length=10, upgrades_per_minute=60, upgrades_burst=5
)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as it:
        yield it


@pytest.fixture
async def replicas(server: RedisServer) -> AsyncIterator[list[Limits]]:
    clients = [Redis.from_url(server.url, socket_connect_timeout=1) for _ in range(3)]
    yield [Limits(SETTINGS, RedisRecords(client)) for client in clients]
    for client in clients:
        await client.aclose()


def ada(session: str, address: str = "203.0.113.1") -> Claimant:
    return Claimant(session, "ada", address)


async def test_a_subject_has_its_sessions_over_all_replicas(replicas):
    assert await replicas[0].enter(ada("s1"), NOW) is None
    assert await replicas[1].enter(ada("s2", "203.0.113.2"), NOW) is None
    refused = await replicas[2].enter(ada("s3", "203.0.113.3"), NOW)
    assert (refused.reason, refused.status) == (Reason.TOO_MANY, 429)
    # The same session at another replica is one that goes on.
    assert await replicas[2].enter(ada("s1"), NOW) is None
    await replicas[2].leave(ada("s1"))
    assert await replicas[1].enter(ada("s3", "203.0.113.3"), NOW) is None


async def test_an_address_has_its_sessions_whoever_they_are(replicas):
    nobody = [Claimant(f"s{n}", "", "203.0.113.9") for n in range(4)]
    answers = [await replicas[n % 3].enter(each, NOW) for n, each in enumerate(nobody)]
    assert [answer is None for answer in answers] == [True, True, True, False]
    # What was refused by address holds no place by subject either.
    assert await replicas[0].enter(Claimant("s9", "eve", "203.0.113.9"), NOW) is not None
    for number in range(2):
        assert await replicas[1].enter(Claimant(f"e{number}", "eve", f"198.51.100.{number}"), NOW) is None


async def test_places_of_a_replica_that_died_are_free_again_and_those_renewed_are_not(replicas):
    await replicas[0].enter(ada("s1"), NOW)
    await replicas[1].enter(ada("s2"), NOW)
    await replicas[1].renew(ada("s2"), NOW + PLACE_SECONDS - 1)
    later = NOW + PLACE_SECONDS + 1
    assert await replicas[2].enter(ada("s3"), later) is None
    assert await replicas[2].enter(ada("s4"), later) is not None


async def test_the_rate_of_an_address_holds_over_all_replicas(replicas):
    answers = [await replicas[n % 3].upgrade("203.0.113.1", NOW) for n in range(7)]
    assert [answer is None for answer in answers] == [True] * 5 + [False] * 2
    refused = answers[-1]
    assert (refused.reason, refused.status, refused.retry) == (Reason.RATE_LIMITED, 429, True)
    assert refused.retry_after == pytest.approx(1, abs=0.01)
    assert await replicas[0].upgrade("203.0.113.2", NOW) is None
    assert await replicas[0].upgrade("203.0.113.1", NOW + 1) is None


async def test_each_replica_has_the_limits_by_itself_while_redis_is_away(replicas, server):
    await replicas[0].enter(ada("s1"), NOW)
    server.stop()
    one, two, _ = replicas
    assert await one.enter(ada("s2"), NOW) is None
    assert one.degraded
    # It knows its own: two in all.
    assert (await one.enter(ada("s3"), NOW)).reason is Reason.TOO_MANY
    assert await two.enter(ada("s4"), NOW) is None
    answers = [await one.upgrade("203.0.113.1", NOW) for _ in range(6)]
    assert [answer is None for answer in answers] == [True] * 5 + [False]
    server.start()
    # With its data lost, what goes on is known again from the first renewal on.
    for session in ("s1", "s2"):
        await one.renew(ada(session), NOW)
    assert not one.degraded
    assert (await two.enter(ada("s5"), NOW)).reason is Reason.TOO_MANY


async def test_nobody_is_over_the_limit_however_replicas_interleave(replicas):
    async def come_and_go(limits: Limits, name: str) -> None:
        for _ in range(10):
            claimant = ada(name, f"198.51.100.{random.randrange(200)}")
            if await limits.enter(claimant, NOW) is None:
                inside.add(name)
                most.append(len(inside))
                await asyncio.sleep(0)
                inside.discard(name)
                await limits.leave(claimant)

    inside: set[str] = set()
    most: list[int] = []
    await asyncio.gather(*(come_and_go(each, f"{n}-{m}") for n, each in enumerate(replicas) for m in range(10)))
    assert 1 <= max(most) <= SETTINGS.sessions_per_subject


def test_a_queue_has_a_length():
    limits = Limits(SETTINGS)
    assert limits.queue(9) is None
    full = limits.queue(10)
    assert full is not None
    assert (full.reason, full.status) == (Reason.QUEUE_FULL, 503)
    assert Limits(LimitsSettings()).queue(10**6) is None


async def test_where_there_is_no_limit_nothing_is_counted():
    limits = Limits(LimitsSettings(upgrades_per_minute=0))
    for number in range(200):
        assert await limits.upgrade("203.0.113.1", NOW) is None
        assert await limits.enter(ada(f"s{number}"), NOW) is None
    assert not limits._local._held
    assert not limits._local._rates


@given(st.lists(st.tuples(st.sampled_from(["enter", "leave", "renew"]), st.integers(0, 6), st.floats(0, 200))))
async def test_a_subject_never_has_more_sessions_than_allowed(steps):
    """Against a model: whoever entered, did not leave, and was renewed within the time."""
    limits = Limits(LimitsSettings(sessions_per_subject=2))
    until: dict[str, float] = {}
    now = NOW
    for what, number, pause in steps:
        now += pause
        session = f"s{number}"
        until = {each: end for each, end in until.items() if end > now}
        if what == "enter":
            answer = await limits.enter(ada(session), now)
            assert (answer is None) == (session in until or len(until) < 2)
            if answer is None:
                until[session] = now + PLACE_SECONDS
        elif what == "leave":
            await limits.leave(ada(session))
            until.pop(session, None)
        elif session in until:
            await limits.renew(ada(session), now)
            until[session] = now + PLACE_SECONDS
