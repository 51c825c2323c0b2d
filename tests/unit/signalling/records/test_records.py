"""What both kinds of records do alike: each test runs with the memory and with a real Redis."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from signalling.records.interface import Amount, Pending, Rate, Records, Total
from signalling.records.memory import FEWEST_TO_SWEEP, MemoryRecords
from signalling.records.rates import admit
from signalling.records.redis import RedisRecords
from signalling.store.interface import StoreUnavailable
from tests.unit.signalling.redis_server import RedisServer, redis_server

NOW = 1_800_000_000.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as it:
        yield it


@pytest.fixture(params=["memory", "redis"])
async def records(request: pytest.FixtureRequest, server: RedisServer) -> AsyncIterator[Records]:
    if request.param == "memory":
        yield MemoryRecords()
        return
    server.say("FLUSHALL")
    client = Redis.from_url(server.url)
    yield RedisRecords(client)
    await client.aclose()


async def test_a_rate_lets_a_burst_through_and_then_one_each_interval(records):
    rate = Rate(interval=2.0, burst=3)
    assert [await records.take("a", rate, NOW) for _ in range(3)] == [0, 0, 0]
    assert await records.take("a", rate, NOW) == pytest.approx(2.0, abs=0.01)
    assert await records.take("a", rate, NOW + 1.5) == pytest.approx(0.5, abs=0.01)
    assert await records.take("a", rate, NOW + 2) == 0
    assert await records.take("a", rate, NOW + 2) > 0
    assert await records.take("b", rate, NOW) == 0


async def test_a_bucket_fills_up_to_its_burst_and_no_further(records):
    rate = Rate(interval=1.0, burst=2)
    await records.take("a", rate, NOW)
    assert [await records.take("a", rate, NOW + 3600) == 0 for _ in range(3)] == [True, True, False]


async def test_places_are_limited_renewed_and_given_back(records):
    async def hold(member: str, now: float = NOW, most: int = 2) -> bool:
        return bool(await records.hold("ada", member, most, now, 60))

    assert [await hold(each) for each in ("s1", "s2", "s3", "s1")] == [True, True, False, True]
    await records.release("ada", "s2")
    assert await hold("s3")
    assert not await hold("s4", NOW + 59)
    assert await hold("s1", NOW + 59)
    # s3's place has run out, s1's was renewed.
    assert await hold("s4", NOW + 61)
    assert not await hold("s5", NOW + 61)
    assert await hold("s5", NOW + 61, most=0)


async def test_places_are_never_more_than_the_limit_however_they_are_asked_for(records):
    got = await asyncio.gather(*(records.hold("ada", f"s{n}", 5, NOW, 60) for n in range(50)))
    assert sum(got) == 5


async def test_the_first_one_stays_the_first(records):
    assert await records.first("link", "s1", 60) == "s1"
    assert await records.first("link", "s2", 60) == "s1"
    assert await records.first("link", "s1", 60) == "s1"
    assert await records.first("other", "s2", 0.001) == "s2"
    await asyncio.sleep(0.05)
    assert await records.first("other", "s3", 60) == "s3"


async def test_a_session_is_counted_once(records):
    await records.touch({"s1": b"one", "s2": b"two"})
    assert await records.going_on() == {"s1": b"one", "s2": b"two"}
    amounts = [Amount("demo:10", "ada", 1500, 0), Amount("demo:11", "ada", 500, 1)]
    closed = await asyncio.gather(*(records.close("s1", amounts) for _ in range(10)))
    assert sum(closed) == 1
    assert await records.close("s3", [Amount("demo:11", "ada", 1, 1), Amount("demo:11", "bob", 2, 1)])
    # Whoever has not heard of the end does not bring it back.
    await records.touch({"s1": b"one again", "s2": b"two again"})
    assert await records.going_on() == {"s2": b"two again"}
    assert await records.totals(["demo:10", "demo:11", "demo:12"]) == [
        {"ada": Total(1500, 0)},
        {"ada": Total(501, 2), "bob": Total(2, 1)},
        {},
    ]


async def test_a_log_is_bounded_and_read_by_pages(records):
    for number in range(5):
        await records.append("audit", f"{number}".encode(), 1000)
    first = await records.page("audit", "", 2)
    assert [entry.content for entry in first] == [b"4", b"3"]
    rest = await records.page("audit", first[-1].id, 10)
    assert [entry.content for entry in rest] == [b"2", b"1", b"0"]
    assert await records.page("audit", rest[-1].id, 10) == []
    assert await records.page("empty", "", 10) == []
    for number in range(300):
        await records.append("bounded", f"{number}".encode(), 10)
    kept = await records.page("bounded", "", 1000)
    assert kept[0].content == b"299"
    # Redis drops whole nodes of its tree, of a hundred entries.
    assert 10 <= len(kept) <= 210


async def test_what_is_to_be_delivered_is_taken_by_one_and_comes_again_until_done(records):
    for number in range(3):
        assert await records.put("box", f"e{number}", f"{number}".encode(), NOW + number, 100)
    assert await records.due("box", NOW - 1, 30, 10) == []
    taken = await asyncio.gather(*(records.due("box", NOW + 1, 30, 1) for _ in range(5)))
    assert sorted(each.id for batch in taken for each in batch) == ["e0", "e1"]
    assert await records.due("box", NOW + 2, 30, 10) == [Pending("e2", b"2")]
    await records.done("box", "e0")
    await records.later("box", "e1", b"1 tried", NOW + 100)
    await records.later("box", "e0", b"gone", NOW)
    assert await records.due("box", NOW + 40, 30, 10) == [Pending("e2", b"2")]
    assert await records.due("box", NOW + 100, 30, 10) == [Pending("e2", b"2"), Pending("e1", b"1 tried")]
    assert await records.pending("box") == 2
    assert await records.pending("another") == 0
    assert await records.due("another", NOW + 999, 30, 10) == []


async def test_only_so_much_is_kept_to_be_delivered(records):
    assert [await records.put("box", f"e{number}", b"x", NOW, 2) for number in range(3)] == [True, True, False]
    assert [each.id for each in await records.due("box", NOW, 30, 10)] == ["e0", "e1"]


async def test_a_redis_that_is_away_is_said_to_be(server):
    client = Redis.from_url("redis://127.0.0.1:1", socket_connect_timeout=1)
    records = RedisRecords(client)
    for call in (
        records.take("a", Rate(1, 1), NOW),
        records.hold("a", "b", 1, NOW, 1),
        records.close("s1", []),
        records.totals(["a"]),
        records.due("box", NOW, 1, 1),
    ):
        with pytest.raises(StoreUnavailable):
            await call
    await client.aclose()


async def test_nothing_in_redis_stays_for_good_but_what_goes_on(server):
    server.say("FLUSHALL")
    client = Redis.from_url(server.url)
    records = RedisRecords(client)
    await records.take("a", Rate(1, 1), NOW)
    await records.hold("a", "b", 1, NOW, 1)
    await records.first("a", "b", 1)
    await records.close("s1", [Amount("demo:10", "ada", 1, 1)])
    await records.put("box", "e1", b"x", NOW, 10)
    assert [await client.ttl(key) > 0 async for key in client.scan_iter("*")] == [True] * 7
    await client.aclose()


async def test_the_memory_forgets_rates_that_are_full_again():
    records = MemoryRecords()
    for number in range(4 * FEWEST_TO_SWEEP):
        await records.take(f"a{number}", Rate(1, 1), NOW + number)
    assert len(records._rates) <= FEWEST_TO_SWEEP


@dataclass
class Bucket:
    """A token bucket as books have it, to compare with."""

    rate: Rate
    tokens: float = field(init=False)
    at: float = NOW

    def __post_init__(self) -> None:
        self.tokens = self.rate.burst

    def take(self, now: float) -> bool:
        self.tokens = min(self.rate.burst, self.tokens + (now - self.at) / self.rate.interval)
        self.at = now
        if self.tokens >= 1 - 1e-6:
            self.tokens -= 1
            return True
        return False


@given(
    st.integers(1, 20),
    st.sampled_from([0.25, 1.0, 2.0, 60.0]),
    st.lists(st.sampled_from([0.0, 0.125, 0.5, 1.0, 3.0, 100.0]), max_size=60),
)
def test_a_rate_is_a_token_bucket(burst, interval, pauses):
    rate, free_at, now = Rate(interval, burst), 0.0, NOW
    bucket = Bucket(rate)
    for pause in pauses:
        now += pause
        wait, free_at = admit(free_at, rate, now)
        assert (wait == 0) == bucket.take(now)
        if wait:
            # What it says is true: then one fits, and not before.
            assert admit(free_at, rate, now + wait)[0] == 0
            assert admit(free_at, rate, now + wait * 0.99 - 0.01)[0] > 0
