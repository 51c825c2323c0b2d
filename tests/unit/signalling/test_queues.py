"""One replica's part in the queue: who comes back where, who is passed over, and what it does without the store."""

import asyncio
from typing import Any

import pytest

from signalling.ice.secret import OVERLAP_SECONDS, SigningSecret
from signalling.matchmaker.__main__ import store_of
from signalling.matchmaker.arrivals import returnable
from signalling.matchmaker.issuing import Issuer
from signalling.matchmaker.leases import Leases, Presence
from signalling.matchmaker.neighbours import PRESENT, Challenge, Neighbours, Reach, Rhythm, StoreHealth, TakenOver
from signalling.matchmaker.queues import Keeping, Queues, Returned, returned
from signalling.matchmaker.sidecars import Participant, Status
from signalling.shell.cancelling import cancel
from signalling.store.in_memory import MemoryStore
from signalling.store.in_redis import RedisStore
from signalling.store.interface import Claimant, Place, StoreUnavailable
from signalling.tickets.claims import CommandTicket, PlayerTicket
from signalling.tickets.keys import UnusableKeyError
from tests.unit.signalling.clients import eventually

TICKET = PlayerTicket(session="s", player="s", app="demo", joined=1_000_000, priority=2)
PLACE = Place("s", 1_000_000, 2)
LATE = 5000.0
"""Unix time, long after the ticket's."""


# Who comes back where


@pytest.mark.parametrize(
    ("known", "began", "now", "joined", "kept"),
    [
        (PLACE, 0.0, LATE, 1_000_000, True),
        (None, 0.0, LATE, 5_000_000, False),
        # The store's data is younger than the ticket: what was known of it is lost, and believed for the grace time.
        (None, 4990.0, LATE, 1_000_000, True),
        (None, 4969.0, LATE, 5_000_000, False),
        (None, 900.0, 1005.0, 5_000_000 - 3_995_000, False),
    ],
)
def test_a_place_is_the_one_of_before_as_long_as_it_is_kept(known, began, now, joined, kept):
    found = returned(TICKET, known, over=False, began=began, now=now, grace=30.0)
    assert found is not None and found.kept is kept
    assert (found.ticket.session, found.ticket.joined, found.ticket.priority) == ("s", joined, 2)


def test_a_session_that_is_over_is_not_begun_again_though_its_place_may_be_kept():
    assert returned(TICKET, None, over=True, began=4990.0, now=LATE, grace=30.0) is None
    again = returned(TICKET, PLACE, over=True, began=0.0, now=LATE, grace=30.0)
    assert again is not None and again.kept and again.ticket.joined == TICKET.joined
    assert again.ticket.session == again.ticket.player != TICKET.session


HERE, AWAY = Participant("s", connected=True), Participant("s", connected=False)


@pytest.mark.parametrize(
    ("status", "presence", "shared", "expected"),
    [
        (Status(session="s", participants=(AWAY,)), Presence.UNKNOWN, False, True),
        (Status(session="s", participants=(HERE,)), Presence.UNKNOWN, False, False),
        # Its sidecar does not know yet that the matchmaker which had the player is dead.
        (Status(session="s", participants=(HERE,)), Presence.GONE, False, True),
        (Status(), Presence.UNKNOWN, False, True),
        (Status(session="other"), Presence.GONE, False, False),
        (Status(participants=(AWAY,)), Presence.UNKNOWN, True, True),
    ],
)
def test_a_player_is_led_back_where_it_is_away(status, presence, shared, expected):
    assert returnable(TICKET, status, presence, shared=shared) is expected


# Without the store


def test_a_store_that_is_away_is_waited_for_and_then_done_without():
    health = StoreHealth(patience=60.0)
    assert health.reach(0.0) is Reach.THERE
    assert health.failed(10.0) and not health.failed(11.0)
    assert (health.reach(69.9), health.reach(70.0)) == (Reach.AWAY, Reach.ALONE)
    assert health.answered() and not health.answered()
    assert health.reach(1000.0) is Reach.THERE
    assert health.failures == 2


class Away:
    """A store that does not answer."""

    def __getattr__(self, name: str) -> Any:
        async def ask(*arguments: Any, **more: Any) -> Any:
            raise StoreUnavailable("away")

        return ask


def queues(store: Any, patience: float = 60.0, name: str = "r1") -> tuple[Queues, Neighbours]:
    neighbours = Neighbours(store, name, Rhythm(presence=100.0, patience=patience, settling=0.0))
    return Queues(["demo"], store, neighbours, Keeping(30.0, 10.0, 1000.0)), neighbours


async def test_nobody_is_served_while_the_order_is_not_known_and_then_each_replica_serves_its_own():
    for patience, expected in ((60.0, None), (0.0, ["a", "b"])):
        its, _ = queues(Away(), patience)
        await its.join("demo", Place("b", 2), 1)
        await its.join("demo", Place("a", 1), 1)
        assert await its.head("demo", 5, 5) == expected


async def test_what_is_not_known_is_taken_from_the_ticket_while_the_store_is_away():
    its, _ = queues(Away())
    assert await its.returning(TICKET) == Returned(TICKET, kept=True)
    lost = await its.returning(TICKET, lost=True)
    assert lost is not None and lost.ticket.joined == TICKET.joined and lost.ticket.session != TICKET.session


async def test_nobody_is_served_before_every_replica_has_told_a_store_that_lost_its_data():
    store = MemoryStore()
    neighbours = Neighbours(store, "r1", Rhythm(presence=100.0, patience=60.0, settling=1000.0))
    its = Queues(["demo"], store, neighbours, Keeping(30.0, 10.0, 1000.0))
    await its.join("demo", Place("a", 1), 1)
    await neighbours._beat()
    assert await its.head("demo", 1, 1) == ["a"], "alone it has nobody to wait for"
    await store.register(PRESENT, "r2", 100.0)
    await neighbours._beat()
    assert neighbours.reach() is Reach.AWAY and neighbours.store_answers
    assert await its.head("demo", 1, 1) is None


# Who is passed over


async def test_those_of_a_dead_replica_keep_their_places_and_take_no_instance():
    store = MemoryStore()
    its, neighbours = queues(store)
    await store.wait("demo", "dead", [Claimant(Place(f"d{each}", each), 1) for each in range(600)], 100.0)
    await store.wait("demo", "r2", [Claimant(Place("theirs", 700), 1)], 100.0)
    await its.join("demo", Place("mine", 800), 1)
    await store.register(PRESENT, "r2", 100.0)
    await neighbours._beat()
    assert await its.head("demo", 2, 1) == ["theirs", "mine"]
    assert await its.head("demo", 1, 1) == ["theirs"]
    assert await store.length("demo") == 602


async def test_those_who_left_here_are_passed_over_though_the_store_was_not_told():
    store = MemoryStore()
    its, _ = queues(store)
    await its.join("demo", Place("gone", 1), 1)
    await its.join("demo", Place("here", 2), 1)
    assert its.leave("demo", "gone", 2) is None, "another connection's"
    assert its.leave("demo", "gone", 1) is not None
    assert await its.head("demo", 2, 2) == ["here"]


async def test_those_who_leave_together_are_told_of_at_once():
    store = MemoryStore()
    its, _ = queues(store)
    told: list[int] = []
    tell = store.leave

    async def leave(application: str, epochs: Any, keep: float = 0) -> None:
        told.append(len(epochs))
        await tell(application, epochs, keep)

    store.leave = leave  # type: ignore[method-assign]
    leaving = []
    for number in range(50):
        await its.join("demo", Place(f"s{number}", number), 1)
        claimant = its.leave("demo", f"s{number}", 1)
        assert claimant is not None
        leaving.append(claimant)
    await asyncio.gather(*(its.forget("demo", each, keep=number < 40) for number, each in enumerate(leaving)))
    assert sorted(told) == [10, 40]
    assert await store.place("demo", "s0") == Place("s0", 0) and await store.place("demo", "s45") is None


async def test_who_left_while_the_store_was_away_stands_before_nobody_when_it_is_back():
    store = MemoryStore()
    its = Queues(["demo"], store, Neighbours(store, "r1", RHYTHM), Keeping(30.0, 10.0, 100.0))
    leaving = []
    for number in range(3):
        await its.join("demo", Place(f"s{number}", number), 1)
        claimant = its.leave("demo", f"s{number}", 1)
        assert claimant is not None
        leaving.append(claimant)
    its._store = Away()  # type: ignore[misc]
    await asyncio.gather(*(its.forget("demo", each, keep=number > 0) for number, each in enumerate(leaving)))
    # One of them comes again before the store does.
    await its.join("demo", leaving[1].place, 1)
    its._store = store  # type: ignore[misc]
    await its.renew()
    assert [each.session for each in await store.head("demo", 0, 10)] == ["s1"]
    assert await store.place("demo", "s0") is None
    assert await store.place("demo", "s2") == Place("s2", 2), "for the grace time"


# Whose connection it is


async def test_a_later_connection_elsewhere_is_told_to_the_one_before():
    store = MemoryStore()
    first, second = Neighbours(store, "r1", RHYTHM), Neighbours(store, "r2", RHYTHM)
    mine, theirs = Leases(store, first), Leases(store, second)
    epoch = await mine.take("p")
    words = store.listen("r1")
    assert await anext(words) is None
    later = await theirs.take("p")
    heard = await anext(words)
    assert heard is not None and b"TakenOver" in heard.said
    assert later > epoch and not await mine.current("p", epoch) and await theirs.current("p", later)
    assert await mine.renew() == {"p": epoch}
    mine.lost("p", epoch)
    assert await mine.renew() == {}
    await mine.release("p", epoch)
    assert await theirs.current("p", later)
    await words.aclose()


async def test_connections_that_end_together_are_told_of_at_once():
    store = MemoryStore()
    told: list[dict[str, int]] = []
    tell = store.release

    async def release(epochs: Any) -> None:
        told.append(dict(epochs))
        await tell(epochs)

    store.release = release  # type: ignore[method-assign]
    leases = Leases(store, Neighbours(store, "r1", RHYTHM))
    first, second = await leases.take("p"), await leases.take("p")
    other = await leases.take("q")
    # The connection that was replaced may end last: the later lease is the one that there is.
    await asyncio.gather(leases.release("p", second), leases.release("q", other), leases.release("p", first))
    assert told == [{"p": second, "q": other}]
    assert await store.leased("p") is None and await store.leased("q") is None
    assert await leases.renew() == {}, "nothing is held any more"


RHYTHM = Rhythm(presence=100.0, patience=60.0, settling=0.0)


async def test_who_holds_a_connection_says_whether_it_is_alive():
    store = MemoryStore()
    neighbours = Neighbours(store, "r1", RHYTHM)
    leases = Leases(store, neighbours)
    assert await leases.presence("p", challenged) is Presence.UNKNOWN
    await leases.take("p")
    assert await leases.presence("p", lambda asked: leases.alive(asked.player)) is Presence.THERE
    assert await leases.presence("p", lambda asked: None) is Presence.GONE
    await store.lease("p", "dead", 100.0)
    assert await leases.presence("p", challenged) is Presence.GONE
    assert await Leases(Away(), neighbours).presence("p", challenged) is Presence.UNKNOWN


def challenged(asked: Challenge) -> None:
    raise AssertionError("there is no connection here to ask")


async def test_a_word_of_a_later_version_is_no_reason_to_stop():
    store = MemoryStore()
    neighbours = Neighbours(store, "r1", RHYTHM)
    heard: list[Any] = []
    neighbours.notify(heard.append, lambda: None)
    for said in (b"", b"{}", b'{"type":"Later"}', b"\xff", b'{"type":"TakenOver","player":"p","epoch":1}'):
        neighbours._take(said)
    assert heard == [TakenOver("p", 1)]


async def test_replicas_know_at_once_who_comes_and_who_goes():
    store = MemoryStore()
    first, second = Neighbours(store, "r1", RHYTHM), Neighbours(store, "r2", RHYTHM)
    listening = asyncio.create_task(first.listen())
    await first._beat()
    await eventually(lambda: store._listeners, "listening")
    await second._beat()
    await eventually(lambda: first.live == {"r1", "r2"}, "two replicas")
    await second.leave()
    await eventually(lambda: first.live == {"r1"}, "one replica")
    await cancel([listening])


# Keys and places of things


async def test_the_previous_seed_signs_until_everybody_must_know_the_new_one(tmp_path):
    seed, now = tmp_path / "seed", 1000.0
    seed.write_text("01" * 32)
    issuer = Issuer(SigningSecret(seed, lambda: now), lambda: 5000.0)
    before = issuer.sign(TICKET)
    seed.write_text("02" * 32)
    (tmp_path / "previous").write_text("01" * 32)
    during = issuer.sign(TICKET)
    assert during.split(".")[0] == before.split(".")[0], "the same key"
    now += OVERLAP_SECONDS
    after = issuer.sign(TICKET)
    assert after.split(".")[0] != before.split(".")[0]
    assert [issuer.proved(each, PlayerTicket) for each in (before, during, after)] == [TICKET] * 3
    assert issuer.proved(after, CommandTicket) is None


def test_a_seed_that_is_none_is_told_without_showing_it(tmp_path):
    (tmp_path / "seed").write_text("not-a-seed")
    with pytest.raises(UnusableKeyError) as refused:
        Issuer(SigningSecret(tmp_path / "seed"))
    assert "not-a-seed" not in str(refused.value)


async def test_the_store_is_redis_where_its_address_is_mounted(tmp_path):
    assert isinstance(store_of(tmp_path, 1.0), MemoryStore)
    (tmp_path / "url").write_text("rediss://redis.example.com:6379\n")
    store = store_of(tmp_path, 1.0)
    assert isinstance(store, RedisStore)
    await store.close()
