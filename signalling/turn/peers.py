"""``python -m signalling.turn.peers``: keeps the instances' addresses in a file, for the companion to hand to coturn.

The one process of the pod that may ask the API server for as long as the pod lives. It runs as a user of its own: all
of the pod's processes see each other, and one that shares coturn's user would show it the token in its file system.
"""

import asyncio
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lightkube import AsyncClient
from lightkube.core.exceptions import ConfigError
from lightkube.resources.core_v1 import Pod

from signalling.kubernetes.api import Event, LightkubeApi, Listed, Removed
from signalling.matchmaker.watching import Watching
from signalling.shell import environment, listening, logs
from signalling.shell.cancelling import cancel
from signalling.shell.environment import SettingError, require
from signalling.turn.configuration import usable_peer

_OVER: Final = ("Succeeded", "Failed")
"""Phases of a pod whose address may be another's by now."""


@dataclass(frozen=True, slots=True)
class PeersSettings:
    """From the environment: ``TURN_<FIELD>``."""

    peers_file: Path = Path("/run/peers/addresses")
    instances_namespace: str = ""

    def __post_init__(self) -> None:
        name = self.instances_namespace
        require(bool(name), "TURN_INSTANCES_NAMESPACE", name, "set it to the namespace of the instances")


def peer_of(pod: Pod) -> str | None:
    """The address of a pod; None for one that has none of its own, no longer has it, or claims what nobody may.

    Whatever it does, idle or with a session: it is reachable long before a player is sent to it.
    """
    address = pod.status.podIP if pod.status else None
    if address is None or not usable_peer(address):
        return None
    shares_its_node_s = bool(pod.spec and pod.spec.hostNetwork)
    over = bool(pod.status and pod.status.phase in _OVER)
    return None if shares_its_node_s or over else address


class Peers:
    """The addresses of the instances that there are, by pod, and the file that holds them."""

    def __init__(self, file: Path) -> None:
        self._file: Final = file
        self._addresses: Final[dict[str, str]] = {}

    def observe(self, event: Event[Pod]) -> None:
        """Take in what the API server says; the file is written if that changed something, and at each listing.

        Its time of change therefore tells when the API server was last heard.
        """
        before = dict(self._addresses)
        if isinstance(event, Listed):
            self._addresses.clear()
            for pod in event.items:
                self._set(pod, peer_of(pod))
        else:
            self._set(event.item, None if isinstance(event, Removed) else peer_of(event.item))
        if isinstance(event, Listed) or before != self._addresses:
            write_addresses(self._file, self._addresses.values())

    def _set(self, pod: Pod, address: str | None) -> None:
        name = (pod.metadata.name if pod.metadata else None) or ""
        if address is None:
            self._addresses.pop(name, None)
        else:
            self._addresses[name] = address


def write_addresses(file: Path, addresses: Iterable[str]) -> None:
    """Put the addresses in place of those in the file, one on a line; a reader sees the old ones or the new ones."""
    new = file.with_name(f".{file.name}.new")
    new.write_text("".join(f"{address}\n" for address in sorted(set(addresses))))
    new.replace(file)


def read_addresses(file: Path) -> tuple[str, ...]:
    """The addresses in the file that may be peers; OSError when it cannot be read."""
    return tuple(filter(usable_peer, file.read_text().split()))


def read(environ: Mapping[str, str]) -> PeersSettings:
    """The settings in ``environ``; SettingError names what is wrong."""
    return environment.read(PeersSettings, "TURN_", environ)


async def serve(its: PeersSettings) -> None:
    """Follow the instances until SIGTERM."""
    client = AsyncClient()
    try:
        api = LightkubeApi(client, its.instances_namespace)
        peers = Peers(its.peers_file)
        following = asyncio.create_task(Watching("instances").follow(api.watch_instances, peers.observe))
        await listening.until_signal()
        await cancel([following])
    finally:
        await client.close()


def main() -> None:
    """Follow, or say why not."""
    logs.configure("info")
    try:
        its = read(os.environ)
        listening.run(lambda: serve(its))
    except (SettingError, ConfigError) as error:
        sys.exit(f"instances are not followed: {error}")


if __name__ == "__main__":
    main()
