"""The audit log: every action on the API, by whom, on what and when; in the process's log and in the store, bounded."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec

from signalling.operations.definitions import Audit, AuditEntry
from signalling.operations.problems import Away
from signalling.records.interface import Records
from signalling.store.interface import StoreUnavailable

LOG: Final = logging.getLogger("audit")
MOST: Final = 10_000
"""Entries that are kept in the store; the process's log is for more."""
_NAME: Final = "audit"


class Deed(msgspec.Struct, frozen=True):
    """What somebody did, before it has an id."""

    at: float
    action: str
    target: str
    status: int
    credential: str
    operator: str
    address: str
    details: dict[str, Any]


class AuditLog:
    """Writes and reads it."""

    def __init__(self, records: Records, clock: Callable[[], float] = time.time) -> None:
        self._records: Final = records
        self._clock: Final = clock

    async def write(self, action: str, target: str, status: int, who: "Whoever", details: dict[str, Any]) -> None:
        """Write down a deed. While the store is away it stands in the process's log only."""
        deed = Deed(self._clock(), action, target, status, who.credential, who.operator, who.address, details)
        LOG.info("action", extra={name: value for name, value in msgspec.structs.asdict(deed).items() if name != "at"})
        try:
            await self._records.append(_NAME, msgspec.json.encode(deed), MOST)
        except StoreUnavailable as error:
            LOG.warning("audit log not kept", extra={"action": action, "target": target, "error": str(error)})

    async def read(self, before: str, count: int) -> Audit:
        """The newest before an entry; of all, if it is empty. Raises Away."""
        try:
            found = await self._records.page(_NAME, before, count + 1)
        except StoreUnavailable as error:
            raise Away("the store that keeps the audit log does not answer") from error
        entries = tuple(_entry(each.id, msgspec.json.decode(each.content, type=Deed)) for each in found[:count])
        return Audit(items=entries, next=entries[-1].id if len(found) > count else None)


class Whoever(msgspec.Struct, frozen=True):
    """Who acts, as far as it is known."""

    credential: str
    operator: str
    address: str


def _entry(id: str, deed: Deed) -> AuditEntry:
    fields = msgspec.structs.asdict(deed)
    return msgspec.convert({"id": id, **fields}, AuditEntry, strict=False)
