"""Giving instances to the players who wait here: one pass after another for each application, and the claims.

The decisions are in ``matching`` and ``sharing``. What is claimed is handed to a ``Host``, who has the players.
"""

import asyncio
import logging
import random
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Protocol

from signalling.kubernetes.api import ClaimRefused, ClusterApi
from signalling.kubernetes.instances import Claim, Instance, claim_patch, instance_of
from signalling.matchmaker.inventory import Inventory
from signalling.matchmaker.matching import Share, assign, preference
from signalling.matchmaker.metrics import MatchmakerMetrics
from signalling.matchmaker.queues import Queues
from signalling.matchmaker.settings import ApplicationSettings
from signalling.matchmaker.shares import FleetWatch
from signalling.matchmaker.sharing import SharedInstances
from signalling.matchmaker.watching import pause
from signalling.tickets.claims import PlayerTicket

LOG: Final = logging.getLogger("matchmaker.allocation")
LOOK_SECONDS: Final = 1.0
"""A pass at least so often while somebody waits: what another replica said may have been lost."""
REST: Final = 0.005
"""Seconds between two passes; and a pass takes a tenth of the time at most, however long the queue."""
RESTS_PER_PASS: Final = 9


class Host(Protocol):
    """Who has the players that wait here."""

    def ticket_of(self, session: str) -> PlayerTicket | None:
        """Who waits with this session; None once nobody does."""
        ...

    def claimed(self, session: str, instance: Instance) -> None:
        """The session has this instance from now on."""
        ...

    def joins(self, session: str, instance: Instance) -> None:
        """The session's player may join this shared instance."""
        ...


async def claim(api: ClusterApi, instance: Instance, ticket: PlayerTicket) -> Instance:
    """Claim an instance and return it as it is now; ClaimRefused when it cannot be had, by whatever reason."""
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    patch = claim_patch(instance, Claim(ticket.session, ticket.player, started, ticket.subject))
    claimed = instance_of(await api.patch_pod(instance.name, patch))
    if claimed is None or claimed.going or claimed.address is None:
        # It was on its way out when the patch came: nothing to give back, it goes anyway.
        raise ClaimRefused(instance.name)
    return claimed


class Allocation:
    """One replica's passes and claims."""

    def __init__(
        self,
        applications: Mapping[str, ApplicationSettings],
        *,
        inventory: Inventory,
        shared: SharedInstances,
        queues: Queues,
        fleets: FleetWatch,
        api: ClusterApi,
        metrics: MatchmakerMetrics,
        host: Host,
        at_once: int,
    ) -> None:
        self._applications: Final = applications
        self._inventory: Final = inventory
        self._shared: Final = shared
        self._queues: Final = queues
        self._fleets: Final = fleets
        self._api: Final = api
        self._metrics: Final = metrics
        self._host: Final = host
        self._at_once: Final = at_once
        self._woken: Final = {name: asyncio.Event() for name in applications}
        self._claiming: Final[dict[str, dict[str, str]]] = {name: {} for name in applications}
        self._claims: Final[set[asyncio.Task[None]]] = set()

    def wake(self, application: str) -> None:
        """Something has changed that may let somebody be served."""
        if event := self._woken.get(application):
            event.set()

    def wake_all(self) -> None:
        """The same of every application."""
        for event in self._woken.values():
            event.set()

    def claiming(self, application: str, session: str) -> bool:
        """Whether a claim for this session is under way here."""
        return session in self._claiming[application]

    async def run(self, name: str) -> None:
        """The passes of one application; returns only when it is cancelled."""
        application, woken = self._applications[name], self._woken[name]
        clock = asyncio.get_running_loop().time
        while True:
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await woken.wait()
            except TimeoutError:
                pass
            woken.clear()
            began = clock()
            try:
                await self._pass(application)
            except Exception:
                # A mistake here must not leave an application without anybody who looks at its queue.
                LOG.exception("pass failed", extra={"application": name})
            await asyncio.sleep(max(REST, RESTS_PER_PASS * (clock() - began)))

    async def stop(self, seconds: float) -> None:
        """Wait for the claims under way: each has an answer soon."""
        if self._claims:
            await asyncio.wait(self._claims, timeout=seconds)

    async def _pass(self, application: ApplicationSettings) -> None:
        if not self._queues.waiting(application.name):
            return
        shares = list(self._fleets.shares[application.name])
        if application.shared:
            await self._seat(application, shares)
        else:
            await self._match(application, shares)

    async def _match(self, application: ApplicationSettings, shares: list[Share]) -> None:
        name, claiming = application.name, self._claiming[application.name]
        room = self._inventory.idle(name, shares)
        free = self._at_once - len(claiming)
        if not room or free <= 0:
            return
        head = await self._queues.head(name, room, free + len(claiming))
        if head is None:
            return
        for session, instance in assign(head, self._inventory.rings(name), shares, claiming):
            ticket = self._host.ticket_of(session) if self._queues.has(name, session) else None
            known = self._inventory.get(instance)
            if ticket is not None and known is not None:
                claiming[session] = instance
                self._start(name, ticket, known)
                free -= 1
            if not free:
                return

    async def _seat(self, application: ApplicationSettings, shares: list[Share]) -> None:
        name, room = application.name, self._shared.seating(application, shares).room
        head = await self._queues.head(name, room, self._at_once) if room else None
        seating = self._shared.seating(application, shares)
        for session in head or ():
            instance = self._inventory.get(seating.take(preference(shares, session)) or "")
            if instance is None:
                return
            if self._queues.has(name, session):
                self._shared.joined(instance)
                self._host.joins(session, instance)

    def _start(self, application: str, ticket: PlayerTicket, instance: Instance) -> None:
        task = asyncio.create_task(self._claim(application, ticket, instance))
        self._claims.add(task)
        task.add_done_callback(self._claims.discard)

    async def _claim(self, application: str, ticket: PlayerTicket, instance: Instance) -> None:
        session = ticket.session
        try:
            await self._try(ticket, instance)
        finally:
            self._claiming[application].pop(session, None)
            self.wake(application)

    async def _try(self, ticket: PlayerTicket, instance: Instance) -> None:
        try:
            claimed = await claim(self._api, instance, ticket)
        except ClaimRefused:
            self._metrics.claims.labels("refused").inc()
            self._inventory.refused(instance)
            return
        except Exception as error:  # Whatever the client raises: nobody knows whether it is claimed.
            self._metrics.claims.labels("unclear").inc()
            said = {"session": ticket.session, "instance": instance.name}
            LOG.warning("claim failed", extra={**said, "error": repr(error)[:300]})
            # The watch shows it if it was; for a while this player gets no second one.
            await asyncio.sleep(pause(2, random.random()))  # noqa: S311  # Not a secret.
            if found := self._inventory.of_session(ticket.session):
                self._host.claimed(ticket.session, found)
            return
        self._metrics.claims.labels("claimed").inc()
        self._inventory.patched(claimed)
        self._host.claimed(ticket.session, claimed)
