"""What a player can send to through a real coturn, in networks laid out as a cluster's are.

    player, here ── 10.99.x.y/30 ── TURN node (coturn) ── the rest of the cluster

The player has no route to the cluster, so what arrives there came through the relay. Every end listens and says what it
got: that nothing arrives is seen, not concluded.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from ipaddress import IPv4Address, IPv4Network
from itertools import count

import pytest

from signalling.turn.user_database import REREAD_SECONDS
from tests.unit.signalling.clients import PATIENCE
from tests.unit.signalling.coturn import NEEDS_COTURN, USER, Coturn, refused, started, state_folder
from tests.unit.signalling.test_coturn import is_allowed, within

pytestmark = [
    NEEDS_COTURN,
    pytest.mark.skipif(os.geteuid() != 0 or shutil.which("ip") is None, reason="needs root and iproute2"),
]

LINK = IPv4Network((int(IPv4Address("10.99.0.0")) + os.getpid() % 16384 * 4, 30))
"""Of this process's own, as its one end is in the machine's own network."""
PLAYER, TURN = map(str, LINK.hosts())
INSTANCE, LATER = "10.244.9.11", "10.244.9.12"
ELSEWHERE = {
    "cluster DNS": "10.244.9.53",
    "a pod that is no instance": "10.244.9.80",
    "Kubernetes API": "10.0.0.2",
    "a Service": "10.96.0.10",
    "a worker": "10.0.10.4",
    "a load balancer": "10.0.20.4",
    "the internet": "198.51.100.9",
}
ON_THE_NODE = {
    "metadata service": "169.254.169.254",
    "link-local": "169.254.1.1",
    "loopback": "127.0.0.1",
    "the node itself": "10.244.9.1",
}
PORT = 5353
NUMBERS = count()

LISTENER = """
import json, select, socket, sys
sockets = {}
for address in sys.argv[2:]:
    it = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    it.bind((address, int(sys.argv[1])))
    sockets[it] = address
print(json.dumps("listening"), flush=True)
while True:
    for it in select.select(list(sockets), [], [])[0]:
        data, sender = it.recvfrom(2000)
        print(json.dumps([sockets[it], data.decode()]), flush=True)
        it.sendto(data, sender)
"""


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def within_namespace(name: str) -> list[str]:
    return ["ip", "netns", "exec", name]


@contextmanager
def namespace(name: str) -> Iterator[str]:
    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        ip("netns", "delete", name)


@contextmanager
def laid_out() -> Iterator[tuple[str, str]]:
    """The namespaces of the TURN node and of the rest; the player is where the test is."""
    mark = f"{os.getpid() % 100_000}x{next(NUMBERS)}"
    with namespace(f"turn-{mark}") as node, namespace(f"rest-{mark}") as rest:
        ours, theirs = f"p{mark}", f"t{mark}"
        ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", node)
        try:
            ip("address", "add", f"{PLAYER}/30", "dev", ours)
            ip("link", "set", ours, "up")
            ip("-n", node, "address", "add", f"{TURN}/30", "dev", theirs)
            ip("-n", node, "link", "set", theirs, "up")
            ip("-n", node, "link", "add", "pods", "type", "veth", "peer", "name", "eth0", "netns", rest)
            for number in (ON_THE_NODE["the node itself"], ON_THE_NODE["link-local"]):
                ip("-n", node, "address", "add", f"{number}/24", "dev", "pods")
            ip("-n", node, "address", "add", f"{ON_THE_NODE['metadata service']}/32", "dev", "lo")
            ip("-n", node, "link", "set", "pods", "up")
            for number in (INSTANCE, LATER, *ELSEWHERE.values()):
                ip("-n", rest, "address", "add", f"{number}/32", "dev", "eth0")
            ip("-n", rest, "link", "set", "eth0", "up")
            ip("-n", rest, "route", "add", "10.244.9.1", "dev", "eth0")
            ip("-n", rest, "route", "add", f"{TURN}/32", "via", "10.244.9.1")
            ip("-n", node, "route", "add", "default", "dev", "pods")
            yield node, rest
        finally:
            subprocess.run(["ip", "link", "delete", ours], check=False, capture_output=True)


class Listener:
    """Says what arrives at addresses of a namespace, and sends it back."""

    def __init__(self, where: str, addresses: list[str]) -> None:
        command = [*within_namespace(where), sys.executable, "-c", LISTENER, str(PORT), *addresses]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self._line() == "listening"

    def _line(self) -> object:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    async def next(self) -> object:
        return await asyncio.wait_for(asyncio.to_thread(self._line), PATIENCE)

    def stop(self) -> list[object]:
        """What nobody has asked for yet."""
        self.process.terminate()
        left, _ = self.process.communicate(timeout=PATIENCE)
        return [json.loads(line) for line in left.splitlines()]


@pytest.fixture
async def cluster() -> AsyncIterator[tuple[Coturn, Listener, Listener]]:
    """coturn on its node, and who listens in the cluster and on the node."""
    async with AsyncExitStack() as stack:
        node, rest = stack.enter_context(laid_out())
        user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        folder = stack.enter_context(state_folder())
        turn = Coturn(folder, inside=[*within_namespace(node), *user], listening_address=TURN, port=3478)
        await stack.enter_async_context(started(turn))
        far = Listener(rest, [INSTANCE, LATER, *ELSEWHERE.values()])
        stack.callback(far.process.kill)
        near = Listener(node, list(ON_THE_NODE.values()))
        stack.callback(near.process.kill)
        yield turn, far, near


async def allowed(turn: Coturn, address: str) -> None:
    mine = await turn.allocate()
    try:
        await mine.permit(address, PORT)
    finally:
        mine.close()


async def until_refused(turn: Coturn, address: str) -> None:
    deadline = time.monotonic() + REREAD_SECONDS + PATIENCE
    while await is_allowed(allowed(turn, address)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.2)


async def test_players_reach_instances_and_nothing_else(cluster):
    turn, far, near = cluster
    turn.allow(INSTANCE)
    await within(REREAD_SECONDS + PATIENCE, lambda: allowed(turn, INSTANCE))
    mine = await turn.allocate()
    for address in (*ELSEWHERE.values(), *ON_THE_NODE.values(), LATER):
        with refused(403):
            await mine.permit(address, PORT)
        # Without asking first, which coturn drops.
        mine.indicate(b"forged", (address, PORT))
    mine.send(b"input", (INSTANCE, PORT))
    assert await far.next() == [INSTANCE, "input"]
    assert await mine.player.next() == b"input"
    mine.indicate(b"by indication", (INSTANCE, PORT))
    assert await far.next() == [INSTANCE, "by indication"]

    turn.allow(INSTANCE, LATER)
    await within(REREAD_SECONDS + PATIENCE, lambda: allowed(turn, LATER))
    mine.send(b"more", (LATER, PORT))
    assert await far.next() == [LATER, "more"]

    turn.allow(LATER)
    await until_refused(turn, INSTANCE)
    mine.send(b"last", (LATER, PORT))
    assert await far.next() == [LATER, "last"]
    mine.close()
    # Whatever was sent before the last word would have arrived by now.
    assert far.stop() == []
    assert near.stop() == []
