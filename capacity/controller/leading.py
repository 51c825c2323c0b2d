"""One leads: a Lease in the API server, held by whoever wrote it last, for as long as that one keeps writing.

How long a holder has been silent is measured by this process' own clock, since clocks of others may be wrong. A leader
that could not write for a while stops acting before another may begin.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NoReturn

from lightkube import ApiError, AsyncClient
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease

LOG: Final = logging.getLogger("controller.leading")
MARGIN: Final = 0.7
"""The part of the lease's time that a leader trusts in: the rest is for a write on its way."""


@dataclass(frozen=True, slots=True)
class Record:
    """What a lease said, and when it was heard first, by this process' clock."""

    holder: str
    written: str
    """Its resourceVersion: another one means that the holder is alive."""
    heard: float


def free(record: Record | None, identity: str, now: float, lease_seconds: float) -> bool:
    """Whether somebody may write itself into a lease."""
    if record is None or record.holder in ("", identity):
        return True
    return now - record.heard >= lease_seconds


class Leadership:
    """Takes the lease when it is free, and keeps it."""

    def __init__(
        self,
        client: AsyncClient,
        name: str,
        namespace: str,
        identity: str,
        *,
        lease_seconds: float,
        renew_seconds: float,
        changed: Callable[[], None],
    ) -> None:
        self._client: Final = client
        self._name: Final = name
        self._namespace: Final = namespace
        self._identity: Final = identity
        self._lease_seconds: Final = lease_seconds
        self._renew_seconds: Final = renew_seconds
        self._changed: Final = changed
        self._record: Record | None = None
        self._until = 0.0
        self._led = False

    @property
    def leading(self) -> bool:
        """Whether this process may act, at this very moment."""
        return time.monotonic() < self._until

    async def keep(self) -> NoReturn:
        """Go on for ever."""
        while True:
            try:
                async with asyncio.timeout(self._lease_seconds * MARGIN):
                    await self._once()
            except Exception as error:  # Whatever went wrong: not written, so not led beyond what was.
                LOG.warning("lease not written", extra={"error": repr(error)[:300]})
            self._tell()
            await asyncio.sleep(self._renew_seconds)

    async def give_up(self) -> None:
        """Let somebody else lead at once."""
        if not self.leading:
            return
        self._until = 0.0
        lease = await self._client.get(Lease, self._name, namespace=self._namespace)
        if lease.spec is not None and lease.spec.holderIdentity == self._identity:
            lease.spec.holderIdentity = None
            await self._client.replace(lease)
            LOG.info("lease given up")

    async def _once(self) -> None:
        lease = await self._client.get(Lease, self._name, namespace=self._namespace)
        self._hear(lease)
        begun = time.monotonic()
        if not free(self._record, self._identity, begun, self._lease_seconds):
            self._until = 0.0
            return
        try:
            written = await self._client.replace(self._mine(lease))
        except ApiError as error:
            if error.status.code != 409:
                raise
            # Somebody else was first.
            self._until = 0.0
            return
        self._hear(written)
        # From before the write: the others count from after it.
        self._until = begun + self._lease_seconds * MARGIN

    def _hear(self, lease: Lease) -> None:
        holder = (lease.spec.holderIdentity if lease.spec else None) or ""
        written = (lease.metadata.resourceVersion if lease.metadata else None) or ""
        if self._record is None or self._record.written != written:
            self._record = Record(holder, written, time.monotonic())

    def _mine(self, lease: Lease) -> Lease:
        before = lease.spec or LeaseSpec()
        now = datetime.now(UTC)
        same = before.holderIdentity == self._identity
        spec = LeaseSpec(
            holderIdentity=self._identity,
            leaseDurationSeconds=max(1, round(self._lease_seconds)),
            acquireTime=before.acquireTime if same else now,
            renewTime=now,
            leaseTransitions=(before.leaseTransitions or 0) + (not same),
        )
        meta = lease.metadata or ObjectMeta()
        kept = ObjectMeta(name=meta.name, namespace=meta.namespace, resourceVersion=meta.resourceVersion)
        kept.labels, kept.annotations = meta.labels, meta.annotations
        return Lease(metadata=kept, spec=spec)

    def _tell(self) -> None:
        if self.leading is not self._led:
            self._led = self.leading
            LOG.info("leading" if self._led else "not leading", extra={"identity": self._identity})
            self._changed()
