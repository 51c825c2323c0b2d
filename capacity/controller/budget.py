"""The day's GPU hours: counted from the nodes that there are, so that no restart and no second controller loses any."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

import msgspec

from capacity.controller.cluster import Node
from capacity.controller.settings import Budget


class Ledger(msgspec.Struct, frozen=True):
    """What is remembered of a day."""

    day: str = ""
    """The date, in the stack's time zone."""
    gpu_seconds: float = 0.0
    until: datetime | None = None
    """All before it is counted."""
    nodes: tuple[str, ...] = ()
    """Those that were there then."""


class Restraint(Enum):
    """How far the budget is used up."""

    NONE = "none"
    SOFT = "soft"
    """Nothing is kept ready any more."""
    HARD = "hard"
    """No instance is started any more."""


def counted(ledger: Ledger, nodes: Iterable[Node], gpus_per_node: int, timezone: str, now: datetime) -> Ledger:
    """The ledger up to now.

    A node that was there at the last count and has gone since is counted until now: what nobody watched is taken for
    used, never for free. So two who count from the same ledger come to the same sum.
    """
    midnight = _midnight(timezone, now)
    since = max(ledger.until or midnight, midnight)
    born: Mapping[str, datetime] = {node.name: node.created for node in nodes}
    seconds = sum(
        max(timedelta(0), now - max(since, born.get(name, since))).total_seconds() for name in {*ledger.nodes, *born}
    )
    day = midnight.astimezone(ZoneInfo(timezone)).date().isoformat()
    before = ledger.gpu_seconds if ledger.day == day else 0.0
    return Ledger(day, before + gpus_per_node * seconds, now, tuple(sorted(born)))


def restraint(ledger: Ledger, budget: Budget) -> Restraint:
    """What the budget says."""
    hours = ledger.gpu_seconds / 3600
    if budget.hard is not None and hours >= budget.hard:
        return Restraint.HARD
    return Restraint.SOFT if budget.soft is not None and hours >= budget.soft else Restraint.NONE


def _midnight(timezone: str, now: datetime) -> datetime:
    """The last midnight of a place. Where clocks leave it out, the day begins when they go on."""
    zone = ZoneInfo(timezone)
    local = now.astimezone(zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(now.tzinfo)
