"""coturn and its companion as one pod has them, and media through the relay."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from signalling.turn.companion import Companion
from signalling.turn.configuration import CONSOLE_PASSWORD
from signalling.turn.peers import write_addresses
from signalling.turn.settings import CompanionSettings
from tests.ports import free_port
from tests.unit.signalling.clients import PATIENCE
from tests.unit.signalling.coturn import (
    RELAY_PORTS,
    SECRET,
    Allocation,
    Coturn,
    Received,
    own_address,
    started,
    state_folder,
)

PASSWORD = "passwordofthe1console"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class TurnPod:
    """coturn and its companion, as one pod has them."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.folder = folder
        (folder / "secret").write_text(SECRET)
        (folder / CONSOLE_PASSWORD).write_text(PASSWORD)
        write_addresses(folder / "addresses", [own_address()])
        self.its = CompanionSettings(
            turn_secret_file=folder / "secret",
            turn_peers_file=folder / "addresses",
            turn_configuration=folder / "turnserver.conf",
            turn_log_folder=folder,
            turn_min_port=RELAY_PORTS[0],
            turn_max_port=RELAY_PORTS[1],
            turn_metrics_port=0,
            turn_control_port=0,
            turn_console_port=free_port(),
            turn_console_seconds=0.2,
        )
        self.its = replace(self.its, **{key: value for key, value in changes.items() if key.startswith("turn_")})
        self._changes = {key: value for key, value in changes.items() if not key.startswith("turn_")}
        self.companion: Companion
        self.coturn: Coturn
        self.http: ClientSession

    async def start(self) -> None:
        """The companion; coturn comes after it."""
        await self.start_companion()
        self.coturn = Coturn(
            self.folder,
            user=os.geteuid(),
            console_port=self.its.turn_console_port,
            console_password=PASSWORD,
            log_folder=str(self.folder),
            total_quota=self.its.turn_total_quota,
            **self._changes,
        )

    async def start_companion(self) -> None:
        self.companion = Companion(self.its)
        await self.companion.start()

    async def get(self, name: str, path: str) -> Any:
        async with self.http.get(f"http://127.0.0.1:{self.companion.ports[name]}{path}") as response:
            return await (response.json() if "json" in response.content_type else response.text())

    async def samples(self) -> Samples:
        families = text_string_to_metric_families(await self.get("metrics", "/metrics"))
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    async def until(self, name: str, holds: Callable[[float], bool], **labels: str) -> float:
        """The value of a sample, as soon as it is what it should be."""
        deadline = time.monotonic() + PATIENCE
        while True:
            value = (await self.samples()).get((name, frozenset(labels.items())), 0.0)
            if holds(value):
                return value
            assert time.monotonic() < deadline, f"{name} {labels} is {value}; {self.coturn.log()[-3000:]}"
            await asyncio.sleep(0.1)


@asynccontextmanager
async def running(**changes: Any) -> AsyncIterator[TurnPod]:
    with state_folder() as folder:
        pod = TurnPod(folder, **changes)
        async with ClientSession() as pod.http:
            await pod.start()
            try:
                async with started(pod.coturn):
                    yield pod
            finally:
                await pod.companion.stop()


async def flow(mine: Allocation, packets: int) -> tuple[int, int]:
    """Send frames through a relay, each answered; the bytes that reached the player, and the instance."""
    end, instance = await asyncio.get_running_loop().create_datagram_endpoint(Received, local_addr=(own_address(), 0))
    frame, word, to_player, to_instance = bytes(900), b"word", 0, 0
    mine.send(word, end.get_extra_info("sockname"))
    to_instance += len(await instance.next())
    for _ in range(packets):
        end.sendto(frame, mine.address)
        to_player += len(await mine.player.next())
        mine.send(word, end.get_extra_info("sockname"))
        to_instance += len(await instance.next())
    end.close()
    return to_player, to_instance
