"""What becomes of an instance after its session: recycled where its application wants that, else deleted."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from signalling.kubernetes.api import ClaimRefused, ClusterApi
from signalling.kubernetes.instances import Instance, Pool, instance_of, recycle_patch, retire_patch
from signalling.matchmaker.inventory import Inventory
from signalling.matchmaker.metrics import MatchmakerMetrics
from signalling.matchmaker.outcomes import Outcome
from signalling.matchmaker.sidecars import Sidecars
from signalling.matchmaker.watching import pause

LOG: Final = logging.getLogger("matchmaker.endings")
DELETE_TRIES: Final = 6


class Chronicle(Protocol):
    """Who wants to know of sessions. Each call is made by one replica, unless it dies in the middle; the end of a
    session that shares its instance is told by each replica that knows of it."""

    def started(self, instance: Instance, waited: float) -> None:
        """A session has been connected to its instance, after its player waited so many seconds."""
        ...

    def seen(self, instance: Instance) -> None:
        """A session that shares its instance goes on there; said once by each replica that knows of the session."""
        ...

    def ended(self, instance: Instance, outcome: Outcome, counted: Callable[[], None] | None = None) -> None:
        """A session is over; the instance is as it was during it. Not of an instance that came to nothing.

        ``counted`` is called where the session is counted, which is in one replica of those that say so.
        """
        ...


class Endings:
    """Ends instances' sessions in Kubernetes: of several replicas that would, one does."""

    def __init__(
        self,
        api: ClusterApi,
        *,
        inventory: Inventory,
        sidecars: Sidecars,
        metrics: MatchmakerMetrics,
        chronicle: Chronicle,
        over: Callable[[str], Awaitable[None]],
    ) -> None:
        """``over`` is told of sessions that have had their instance."""
        self._api: Final = api
        self._inventory: Final = inventory
        self._sidecars: Final = sidecars
        self._metrics: Final = metrics
        self._chronicle: Final = chronicle
        self._told: Final = over

    async def recycle(self, instance: Instance, outcome: Outcome, *, bad: bool = False) -> None:
        """Give an instance whose session is over back to its fleet; delete it where that does not work."""
        if not await self._sidecars.recycle(instance):
            await self.retire(instance, outcome, "session ended", bad=bad)
            return
        if await self._patched(instance, recycle_patch(instance)):
            self._metrics.recycled.inc()
            LOG.info("instance recycled", extra={"instance": instance.name, "session": instance.session})
            await self._over(instance, outcome, bad=bad)

    async def retire(self, instance: Instance, outcome: Outcome | None, why: str, *, bad: bool = False) -> bool:
        """End an instance: nobody gets it any more, and it is deleted. No ``outcome``, no session.

        False when that was refused: somebody was first, or a session has begun on it since.
        """
        if instance.pool is not Pool.ENDED:
            if not await self._patched(instance, retire_patch(instance)):
                return False
            if outcome is not None:
                await self._over(instance, outcome, bad=bad)
        await self._delete(instance.name, why)
        return True

    async def _over(self, instance: Instance, outcome: Outcome, *, bad: bool) -> None:
        self._metrics.ended(instance, outcome, bad=bad)
        if outcome is Outcome.UNREACHABLE:
            # Its player has seen nothing of it, and waits on for another one with the same session.
            return
        if instance.session is not None and self._inventory.of_session(instance.session) is not None:
            # The answer to its claim was lost; its player has got another one, where the session goes on.
            return
        self._chronicle.ended(instance, outcome)
        if instance.session is not None:
            await self._told(instance.session)

    async def _patched(self, instance: Instance, patch: list[dict[str, object]]) -> bool:
        """Whether the patch was carried out, and by us."""
        try:
            patched = instance_of(await self._api.patch_pod(instance.name, patch))
        except ClaimRefused:
            # Somebody else was first, or the pod is gone: nothing is left to do.
            return False
        except Exception as error:  # Any failure is answered alike: it is found again.
            LOG.warning("patch failed", extra={"instance": instance.name, "error": repr(error)[:300]})
            return False
        if patched is not None:
            self._inventory.patched(patched)
        return True

    async def _delete(self, name: str, why: str) -> None:
        """Patiently; what stays after that is found again, as its pool says what is to become of it."""
        for failures in range(1, DELETE_TRIES + 1):
            try:
                await self._api.delete_pod(name)
            except Exception as error:  # Any failure is answered alike.
                LOG.warning("delete failed", extra={"instance": name, "error": repr(error)[:300], "times": failures})
                await asyncio.sleep(pause(failures, random.random()))  # noqa: S311  # Not a secret.
            else:
                self._metrics.deleted.labels(why).inc()
                LOG.info("instance deleted", extra={"instance": name, "why": why})
                return
