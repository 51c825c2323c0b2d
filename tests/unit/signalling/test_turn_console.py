"""coturn's console, and the figures that come of what it lists."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.turn import console as console_module
from signalling.turn.allocations import LINGER_SECONDS, Allocations, Direction
from signalling.turn.console import Console, ConsoleError, Listed, allocations
from tests.ports import free_port
from tests.unit.signalling.clients import PATIENCE

# As coturn 4.6.1 prints it.
ANSWER = b"""
    1) id=001000000000000002, user <1795890969:s1>:
      realm: pixel
      started 2 secs ago
      expiring in 598 secs
      client protocol UDP, relay protocol UDP
      client addr 127.0.0.1:33148, server addr 127.0.0.1:22416
      relay addr 127.0.0.1:62930
      fingerprints enforced: ON
      mobile: OFF
      Max throughput: 12500000 bytes per second
      usage: rp=2, rb=156, sp=1, sb=104
       rate: r=0, s=0, total=0 (bytes per sec)
      peers:
          10.244.1.7
          10.244.1.7:40000

    2) id=000000000000000007, user <1795890969:s2.p1>:
      realm: pixel
      started 0 secs ago
      expiring in 600 secs
      client protocol TLS/TCP, relay protocol UDP
      client addr 127.0.0.1:33149, server addr 127.0.0.1:22417
      relay addr 127.0.0.1:62931
      fingerprints enforced: ON
      mobile: OFF
      TLS method: TLSv1.3
      TLS cipher: TLS_AES_256_GCM_SHA384
      usage: rp=20, rb=1560, sp=10, sb=1040
       rate: r=0, s=0, total=0 (bytes per sec)

  Total sessions: 2

> """
LISTED = (
    Listed(1000000000000002, "1795890969:s1", "UDP", 2, 156, 1, 104),
    Listed(7, "1795890969:s2.p1", "TLS/TCP", 20, 1560, 10, 1040),
)
PASSWORD = "passwordofthe1console"


def test_what_is_listed_is_read():
    assert tuple(allocations(ANSWER)) == LISTED


@given(st.binary(max_size=300))
def test_what_is_none_of_it_is_not(junk):
    assert all(isinstance(each, Listed) for each in allocations(junk))


class FakeConsole:
    """Speaks as coturn's does, in as small pieces as it is told."""

    def __init__(self) -> None:
        self.connections = 0
        self.piece = 1 << 16
        self.answer = ANSWER
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        prompt = b"TURN Server\r\nCoturn-4.6.1 'Gorst'\r\n\r\nType '?' for help\r\nEnter password: \r\n"
        await self.say(writer, prompt)
        if (await reader.readline()).strip() == PASSWORD.encode():
            await self.say(writer, b"> ")
            while (await reader.readline()).strip() == b"ps":
                await self.say(writer, self.answer)
        writer.close()

    async def say(self, writer: asyncio.StreamWriter, text: bytes) -> None:
        for at in range(0, len(text), self.piece):
            writer.write(text[at : at + self.piece])
            await writer.drain()
            await asyncio.sleep(0)


@asynccontextmanager
async def served() -> AsyncIterator[tuple[FakeConsole, int]]:
    it = FakeConsole()
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    try:
        yield it, server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for each in it.writers:
            each.close()


@pytest.mark.parametrize("piece", [7, 1 << 16])
async def test_one_connection_serves_for_all_questions(piece):
    async with served() as (it, port):
        it.piece = piece
        console = Console(port, PASSWORD)
        for _ in range(3):
            assert await asyncio.wait_for(console.list(), PATIENCE) == LISTED
        assert it.connections == 1
        console.close()


async def test_after_a_connection_that_ended_there_is_another():
    async with served() as (it, port):
        console = Console(port, PASSWORD)
        await console.list()
        it.writers[0].close()
        with pytest.raises((ConsoleError, OSError)):
            await console.list()
        assert await console.list() == LISTED
        assert it.connections == 2
        console.close()


async def test_a_wrong_password_and_a_strange_answer_are_told(monkeypatch):
    async with served() as (it, port):
        with pytest.raises(ConsoleError):
            await Console(port, "wrong").list()
        it.answer = b"what?\r\n> "
        with pytest.raises(ConsoleError):
            await Console(port, PASSWORD).list()
        it.answer = b"no end"
        monkeypatch.setattr(console_module, "_ANSWER_SECONDS", 0.2)
        with pytest.raises(ConsoleError, match="no answer"):
            await Console(port, PASSWORD).list()


async def test_nobody_there_is_another_error():
    with pytest.raises(OSError, match=r"Connect call failed|refused"):
        await Console(free_port(), PASSWORD).list()


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(clock: Clock) -> Allocations:
    return Allocations(clock)


def one(number: int, user: str, to_player: int = 0, protocol: str = "UDP", from_player: int = 0) -> Listed:
    return Listed(number, f"1795885101:{user}", protocol, from_player // 100, from_player, to_player // 1000, to_player)


def held(table: Allocations) -> dict[str, dict[str, int]]:
    return {name: dict(session.allocations) for name, session in table.sessions()}


def to_player(table: Allocations, session: str, transport: str = "udp") -> int:
    return dict(table.sessions())[session].volumes[transport][Direction.TO_PLAYER].bytes


def test_allocations_are_told_by_session_and_transport(table):
    table.update([one(1, "s1"), one(2, "s1", protocol="TCP"), one(3, "s1.p2", protocol="TLS/TCP"), one(4, "s2")])
    assert held(table) == {"s1": {"udp": 1, "tcp": 1, "tls": 1}, "s2": {"udp": 1}}
    table.update([one(1, "s1"), one(3, "s1.p2", protocol="TLS/TCP")])
    assert held(table) == {"s1": {"udp": 1, "tls": 1}, "s2": {}}


def test_traffic_is_what_was_carried_since_the_last_listing(table):
    table.update([one(1, "s1", 1000)])
    table.update([one(1, "s1", 5000, from_player=300), one(2, "s2", 70_000)])
    table.update([one(1, "s1", 5000, from_player=300), one(2, "s2", 71_000)])
    assert to_player(table, "s1") == 5000
    assert to_player(table, "s2") == 71_000
    assert table.totals[Direction.TO_PLAYER].bytes == 76_000
    assert table.totals[Direction.TO_PLAYER].packets == 76
    assert table.totals[Direction.FROM_PLAYER].bytes == 300


@pytest.mark.parametrize("again", [one(1, "s1", 400), one(1, "s9", 9000)], ids=["fewer", "another's"])
def test_after_a_new_start_of_coturn_all_that_is_listed_is_new(table, again):
    table.update([one(1, "s1", 5000)])
    table.update([again])
    assert table.totals[Direction.TO_PLAYER].bytes == 5000 + again.bytes_to_player


def test_a_session_goes_a_while_after_its_last_allocation_and_the_totals_stay(table, clock):
    table.update([one(1, "s1", 5000)])
    table.update([])
    clock.now += LINGER_SECONDS - 1
    table.update([])
    assert held(table) == {"s1": {}}
    assert to_player(table, "s1") == 5000
    clock.now += 2
    table.update([])
    assert held(table) == {}
    assert table.totals[Direction.TO_PLAYER].bytes == 5000


ALLOCATION = st.tuples(st.integers(1, 4), st.sampled_from("ab"), st.integers(0, 9))


@given(st.lists(st.lists(ALLOCATION, unique_by=lambda each: each[0], max_size=4)))
def test_totals_only_grow(listings):
    table, before = Allocations(Clock()), 0
    for listing in listings:
        table.update([one(number, user, size * 1000) for number, user, size in listing])
        assert table.totals[Direction.TO_PLAYER].bytes >= before
        before = table.totals[Direction.TO_PLAYER].bytes
