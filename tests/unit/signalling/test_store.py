"""What both stores do alike: each test runs on the one in memory, and on a real Redis."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from functools import partial
from itertools import count

import pytest

from signalling.shell.cancelling import cancel
from signalling.store.in_memory import MemoryStore
from signalling.store.in_redis import JUST_NOW, PAGE, RedisStore, place_of, score_of
from signalling.store.interface import (
    HIGHEST_PRIORITY,
    Claimant,
    Heard,
    Lease,
    Place,
    Store,
    StoreUnavailable,
    Waiting,
)
from tests.unit.signalling.redis_server import NEEDS_REDIS, RedisServer, redis_server, until

SHORT, LONG = 0.15, 60.0
"""Seconds: of what a test waits to end, and of what it does not."""
PREFIXES = count(1)
AMISS = """
local found = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
    if string.sub(key, 1, 4) ~= 'test' or redis.call('PTTL', key) == -1 then table.insert(found, key) end
end
return found
"""


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with redis_server(tmp_path_factory.mktemp("redis"), password="a-password") as server:
        yield server


@pytest.fixture(params=["memory", pytest.param("redis", marks=NEEDS_REDIS)])
async def store(request: pytest.FixtureRequest, tmp_path) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield MemoryStore()
        return
    server: RedisServer = request.getfixturevalue("redis")
    password = tmp_path / "password"
    password.write_text("a-password\n")
    prefix = f"test{next(PREFIXES)}:"
    it = RedisStore(server.url, password, prefix)
    yield it
    await it.close()
    assert server.say("EVAL", AMISS, "0") == "", "keys without the prefix, or that never end"


def claimant(session: str, joined: int = 0, priority: int = 0, epoch: int = 1) -> Claimant:
    return Claimant(Place(session, joined, priority), epoch)


async def order(store: Store, application: str = "demo") -> list[str]:
    return [waiting.session for waiting in await store.head(application, 0, 10_000)]


async def test_the_queue_is_ordered_by_priority_then_by_time_then_by_session(store):
    places = [
        *(
            claimant("late", 2_000_000_000_000),
            claimant("early", 1_000_000_000_000),
            claimant("b", 5),
            claimant("a", 5),
        ),
        *(claimant("urgent", 2_000_000_000_001, 1), claimant("most", 9, HIGHEST_PRIORITY), claimant("least", 1, -3)),
    ]
    random.Random(1).shuffle(places)
    assert await store.wait("demo", "r1", places, LONG) == frozenset()
    assert await order(store) == ["most", "urgent", "a", "b", "early", "late", "least"]
    assert await order(store, "other") == []
    assert await store.length("demo") == 7
    assert await store.head("demo", 1, 2) == [Waiting("urgent", "r1"), Waiting("a", "r1")]
    assert await store.head("demo", 6, 5) == [Waiting("least", "r1")]
    assert await store.head("demo", 7, 5) == []
    assert await store.place("demo", "urgent") == Place("urgent", 2_000_000_000_001, 1)
    assert await store.place("other", "urgent") is None


async def test_a_priority_beyond_the_highest_is_the_highest(store):
    await store.wait("demo", "r1", [claimant("b", 1, 10**9), claimant("a", 2, HIGHEST_PRIORITY)], LONG)
    await store.wait("demo", "r1", [claimant("c", 3, -(10**9)), claimant("d", 2, -HIGHEST_PRIORITY)], LONG)
    assert await order(store) == ["b", "a", "d", "c"]


async def test_a_queue_longer_than_a_page_is_read_in_order(store):
    number = 2 * PAGE + 7
    places = [claimant(f"{each:06}", each // 3) for each in range(number)]
    shuffled = random.Random(2).sample(places, number)
    await store.wait("demo", "r1", shuffled, LONG)
    expected = [each.place.session for each in places]
    assert await order(store) == expected
    part = await store.head("demo", PAGE - 5, PAGE + 10)
    assert [each.session for each in part] == expected[PAGE - 5 : 2 * PAGE + 5]
    assert await store.length("demo") == number


async def test_a_later_connection_takes_the_place_and_the_earlier_one_cannot_take_it_back(store):
    await store.wait("demo", "r1", [claimant("a", 1, epoch=5)], LONG)
    assert await store.wait("demo", "r2", [claimant("a", 1, epoch=6)], LONG) == frozenset()
    assert await store.head("demo", 0, 1) == [Waiting("a", "r2")]
    assert await store.wait("demo", "r1", [claimant("a", 1, epoch=5), claimant("b", 2)], LONG) == {"a"}
    await store.leave("demo", {"a": 5})
    assert await store.head("demo", 0, 9) == [Waiting("a", "r2"), Waiting("b", "r1")]
    await store.leave("demo", {"a": 6})
    assert await order(store) == ["b"]


async def test_saying_it_again_moves_nobody_unless_the_place_is_another(store):
    await store.wait("demo", "r1", [claimant("a", 1), claimant("b", 2)], LONG)
    await store.wait("demo", "r1", [claimant("a", 1)], LONG)
    assert await order(store) == ["a", "b"]
    await store.wait("demo", "r1", [claimant("a", 3)], LONG)
    assert await order(store) == ["b", "a"]
    assert await store.length("demo") == 2


async def test_who_is_not_said_again_is_out_of_the_queue(store):
    await store.wait("demo", "r1", [claimant("a", 1)], SHORT)
    await store.wait("demo", "r1", [claimant("b", 2)], LONG)

    async def gone() -> bool:
        return await order(store) == ["b"]

    await until(gone, "the end of a place")
    assert await store.place("demo", "a") is None
    assert await store.length("demo") == 1


async def test_a_place_is_kept_for_a_while_after_leaving(store):
    await store.wait("demo", "r1", [claimant("a", 7, 2), claimant("b", 8)], LONG)
    await store.leave("demo", {"a": 1}, keep=LONG)
    await store.leave("demo", {"b": 1}, keep=SHORT)
    assert await order(store) == []
    assert await store.place("demo", "a") == Place("a", 7, 2)

    async def forgotten() -> bool:
        return await store.place("demo", "b") is None

    await until(forgotten, "the end of a kept place")
    await store.leave("demo", {"never": 1}, keep=LONG)
    assert await store.place("demo", "never") is None


async def test_a_place_is_kept_for_somebody_who_does_not_wait(store):
    await store.keep("demo", Place("a", 7, 2), LONG)
    assert await store.place("demo", "a") == Place("a", 7, 2)
    assert await order(store) == []
    await store.keep("demo", Place("b", 7), LONG)
    await store.keep("demo", Place("b", 7), 0)
    assert await store.place("demo", "b") is None
    await store.keep("demo", Place("a", 8), SHORT)

    async def forgotten() -> bool:
        return await store.place("demo", "a") is None

    await until(forgotten, "the end of a kept place")


async def test_many_leave_at_once(store):
    number = PAGE + 5
    await store.wait("demo", "r1", [claimant(f"{each:06}", each, epoch=each % 3) for each in range(number)], LONG)
    await store.leave("demo", {f"{each:06}": 1 for each in range(number - 1)}, keep=LONG)
    later = [f"{each:06}" for each in range(number) if each % 3 == 2 or each == number - 1]
    assert await order(store) == later, "those that another connection has, and one that does not leave"
    assert await store.place("demo", "000003") == Place("000003", 3)


async def test_leaving_without_keeping_forgets_the_place(store):
    await store.wait("demo", "r1", [claimant("a", 7)], LONG)
    await store.leave("demo", {"a": 1})
    assert await store.place("demo", "a") is None
    await store.wait("demo", "r1", [claimant("a", 7)], LONG)
    await store.leave("demo", {"a": 1}, LONG)
    await store.wait("demo", "r1", [claimant("a", 7)], LONG)
    await store.leave("demo", {"a": 1})
    assert await store.place("demo", "a") is None, "also one that was kept before it came back"


async def test_a_lease_ends_the_one_before(store):
    first, before = await store.lease("p", "r1", LONG)
    assert before is None and first.replica == "r1"
    second, before = await store.lease("p", "r2", LONG)
    assert before == first and second.epoch > first.epoch
    third, before = await store.lease("p", "r2", LONG)
    assert before == second and third.epoch > second.epoch
    assert await store.leased("p") == third
    await store.lease("q", "r1", LONG)
    await store.release({"p": second.epoch, "q": 1, "never": 1})
    assert await store.leased("p") == third and await store.leased("q") is not None
    await store.release({"p": third.epoch})
    assert await store.leased("p") is None


async def test_leases_go_on_while_they_are_said_again_and_come_back_to_a_store_that_lost_them(store):
    first, _ = await store.lease("p", "r1", SHORT)
    second, _ = await store.lease("q", "r2", LONG)
    assert await store.hold("r1", {"p": first.epoch, "q": second.epoch - 1}, LONG) == {"q"}
    assert await store.leased("q") == second
    assert await store.hold("r1", {"lost": 7}, LONG) == frozenset()
    assert await store.leased("lost") == Lease("r1", 7)

    async def past() -> bool:
        await store.put("clock", "1", SHORT)
        await asyncio.sleep(2 * SHORT)
        return await store.get("clock") is None

    await until(past, "the first lease's own time")
    assert await store.leased("p") == first
    many = {f"player{number}": number for number in range(PAGE + 3)}
    assert await store.hold("r3", many, LONG) == frozenset()
    assert await store.leased(f"player{PAGE + 1}") == Lease("r3", PAGE + 1)


async def test_an_epoch_is_a_time_so_that_it_grows_over_lost_data(store):
    lease, _ = await store.lease("p", "r1", LONG)
    assert isinstance(lease, Lease) and lease.epoch > 1_700_000_000_000_000


async def test_a_lease_ends_by_itself(store):
    await store.lease("p", "r1", SHORT)

    async def over() -> bool:
        return await store.leased("p") is None

    await until(over, "the end of a lease")


async def test_words_reach_those_who_listen_to_the_channel(store):
    heard: list[Heard] = []
    listening = asyncio.Event()

    async def listen() -> None:
        async with aclosing(store.listen("a", "b")) as words:
            async for word in words:
                if word is None:
                    listening.set()
                else:
                    heard.append(word)

    await store.publish("a", b"before anybody listens")
    listener = asyncio.create_task(listen())
    await asyncio.wait_for(listening.wait(), 10)
    for channel, said in (("a", b"1"), ("c", b"2"), ("b", "\u00e4 3".encode())):
        await store.publish(channel, said)

    async def all_heard() -> bool:
        return len(heard) == 2

    await until(all_heard, "words")
    await cancel([listener])
    assert heard == [Heard("a", b"1"), Heard("b", "\u00e4 3".encode())]


async def test_when_the_data_began_stays_the_same(store):
    began = await store.began()
    assert began > 1_700_000_000
    assert await store.began() == began


async def test_values_end(store):
    await store.put("k", "1", LONG)
    await store.put("k", "2", SHORT)
    assert await store.get("k") == "2"

    async def over() -> bool:
        return await store.get("k") is None

    await until(over, "the end of a value")
    await store.put("k", "3", LONG)
    assert await store.get("k") == "3"
    await store.forget("k")
    assert await store.get("k") is None
    assert await store.get("never") is None


async def test_members_end_one_by_one_unless_said_again(store):
    await store.register("g", "a", SHORT)
    await store.register("g", "b", LONG)
    await store.register("g", "c", LONG)
    await store.unregister("g", "c")
    assert await store.members("g") in ({"a", "b"}, {"b"})

    async def one() -> bool:
        return bool(await store.members("g") == {"b"})

    await until(one, "the end of a member")
    assert await store.members("never") == frozenset()


async def test_many_at_once_do_not_disturb_each_other(store):
    async def player(number: int) -> None:
        session = f"s{number:03}"
        lease, _ = await store.lease(session, "r1", LONG)
        await store.wait("demo", "r1", [Claimant(Place(session, number), lease.epoch)], LONG)
        if number % 2:
            await store.leave("demo", {session: lease.epoch})

    await asyncio.gather(*(player(number) for number in range(200)))
    assert await order(store) == [f"s{number:03}" for number in range(0, 200, 2)]


@pytest.mark.parametrize("priority", [0, 1, -1, HIGHEST_PRIORITY, -HIGHEST_PRIORITY])
@pytest.mark.parametrize("joined", [0, 1, 1_795_000_000_000, 2**42 - 1])
def test_a_score_is_exact(priority, joined):
    place = Place("a", joined, priority)
    assert place_of("a", float(score_of(place))) == place


@NEEDS_REDIS
async def test_a_redis_that_is_away_is_unavailable_and_then_there_again(tmp_path):
    with redis_server(tmp_path) as server:
        store = RedisStore(server.url, seconds=0.5)
        lease, _ = await store.lease("p", "r1", LONG)
        words = store.listen("a")
        assert await anext(words) is None
        server.stop()
        with pytest.raises(StoreUnavailable):
            await store.get("k")
        with pytest.raises(StoreUnavailable):
            await anext(words)
        server.start()
        await until(partial(answers, store), "an answer")
        assert await store.get("k") is None
        after, before = await store.lease("p", "r2", LONG)
        assert before is None and after.epoch > lease.epoch
        await store.close()


@NEEDS_REDIS
async def test_thousands_at_once_wait_for_their_turn_and_no_sign_of_life_is_late(redis, tmp_path):
    password = tmp_path / "password"
    password.write_text("a-password")
    store = RedisStore(redis.url, password, prefix="test-many:", seconds=1.0)
    asking = [asyncio.ensure_future(store.lease(f"p{number}", "r1", LONG)) for number in range(5000)]
    await asyncio.sleep(0)
    await store.register("g", "r1", LONG)
    assert await store.members("g") == {"r1"}
    assert sum(each.done() for each in asking) < 2500, "before most of the others"
    leases = [lease for lease, _ in await asyncio.gather(*asking)]
    await store.release({f"p{number}": lease.epoch for number, lease in enumerate(leases)})
    assert await store.leased("p4999") is None
    await store.close()


@NEEDS_REDIS
async def test_a_redis_that_does_not_answer_is_unavailable(tmp_path):
    with redis_server(tmp_path) as server:
        store = RedisStore(server.url, seconds=0.2)
        await store.put("k", "v", LONG)
        words = store.listen("a")
        assert await anext(words) is None
        server.pause()
        with pytest.raises(StoreUnavailable):
            await store.get("k")
        with pytest.raises(StoreUnavailable):
            await anext(words)
        refused = await asyncio.gather(*(store.get("k") for _ in range(500)), return_exceptions=True)
        assert all(isinstance(each, StoreUnavailable) for each in refused)
        assert sum(str(each) == JUST_NOW for each in refused) > 400, "they need not all find out"
        server.go_on()
        await until(partial(answers, store), "an answer")
        assert await store.get("k") == "v"
        await store.close()


async def answers(store: Store) -> bool:
    try:
        await store.get("k")
    except StoreUnavailable:
        return False
    return True


@NEEDS_REDIS
async def test_a_redis_that_refuses_one_command_has_answered_and_is_asked_the_next(redis, tmp_path):
    password = tmp_path / "password"
    password.write_text("a-password")
    store = RedisStore(redis.url, password, prefix="test-refused:")
    assert redis.say("SET", "test-refused:queue:demo", "no queue", "PX", "60000") == "OK"
    with pytest.raises(StoreUnavailable, match="ResponseError"):
        await store.length("demo")
    await store.put("k", "v", LONG)
    assert await store.get("k") == "v"
    await store.close()


@NEEDS_REDIS
async def test_a_wrong_password_shows_in_no_text(redis, tmp_path):
    (tmp_path / "password").write_text("the-wrong-one")
    store = RedisStore(redis.url, tmp_path / "password")
    with pytest.raises(StoreUnavailable) as refused:
        await store.get("k")
    assert "the-wrong-one" not in str(refused.value)
    await store.close()
