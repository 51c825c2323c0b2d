"""What the matchmaker's relay adds to a message: latency beside a direct connection, and CPU, in one run.

``make bench NAME=matchmaker_relay ARGS="--rate 1000 --seconds 20"``. Players and instances are both in this process,
the matchmaker is another: so a message's way through it and a direct one are timed by the same clock, at the same time
and at the same rate. Messages are ICE candidates of 247 bytes, half of them each way. On a machine that does other
things too its processes need precedence, or the scheduler is what is measured: ``chrt --rr 5 make bench …``.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from signalling.shell import listening
from signalling.shell.dispatch import Port
from signalling.shell.handshake import Accept, UpgradeRequest, connect
from signalling.shell.websocket import Keepalive, SocketLimits, WebSocket
from tests.bench.memory_matchmaker import running

SEED = "5eed" * 16
LIMITS = SocketLimits()
BYTES = 247
LIST = '{"type":"streamerList","ids":["demo"]}'


@dataclass
class Way:
    """The latencies of one way, in seconds."""

    times: list[float] = field(default_factory=list)

    def percentile(self, part: float) -> float:
        """In milliseconds."""
        return sorted(self.times)[int(part * (len(self.times) - 1))] * 1000


class End:
    """One end of a connection: says what it is told to, and times what it hears."""

    def __init__(self, way: Way | None = None, *, instance: bool = False) -> None:
        self.way = way
        self.instance = instance
        self.ready = asyncio.Event()
        self.socket: WebSocket | None = None

    def opened(self, socket: WebSocket) -> None:
        self.socket = socket
        if not self.instance:
            socket.send('{"type":"listStreamers"}')

    def received(self, data: str | bytes) -> None:
        now = time.perf_counter()
        message = json.loads(data)
        match message["type"]:
            case "iceCandidate" if self.way is not None:
                self.way.times.append(now - message["candidate"]["at"])
            case "listStreamers" if self.socket is not None:
                self.socket.send(LIST)
            case "streamerList":
                self.ready.set()

    def closed(self, code: int | None, reason: str) -> None:
        self.socket = None

    def say(self) -> None:
        frame = json.dumps({"type": "iceCandidate", "candidate": {"at": time.perf_counter(), "candidate": ""}})
        assert self.socket is not None, "a connection has ended"
        self.socket.send(frame[:-3] + "x" * (BYTES - len(frame)) + frame[-3:])


async def pairs(number: int, port: int, made: list[End], way: Way) -> list[End]:
    """Players connected by this port, and the instances' ends of their connections."""
    found = []
    for _ in range(number):
        player = End(way)
        await connect("127.0.0.1", port, player, limits=LIMITS, keepalive=KEEPALIVE, seconds=10.0)
        await asyncio.wait_for(player.ready.wait(), 20.0)
        made[-1].way = way
        found += [player, made[-1]]
    return found


async def talk(ends: Sequence[End], interval: float, until: float) -> None:
    """Each end says something once in an interval, at a time of its own."""
    await asyncio.gather(*(chatter(end, interval, until) for end in ends))


async def chatter(end: End, interval: float, until: float) -> None:
    loop = asyncio.get_running_loop()
    at = loop.time() + random.random() * interval
    while at < until:
        await asyncio.sleep(at - loop.time())
        end.say()
        at += interval


KEEPALIVE = Keepalive(3600.0)


async def report(players: int, rate: int, seconds: float) -> None:
    made: list[End] = []

    def accept(request: UpgradeRequest) -> Accept:
        del request
        made.append(End(instance=True))
        return Accept(made[-1])

    instances = Port(accept, LIMITS, KEEPALIVE)
    await instances.listen("0.0.0.0", 0)
    addresses = [f"127.0.{1 + number // 250}.{1 + number % 250}" for number in range(players)]
    with tempfile.TemporaryDirectory() as folder:
        seed = Path(folder) / "seed"
        seed.write_text(SEED)
        arguments = ["--seed", str(seed), "--instance-port", str(instances.number), "--instance-health-port", "1"]
        arguments += [part for address in addresses for part in ("--instance", address)]
        with running("tests.bench.memory_matchmaker", *arguments) as process:
            through, beside = Way(), Way()
            ends = await pairs(players, process.ports["players"], made, through)
            ends += await pairs(players, instances.number, made, beside)
            loop = asyncio.get_running_loop()
            interval = 2 * players / rate
            await talk(ends, interval, loop.time() + 2.0)
            through.times.clear()
            beside.times.clear()
            spent = process.cpu()
            await talk(ends, interval, loop.time() + seconds)
            await asyncio.sleep(0.5)
            spent = process.cpu() - spent
            for end in ends:
                if end.socket is not None:
                    end.socket.abort()
    await instances.close()
    number = len(through.times)
    print(f"{number / seconds:.0f} messages a second through the matchmaker, and as many beside it, {players} players")
    for name, part in (("median", 0.5), ("p99", 0.99), ("p99.9", 0.999)):
        ours, theirs = through.percentile(part), beside.percentile(part)
        print(f"  {name:7} {ours:7.3f} ms, direct {theirs:7.3f} ms, added {ours - theirs:7.3f} ms")
    print(f"  CPU of a relayed message {spent / number * 1e6:.0f} µs, all of the matchmaker's included")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--players", type=int, default=50)
    parser.add_argument("--rate", type=int, default=1000, help="messages a second through the matchmaker")
    parser.add_argument("--seconds", type=float, default=20.0)
    arguments = parser.parse_args()
    listening.run(lambda: report(arguments.players, arguments.rate, arguments.seconds))


if __name__ == "__main__":
    main()
