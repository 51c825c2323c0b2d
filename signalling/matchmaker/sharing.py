"""Applications whose players share instances: nobody claims one, players join one that has room.

Every replica learns how many players an instance has from an annotation of its pod, which one of them keeps; the
sidecar itself is the one who says that there is no room.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from signalling.kubernetes.api import ClaimRefused, ClusterApi
from signalling.kubernetes.instances import Instance, cost_patch, instance_of
from signalling.matchmaker.endings import Endings
from signalling.matchmaker.inventory import Inventory
from signalling.matchmaker.matching import Share, demand_ratio
from signalling.matchmaker.neighbours import Neighbours
from signalling.matchmaker.seats import Seats
from signalling.matchmaker.settings import ApplicationSettings
from signalling.matchmaker.sidecars import Sidecars, Status
from signalling.matchmaker.stranded import responsible

LOG: Final = logging.getLogger("matchmaker.sharing")
CLOSED_SECONDS: Final = 5.0
"""For how long nobody is led to an instance that took somebody in vain."""
COUNTED_SECONDS: Final = 10.0
"""After so long somebody who joined has been counted: where somebody else has left, the number shows nothing of it."""


class Seating:
    """Where the next players go, worked out once for many of them: the fullest instance with room is filled first,
    so that others can be scaled away."""

    def __init__(self, players: Mapping[str, Mapping[str, int]], each: int) -> None:
        """``players`` of every instance, by version."""
        self._each: Final = each
        self._with_room: Final = {
            version: sorted((number, name) for name, number in its.items() if number < each)
            for version, its in players.items()
        }
        self.room: Final = sum(each - number for its in self._with_room.values() for number, _ in its)

    def take(self, versions: Iterable[str]) -> str | None:
        """The instance that the next player joins, of the first of these versions that has room."""
        for version in versions:
            if its := self._with_room.get(version):
                number, name = its.pop()
                if number + 1 < self._each:
                    its.append((number + 1, name))
                return name
        return None


class SharedInstances:
    """How many players there are on each, as far as this replica knows."""

    def __init__(self, inventory: Inventory, clock: Callable[[], float] = time.monotonic) -> None:
        self._inventory: Final = inventory
        self._clock: Final = clock
        self._added: Final[dict[str, tuple[int, float]]] = {}
        """By instance: who joined from here since its annotation was written, and until when that counts."""
        self._closed: Final[dict[str, float]] = {}

    def players(self, instance: Instance) -> int:
        """The players of an instance."""
        added, until = self._added.get(instance.name, (0, 0.0))
        return instance.players + (added if self._clock() < until else 0)

    def seating(self, application: ApplicationSettings, shares: Iterable[Share]) -> Seating:
        """The instances that have room, of versions that get sessions."""
        now = self._clock()
        players: dict[str, dict[str, int]] = {share.version: {} for share in shares if share.weight > 0}
        for instance in self._its(application):
            if instance.version in players and self._closed.get(instance.name, 0.0) <= now:
                players[instance.version][instance.name] = self.players(instance)
        return Seating(players, application.session.players)

    def joined(self, instance: Instance) -> None:
        """A player of this replica joins."""
        added = self.players(instance) - instance.players
        self._added[instance.name] = (added + 1, self._clock() + COUNTED_SECONDS)

    def changed(self, before: Instance | None, now: Instance) -> None:
        """An instance is different: one that has been counted anew."""
        if before is None or before.players != now.players:
            self._added.pop(now.name, None)

    def closed(self, instance: Instance) -> None:
        """An instance has taken somebody in vain: it has no room, no streamer, or does not answer."""
        self._closed[instance.name] = self._clock() + CLOSED_SECONDS
        self._added.pop(instance.name, None)

    def removed(self, name: str) -> None:
        """An instance is gone."""
        self._closed.pop(name, None)
        self._added.pop(name, None)

    def ratio(self, application: ApplicationSettings, waiting: int) -> float:
        """Players by the room there is in all, for the autoscaler; with no instance, one more than those who wait."""
        its = self._its(application)
        players = sum(map(self.players, its))
        return demand_ratio(players if its else waiting, len(its) * application.session.players)

    def _its(self, application: ApplicationSettings) -> list[Instance]:
        known = self._inventory.instances()
        return [each for each in known if each.application == application.name and each.available]


class Census:
    """Asks shared instances who takes part, and keeps their seats; of each instance one of the live replicas writes the
    number of players on the pod."""

    def __init__(
        self,
        applications: Iterable[ApplicationSettings],
        *,
        inventory: Inventory,
        neighbours: Neighbours,
        sidecars: Sidecars,
        endings: Endings,
        api: ClusterApi,
        seats: Seats,
        relayed: Callable[[str], bool],
    ) -> None:
        """``relayed`` tells whether an instance has a player's connection here."""
        self._seats: Final = seats
        self._relayed: Final = relayed
        self._shared: Final = {application.name for application in applications if application.shared}
        self._inventory: Final = inventory
        self._neighbours: Final = neighbours
        self._sidecars: Final = sidecars
        self._endings: Final = endings
        self._api: Final = api

    async def run(self, interval: float) -> None:
        """Round after round; returns only when it is cancelled."""
        while self._shared:
            await asyncio.sleep(interval)
            its = [instance for instance in list(self._inventory.instances()) if self._concerned(instance)]
            await asyncio.gather(*map(self._look, its))

    def _concerned(self, instance: Instance) -> bool:
        if instance.application not in self._shared:
            return False
        return self._mine(instance) or self._relayed(instance.name) or bool(self._seats.of(instance.name))

    def _mine(self, instance: Instance) -> bool:
        return instance.usable and responsible(self._neighbours.replica, self._neighbours.live, instance.name)

    async def _look(self, instance: Instance) -> None:
        before = self._seats.of(instance.name)
        status, now = await self._sidecars.status(instance), self._inventory.get(instance.name)
        if status is None or now is None:
            return
        self._seats.observed(now, status, before)
        if self._mine(now):
            await self._count(now, status)

    async def _count(self, instance: Instance, status: Status) -> None:
        if instance.draining and not status.players:
            await self._endings.retire(instance, None, "drained")
            return
        if status.players == instance.players:
            return
        try:
            patched = instance_of(await self._api.patch_pod(instance.name, cost_patch(instance, status.players)))
        except ClaimRefused:
            return
        except Exception as error:  # The next round tries again.
            LOG.warning("count not written", extra={"instance": instance.name, "error": repr(error)[:300]})
            return
        if patched is not None:
            self._inventory.patched(patched)
