"""A matchmaker as a process of its own, before an API server in memory: what the benchmarks of the matchmaker measure.

It prints its ports as one line of JSON, and runs until its standard input ends.
"""

import argparse
import asyncio
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from signalling.ice.elsewhere import NOTHING
from signalling.ice.secret import SigningSecret
from signalling.matchmaker.issuing import Issuer
from signalling.matchmaker.replica import Surroundings
from signalling.matchmaker.server import MatchmakerServer
from signalling.matchmaker.settings import ApplicationSettings, MatchmakerSettings, StackSettings
from signalling.shell import listening
from signalling.store.in_memory import MemoryStore
from signalling.store.in_redis import RedisStore
from signalling.store.interface import Store
from tests.unit.signalling.memory_cluster import MemoryCluster, fleet, node, pod
from tests.unit.signalling.without_front import OpenAdmission, Silence

TICKS: int = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """One that is measured."""

    pid: int
    ports: dict[str, int]

    def cpu(self) -> float:
        """Seconds of CPU so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident(self) -> int:
        """Bytes of memory in use, of its own."""
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(("Private_", "Shared_Dirty")))


@contextmanager
def running(module: str, *arguments: str) -> Iterator[Process]:
    """A module as a process that prints its ports as JSON and ends with its standard input."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield Process(process.pid, json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()
            process.wait()


async def until_the_end_of_input() -> None:
    """Wait until whoever started this process is done with it."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


async def serve(arguments: argparse.Namespace) -> None:
    cluster = MemoryCluster()
    cluster.put(node("turn-1", {"ExternalIP": "198.51.100.7"}))
    cluster.put(fleet("demo-v1"))
    for number, address in enumerate(arguments.instance):
        cluster.put(pod(f"demo-{number}", address=address))
    store: Store = RedisStore(arguments.redis) if arguments.redis else MemoryStore()
    issuer = Issuer(SigningSecret(arguments.seed))
    its = MatchmakerSettings(
        turn_loads=False,
        player_host="127.0.0.1",
        player_port=0,
        health_host="127.0.0.1",
        health_port=0,
        instance_port=arguments.instance_port,
        instance_health_port=arguments.instance_health_port,
        max_players=arguments.players,
        stop_seconds=0.1,
    )
    around = Surroundings(
        name=f"bench-{secrets.token_hex(4)}",
        api=cluster,
        store=store,
        issuer=issuer,
        turn_secret=lambda: "0123456789abcdef",
        elsewhere=lambda: NOTHING,
        admission=OpenAdmission(issuer),
        chronicle=Silence(),
    )
    stack = StackSettings("pixel-instances", (ApplicationSettings("demo"),))
    server = MatchmakerServer(its, stack, around, {})
    await server.start()
    print(json.dumps(server.ports), flush=True)
    await until_the_end_of_input()
    await server.stop()
    await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=Path, required=True, help="file with the seed of the tickets' key")
    parser.add_argument("--redis", help="address of Redis; none, and the store is this process' memory")
    parser.add_argument("--instance", action="append", default=[], help="address of an instance")
    parser.add_argument("--instance-port", type=int, default=3000)
    parser.add_argument("--instance-health-port", type=int, default=9000)
    parser.add_argument("--players", type=int, default=12_000)
    listening.run(lambda: serve(parser.parse_args()))


if __name__ == "__main__":
    main()
