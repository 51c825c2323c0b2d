"""Telling waiting players their positions, and how long it may still take."""

import asyncio
import logging
import time
from collections.abc import Mapping
from typing import Final

from signalling.kubernetes.instances import Instance, Pool
from signalling.matchmaker.connections import Connections
from signalling.matchmaker.estimates import Announcement, ServiceRate, worth_saying
from signalling.matchmaker.neighbours import Neighbours, Reach
from signalling.matchmaker.player import Player
from signalling.matchmaker.queues import Queues
from signalling.matchmaker.settings import ApplicationSettings
from signalling.matchmaker.shares import FleetWatch, obstacle
from signalling.store.interface import Store, StoreUnavailable

LOG: Final = logging.getLogger("matchmaker.positions")
PAGE: Final = 1000
RESTS_PER_LOOK: Final = 19
"""Looking takes a twentieth of a core at most, however long the queue; what others do meanwhile counts as looking."""


class Positions:
    """Of all applications."""

    def __init__(
        self,
        applications: Mapping[str, ApplicationSettings],
        *,
        store: Store,
        neighbours: Neighbours,
        queues: Queues,
        connections: Connections,
        fleets: FleetWatch,
    ) -> None:
        self._applications: Final = applications
        self._store: Final = store
        self._neighbours: Final = neighbours
        self._queues: Final = queues
        self._connections: Final = connections
        self._fleets: Final = fleets
        self._rates: Final = {name: ServiceRate() for name in applications}

    def observe(self, before: Instance | None, now: Instance) -> None:
        """An instance is different: one that has been claimed, by whatever replica, has served somebody."""
        claimed = before is not None and before.pool is Pool.IDLE and now.pool is Pool.SESSION
        if claimed and (rate := self._rates.get(now.application)):
            rate.served(_now())

    def estimate(self, application: str, position: int) -> float | None:
        """Seconds until the player at this position (from 1) is served; None when nobody can tell."""
        its = self._applications[application]
        stuck = obstacle(self._fleets.shares[application], paused=self._fleets.paused(application))
        # Where players share instances, they come and go on them without anybody's claim.
        return None if its.shared or stuck else self._rates[application].estimate(position, _now())

    async def run(self, name: str, interval: float) -> None:
        """Look at one application's queue again and again; returns only when it is cancelled."""
        while True:
            began = time.thread_time()
            try:
                if self._neighbours.reach() is Reach.THERE:
                    await self._look(name)
            except StoreUnavailable as error:
                self._neighbours.lost(error)
            except Exception:
                LOG.exception("positions not told", extra={"application": name})
            await asyncio.sleep(max(interval, RESTS_PER_LOOK * (time.thread_time() - began)))

    async def _look(self, name: str) -> None:
        length = await self._store.length(name)
        self._rates[name].waiting(_now(), anybody=length > 0)
        told = [each for each in self._connections if self._listens(each, name)]
        if not told:
            return
        positions = await self._positions(name, length)
        for player in told:
            position = positions.get(player.ticket.session)
            # It may have been served while the queue was read.
            if position is not None and self._listens(player, name):
                self._tell(player, position)

    async def _positions(self, name: str, length: int) -> dict[str, int]:
        positions: dict[str, int] = {}
        for start in range(0, length, PAGE):
            page = await self._store.head(name, start, PAGE)
            positions.update({each.session: at for at, each in enumerate(page, start + 1)})
        return positions

    def _listens(self, player: Player, application: str) -> bool:
        queued = player.ticket.app == application and player.waiting
        return queued and player.relay.opted_in and self._queues.has(application, player.ticket.session)

    def _tell(self, player: Player, position: int) -> None:
        said = Announcement(position, self.estimate(player.ticket.app, position), _now())
        if worth_saying(player.told, said):
            player.told = said
            player.do(player.relay.waits(position, said.estimate))


def _now() -> float:
    return asyncio.get_running_loop().time()
