"""Matchmakers and Redis come and go under many sessions: what media and queue feel of it, with all figures.

``make bench NAME=matchmaker_restarts ARGS="--sessions 50 --waiting 10 --redis-seconds 30"``. Everything is real but the
kubelet: an API server, Redis, matchmakers as processes, sidecars, and a data channel for each session that beats. The
suite's tests/cluster/test_replicas.py does the same with less. What happens, one after the other: every matchmaker is
killed and replaced, every matchmaker is upgraded, Redis is stopped for so long, Redis loses its data.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from signalling.shell import listening
from tests.cluster.api_server import api_server
from tests.cluster.replicas import Service, service
from tests.cluster.scene import Scene
from tests.unit.signalling.redis_server import RedisServer, redis_server


async def killed(it: Service, scene: Scene) -> None:
    for replica in list(it.replicas):
        it.gone(replica)
        replica.kill()
        await it.matchmaker()
        await scene.all_back()


async def upgraded(it: Service, scene: Scene) -> None:
    for replica in list(it.replicas):
        await it.matchmaker()
        it.gone(replica)
        await replica.terminate()
        await scene.all_back()


async def report(sessions: int, waiting: int, redis_seconds: float, beat: float) -> None:
    with tempfile.TemporaryDirectory() as name, redis_server(Path(name)) as redis, api_server() as server:
        async with service(Path(name), server.kubeconfig, redis, STORE_PATIENCE_SECONDS="60") as it:
            it.beat = beat
            scene = Scene(it)
            for _ in range(2):
                await it.matchmaker()
            await scene.begin(sessions, waiting)
            print(f"{sessions} sessions play, {waiting} players wait, two matchmakers; a heartbeat each {beat} s")
            print(f"  nothing happens                 longest without a heartbeat {scene.normal:6.3f} s")
            for title, happens in steps(it, scene, redis, redis_seconds):
                since = time.monotonic()
                await happens()
                await asyncio.sleep(2.0)
                longest = max(player.beats.longest(since) for player in scene.playing)
                took = time.monotonic() - since
                print(f"  {title:31} longest without a heartbeat {longest:6.3f} s, in {took:.0f} s")
            scene.check_sessions()
            print(f"  no session lost, no offer made anew, {sum(p.connections for p in scene.playing)} connections")
            await scene.check_order()
            await scene.check_pods()
            print(f"  the {waiting} who waited were served in their order")


def steps(
    it: Service, scene: Scene, redis: RedisServer, seconds: float
) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
    async def away() -> None:
        redis.stop()
        await asyncio.sleep(seconds)
        redis.start()
        await asyncio.sleep(5.0)
        await scene.all_back()

    async def emptied() -> None:
        redis.empty()
        await asyncio.sleep(5.0)
        await scene.all_back()

    return [
        ("each matchmaker is killed", lambda: killed(it, scene)),
        ("each matchmaker is upgraded", lambda: upgraded(it, scene)),
        (f"Redis is away for {seconds:.0f} s", away),
        ("Redis loses its data", emptied),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--waiting", type=int, default=10)
    parser.add_argument("--redis-seconds", type=float, default=30.0)
    parser.add_argument("--beat", type=float, default=0.2, help="seconds between two heartbeats of a session")
    arguments = parser.parse_args()
    listening.run(lambda: report(arguments.sessions, arguments.waiting, arguments.redis_seconds, arguments.beat))


if __name__ == "__main__":
    main()
