"""Which TURN nodes there are, how full they are, and which of them a session gets."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web
from hypothesis import given
from hypothesis import strategies as st

from signalling.ice.loads import LoadWatch
from signalling.ice.nodes import turn_nodes
from signalling.ice.ranking import TurnNode, rank
from signalling.shell import listening
from tests.ports import free_port
from tests.unit.signalling.memory_cluster import Object, as_node, as_pod, node, turn_pod

POOL = [TurnNode(name, f"198.51.100.{number}", f"10.0.30.{number}") for number, name in enumerate("abcde")]


def names(nodes: list[TurnNode]) -> list[str]:
    return [each.name for each in nodes]


def first_of(nodes: list[TurnNode], loads: dict[str, float]) -> Counter[str]:
    return Counter(rank(f"s{number}", nodes, loads)[0].name for number in range(2000))


def test_sessions_spread_evenly_over_equal_nodes():
    found = first_of(POOL[:4], {})
    assert all(400 < found[each.name] < 600 for each in POOL[:4])


def test_less_loaded_nodes_get_more_and_full_ones_only_what_nobody_else_takes():
    found = first_of(POOL[:3], {"a": 0.1, "b": 0.6, "c": 0.95})
    assert 1200 < found["a"] < 1470 and found["b"] == 2000 - found["a"]
    assert rank("s", POOL[:3], {"a": 0.1, "b": 0.6, "c": 0.95}, count=3)[2].name == "c"
    assert rank("s", POOL[2:3], {"c": 1.0})[0].name == "c"


LOADS = st.dictionaries(st.sampled_from("abcde"), st.floats(0, 1))


@given(st.text(max_size=8), LOADS, st.permutations(POOL))
def test_whoever_asks_and_however_often_a_session_gets_the_same(session, loads, pool):
    assert rank(session, pool, loads) == rank(session, POOL, loads)
    assert len(set(rank(session, pool, loads))) == 2


@given(st.text(max_size=8), LOADS, st.sampled_from(POOL))
def test_a_node_that_goes_moves_nobody_else(session, loads, gone):
    before = rank(session, POOL, loads, count=5)
    after = rank(session, [each for each in POOL if each != gone], loads, count=5)
    assert after == [each for each in before if each != gone]


@given(st.text(max_size=8), st.sampled_from([0.0, 0.3, 0.6, 0.8, 0.95]), st.floats(0, 0.04))
def test_a_load_that_wavers_moves_nobody(session, load, by):
    at = dict.fromkeys("abcde", load)
    assert rank(session, POOL, at) == rank(session, POOL, {**at, "a": load + by})


def found(nodes: list[Object], pods: list[Object]) -> list[str]:
    return names(turn_nodes(map(as_node, nodes), map(as_pod, pods)))


THREE = [node(f"turn-{number}", {"InternalIP": f"10.0.30.{number}"}) for number in (1, 2, 3)]


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([("turn-1", True, False), ("turn-2", True, False), ("turn-3", True, False)], ["turn-1", "turn-2", "turn-3"]),
        ([("turn-1", True, False), ("turn-2", False, False), ("turn-3", True, True)], ["turn-1"]),
        ([("turn-1", False, False), ("turn-3", True, True)], ["turn-1"]),
        ([("turn-1", True, True)], []),
        # A roll-out: the old one drains while the new one is not placed yet, then both are there.
        ([("turn-1", True, True), (None, False, False), ("turn-2", True, False)], ["turn-2"]),
        ([("turn-1", True, True), ("turn-1", True, False)], ["turn-1"]),
        ([("elsewhere", True, False)], []),
        ([], []),
    ],
)
def test_nodes_whose_coturn_is_not_ready_or_is_going_are_left_out(pods, expected):
    listed = [turn_pod(f"p{i}", at, ready=ready, going=going) for i, (at, ready, going) in enumerate(pods)]
    assert found(THREE, listed) == expected


def test_nodes_that_take_nobody_are_left_out():
    cordoned = node("turn-4", {"InternalIP": "10.0.30.4"}, cordoned=True)
    other = node("gpu-1", {"InternalIP": "10.0.10.1"}, labels={})
    assert found([*THREE, cordoned, other], [turn_pod(f"p{i}", f"turn-{i}") for i in (1, 4)]) == ["turn-1"]
    assert found([cordoned], [turn_pod("p", "turn-4")]) == []


def test_a_node_is_known_with_both_addresses():
    thing = node("turn-1", {"InternalIP": "10.0.30.4", "ExternalIP": "198.51.100.7"})
    assert turn_nodes([as_node(thing)], [as_pod(turn_pod("p", "turn-1"))]) == [
        TurnNode("turn-1", "198.51.100.7", "10.0.30.4")
    ]


class Companion:
    """Says what it is told to."""

    def __init__(self) -> None:
        self.says: Any = {"load": 0.25, "draining": False}

    async def status(self, _: web.Request) -> web.Response:
        return web.json_response(self.says)


@pytest.fixture
async def companion() -> AsyncIterator[tuple[Companion, int]]:
    it, app = Companion(), web.Application()
    app.add_routes([web.get("/status", it.status)])
    runner = await listening.listen(app, "127.0.0.1", 0)
    yield it, listening.port_of(runner)
    await runner.cleanup()


async def test_loads_are_asked_and_forgotten(companion):
    it, port = companion
    here, there = (
        TurnNode(name, "198.51.100.7", address) for name, address in (("a", "127.0.0.1"), ("b", "127.0.0.9"))
    )
    async with ClientSession() as http:
        watch = LoadWatch(http, port)
        await watch.ask([here, there])
        assert watch.loads == {"a": 0.25}
        for says, load in (({"load": 7, "draining": False}, 1.0), ({"load": 0.1, "draining": True}, 1.0)):
            it.says = says
            await watch.ask([here])
            assert watch.loads == {"a": load}
        it.says = {"load": "much"}
        for _ in range(2):
            await watch.ask([here])
            assert watch.loads == {"a": 1.0}
        await watch.ask([here])
        assert watch.loads == {}
        it.says = {"load": 0.5, "draining": False, "more": 1}
        await watch.ask([here])
        assert watch.loads == {"a": 0.5}
        await watch.ask([])
        assert watch.loads == {}


async def test_the_pool_is_asked_as_it_is_each_time(companion):
    _, port = companion
    asked: asyncio.Queue[None] = asyncio.Queue()

    def nodes() -> list[TurnNode]:
        asked.put_nowait(None)
        return [TurnNode("a", "198.51.100.7", "127.0.0.1")]

    async with ClientSession() as http:
        watch = LoadWatch(http, port, interval_seconds=0.01)
        following = asyncio.create_task(watch.follow(nodes))
        for _ in range(3):
            await asyncio.wait_for(asked.get(), 5)
        assert watch.loads == {"a": 0.25}
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_nobody_listening_is_no_error():
    async with ClientSession() as http:
        watch = LoadWatch(http, free_port())
        await watch.ask([TurnNode("a", "198.51.100.7", "127.0.0.1")])
        assert watch.loads == {}
