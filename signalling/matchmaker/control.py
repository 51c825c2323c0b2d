"""What operators may see and ask for, of any replica: the seam that the session API is fastened to.

Kubernetes holds what they decide, so that every replica follows, and so does one that starts later.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Final

from signalling.kubernetes.api import ClaimRefused, ClusterApi
from signalling.kubernetes.fleets import Fleet, buffer_patch, drained_patch, pause_patch
from signalling.kubernetes.instances import Instance, Pool, drain_patch, instance_of
from signalling.matchmaker.endings import Endings
from signalling.matchmaker.inventory import Inventory
from signalling.matchmaker.neighbours import Dismiss, Neighbours
from signalling.matchmaker.settings import ApplicationSettings
from signalling.matchmaker.shares import FleetWatch
from signalling.matchmaker.sidecars import Sidecars, Status
from signalling.matchmaker.whereabouts import Whereabouts
from signalling.protocol.session_messages import Reason
from signalling.store.interface import Place, Store


class Drained(Enum):
    """What has come of draining an instance."""

    DONE = "done"
    """It has no session that would have to be warned."""
    WARNED = "warned"
    """Its session ends after the warning."""
    ABSENT = "absent"
    """There is no such instance."""
    UNWARNED = "unwarned"
    """It gets no session any more, but its own has not been told to end: its sidecar does not answer, or not yet."""


class Control:
    """Methods that ask the store may raise StoreUnavailable, those that write to Kubernetes what its client raises."""

    def __init__(
        self,
        applications: Mapping[str, ApplicationSettings],
        *,
        inventory: Inventory,
        whereabouts: Whereabouts,
        fleets: FleetWatch,
        sidecars: Sidecars,
        endings: Endings,
        store: Store,
        neighbours: Neighbours,
        api: ClusterApi,
    ) -> None:
        self._applications: Final = applications
        self._inventory: Final = inventory
        self._whereabouts: Final = whereabouts
        self._fleets: Final = fleets
        self._sidecars: Final = sidecars
        self._endings: Final = endings
        self._store: Final = store
        self._neighbours: Final = neighbours
        self._api: Final = api

    @property
    def instances(self) -> Iterable[Instance]:
        """All of them; those in a session say which, since when, and whose."""
        return self._inventory.instances()

    @property
    def fleets(self) -> Iterable[Fleet]:
        """All of them."""
        return self._fleets.fleets

    def paused(self, application: str) -> bool:
        """Whether an application lets nobody new in."""
        return self._fleets.paused(application)

    async def status(self, instance: Instance) -> Status | None:
        """What an instance's sidecar says; None when it says nothing."""
        return await self._sidecars.status(instance)

    async def waiting(self, application: str) -> int:
        """How many wait for an application."""
        return await self._store.length(application)

    async def queue(self, application: str, limit: int) -> Sequence[Place]:
        """The first of those who wait."""
        head = await self._store.head(application, 0, limit)
        places = await asyncio.gather(*(self._store.place(application, each.session) for each in head))
        return [place for place in places if place is not None]

    async def end(self, application: str, session: str, reason: Reason, seconds: float) -> float | None:
        """End a session after a warning, or its wait at once; the seconds of warning, None for no such session."""
        instance = await self._whereabouts.instance_of(self._applications[application], session)
        if instance is not None:
            return seconds if await self._sidecars.end(instance, session, reason, seconds) else None
        return 0.0 if await self.dismiss(application, session, reason) else None

    async def begun(self, application: str, session: str) -> bool:
        """Whether a session has an instance, so that it waits no more."""
        return await self._whereabouts.instance_of(self._applications[application], session) is not None

    async def dismiss(self, application: str, session: str, reason: Reason) -> bool:
        """End a session's wait at once; False when it does not wait."""
        known = await self._store.place(application, session) is not None
        if known:
            await self._neighbours.say(Dismiss(session, reason))
        return known

    async def end_on(self, instance: Instance, session: str, reason: Reason, seconds: float) -> bool:
        """End a session of an instance after a warning; whether the instance takes it on itself."""
        return await self._sidecars.end(instance, session, reason, seconds)

    async def drain_instance(self, name: str, seconds: float) -> Drained:
        """No session any more, and one that goes on ends after a warning; those that share an instance stay."""
        instance = self._inventory.get(name)
        if instance is None or instance.going:
            return Drained.ABSENT
        drained = await self._marked(instance)
        if drained is None:
            return Drained.ABSENT
        if drained.pool is Pool.IDLE and not self.shares(drained):
            if await self._endings.retire(drained, None, "drained"):
                return Drained.DONE
            # Somebody was first: a replica that had not heard of the mark, with a session, or another operator.
            drained = await self._marked(drained)
        if drained is None or drained.pool is not Pool.SESSION or drained.session is None:
            return Drained.DONE
        if await self._sidecars.end(drained, drained.session, Reason.MAINTENANCE, seconds):
            return Drained.WARNED
        return Drained.DONE if await self.over(drained) else Drained.UNWARNED

    async def over(self, instance: Instance) -> bool:
        """Whether an instance says that its session has ended, whatever Kubernetes still has of it."""
        status = await self.status(instance)
        return status is not None and status.over

    async def _marked(self, instance: Instance) -> Instance | None:
        """The instance as it is once it is marked as drained; None if it is gone."""
        try:
            marked = instance_of(await self._api.patch_pod(instance.name, drain_patch(instance)))
        except ClaimRefused:
            return None
        if marked is not None:
            self._inventory.patched(marked)
        return marked

    async def pause(self, application: str, *, paused: bool) -> bool:
        """Let nobody new in, or let them in again; False for an application without a fleet."""
        its = [fleet for fleet in self._fleets.fleets if fleet.application == application]
        for fleet in its:
            await self._api.patch_fleet(fleet.name, pause_patch(paused=paused))
        return bool(its)

    async def drain_version(self, application: str, version: str, *, drained: bool) -> bool:
        """Give a version no new sessions, or some again; False when there is none."""
        return await self._patch_version(application, version, drained_patch(drained=drained))

    async def set_buffer(self, application: str, version: str, instances: int | None) -> bool:
        """Keep so many warm instances of a version, or what the stack says (None); False when there is none."""
        return await self._patch_version(application, version, buffer_patch(instances))

    async def _patch_version(self, application: str, version: str, patch: dict[str, object]) -> bool:
        its = [each for each in self._fleets.fleets if (each.application, each.version) == (application, version)]
        for fleet in its:
            await self._api.patch_fleet(fleet.name, patch)
        return bool(its)

    def shares(self, instance: Instance) -> bool:
        """Whether sessions share an instance."""
        application = self._applications.get(instance.application)
        return application is not None and application.shared
