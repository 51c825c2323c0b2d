"""A real Redis as a process of a test's own, which it may stop, pause and empty."""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import free_port

SECONDS = 15.0
NEEDS_REDIS = pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")


OURS = "~* &* +@all -@admin -@dangerous +info +ping +config|get +slowlog +latency"
"""What the user of the matchmakers may do, as manifests/values/valkey.yaml.j2 has it."""


class RedisServer:
    """``redis-server`` on a free port of the loopback interface, without a disk.

    Clients are the user `default`, with or without a password; the test itself may do everything.
    """

    def __init__(self, folder: Path, password: str | None = None) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._folder = folder
        secret = f">{password}" if password else "nopass"
        lines = [
            *(f"port {self.port}", "bind 127.0.0.1", 'save ""', "appendonly no", f"dir {folder}"),
            *(f"user default on {secret} {OURS}", "user test on >test ~* &* +@all"),
        ]
        (folder / "redis.conf").write_text("\n".join(lines))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._folder / "redis.log").open("ab") as log:
            command = ["redis-server", str(self._folder / "redis.conf")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + SECONDS
        while self.say("PING") != "PONG":
            assert self._process.poll() is None, (self._folder / "redis.log").read_text()
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.01)

    def stop(self) -> None:
        """At once, and with it all data."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Its connections stand, and nothing is answered."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGCONT)

    def say(self, *command: str) -> str:
        """What Redis answers to a command."""
        user = ["--user", "test", "--pass", "test", "--no-auth-warning"]
        answer = subprocess.run(
            ["redis-cli", "-p", str(self.port), *user, *command], capture_output=True, text=True, check=False
        )
        return answer.stdout.strip()

    def empty(self) -> None:
        """All data is lost."""
        assert self.say("FLUSHALL") == "OK"


@contextmanager
def redis_server(folder: Path, password: str | None = None) -> Iterator[RedisServer]:
    """A running one."""
    server = RedisServer(folder, password)
    server.start()
    try:
        yield server
    finally:
        server.stop()


async def until(check, what: str) -> None:
    """Wait until something that is asked for holds."""
    deadline = time.monotonic() + SECONDS
    while not await check():
        assert time.monotonic() < deadline, f"never happened: {what}"
        await asyncio.sleep(0.01)
