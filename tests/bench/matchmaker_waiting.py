"""One replica with thousands of waiting players: memory and CPU for each, beside a server that only holds connections.

``make bench NAME=matchmaker_waiting ARGS="--players 10000"``. The players opted in, so each is told its position as it
changes; the queue is in a real Redis. The yardstick is the same listener with nothing behind it, and the same number of
connections.
"""

import argparse
import asyncio
import json
import resource
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from signalling.shell import listening
from signalling.shell.dispatch import Port
from signalling.shell.handshake import Accept, connect
from signalling.shell.websocket import Keepalive, SocketLimits, WebSocket
from tests.bench.memory_matchmaker import Process, running, until_the_end_of_input
from tests.unit.signalling.redis_server import redis_server

SEED = "5eed" * 16
AT_ONCE = 100
STEADY_SECONDS = 20.0


class Player:
    """Asks for the list, and reads what it is told."""

    def __init__(self) -> None:
        self.position = 0
        self.socket: WebSocket | None = None

    def opened(self, socket: WebSocket) -> None:
        self.socket = socket
        socket.send('{"type":"listStreamers"}')

    def received(self, data: str | bytes) -> None:
        message = json.loads(data)
        if message.get("state") == "queued":
            self.position = message["position"]

    def closed(self, code: int | None, reason: str) -> None:
        self.socket = None


@dataclass(frozen=True)
class Figures:
    """Of one server."""

    bytes_each: float
    joining: float
    """CPU seconds for each connection to come."""
    steady: float
    """Of a core, while all wait."""


async def hold(process: Process, number: int, query: str) -> tuple[Figures, Sequence[Player]]:
    before, spent = process.resident(), process.cpu()
    keepalive, limits = Keepalive(3600.0), SocketLimits()
    players = [Player() for _ in range(number)]
    for start in range(0, number, AT_ONCE):
        await asyncio.gather(
            *(
                connect(
                    "127.0.0.1",
                    process.ports["players"],
                    player,
                    path=f"/{query}",
                    limits=limits,
                    keepalive=keepalive,
                    seconds=60.0,
                )
                for player in players[start : start + AT_ONCE]
            )
        )
    await asyncio.sleep(2.0)
    joined = process.cpu()
    began = time.monotonic()
    await asyncio.sleep(STEADY_SECONDS)
    steady = (process.cpu() - joined) / (time.monotonic() - began)
    return Figures((process.resident() - before) / number, (joined - spent) / number, steady), players


async def measure(number: int) -> tuple[Figures, Figures, int]:
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as server:
        seed = Path(folder) / "seed"
        seed.write_text(SEED)
        with running("tests.bench.matchmaker_waiting", "--bare") as bare:
            yardstick, players = await hold(bare, number, "")
            for player in players:
                assert player.socket is not None
                player.socket.abort()
        arguments = ("--seed", str(seed), "--redis", server.url, "--players", str(number + 10))
        with running("tests.bench.memory_matchmaker", *arguments) as matchmaker:
            ours, players = await hold(matchmaker, number, "?session=1")
            told = sorted(player.position for player in players)
            waiting = int(server.say("ZCARD", "pixel:queue:demo"))
            assert waiting == number, waiting
            for player in players:
                assert player.socket is not None, "a player was sent away"
                player.socket.abort()
    return ours, yardstick, sum(position > 0 for position in told)


async def bare() -> None:
    """The yardstick: connections, and nothing behind them."""

    class Silent:
        def opened(self, socket: WebSocket) -> None:
            pass

        def received(self, data: str | bytes) -> None:
            pass

        def closed(self, code: int | None, reason: str) -> None:
            pass

    port = Port(lambda _: Accept(Silent()), SocketLimits(), Keepalive(30.0))
    await port.listen("127.0.0.1", 0)
    print(json.dumps({"players": port.number}), flush=True)
    await until_the_end_of_input()
    await port.close()


async def report(number: int) -> None:
    ours, yardstick, told = await measure(number)
    print(f"{number} players wait on one replica; {told} of them know their position")
    for name, mine, theirs, unit in (
        ("memory of a waiting player", ours.bytes_each / 1024, yardstick.bytes_each / 1024, "KiB"),
        ("CPU of its coming", ours.joining * 1e3, yardstick.joining * 1e3, "ms"),
        ("CPU while all wait", ours.steady * 100, yardstick.steady * 100, "% of a core"),
    ):
        ratio = f"{mine / theirs:.1f} times" if theirs > 0 else "nothing measurable in"
        print(f"  {name:28} {mine:8.2f} {unit:12} {ratio} a bare connection's {theirs:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--players", type=int, default=10_000)
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    listening.run(bare if arguments.bare else lambda: report(arguments.players))


if __name__ == "__main__":
    main()
