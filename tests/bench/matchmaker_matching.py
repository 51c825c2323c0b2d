"""What matching costs: CPU seconds for so many players that wait and as many idle instances, with a tenth beside it.

``make bench NAME=matchmaker_matching ARGS="--players 10000"``. All players wait on one replica and the queue is in a
real Redis; claims go to an API server in memory, whose own cost is measured apart. Of n players and n instances
everything costs about n: the last column says how much more than ten times the tenth took.
"""

import argparse
import asyncio
import copy
import gc
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signalling.kubernetes.instances import Instance, instance_of
from signalling.matchmaker.allocation import Allocation, claim
from signalling.matchmaker.inventory import Inventory
from signalling.matchmaker.matching import Share, assign
from signalling.matchmaker.neighbours import Neighbours, Rhythm
from signalling.matchmaker.queues import Keeping, Queues
from signalling.matchmaker.settings import ApplicationSettings
from signalling.matchmaker.sharing import SharedInstances
from signalling.shell import listening
from signalling.store.in_redis import RedisStore
from signalling.store.interface import Claimant, Place
from signalling.tickets.claims import PlayerTicket
from tests.unit.signalling.memory_cluster import MemoryCluster, as_pod, pod
from tests.unit.signalling.redis_server import redis_server
from tests.unit.signalling.test_interleavings import Metrics

APPLICATIONS = {"demo": ApplicationSettings(name="demo")}
SHARES = (Share("v1", 95), Share("v2", 5))


class Fleets:
    shares = {"demo": SHARES}  # noqa: RUF012


@dataclass(frozen=True)
class Cost:
    """CPU seconds of this process."""

    deciding: float
    """Who gets which: one computation for all of them."""
    serving: float
    """All passes and claims until everybody is served, Redis asked for real."""
    cluster: float
    """What of that the API server in memory takes by itself."""


class Counting:
    """Whose players wait: only names."""

    def __init__(self, queues: Queues, tickets: dict[str, PlayerTicket]) -> None:
        self.queues = queues
        self.tickets = tickets
        self.done = asyncio.Event()
        self.leaving: set[asyncio.Task[None]] = set()

    def ticket_of(self, session: str) -> PlayerTicket | None:
        return self.tickets.get(session)

    def claimed(self, session: str, instance: Instance) -> None:
        del self.tickets[session]
        claimant = self.queues.leave("demo", session, 1)
        assert claimant is not None
        task = asyncio.ensure_future(self.queues.forget("demo", claimant, keep=True))
        self.leaving.add(task)
        task.add_done_callback(self.leaving.discard)
        if not self.tickets:
            self.done.set()

    def joins(self, session: str, instance: Instance) -> None:
        raise AssertionError("nothing is shared here")


def cluster_of(number: int) -> MemoryCluster:
    cluster = MemoryCluster()
    for each in range(number):
        cluster.put(pod(f"demo-{each:06}", version="v2" if each % 20 == 0 else "v1"))
    return cluster


def inventory_of(cluster: MemoryCluster) -> Inventory:
    inventory = Inventory()
    inventory.listed([found for each in cluster.pods.values() if (found := instance_of(as_pod(each)))])
    return inventory


async def serving(number: int, url: str) -> float:
    cluster = cluster_of(number)
    store = RedisStore(url, prefix=f"bench{number}:", seconds=10.0)
    neighbours = Neighbours(store, "r1", Rhythm(presence=1000.0, patience=1000.0, settling=0.0))
    queues = Queues(APPLICATIONS, store, neighbours, Keeping(1000.0, 1000.0, 1000.0))
    tickets: dict[str, PlayerTicket] = {}
    for each in range(number):
        session = f"{each:032x}"
        tickets[session] = PlayerTicket(session=session, player=session, app="demo", joined=each)
        queues._own["demo"].put(Claimant(Place(session, each), 1))
    await queues.renew()
    inventory = inventory_of(cluster)
    host = Counting(queues, tickets)
    fleets: Any = Fleets()
    metrics: Any = Metrics()
    allocation = Allocation(
        APPLICATIONS,
        inventory=inventory,
        shared=SharedInstances(inventory),
        queues=queues,
        fleets=fleets,
        api=cluster,
        metrics=metrics,
        host=host,
        at_once=64,
    )
    gc.collect()
    before = time.process_time()
    running = asyncio.create_task(allocation.run("demo"))
    allocation.wake("demo")
    await host.done.wait()
    spent = time.process_time() - before
    running.cancel()
    await asyncio.gather(*host.leaving)
    assert len(cluster.claims) == number
    await store.close()
    return spent


async def measure(number: int, url: str) -> Cost:
    cluster = cluster_of(number)
    inventory = inventory_of(cluster)
    queue = [f"{each:032x}" for each in range(number)]
    before = time.process_time()
    pairs = list(assign(queue, inventory.rings("demo"), SHARES, {}))
    deciding = time.process_time() - before
    assert len(pairs) == number
    spent = await serving(number, url)
    plain = copy.deepcopy(cluster)
    before = time.process_time()
    for session, name in pairs:
        known = inventory.get(name)
        assert known is not None
        await claim(plain, known, PlayerTicket(session=session, player=session, app="demo", joined=1))
    return Cost(deciding, spent, time.process_time() - before)


async def report(players: int) -> None:
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as server:
        small, large = await measure(players // 10, server.url), await measure(players, server.url)
    print(f"{players} players that wait, and as many idle instances: seconds of CPU")
    for name, much, little in (
        ("deciding alone", large.deciding, small.deciding),
        ("all passes and claims, without the API's side", large.serving - large.cluster, small.serving - small.cluster),
        ("the API server in memory", large.cluster, small.cluster),
    ):
        print(f"  {name:48} {much:7.2f}   {much / (10 * little):5.2f} of ten times a tenth")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--players", type=int, default=10_000)
    arguments = parser.parse_args()
    listening.run(lambda: report(arguments.players))


if __name__ == "__main__":
    main()
