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


class RedisServer:
    """``redis-server`` on a free port of the loopback interface, without a disk."""

    def __init__(self, folder: Path, password: str | None = None) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._folder = folder
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        flags = {"port": self.port, "bind": "127.0.0.1", "save": "", "appendonly": "no", "dir": self._folder}
        arguments = [part for key, value in flags.items() for part in (f"--{key}", str(value))]
        password = ["--requirepass", self._password] if self._password else []
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(["redis-server", *arguments, *password], stdout=log, stderr=log)
        deadline = time.monotonic() + SECONDS
        while self.say("PING") not in {"PONG", "NOAUTH Authentication required."}:
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
        """What Redis answers to a command; what is lost with its data is lost at once."""
        secret = ["-a", self._password, "--no-auth-warning"] if self._password else []
        answer = subprocess.run(
            ["redis-cli", "-p", str(self.port), *secret, *command], capture_output=True, text=True, check=False
        )
        return answer.stdout.strip()


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
