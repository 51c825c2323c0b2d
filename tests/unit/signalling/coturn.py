"""A real coturn of a test's own, configured as in the cluster and run as the user it has there, and a client of it."""

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import aioice.stun
import aioice.turn
import pytest

from signalling.ice.credentials import turn_credentials
from signalling.turn.__main__ import write_private
from signalling.turn.configuration import DATABASE, LOG, PID_FILE, TurnConfiguration, render
from signalling.turn.user_database import UserDatabase
from tests.ports import free_port
from tests.unit.signalling.clients import PATIENCE

NEEDS_COTURN = pytest.mark.skipif(shutil.which("turnserver") is None, reason="coturn is not installed")
SECRET = "0123456789abcdef0123456789abcdef"
USER = 10001
RELAY_PORTS = (first := 61_000 + os.getpid() % 45 * 100, first + 99)
"""Of this process's own, and above those that the kernel gives to other sockets: their number is counted."""


def own_address() -> str:
    """An address of this machine that is not a loopback one; nothing is sent to find it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("198.51.100.1", 9))
        except OSError:
            pytest.skip("this machine has no address beside loopback")
        return str(probe.getsockname()[0])


class Coturn:
    """One coturn: its folder, its ports, its process."""

    def __init__(self, folder: Path, inside: Sequence[str] = (), user: int = USER, **changes: Any) -> None:
        """``inside`` is a command that runs another one elsewhere and as the user, such as in a network namespace."""
        self.folder = folder
        self._inside = inside
        self._user = user
        changes.setdefault("port", free_port())
        self.its = replace(
            TurnConfiguration(
                listening_address="127.0.0.1",
                external_address=None,
                min_port=RELAY_PORTS[0],
                max_port=RELAY_PORTS[1],
                state_folder=str(folder),
            ),
            **changes,
        )
        self.process: subprocess.Popen[bytes]
        self._given: list[Allocation] = []
        self._user_database: UserDatabase | None = None

    async def stop(self) -> None:
        """Give back what was allocated, so that no socket is left, then end the process."""
        for each in self._given:
            each.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*(each.player.gone.wait() for each in self._given)), PATIENCE)
        self.process.terminate()
        self.process.wait(PATIENCE)
        if self._user_database:
            self._user_database.close()

    @property
    def database(self) -> Path:
        return self.folder / DATABASE

    @property
    def pid_file(self) -> Path:
        return self.folder / PID_FILE

    def log(self) -> str:
        files = [self.folder / name for name in ("output", LOG)]
        return "".join(file.read_text(errors="replace") for file in files if file.exists())

    def start(self) -> None:
        file = self.folder / "turnserver.conf"
        write_private(file, render(self.its))
        if not self.database.exists():
            self.write_secrets(SECRET)
            self.allow()
        user: dict[str, Any] = {}
        if os.geteuid() == 0:
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, self._user, self._user)
            if not self._inside:
                user = {"user": self._user, "group": self._user, "extra_groups": []}
        with (self.folder / "output").open("wb") as output:
            command = [*self._inside, "turnserver", "-c", str(file)]
            self.process = subprocess.Popen(command, stdout=output, stderr=output, cwd=self.folder, **user)

    def write_secrets(self, *secrets: str) -> None:
        """What the companion does when the mounted Secret changes."""
        self._opened().write_secrets(secrets)

    def allow(self, *addresses: str) -> None:
        """What the companion does when instances come and go; coturn sees it within five seconds."""
        self._opened().write_peers(addresses)

    def _opened(self) -> UserDatabase:
        if self._user_database is None:
            self._user_database = UserDatabase(self.database, self.its.realm)
        return self._user_database

    def answers(self) -> bool:
        try:
            socket.create_connection((self.its.listening_address, self.its.port), 1).close()
        except OSError:
            return False
        return True

    async def until_it_answers(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            assert self.process.poll() is None and time.monotonic() < deadline, self.log()
            await asyncio.sleep(0.02)

    async def allocate(
        self,
        secret: str = SECRET,
        transport: str = "udp",
        user: str = "session-1",
        tls: tuple[int, ssl.SSLContext] | None = None,
    ) -> "Allocation":
        """``tls`` is the port for it, and what is asked of the certificate."""
        port, context = tls or (self.its.port, None)
        given = await allocate(self.its.listening_address, port, secret, transport, user, context)
        self._given.append(given)
        return given


async def allocate(
    host: str,
    port: int,
    secret: str = SECRET,
    transport: str = "udp",
    user: str = "session-1",
    context: ssl.SSLContext | None = None,
) -> "Allocation":
    """An allocation of whatever coturn listens there."""
    credentials = turn_credentials(secret, user, time.time(), 600)
    relay, player = await asyncio.wait_for(
        aioice.turn.create_turn_endpoint(
            Received,
            server_addr=(host, port),
            username=credentials.username,
            password=credentials.password,
            transport=transport,
            ssl=context or False,
        ),
        PATIENCE,
    )
    return Allocation(relay, player)


async def as_named(coturn: Coturn, name: str, transport: str = "udp") -> None:
    """Ask for an allocation under a name that nobody has signed."""
    address = (coturn.its.listening_address, coturn.its.port)
    asking = aioice.turn.create_turn_endpoint(
        Received, server_addr=address, username=name, password="made up", transport=transport
    )
    await asyncio.wait_for(asking, PATIENCE)


class Received(asyncio.DatagramProtocol):
    """Collects what comes."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[bytes] = asyncio.Queue()
        self.gone = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self.got.put_nowait(data)

    async def next(self) -> bytes:
        return await asyncio.wait_for(self.got.get(), PATIENCE)


class Allocation:
    """A player's end of the relay."""

    def __init__(self, relay: Any, player: Received) -> None:
        self.relay = relay
        self.player = player
        self._client = relay._TurnTransport__inner_protocol
        self._channel = 0x4001

    @property
    def address(self) -> tuple[str, int]:
        """The relay's own end."""
        host, port = self.relay.get_extra_info("sockname")
        return str(host), int(port)

    async def permit(self, address: str, port: int = 40000) -> None:
        """Ask for a channel to a peer; nothing is sent to it."""
        channel, self._channel = self._channel, self._channel + 1
        await asyncio.wait_for(self._client.channel_bind(channel, (address, port)), PATIENCE)

    async def refresh(self, seconds: int = 600) -> None:
        """Ask for more minutes, as a client does on its own every few minutes; of none, it is over."""
        request = aioice.stun.Message(
            message_method=aioice.stun.Method.REFRESH, message_class=aioice.stun.Class.REQUEST
        )
        request.attributes["LIFETIME"] = seconds
        answer, _ = await asyncio.wait_for(self._client.request_with_retry(request), PATIENCE)
        assert answer.message_class is aioice.stun.Class.RESPONSE

    def send(self, data: bytes, peer: tuple[str, int]) -> None:
        self.relay.sendto(data, peer)

    def indicate(self, data: bytes, peer: tuple[str, int]) -> None:
        """Send without a channel or a permission, as RFC 8656 section 11 has it."""
        message = aioice.stun.Message(
            message_method=aioice.stun.Method.SEND, message_class=aioice.stun.Class.INDICATION
        )
        message.attributes["XOR-PEER-ADDRESS"] = peer
        message.attributes["DATA"] = data
        self._client.send_stun(message, self._client.server)

    def close(self) -> None:
        """Give it back; once more does nothing."""
        self.relay.close()


def refused(code: int) -> Any:
    """That coturn says no, by a code of STUN."""
    return pytest.raises(aioice.stun.TransactionFailed, match=str(code))


@contextmanager
def state_folder() -> Iterator[Path]:
    """Not below pytest's own folder, which the other user cannot enter."""
    folder = Path(tempfile.mkdtemp(prefix="turn-", dir="/tmp"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@asynccontextmanager
async def started(coturn: Coturn) -> AsyncIterator[Coturn]:
    """Running from the first answer on, and ended afterwards."""
    coturn.start()
    try:
        await coturn.until_it_answers()
        yield coturn
    finally:
        await coturn.stop()


def close_all(allocations: Iterable[Allocation]) -> None:
    for each in allocations:
        each.close()
