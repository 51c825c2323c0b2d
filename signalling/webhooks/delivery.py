"""From an event to the servers that hear of it.

``tell`` returns at once: what is told goes through a bounded list in memory into the store, from where any replica
delivers it. While the store is away a replica keeps and delivers what it has itself.
"""

import asyncio
import hashlib
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import msgspec
from aiohttp import ClientError, ClientSession, ClientTimeout
from prometheus_client import CollectorRegistry, Counter, Gauge

from signalling.outgoing.addresses import RefusedUrl, checked
from signalling.records.interface import Pending, Records
from signalling.records.memory import MemoryRecords
from signalling.store.interface import StoreUnavailable
from signalling.webhooks.events import Event
from signalling.webhooks.retries import Outcome, after_try
from signalling.webhooks.settings import Endpoint, WebhookSettings
from signalling.webhooks.signing import signed_headers

LOG: Final = logging.getLogger("webhooks")
MOST: Final = 10_000
"""Of an endpoint to be delivered, over all replicas; and in memory, until the store has them."""
AT_ONCE: Final = 16
LEASE_SECONDS: Final = 60.0
"""A replica that dies while it delivers is stood in for after that."""
TIMEOUT_SECONDS: Final = 15.0


class _Job(msgspec.Struct, frozen=True):
    event: str
    body: msgspec.Raw
    tries: int = 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What one replica delivers with."""

    secrets: Callable[[], Sequence[str]]
    """Those that sign now."""
    http: ClientSession
    """Decides which addresses are connected to; see ``outgoing``."""
    shared: Records | None = None
    poll_seconds: float = 1.0
    clock: Callable[[], float] = time.time


class Webhooks:
    """One replica's part; ``run`` does the work."""

    def __init__(self, settings: WebhookSettings, its: Surroundings, registry: CollectorRegistry) -> None:
        outcomes = Counter("pixel_webhooks", "Webhooks by what became of a try", ["outcome"], registry=registry)
        for outcome in Outcome:
            outcomes.labels(outcome.value)
        self._boxes: Final = [
            _Box(each, private=settings.private, its=its, outcomes=outcomes) for each in settings.endpoints
        ]
        pending = Gauge("pixel_webhooks_pending", "Webhooks to be delivered", registry=registry)
        pending.set_function(lambda: sum(box.pending for box in self._boxes))

    def tell(self, event: Event) -> None:
        """Have an event delivered to every endpoint that wants it; never waits, never fails."""
        for box in self._boxes:
            if _wants(box.endpoint, event):
                box.add(event.id, msgspec.json.encode(event))

    async def run(self) -> None:
        """Write down what is told and deliver what is due; never returns while there is an endpoint."""
        # Each by itself: one that does not answer holds up none of the others.
        await asyncio.gather(*(box.run() for box in self._boxes))

    async def flush(self) -> None:
        """Write down what has been told; for the end of a replica."""
        for box in self._boxes:
            await box.write_down()


class _Box:
    """What one endpoint is to be told."""

    def __init__(self, endpoint: Endpoint, *, private: bool, its: Surroundings, outcomes: Counter) -> None:
        self.endpoint: Final = endpoint
        self.pending = 0
        self._name: Final = hashlib.sha256(endpoint.url.encode()).hexdigest()[:16]
        self._private: Final = private
        self._its: Final = its
        self._outcomes: Final = outcomes
        local = MemoryRecords(its.clock)
        self._stores: Final[tuple[Records, ...]] = (local,) if its.shared is None else (its.shared, local)
        self._told: Final[deque[tuple[str, bytes]]] = deque()
        self._wake: Final = asyncio.Event()

    def add(self, id: str, body: bytes) -> None:
        """One more."""
        self._told.append((id, msgspec.json.encode(_Job(id, msgspec.Raw(body)))))
        if len(self._told) > MOST:
            self._drop(self._told.popleft()[0])
        self._wake.set()

    async def run(self) -> None:
        """Deliver; never returns."""
        while True:
            await self.write_down()
            busy = [await self._deliver_from(store) for store in self._stores]
            if any(busy) or self._told:
                continue
            self._wake.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._its.poll_seconds):
                    await self._wake.wait()

    async def write_down(self) -> None:
        """Put what was told where it outlives this process, if there is such a place."""
        while self._told:
            id, job = self._told.popleft()
            for store in self._stores:
                try:
                    kept = await store.put(self._name, id, job, self._its.clock(), MOST)
                except StoreUnavailable:
                    continue
                if not kept:
                    self._drop(id)
                break

    async def _deliver_from(self, store: Records) -> bool:
        """Whether there was something to do."""
        try:
            taken = await store.due(self._name, self._its.clock(), LEASE_SECONDS, AT_ONCE)
            self.pending = await store.pending(self._name) + len(self._told)
        except StoreUnavailable:
            return False
        await asyncio.gather(*(self._deliver(store, each) for each in taken))
        return bool(taken)

    async def _deliver(self, store: Records, pending: Pending) -> None:
        job = msgspec.json.decode(pending.content, type=_Job)
        status = await self._send(job)
        outcome, again = after_try(status, job.tries + 1, random.random())  # noqa: S311  # No secret.
        self._outcomes.labels(outcome.value).inc()
        if outcome is not Outcome.DELIVERED:
            # Without the query, where some keep a password.
            url = self.endpoint.url.partition("?")[0]
            said = {"event": job.event, "url": url, "status": status, "tries": job.tries + 1}
            LOG.warning("webhook not delivered", extra={**said, "again_in": None if again is None else round(again)})
        # If the store cannot be told what became of it, it comes again after its lease: at least once.
        with suppress(StoreUnavailable):
            if again is None:
                await store.done(self._name, pending.id)
            else:
                tried = msgspec.json.encode(msgspec.structs.replace(job, tries=job.tries + 1))
                await store.later(self._name, pending.id, tried, self._its.clock() + again)

    async def _send(self, job: _Job) -> int:
        """The status of the answer; 0 when there was none."""
        body = bytes(job.body)
        signed = signed_headers(job.event, body, self._its.secrets(), self._its.clock())
        try:
            async with self._its.http.post(
                checked(self.endpoint.url, private=self._private),
                data=body,
                headers={"Content-Type": "application/json", **signed},
                allow_redirects=False,
                timeout=ClientTimeout(total=TIMEOUT_SECONDS),
            ) as answer:
                return answer.status
        except (RefusedUrl, ClientError, OSError, TimeoutError):
            return 0

    def _drop(self, id: str) -> None:
        self._outcomes.labels(Outcome.DROPPED.value).inc()
        LOG.error("webhook dropped", extra={"event": id, "why": f"{MOST} wait already"})


def _wants(endpoint: Endpoint, event: Event) -> bool:
    application = event.data.application
    return event.type in endpoint.events and (not endpoint.applications or application in endpoint.applications)
