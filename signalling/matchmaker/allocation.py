"""From a match to the end of its session: claim, relay, delete. One task a session; decisions are in ``matching``."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address
from typing import Final

from aiohttp import ClientSession
from lightkube.resources.core_v1 import Pod

from signalling.kubernetes.api import Changed, ClaimRefused, ClusterApi, Event, Listed
from signalling.kubernetes.instances import Instance, claim_patch, instance_of
from signalling.matchmaker.matching import Match, Matching
from signalling.matchmaker.metrics import MatchmakerMetrics
from signalling.matchmaker.outcomes import outcome_of
from signalling.matchmaker.session import InstanceUnreachable, Session
from signalling.matchmaker.shares import Shares
from signalling.matchmaker.watching import pause

LOG: Final = logging.getLogger("matchmaker.allocation")
ATTEMPTS: Final = 5
"""Instances that may come to nothing for a player before it is sent away."""
DELETE_TRIES: Final = 6


def host_of(address: str) -> str:
    """An IP address as the host of a URL."""
    return f"[{address}]" if isinstance(ip_address(address), IPv6Address) else address


async def claim(api: ClusterApi, instance: Instance, session: str) -> Instance:
    """Claim an instance and return it as it is now; ClaimRefused when it cannot be had, by whatever reason."""
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    patch = claim_patch(instance, session, player=session, started=started)
    claimed = instance_of(await api.patch_pod(instance.name, patch))
    if claimed is None or claimed.going or claimed.address is None:
        # It was on its way out when the patch came: nothing to give back, it goes anyway.
        raise ClaimRefused(instance.name)
    return claimed


class Allocation:
    """The sessions of one matchmaker."""

    def __init__(
        self, matching: Matching, api: ClusterApi, http: ClientSession, metrics: MatchmakerMetrics, instance_port: int
    ) -> None:
        self._matching: Final = matching
        self._api: Final = api
        self._http: Final = http
        self._metrics: Final = metrics
        self._instance_port: Final = instance_port
        self._sessions: Final[dict[str, Session]] = {}
        self._mine: Final[set[str]] = set()
        """Names of the instances claimed here."""
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._stopping = False

    @property
    def mine(self) -> frozenset[str]:
        """The instances this matchmaker answers for."""
        return frozenset(self._mine)

    def wants_instance(self, session: Session) -> None:
        """A session's player is ready: it joins its application's queue."""
        session.asked_at = time.monotonic()
        self._sessions[session.id] = session
        self._start(self._matching.join(session.application, session.id))

    def left(self, session: Session) -> None:
        """A session's player has gone; an instance it has is ended by the task that relays."""
        self._matching.leave(session.application, session.id)
        self._sessions.pop(session.id, None)

    def observe(self, event: Event[Pod]) -> None:
        """The watch of the instances says something."""
        if isinstance(event, Listed):
            known = [instance for pod in event.items if (instance := instance_of(pod))]
            self._start(self._matching.listed(known))
            return
        instance = instance_of(event.item)
        if isinstance(event, Changed) and instance is not None:
            self._start(self._matching.changed(instance))
        elif event.item.metadata is not None and event.item.metadata.name is not None:
            self._matching.removed(event.item.metadata.name)

    def share(self, shares: Shares) -> None:
        """The fleets' weights are these from now on."""
        self._metrics.expect(shares)
        self._start(self._matching.share(shares))

    async def delete(self, name: str, why: str) -> None:
        """Delete an instance, patiently; what stays after that is found among the stranded."""
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

    async def stop(self, seconds: float) -> None:
        """Make no more matches, and wait for the sessions, whose players have been told, to end."""
        self._stopping = True
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                # Cancelled sessions still delete their instances.
                await asyncio.wait(late, timeout=seconds)

    def _start(self, matches: Iterable[Match]) -> None:
        for match in matches:
            if self._stopping:
                return
            session = self._sessions[match.session]
            task = asyncio.create_task(self._serve(session, match.instance))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, session: Session, matched: Instance) -> None:
        said = {"session": session.id, "instance": matched.name}
        try:
            claimed = await claim(self._api, matched, session.id)
        except ClaimRefused:
            self._claims("refused")
            self._again(session, lambda: self._matching.refused(matched))
            return
        except Exception as error:  # Whatever the client raises: nobody knows whether it is claimed.
            self._claims("unclear")
            LOG.warning("claim failed", extra={**said, "error": repr(error)[:300]})
            session.unclear_claims += 1
            await asyncio.sleep(pause(session.unclear_claims, random.random()))  # noqa: S311  # Not a secret.
            self._again(session, lambda: self._matching.unclear(matched))
            return
        self._claims("claimed")
        self._mine.add(claimed.name)
        try:
            await self._relay(session, claimed, said)
        finally:
            await self.delete(claimed.name, "session ended")
            self._mine.discard(claimed.name)

    async def _relay(self, session: Session, claimed: Instance, said: dict[str, str]) -> None:
        reached = False

        def connected() -> None:
            nonlocal reached
            reached = True
            waited = time.monotonic() - session.asked_at
            self._metrics.wait.labels(session.application).observe(waited)
            LOG.info("session started", extra={**said, "application": session.application, "waited": round(waited, 3)})

        try:
            if not session.left.is_set():
                url = f"ws://{host_of(str(claimed.address))}:{self._instance_port}/"
                await session.relay(self._http, url, connected)
        except InstanceUnreachable as error:
            LOG.warning("instance unreachable", extra={**said, "error": str(error)})
        self._metrics.ended(claimed, outcome_of(reached, session.left.is_set()))
        LOG.info("session ended", extra={**said, "left": session.left.is_set()})
        if session.waiting:
            session.attempts += 1
            self._again(session, list)

    def _claims(self, outcome: str) -> None:
        self._metrics.claims.labels(outcome).inc()

    def _again(self, session: Session, settle: Callable[[], list[Match]]) -> None:
        """Put the player back at the head, then tell the matching what became of the instance."""
        if session.attempts >= ATTEMPTS:
            session.give_up()
        elif not session.left.is_set() and not self._stopping:
            self._start(self._matching.rejoin(session.application, session.id))
        self._start(settle())
