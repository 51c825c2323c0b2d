"""What coturn reports: the protocol it speaks, and the table that comes of it."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalling.turn.allocations import (
    FORGET_SECONDS,
    LINGER_SECONDS,
    Allocations,
    Direction,
    Transport,
)
from signalling.turn.reporting import CommandReader, NotRedisError, Reporting, answer
from tests.unit.signalling.clients import PATIENCE


def encoded(*parts: bytes) -> bytes:
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


@given(st.lists(st.lists(st.binary(max_size=30), min_size=1, max_size=4), max_size=5), st.data())
def test_commands_are_read_however_their_bytes_arrive(commands, data):
    whole = b"".join(encoded(*command) for command in commands)
    reader, at = CommandReader(), 0
    found: list[list[bytes]] = []
    while at < len(whole):
        step = data.draw(st.integers(1, len(whole) - at))
        found += reader.feed(whole[at : at + step])
        at += step
    assert found == commands


@given(st.binary(min_size=1, max_size=200))
def test_whatever_arrives_it_is_commands_or_refused(junk):
    reader = CommandReader()
    try:
        assert all(isinstance(part, bytes) for command in reader.feed(junk + b"\r\n") for part in command)
    except NotRedisError:
        return


def test_a_command_without_an_end_is_not_kept_for_ever():
    reader = CommandReader()
    with pytest.raises(NotRedisError):
        for _ in range(100):
            list(reader.feed(b"*" + b"1" * 1000))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ([b"AUTH", b""], b"+OK\r\n"),
        ([b"select", b"0"], b"+OK\r\n"),
        ([b"keys", b"turn/*"], b"*0\r\n"),
        ([b"publish", b"a", b"b"], b":0\r\n"),
        ([b"del", b"a"], b":0\r\n"),
        ([], b"+OK\r\n"),
    ],
)
def test_it_answers_as_an_empty_redis(command, said):
    assert answer(command) == said


class Heard:
    """What came, in its order."""

    def __init__(self) -> None:
        self.all: list[object] = []

    def receive(self, key: bytes, value: bytes) -> None:
        self.all.append((key, value))

    def forget(self) -> None:
        self.all.append("forget")


async def test_only_what_is_published_is_taken_and_nonsense_ends_the_connection():
    heard = Heard()
    reporting = Reporting(0, heard)
    await reporting.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", reporting.port)
    writer.write(encoded(b"keys", b"turn/*") + encoded(b"set", b"k", b"v") + encoded(b"publish", b"k", b"v"))
    assert await asyncio.wait_for(reader.readexactly(13), PATIENCE) == b"*0\r\n+OK\r\n:0\r\n"
    assert heard.all == ["forget", (b"k", b"v")]
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    writer.close()
    await reporting.stop()


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


def key(user: str, number: int, what: str = "status") -> bytes:
    return f"turn/realm/pixel/user/1795885101:{user}/allocation/{number:018}/{what}".encode()


def new(transport: str = "UDP", word: str = "new") -> bytes:
    return f"{word} lifetime=600, type={transport}, local=10.0.0.1:3478, remote=198.51.100.7:1, ssl=NONE".encode()


TRAFFIC = b"rcvp=230, rcvb=1748, sentp=1821, sentb=1825560"
PEER = b"rcvp=1818, rcvb=1818000, sentp=227, sentb=552"


def held(table: Allocations) -> dict[str, dict[Transport, int]]:
    return {name: dict(session.by_transport()) for name, session in table.sessions()}


def sizes(table: Allocations, session: str, transport: Transport) -> dict[Direction, int]:
    return {way: volume.bytes for way, volume in dict(table.sessions())[session].volumes[transport].items()}


def test_allocations_are_told_by_session_and_transport(table):
    table.receive(key("s1", 1), new())
    table.receive(key("s1", 2), new("TCP"))
    table.receive(key("s1.p2", 3), new("TLS/TCP"))
    table.receive(key("s2", 4), new())
    assert held(table) == {"s1": {Transport.UDP: 1, Transport.TCP: 1, Transport.TLS: 1}, "s2": {Transport.UDP: 1}}
    assert dict(table.made) == {Transport.UDP: 2, Transport.TCP: 1, Transport.TLS: 1}
    table.receive(key("s1", 2), b"deleted")
    assert held(table)["s1"] == {Transport.UDP: 1, Transport.TLS: 1}
    assert table.made[Transport.TCP] == 1


def test_traffic_is_what_came_since_the_last_report(table):
    table.receive(key("s1", 1), new())
    for _ in range(2):
        table.receive(key("s1", 1, "traffic"), TRAFFIC)
        table.receive(key("s1", 1, "traffic/peer"), PEER)
    assert sizes(table, "s1", Transport.UDP) == {
        Direction.FROM_PLAYER: 2 * 1748,
        Direction.TO_PLAYER: 2 * 1825560,
        Direction.FROM_INSTANCE: 2 * 1818000,
        Direction.TO_INSTANCE: 2 * 552,
    }
    assert table.totals[Direction.TO_PLAYER].packets == 2 * 1821


def test_what_coturn_adds_up_itself_is_not_counted_again(table):
    table.receive(key("s1", 1, "traffic"), TRAFFIC)
    table.receive(key("s1", 1, "total_traffic"), TRAFFIC)
    table.receive(key("s1", 1, "total_traffic/peer"), PEER)
    assert table.totals[Direction.TO_PLAYER].bytes == 1825560
    assert table.totals[Direction.FROM_INSTANCE].bytes == 0


def test_an_allocation_older_than_this_process_is_known_from_its_first_word(table):
    table.receive(key("s1", 1, "traffic"), TRAFFIC)
    assert held(table) == {"s1": {Transport.UNKNOWN: 1}}
    table.receive(key("s1", 1), new("TCP", "refreshed"))
    assert held(table) == {"s1": {Transport.TCP: 1}}
    assert table.made[Transport.TCP] == 0


def test_a_session_goes_a_while_after_its_last_allocation(table, clock):
    table.receive(key("s1", 1), new())
    clock.now += LINGER_SECONDS + 1
    assert held(table) == {"s1": {Transport.UDP: 1}}
    table.receive(key("s1", 1, "traffic"), TRAFFIC)
    table.receive(key("s1", 1), b"deleted")
    clock.now += LINGER_SECONDS - 1
    assert held(table) == {"s1": {}}
    assert sizes(table, "s1", Transport.UDP)[Direction.TO_PLAYER] == 1825560
    clock.now += 2
    assert held(table) == {}
    assert table.totals[Direction.TO_PLAYER].bytes == 1825560


def test_a_coturn_that_starts_anew_holds_nothing(table, clock):
    table.receive(key("s1", 1), new())
    table.receive(key("s1", 1, "traffic"), TRAFFIC)
    table.forget()
    assert held(table) == {"s1": {}}
    assert sizes(table, "s1", Transport.UDP)[Direction.TO_PLAYER] == 1825560
    clock.now += LINGER_SECONDS + 1
    assert held(table) == {}


def test_an_allocation_of_which_nothing_is_heard_is_gone(table, clock):
    table.receive(key("s1", 1), new())
    clock.now += FORGET_SECONDS / 2
    table.receive(key("s1", 1), new(word="refreshed"))
    clock.now += FORGET_SECONDS - 1
    assert held(table) == {"s1": {Transport.UDP: 1}}
    clock.now += 2
    assert held(table) == {}


@pytest.mark.parametrize(
    ("where", "what"),
    [
        (b"__XXX__", b"__YYY__"),
        (b"turn/realm/pixel/user/a/allocation/x/status", new()),
        (key("s1", 1), b"renewed"),
        (key("s1", 1, "traffic"), b"rcvp=1"),
        (key("s1", 1), b"deleted"),
    ],
)
def test_what_is_no_report_is_passed_over(table, where, what):
    table.receive(where, what)
    assert held(table) == {}
