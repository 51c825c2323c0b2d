"""How much of each TURN node is used, asked of its companion."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout

from signalling.ice.ranking import TurnNode

LOG: Final = logging.getLogger("ice.loads")
INTERVAL_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 2.0
_MISSES: Final = 3
"""After so many questions without an answer nobody knows a node's load any more."""


class _Status(msgspec.Struct):
    load: float
    draining: bool


class LoadWatch:
    """Keeps the loads of the pool; what is not known is not in them."""

    def __init__(self, http: ClientSession, port: int, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._http: Final = http
        self._interval_seconds: Final = interval_seconds
        self._port: Final = port
        self._loads: Final[dict[str, float]] = {}
        self._misses: Final[dict[str, int]] = {}

    @property
    def loads(self) -> Mapping[str, float]:
        """By node's name, from 0 to 1; a node that drains is full."""
        return self._loads

    async def follow(self, nodes: Callable[[], Iterable[TurnNode]]) -> None:
        """Ask all there are every few seconds; never returns."""
        while True:
            await self.ask(list(nodes()))
            await asyncio.sleep(self._interval_seconds)

    async def ask(self, nodes: Iterable[TurnNode]) -> None:
        """Ask each once, all at the same time; forget those that are no longer there."""
        asked = {node.name: node for node in nodes}
        for name in self._loads.keys() - asked.keys():
            del self._loads[name]
        await asyncio.gather(*map(self._ask_one, asked.values()))

    async def _ask_one(self, node: TurnNode) -> None:
        host = f"[{node.internal}]" if ":" in node.internal else node.internal
        try:
            timeout = ClientTimeout(total=_ANSWER_SECONDS)
            async with self._http.get(f"http://{host}:{self._port}/status", timeout=timeout) as answer:
                status = msgspec.json.decode(await answer.read(), type=_Status)
        except (ClientError, OSError, TimeoutError, msgspec.DecodeError) as error:
            misses = self._misses[node.name] = self._misses.get(node.name, 0) + 1
            if misses == _MISSES:
                self._loads.pop(node.name, None)
                LOG.warning("a TURN node does not say its load", extra={"node": node.name, "error": repr(error)[:200]})
        else:
            self._misses.pop(node.name, None)
            self._loads[node.name] = 1.0 if status.draining else min(max(status.load, 0.0), 1.0)
