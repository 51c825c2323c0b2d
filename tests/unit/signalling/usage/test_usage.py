"""Usage is counted once per session, whoever dies, and adds up to the time that was used."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis.asyncio import Redis

from signalling.records.interface import Records, Total
from signalling.records.memory import MemoryRecords
from signalling.records.redis import RedisRecords
from signalling.store.interface import StoreUnavailable
from signalling.usage.hours import HOUR, amounts, bucket, hours
from signalling.usage.ledger import GONE_SECONDS, Ended, Ledger, OpenSession, Row
from tests.unit.signalling.redis_server import RedisServer, redis_server

TEN = int(datetime(2027, 1, 15, 10, tzinfo=UTC).timestamp()) * 1000
MINUTE = 60_000


def test_a_session_over_three_hours():
    assert bucket("demo", TEN) == "demo:2027-01-15T10"
    found = amounts("demo", "ada", TEN + 30 * MINUTE, TEN + 135 * MINUTE)
    assert [(each.bucket[-2:], each.milliseconds // MINUTE, each.sessions) for each in found] == [
        ("10", 30, 0),
        ("11", 60, 0),
        ("12", 15, 1),
    ]
    assert {each.field for each in found} == {"ada"}


@pytest.mark.parametrize(
    ("started", "ended", "expected"),
    [
        (TEN, TEN + HOUR, [("10", HOUR, 1)]),
        (TEN, TEN, [("10", 0, 1)]),
        (TEN + 5, TEN, [("10", 0, 1)]),
        (TEN + HOUR - 1, TEN + HOUR + 1, [("10", 1, 0), ("11", 1, 1)]),
    ],
)
def test_edges_of_hours(started, ended, expected):
    found = amounts("demo", "", started, ended)
    assert [(each.bucket[-2:], each.milliseconds, each.sessions) for each in found] == expected


@given(st.integers(0, 10**13), st.integers(-HOUR, 100 * HOUR))
def test_a_session_adds_up_to_its_length_and_counts_once(started, length):
    found = amounts("demo", "ada", started, started + length)
    assert sum(each.milliseconds for each in found) == max(0, length)
    assert sum(each.sessions for each in found) == 1
    assert all(0 <= each.milliseconds <= HOUR for each in found)
    assert len({each.bucket for each in found}) == len(found)


def test_hours_of_a_range():
    assert list(hours(TEN, TEN + 2 * HOUR)) == [TEN, TEN + HOUR]
    assert list(hours(TEN + 1, TEN + 2 * HOUR + 1)) == [TEN + HOUR, TEN + 2 * HOUR]
    assert list(hours(TEN, TEN)) == []


class Unsteady:
    """Records whose answers can be lost: before or after they have done what they were told."""

    def __init__(self, inner: Records) -> None:
        self.inner = inner
        self.lost: str = ""

    def __getattr__(self, name: str):
        method = getattr(self.inner, name)

        async def ask(*args: object):
            if self.lost == "before":
                raise StoreUnavailable("away")
            answer = await method(*args)
            if self.lost == "after":
                raise StoreUnavailable("away")
            return answer

        return ask


class Replica:
    """A ledger, and what it said was counted."""

    def __init__(self, records: Records) -> None:
        self.counted: list[Ended] = []
        self.ledger = Ledger(records, self._count)

    async def _count(self, ended: Ended) -> None:
        self.counted.append(ended)


SESSION = OpenSession("demo", "ada", TEN)
NOW = TEN / 1000


async def report(replica: Replica) -> list[Row]:
    return await replica.ledger.report(["demo", "other"], TEN - HOUR, TEN + 10 * HOUR)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis")) as it:
        yield it


@pytest.fixture(params=["memory", "redis"])
async def records(request, server):
    if request.param == "memory":
        yield MemoryRecords()
        return
    server.say("FLUSHALL")
    client = Redis.from_url(server.url)
    yield RedisRecords(client)
    await client.aclose()


async def test_a_session_that_all_replicas_see_end_is_counted_once(records):
    replicas = [Replica(records) for _ in range(3)]
    for replica in replicas:
        await replica.ledger.going_on({"s1": SESSION, "s2": SESSION}, NOW + 30)
    for replica in replicas:
        await replica.ledger.ended("s1", SESSION, NOW + 60)
    assert [ended for replica in replicas for ended in replica.counted] == [Ended("s1", SESSION, 60_000)]
    assert await report(replicas[1]) == [Row("demo", "ada", Total(60_000, 1))]


async def test_a_replica_that_dies_before_it_counts_is_stood_in_for(records):
    died, lives = Replica(records), Replica(records)
    await died.ledger.going_on({"s1": SESSION}, NOW + 30)
    await lives.ledger.ended("s1", SESSION, NOW + 90)
    assert await report(lives) == [Row("demo", "ada", Total(90_000, 1))]


async def test_a_session_whose_end_nobody_saw_counts_until_it_was_last_seen(records):
    before, after = Replica(records), Replica(records)
    await before.ledger.going_on({"s1": SESSION}, NOW + 30)
    await after.ledger.going_on({}, NOW + 30 + GONE_SECONDS)
    # Another replica may see it still, and just not this one.
    assert after.counted == []
    await after.ledger.going_on({}, NOW + 31 + GONE_SECONDS)
    assert after.counted == [Ended("s1", SESSION, 30_000)]
    await before.ledger.ended("s1", SESSION, NOW + 999)
    assert before.counted == []
    assert await report(after) == [Row("demo", "ada", Total(30_000, 1))]


async def test_a_session_that_was_only_seen_to_begin_counts(records):
    dead, after = Replica(records), Replica(records)
    await dead.ledger.began("s1", SESSION, NOW + 2)
    await after.ledger.going_on({}, NOW + 3 + GONE_SECONDS)
    assert after.counted == [Ended("s1", SESSION, 2_000)]
    # Said too late, it does not go on again.
    await dead.ledger.began("s1", SESSION, NOW + 4 + GONE_SECONDS)
    await after.ledger.going_on({}, NOW + 5 + 2 * GONE_SECONDS)
    assert await report(after) == [Row("demo", "ada", Total(2_000, 1))]


@pytest.mark.parametrize("lost", ["before", "after"])
async def test_an_end_that_the_store_did_not_confirm_is_said_again(records, lost):
    unsteady = Unsteady(records)
    replica = Replica(unsteady)
    await replica.ledger.going_on({"s1": SESSION}, NOW + 30)
    unsteady.lost = lost
    await replica.ledger.ended("s1", SESSION, NOW + 60)
    await replica.ledger.going_on({}, NOW + 90)
    assert (replica.counted, replica.ledger.waiting) == ([], 1)
    unsteady.lost = ""
    await replica.ledger.going_on({}, NOW + 120)
    await replica.ledger.going_on({}, NOW + 1200)
    assert replica.counted == [Ended("s1", SESSION, 60_000)]
    assert await report(replica) == [Row("demo", "ada", Total(60_000, 1))]


async def test_a_store_that_lost_its_data_knows_again_what_goes_on():
    replica = Replica(MemoryRecords())
    await replica.ledger.going_on({"s1": SESSION}, NOW + 30)
    again = Replica(MemoryRecords())
    await again.ledger.going_on({"s1": SESSION}, NOW + 60)
    await again.ledger.ended("s1", SESSION, NOW + 90)
    assert again.counted == [Ended("s1", SESSION, 90_000)]


async def test_usage_is_by_application_subject_and_time(records):
    replica = Replica(records)
    for number, (application, subject, started) in enumerate(
        [("demo", "ada", TEN), ("demo", "ada", TEN + HOUR), ("demo", "", TEN), ("other", "ada", TEN)]
    ):
        session = OpenSession(application, subject, started)
        await replica.ledger.ended(f"s{number}", session, (started + MINUTE) / 1000)
    assert await report(replica) == [
        Row("demo", "", Total(MINUTE, 1)),
        Row("demo", "ada", Total(2 * MINUTE, 2)),
        Row("other", "ada", Total(MINUTE, 1)),
    ]
    assert await replica.ledger.report(["demo"], TEN + HOUR, TEN + 2 * HOUR) == [Row("demo", "ada", Total(MINUTE, 1))]


async def test_a_long_range_is_read_in_parts(records):
    replica = Replica(records)
    await replica.ledger.ended("s1", SESSION, NOW + 1)
    assert await replica.ledger.report(["demo"], TEN - 1000 * HOUR, TEN + HOUR) == [Row("demo", "ada", Total(1000, 1))]


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["see", "end", "die", "wait"])), max_size=40))
async def test_however_replicas_see_and_die_a_session_counts_once(steps):
    """Whatever order: one count, and never a time beyond the session's own."""
    records, now, over = MemoryRecords(), NOW, False
    replicas = [Replica(records) for _ in range(3)]
    counted: list[Ended] = []
    for number, what in steps:
        now += 10
        if what == "see" and not over:
            await replicas[number].ledger.going_on({"s1": SESSION}, now)
        elif what == "end":
            over = True
            await replicas[number].ledger.ended("s1", SESSION, now)
        elif what == "die":
            counted += replicas[number].counted
            replicas[number] = Replica(records)
        elif what == "wait":
            await replicas[number].ledger.going_on({} if over else {"s1": SESSION}, now)
    await replicas[0].ledger.going_on({}, now + 2 * GONE_SECONDS)
    counted += [each for replica in replicas for each in replica.counted]
    seen = any(what in ("see", "end", "wait") for _, what in steps)
    assert len(counted) == (1 if counted or over else 0)
    assert not over or seen
    (total,) = [row.total for row in await report(replicas[0])] or [Total()]
    assert total == Total(sum(each.milliseconds for each in counted), len(counted))
    assert total.milliseconds <= (now - NOW) * 1000
