"""Asking the instances of sessions that nobody relays whether they still have a player."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Final

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from signalling.kubernetes.instances import Instance
from signalling.matchmaker.allocation import Allocation, host_of
from signalling.matchmaker.matching import in_session
from signalling.matchmaker.settings import MatchmakerSettings
from signalling.matchmaker.stranded import stranded

LOG: Final = logging.getLogger("matchmaker.sweeping")


class _Status(msgspec.Struct):
    players: int


async def players_of(http: ClientSession, instance: Instance, port: int, seconds: float) -> int | None:
    """How many players an instance's sidecar has; None when it does not say."""
    if instance.address is None:
        return None
    url = f"http://{host_of(instance.address)}:{port}/status"
    try:
        async with http.get(url, timeout=ClientTimeout(total=seconds)) as answer:
            return msgspec.json.decode(await answer.read(), type=_Status).players
    except (ClientError, OSError, TimeoutError, msgspec.DecodeError):
        return None


async def sweep(
    http: ClientSession,
    instances: Callable[[], Iterable[Instance]],
    allocation: Allocation,
    settings: MatchmakerSettings,
) -> None:
    """Find and delete stranded instances, round after round; never returns."""
    empty_since: dict[str, float] = {}
    now = asyncio.get_running_loop().time
    while True:
        await asyncio.sleep(settings.stranded_interval_seconds)
        foreign = [instance for instance in in_session(instances()) if instance.name not in allocation.mine]
        counts = await asyncio.gather(
            *(
                players_of(http, instance, settings.instance_health_port, settings.connect_seconds)
                for instance in foreign
            )
        )
        players = {instance.name: count for instance, count in zip(foreign, counts, strict=True)}
        empty_since, lost = stranded(empty_since, players, now(), settings.stranded_seconds)
        for name in lost:
            if name not in allocation.mine:
                LOG.warning("stranded instance", extra={"instance": name})
                await allocation.delete(name, "stranded")
