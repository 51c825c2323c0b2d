"""The rendered file under the real coturn, as the user it runs as in the cluster, with the matchmaker's credentials."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import aioice.stun
import pytest

from signalling.turn.user_database import REREAD_SECONDS
from tests.unit.signalling.clients import PATIENCE
from tests.unit.signalling.coturn import (
    NEEDS_COTURN,
    RELAY_PORTS,
    SECRET,
    Allocation,
    Coturn,
    Received,
    close_all,
    own_address,
    refused,
    started,
    state_folder,
)

pytestmark = NEEDS_COTURN


@asynccontextmanager
async def running(**changes: Any) -> AsyncIterator[Coturn]:
    with state_folder() as folder:
        async with started(Coturn(folder, **changes)) as it:
            yield it


@pytest.fixture
async def turn() -> AsyncIterator[Coturn]:
    async with running() as it:
        yield it


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_our_credentials_get_an_allocation(turn, transport):
    mine = await turn.allocate(SECRET, transport)
    address, port = mine.address
    assert address == "127.0.0.1" and RELAY_PORTS[0] <= port <= RELAY_PORTS[1]
    mine.close()


async def test_credentials_of_another_secret_get_none(turn):
    with refused(401):
        await turn.allocate("another-secret-of-some-length")


async def test_coturn_understands_every_line():
    async with running(allowed_peers=("203.0.113.0/28",), user_quota=3, total_quota=4, max_mbps=5) as turn:
        assert [line for line in turn.log().splitlines() if "bad configuration" in line.lower()] == []
        assert SECRET not in turn.log()


NEWER = "fedcba9876543210fedcba9876543210"
NEWEST = "00112233445566778899aabbccddeeff"
ELSEWHERE = "198.51.100.9"


async def test_secrets_are_exchanged_while_it_runs_and_no_allocation_ends():
    async with running(allowed_peers=(f"{ELSEWHERE}/32",)) as turn:
        mine = await turn.allocate()
        turn.write_secrets(NEWER, SECRET)
        for secret in (NEWER, SECRET):
            (await turn.allocate(secret)).close()
        turn.write_secrets(NEWEST, NEWER)
        with refused(401):
            await turn.allocate(SECRET)
        (await turn.allocate(NEWEST)).close()
        await mine.refresh()
        await mine.permit(ELSEWHERE)
        mine.close()


async def test_without_a_secret_nobody_gets_an_allocation_and_none_ends():
    async with running(allowed_peers=(f"{ELSEWHERE}/32",)) as turn:
        mine = await turn.allocate()
        turn.write_secrets()
        with refused(401):
            await turn.allocate(user="session-2")
        await mine.refresh()
        await mine.permit(ELSEWHERE)
        turn.write_secrets(SECRET)
        (await turn.allocate(user="session-2")).close()
        mine.close()


async def test_no_player_is_refused_while_the_tables_are_written(turn):
    async def write_on() -> None:
        for number in range(15):
            await asyncio.to_thread(turn.write_secrets, NEWER, SECRET)
            await asyncio.to_thread(turn.allow, *(f"10.244.{number}.{end}" for end in range(1, 200)))

    writing = asyncio.create_task(write_on())
    while not writing.done():
        (await turn.allocate()).close()
        # coturn frees an allocation's ports a moment later, and has a hundred here.
        await asyncio.sleep(0.02)
    await writing
    assert "Error retrieving SQLite" not in turn.log()


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "169.254.169.254", "0.0.0.1", "10.0.0.2", "10.96.0.10", "10.244.1.2", ELSEWHERE, "224.0.0.251"],
)
async def test_nobody_is_a_peer_who_is_not_allowed(turn, address):
    mine = await turn.allocate()
    with refused(403):
        await mine.permit(address)
    mine.close()


async def within(seconds: float, attempt: Callable[[], Awaitable[None]]) -> None:
    """Try until it is not refused; every try is one message."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await attempt()
        except aioice.stun.TransactionFailed:
            assert time.monotonic() < deadline, f"refused for {seconds} s"
            await asyncio.sleep(0.2)


async def is_allowed(attempt: Awaitable[None]) -> bool:
    try:
        await attempt
    except aioice.stun.TransactionFailed:
        return False
    return True


async def test_instances_become_peers_while_it_runs_and_cease_to_be(turn):
    async def fresh(address: str) -> None:
        """An allocation keeps what it was once allowed."""
        mine = await turn.allocate()
        try:
            await mine.permit(address)
        finally:
            mine.close()

    one, other = "10.244.1.7", "10.244.2.8"
    turn.allow(one, other)
    await within(REREAD_SECONDS + PATIENCE, lambda: fresh(one))
    await fresh(other)
    with refused(403):
        await fresh("10.244.1.8")
    deadline, numbers = time.monotonic() + REREAD_SECONDS + PATIENCE, count(10)
    while await is_allowed(fresh(one)):
        assert time.monotonic() < deadline
        # However often the table is written, who stays in it is never refused.
        turn.allow(other, *(f"10.244.3.{next(numbers) % 250}" for _ in range(20)))
        await fresh(other)
        # coturn frees an allocation's ports a moment later, and has a hundred here.
        await asyncio.sleep(0.1)


async def test_networks_of_the_settings_are_allowed_from_the_start():
    async with running(allowed_peers=("203.0.113.16/28",)) as turn:
        mine = await turn.allocate()
        await mine.permit("203.0.113.17")
        await mine.permit("203.0.113.31")
        with refused(403):
            await mine.permit("203.0.113.32")
        mine.close()


async def held(turn: Coturn, *users: str) -> list[Allocation]:
    return [await turn.allocate(user=user) for user in users]


async def test_a_user_has_so_many_allocations_and_another_user_has_its_own():
    async with running(user_quota=2) as turn:
        mine = await held(turn, "session-1", "session-1")
        with refused(486):
            await turn.allocate(user="session-1")
        mine += await held(turn, "session-1.player-2", "session-2")
        close_all(mine[:1])
        await within(PATIENCE, lambda: again(turn, "session-1"))
        close_all(mine[1:])


async def again(turn: Coturn, user: str) -> None:
    (await turn.allocate(user=user)).close()


async def test_all_together_have_so_many_allocations():
    async with running(total_quota=3) as turn:
        mine = await held(turn, "session-1", "session-2", "session-3")
        with refused(486):
            await turn.allocate(user="session-4")
        close_all(mine[:1])
        await within(PATIENCE, lambda: again(turn, "session-4"))
        close_all(mine[1:])


async def test_capacity_is_reserved_by_each_allocation():
    async with running(max_mbps=10, capacity_mbps=20) as turn:
        mine = await held(turn, "session-1", "session-2")
        with refused(486):
            await turn.allocate(user="session-3")
        close_all(mine)


async def to_instance(turn: Coturn) -> tuple[Allocation, asyncio.DatagramTransport, Received]:
    """An allocation, and another address of this machine that it may reach."""
    mine = await turn.allocate()
    end, instance = await asyncio.get_running_loop().create_datagram_endpoint(Received, local_addr=(own_address(), 0))
    return mine, end, instance


async def test_datagrams_pass_both_ways():
    """The way of the media: between the player's end of the relay and another address of this machine."""
    async with running(allowed_peers=(f"{own_address()}/32",)) as turn:
        mine, end, instance = await to_instance(turn)
        mine.send(b"input", end.get_extra_info("sockname"))
        assert await instance.next() == b"input"
        end.sendto(b"frame", mine.address)
        assert await mine.player.next() == b"frame"
        end.close()
        mine.close()


async def test_an_allocation_gets_no_more_than_its_bandwidth():
    """What goes beyond it within a second of coturn's clock is dropped; in the next one the count begins anew."""
    frames, size, allowed = 500, 1000, 125_000
    async with running(max_mbps=1, allowed_peers=(f"{own_address()}/32",)) as turn:
        mine, end, instance = await to_instance(turn)
        mine.send(b"input", end.get_extra_info("sockname"))
        assert await instance.next() == b"input"
        started = time.monotonic()
        for number in range(frames):
            end.sendto(bytes(size), mine.address)
            if number % 20 == 0:
                await asyncio.sleep(0.001)
        passed, last = 0, b""
        while last != b"last":
            end.sendto(b"last", mine.address)
            await asyncio.sleep(0.05)
            while not mine.player.got.empty() and last != b"last":
                last = mine.player.got.get_nowait()
                passed += len(last)
        seconds_touched = int(time.monotonic() - started) + 2
        assert size < passed <= seconds_touched * allowed
        end.close()
        mine.close()
