"""The rendered file under the real coturn, as the user it runs as in the cluster, with the matchmaker's credentials."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import aioice.stun
import aioice.turn
import pytest

from signalling.ice.credentials import turn_credentials
from signalling.turn.__main__ import write_private
from signalling.turn.configuration import DATABASE, TurnConfiguration, render
from signalling.turn.user_database import write_secrets
from tests.ports import free_port
from tests.unit.signalling.clients import PATIENCE

SECRET = "0123456789abcdef0123456789abcdef"
USER = 10001

pytestmark = pytest.mark.skipif(shutil.which("turnserver") is None, reason="coturn is not installed")


def own_address() -> str | None:
    """An address of this machine that is not a loopback one; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


class Turn:
    """A running coturn."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.log = folder / "log"

    def start(self) -> subprocess.Popen[bytes]:
        configuration = TurnConfiguration(
            listening_address="127.0.0.1",
            external_address=None,
            port=self.port,
            min_port=50000,
            max_port=50100,
            state_folder=str(self.folder),
        )
        file = self.folder / "turnserver.conf"
        write_private(file, render(configuration))
        self.write_secrets(SECRET)
        user: dict[str, Any] = {}
        if os.geteuid() == 0:
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, USER, USER)
            user = {"user": USER, "group": USER, "extra_groups": []}
        with self.log.open("wb") as log:
            command = ["turnserver", "-c", str(file)]
            process: subprocess.Popen[bytes] = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, cwd=self.folder, **user
            )
            return process

    def write_secrets(self, *secrets: str) -> None:
        """What the process beside coturn does when the mounted Secret changes."""
        write_secrets(self.folder / DATABASE, "pixel", secrets)

    async def allocate(self, secret: str, transport: str):
        """An allocation: its transport and the server's address for it."""
        credentials = turn_credentials(secret, "session-1", time.time(), 600)
        return await asyncio.wait_for(
            aioice.turn.create_turn_endpoint(
                Echo,
                server_addr=("127.0.0.1", self.port),
                username=credentials.username,
                password=credentials.password,
                transport=transport,
            ),
            PATIENCE,
        )


class Echo(asyncio.DatagramProtocol):
    """Collects what comes through the relay."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data, addr):
        self.got.put_nowait(data)


@pytest.fixture
async def turn():
    # Not pytest's own folder: that one lies below folders the other user cannot enter.
    folder = Path(tempfile.mkdtemp(prefix="turn-", dir="/tmp"))
    it = Turn(folder)
    process = it.start()
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                (await asyncio.open_connection("127.0.0.1", it.port))[1].close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, it.log.read_text()
                await asyncio.sleep(0.02)
        yield it
    finally:
        process.terminate()
        process.wait(PATIENCE)
        shutil.rmtree(folder)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_our_credentials_get_an_allocation(turn, transport):
    relay, _ = await turn.allocate(SECRET, transport)
    address, port = relay.get_extra_info("sockname")
    assert address == "127.0.0.1" and 50000 <= port <= 50100
    relay.close()


async def test_credentials_of_another_secret_get_none(turn):
    with pytest.raises(aioice.stun.TransactionFailed, match="401"):
        await turn.allocate("another-secret-of-some-length", "udp")


async def test_coturn_understands_every_line(turn):
    assert [line for line in turn.log.read_text().splitlines() if "bad configuration" in line.lower()] == []
    assert SECRET not in turn.log.read_text()


NEWER = "fedcba9876543210fedcba9876543210"
NEWEST = "00112233445566778899aabbccddeeff"


async def test_secrets_are_exchanged_while_it_runs_and_no_allocation_ends(turn):
    relay, _ = await turn.allocate(SECRET, "udp")
    turn.write_secrets(NEWER, SECRET)
    for secret in (NEWER, SECRET):
        (await turn.allocate(secret, "udp"))[0].close()
    turn.write_secrets(NEWEST, NEWER)
    with pytest.raises(aioice.stun.TransactionFailed, match="401"):
        await turn.allocate(SECRET, "udp")
    (await turn.allocate(NEWEST, "udp"))[0].close()
    await refresh(relay)
    await permit(relay, "198.51.100.9")
    relay.close()


async def test_no_player_is_refused_while_the_table_is_written(turn):
    async def write_on() -> None:
        for _ in range(15):
            await asyncio.to_thread(turn.write_secrets, NEWER, SECRET)

    writing = asyncio.create_task(write_on())
    while not writing.done():
        (await turn.allocate(SECRET, "udp"))[0].close()
        # coturn frees an allocation's ports a moment later, and has a hundred here.
        await asyncio.sleep(0.02)
    await writing


async def refresh(relay) -> None:
    """Ask for ten more minutes of an allocation, as a client does on its own every few minutes."""
    request = aioice.stun.Message(message_method=aioice.stun.Method.REFRESH, message_class=aioice.stun.Class.REQUEST)
    request.attributes["LIFETIME"] = 600
    answer, _ = await asyncio.wait_for(relay._TurnTransport__inner_protocol.request_with_retry(request), PATIENCE)
    assert answer.message_class is aioice.stun.Class.RESPONSE


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "0.0.0.1"])
async def test_a_denied_peer_is_refused(turn, address):
    relay, _ = await turn.allocate(SECRET, "udp")
    with pytest.raises(aioice.stun.TransactionFailed, match="403"):
        await permit(relay, address)
    relay.close()


@pytest.mark.parametrize("address", ["10.89.64.7", "10.244.1.2", "198.51.100.9"])
async def test_pods_and_the_rest_of_the_world_are_not_denied(turn, address):
    relay, _ = await turn.allocate(SECRET, "udp")
    await permit(relay, address)
    relay.close()


async def permit(relay, address: str) -> None:
    """Ask for a channel to a peer; nothing is sent to it."""
    client = relay._TurnTransport__inner_protocol
    await asyncio.wait_for(client.channel_bind(0x4001, (address, 40000)), PATIENCE)


async def test_datagrams_pass_both_ways(turn):
    """The way of the media: between the player's end of the relay and another address of this machine."""
    own = own_address()
    if own is None:
        pytest.skip("this machine has no address beside loopback")
    relay, player = await turn.allocate(SECRET, "udp")
    end, instance = await asyncio.get_running_loop().create_datagram_endpoint(Echo, local_addr=(own, 0))
    relay.sendto(b"input", end.get_extra_info("sockname"))
    assert await asyncio.wait_for(instance.got.get(), PATIENCE) == b"input"
    end.sendto(b"frame", relay.get_extra_info("sockname"))
    assert await asyncio.wait_for(player.got.get(), PATIENCE) == b"frame"
    end.close()
    relay.close()
