"""What the sidecar costs beside a reference server: relayed messages, whole handshakes, memory of an idle player.

``make bench NAME=signalling_relay ARGS="--reference HOST:STREAMER_PORT,PLAYER_PORT,SFU_PORT --reference-pid PID"``
measures both in turn, round after round, so that a drift of the machine's speed cancels out; the reference runs on this
machine, has just been started, logs errors only, and takes any number of players. Its memory is measured in the first
round alone: afterwards it has room from what it did before. Without a reference the ratios are to the figures below.

Processor time is the process's own, by the kernel's account, and so depends little on what else the machine does.
"""

import argparse
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvloop

from signalling.tickets.claims import AdmissionTicket, SessionLimits
from signalling.tickets.keys import public_line, signing_key
from signalling.tickets.signing import sign
from tests.bench.signalling_load import Load, Ticket
from tests.differential.playing import Server
from tests.ports import free_port

RECORDED = {"message": 66.0, "idle": 26.0 * 1024}
"""Epic's signalling server 3.0.0 (Node 20, log level error), in microseconds of processor a relayed message and bytes
a connection: the medians of three rounds with 500 players on two shared cores, September 2026. Whole handshakes were
not recorded."""
TARGETS = {"message": 1 / 3, "handshake": 1 / 2, "idle": 0.6}
UNITS = {"message": "us of processor each", "handshake": "us of processor each", "idle": "bytes of memory a player"}
KEY = signing_key("5a" * 32)


@dataclass(frozen=True)
class Figures:
    """One round at one server, each for one of the thing."""

    message: float
    handshake: float
    idle: float | None
    messages_per_second: float


@contextmanager
def sidecar(players: int, *, tickets: bool) -> Iterator[tuple[Server, int, Ticket]]:
    """A sidecar in a process of its own: its ports, its process, and what a player brings."""
    ports = {name: free_port() for name in ("STREAMER", "PLAYER", "SFU", "HEALTH")}
    environ = {**os.environ, **{f"SIDECAR_{name}_PORT": str(port) for name, port in ports.items()}}
    environ |= {
        "SIDECAR_MAX_PLAYERS": str(players),
        "SIDECAR_MESSAGES_PER_SECOND": "0",
        "SIDECAR_LOG_LEVEL": "error",
        "SIDECAR_PLAYER_HOST": "127.0.0.1",
        "SIDECAR_HEALTH_HOST": "127.0.0.1",
        # Sessions that the bench leaves open are not waited for.
        "SIDECAR_DRAIN_SECONDS": "0",
    }
    with tempfile.NamedTemporaryFile("w") as keys:
        keys.write(public_line(KEY))
        keys.flush()
        environ |= (
            {"SIDECAR_TICKET_KEYS": keys.name, "SIDECAR_INSTANCE": "bench"}
            if tickets
            else {"SIDECAR_ADMIT_ANYBODY": "1"}
        )
        with subprocess.Popen([sys.executable, "-m", "signalling.sidecar"], env=environ) as process:
            try:
                _answers(ports["PLAYER"])
                yield (
                    Server(*(f"ws://127.0.0.1:{ports[name]}/" for name in ("STREAMER", "PLAYER", "SFU"))),
                    process.pid,
                    _tickets(2 * players) if tickets else tuple,
                )
            finally:
                process.terminate()
                process.wait(20)


def _answers(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _tickets(players: int) -> Ticket:
    numbers = iter(range(10_000_000))
    limits = SessionLimits(shared=True, grace_seconds=0, players=players)

    def headers() -> list[tuple[str, str]]:
        name = f"s{next(numbers)}"
        claims = AdmissionTicket(session=name, player=name, app="bench", instance="bench", limits=limits)
        return [("Authorization", f"Bearer {sign(claims, KEY, time.time(), 60)}")]

    return headers


async def measure(load: Load, its: argparse.Namespace, *, fresh: bool) -> Figures:
    """One round; memory only of a process that is ``fresh``."""
    idle = await load.idle(its.idle) if fresh else None
    relay = await load.relay(its.players, its.seconds)
    handshakes = await load.handshakes(its.handshakes)
    return Figures(relay.cpu_each, handshakes.cpu_each, idle, relay.rate)


def rounds(its: argparse.Namespace) -> dict[str, list[Figures]]:
    """All rounds, by server."""
    found: dict[str, list[Figures]] = {}
    for number in range(its.rounds):
        for name, tickets in (("admitting anybody", False), ("by ticket", True)):
            with sidecar(max(its.players, 2 * its.idle), tickets=tickets) as (server, pid, ticket):
                found.setdefault(name, []).append(_pinned(Load(server, pid, ticket), pid, its, fresh=True))
        if its.reference:
            load = Load(its.reference, its.reference_pid)
            found.setdefault("reference", []).append(_pinned(load, its.reference_pid, its, fresh=not number))
    return found


def _pinned(load: Load, pid: int, its: argparse.Namespace, *, fresh: bool) -> Figures:
    """The server on one core and the load on another, where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), cores[:1])
        os.sched_setaffinity(0, cores[1:])
    try:
        return uvloop.run(measure(load, its, fresh=fresh))
    finally:
        os.sched_setaffinity(0, cores)


def report(found: dict[str, list[Figures]]) -> None:
    """Medians, and their ratios to the reference's, measured or recorded."""
    reference = found.pop("reference", None)
    for what, target in TARGETS.items():
        theirs = _of(reference, what) if reference else None
        base = statistics.median(theirs) if theirs else RECORDED.get(what)
        print(f"{what}, {UNITS[what]}:")
        if theirs:
            print(f"  {'reference':>18}: {base:>9,.1f}; rounds {_listed(theirs)}")
        elif base:
            print(f"  {'recorded':>18}: {base:>9,.1f}")
        for name, figures in found.items():
            ours = _of(figures, what)
            value = statistics.median(ours)
            ratio = (
                f"{value / base:.2f} of it, where at most {target:.2f} is wanted" if base else "nothing to compare with"
            )
            print(f"  {name:>18}: {value:>9,.1f}; {ratio}; rounds {_listed(ours)}")
    for name, figures in {**found, **({"reference": reference} if reference else {})}.items():
        print(f"{name}: {statistics.median(_of(figures, 'messages_per_second')):,.0f} messages relayed a second")


def _of(figures: list[Figures], what: str) -> list[float]:
    return [value for one in figures if (value := getattr(one, what)) is not None]


def _listed(values: list[float]) -> str:
    return " ".join(f"{value:,.1f}" for value in values)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Server.at, help="HOST:STREAMER_PORT,PLAYER_PORT,SFU_PORT")
    parser.add_argument("--reference-pid", type=int, help="its process")
    parser.add_argument("--players", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--handshakes", type=int, default=1000)
    parser.add_argument("--idle", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    its = parser.parse_args()
    if bool(its.reference) != bool(its.reference_pid):
        parser.error("give both --reference and --reference-pid, or neither")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65_536), hard))
    report(rounds(its))


if __name__ == "__main__":
    main()
