"""Sessions and the queue while matchmakers and Redis come and go: everything is real but the kubelet."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.api_server import ApiServer, api_server
from tests.cluster.replicas import service
from tests.cluster.scene import Scene
from tests.unit.signalling.redis_server import NEEDS_REDIS, RedisServer, redis_server

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(420), NEEDS_REDIS]

SESSIONS = 6
"""``make bench NAME=matchmaker_restarts`` has fifty."""
WAITING = 4


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    with api_server() as running:
        yield running


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as running:
        yield running


async def test_every_matchmaker_is_killed_and_replaced_one_after_the_other(server, redis, tmp_path):
    async with service(tmp_path, server.kubeconfig, redis) as it:
        scene, before = Scene(it), [await it.matchmaker() for _ in range(2)]
        await scene.begin(SESSIONS, WAITING)
        for replica in before:
            it.gone(replica)
            replica.kill()
            await it.matchmaker()
            await scene.all_back()
        assert all(player.connections > 1 for player in (*scene.playing, *scene.waiting))
        scene.check_sessions()
        await scene.check_order()
        await scene.check_pods()


async def test_every_matchmaker_is_upgraded(server, redis, tmp_path):
    async with service(tmp_path, server.kubeconfig, redis) as it:
        scene, before = Scene(it), [await it.matchmaker() for _ in range(2)]
        await scene.begin(SESSIONS, WAITING)
        for replica in before:
            await it.matchmaker()
            it.gone(replica)
            assert await replica.terminate() == 0
            assert replica.said()[-1]["message"] == "stopped"
            await scene.all_back()
        scene.check_sessions()
        await scene.check_order()
        await scene.check_pods()


async def test_all_matchmakers_at_once(server, redis, tmp_path):
    async with service(tmp_path, server.kubeconfig, redis) as it:
        scene, before = Scene(it), [await it.matchmaker() for _ in range(2)]
        await scene.begin(3, 3)
        for replica in before:
            it.gone(replica)
            replica.kill()
        await it.matchmaker()
        await scene.all_back()
        scene.check_sessions()
        await scene.check_order()
        await scene.check_pods()


async def test_redis_goes_away_for_a_while_and_comes_back_empty(server, redis, tmp_path):
    """Shorter than the replicas' patience: nobody is served out of turn meanwhile."""
    async with service(tmp_path, server.kubeconfig, redis, STORE_PATIENCE_SECONDS="60") as it:
        scene, replicas = Scene(it), [await it.matchmaker() for _ in range(2)]
        await scene.begin(SESSIONS, WAITING)
        redis.stop()
        await it.instance("meanwhile")
        late = it.player()
        scene.waiting.append(late)
        await asyncio.sleep(3.0)
        assert not any(player.beats.times for player in scene.waiting), "nobody knows the order"
        assert all(replica.running for replica in replicas)
        redis.start()
        await it.until(lambda: scene.waiting[0].beats.times, "the first is served")
        first = scene.waiting.pop(0)
        await scene.all_back()
        scene.check_sessions()
        await scene.check_order()
        scene.playing.append(first)
        await scene.check_pods()
        said = [line["message"] for replica in replicas for line in replica.said()]
        assert "store unavailable" in said and "store there again" in said


async def test_redis_that_stays_away_stops_nobody_for_ever(server, redis, tmp_path):
    async with service(tmp_path, server.kubeconfig, redis, STORE_PATIENCE_SECONDS="2") as it:
        scene = Scene(it)
        for _ in range(2):
            await it.matchmaker()
        await scene.begin(3, 0)
        redis.stop()
        for number in range(4):
            await it.instance(f"more-{number}")
            scene.waiting.append(it.player())
        await it.until(lambda: all(player.beats.times for player in scene.waiting), "all are served")
        scene.check_sessions()
        await scene.check_pods()


async def test_redis_loses_its_data(server, redis, tmp_path):
    async with service(tmp_path, server.kubeconfig, redis) as it:
        scene, before = Scene(it), [await it.matchmaker() for _ in range(2)]
        await scene.begin(SESSIONS, WAITING)
        redis.empty()
        await it.until(lambda: redis.say("ZCARD", "pixel:queue:demo") == str(WAITING), "the queue is there again")
        # And with a replica gone at the same time, whose players only their tickets know.
        it.gone(before[0])
        before[0].kill()
        redis.empty()
        await it.matchmaker()
        await scene.all_back()
        scene.check_sessions()
        await scene.check_order()
        await scene.check_pods()


async def test_many_players_of_several_matchmakers_and_no_instance_twice(server, redis, tmp_path):
    """Thirty instances appear while forty players wait on three matchmakers: thirty play, each alone."""
    async with service(tmp_path, server.kubeconfig, redis) as it:
        for _ in range(3):
            await it.matchmaker()
        players = [it.player() for _ in range(40)]
        await it.until(lambda: all(player.state == "queued" for player in players), "all wait")
        await asyncio.gather(*(it.instance(f"demo-{number}") for number in range(30)))
        await it.until(lambda: sum(player.offers for player in players) == 30, "thirty play")
        sessions = Counter(labels.get("app.pixel/session") for labels in (await it.pods()).values())
        assert sessions == Counter(player.session for player in players if player.offers)
        assert all(len(streamer.offers) == 1 for streamer in it.streamers.values())
        claims = [line for replica in it.replicas for line in replica.said() if line["message"] == "session started"]
        assert len(claims) == 30 and len({line["instance"] for line in claims}) == 30
