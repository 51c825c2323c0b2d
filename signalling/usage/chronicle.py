"""What the matchmaker tells of sessions, written into the ledger and passed on as events. See Chronicle.

An entry of the ledger is a session's stay on one instance: a player whose instance dies before it saw anything has
another one under the same session, and only what it used counts.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any, Final

from signalling.kubernetes.instances import Instance, Pool
from signalling.matchmaker.outcomes import Outcome
from signalling.records.interface import Records
from signalling.usage.ledger import Ended, Ledger, OpenSession
from signalling.webhooks.events import Event, EventType, SessionFacts, event

LOG: Final = logging.getLogger("usage")
COUNTED: Final = frozenset({Outcome.COMPLETED, Outcome.INTERRUPTED})
"""The others never had a player connected."""
FAILED: Final = frozenset({Outcome.UNREACHABLE, Outcome.INTERRUPTED})


class Chronicler:
    """One replica's."""

    def __init__(
        self,
        region: str,
        records: Records,
        tell: Callable[[Event], None],
        over: Callable[[str, str], Coroutine[Any, Any, None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``tell`` has an event delivered; ``over`` hears of each session, and its subject, that has ended."""
        self.ledger: Final = Ledger(records, self._counted)
        self._region: Final = region
        self._tell: Final = tell
        self._over: Final = over
        self._clock: Final = clock
        self._ends: Final[dict[str, tuple[Outcome, Callable[[], None] | None]]] = {}
        """Of stays that wait to be counted: how they ended, and what is to be called then."""
        self._tasks: Final[set[asyncio.Task[None]]] = set()

    def queued(self, session: str, application: str, subject: str) -> None:
        """A player has to wait."""
        self._event(EventType.QUEUED, SessionFacts(session, application, subject))

    def started(self, instance: Instance, waited: float) -> None:
        """See Chronicle."""
        if instance.session is not None:
            facts = SessionFacts(
                instance.session,
                instance.application,
                instance.subject or "",
                instance.version,
                instance.name,
                waited_seconds=round(waited, 3),
            )
            self._event(EventType.STARTED, facts)

    def seen(self, instance: Instance) -> None:
        """See Chronicle."""
        if (stay := stay_of(instance)) is not None:
            self._start(self.ledger.began(*stay, self._clock()))

    def ended(self, instance: Instance, outcome: Outcome, counted: Callable[[], None] | None = None) -> None:
        """See Chronicle."""
        stay = stay_of(instance)
        if stay is None or instance.session is None:
            return
        id, session = stay
        self._start(self._over(instance.session, session.subject))
        if outcome in COUNTED:
            self._ends[id] = (outcome, counted)
            self._start(self._end(id, session))
        else:
            self._start(self.ledger.dropped(id))
            self._event(EventType.FAILED if outcome in FAILED else EventType.ENDED, _facts(id, session, outcome, 0.0))

    async def going_on(self, instances: Iterable[Instance]) -> None:
        """These are all the instances there are; to be said again and again."""
        stays = (stay for instance in instances if (stay := stay_of(instance)) is not None)
        await self.ledger.going_on(dict(stays), self._clock())

    async def stop(self, seconds: float) -> None:
        """Wait for what is being written down."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    async def _end(self, id: str, session: OpenSession) -> None:
        await self.ledger.ended(id, session, self._clock())
        if not self.ledger.waits(id):
            # Another replica has counted it.
            self._ends.pop(id, None)

    async def _counted(self, ended: Ended) -> None:
        outcome, counted = self._ends.pop(ended.id, (Outcome.COMPLETED, None))
        if counted is not None:
            counted()
        kind = EventType.FAILED if outcome in FAILED else EventType.ENDED
        self._event(kind, _facts(ended.id, ended.session, outcome, ended.milliseconds / 1000))

    def _event(self, kind: EventType, facts: SessionFacts) -> None:
        self._tell(event(kind, self._region, facts, datetime.fromtimestamp(self._clock(), UTC)))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            LOG.error("session not written down", exc_info=error)


def stay_of(instance: Instance) -> tuple[str, OpenSession] | None:
    """The stay of a session on an instance, by its name in the ledger; None for an instance without one."""
    if instance.pool is not Pool.SESSION or instance.session is None or instance.started is None:
        return None
    try:
        started = datetime.fromisoformat(instance.started)
    except ValueError:
        return None
    said = OpenSession(instance.application, instance.subject or "", int(started.timestamp() * 1000), instance.version)
    return f"{instance.session}/{instance.name}", said


def _facts(id: str, session: OpenSession, outcome: Outcome, seconds: float) -> SessionFacts:
    name, _, instance = id.partition("/")
    return SessionFacts(
        name,
        session.application,
        session.subject,
        session.version,
        instance,
        seconds=seconds,
        reason=outcome.value,
    )
