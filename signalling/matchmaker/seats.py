"""Sessions that share instances: no pod bears their names, so the sidecars' word counts for what goes on.

A seat is an instance as one of its sessions has it: what is told of a session that has its instance to itself, by the
labels of its pod, is told of a seat likewise. A replica knows the seats of the instances it relays to and of those that
are its to look after, and keeps each until it has seen it end, whoever looks after the instance by then.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from signalling.kubernetes.instances import Instance, Pool
from signalling.matchmaker.outcomes import Outcome
from signalling.matchmaker.sidecars import Participant, Status


def seat(instance: Instance, session: str, subject: str, started: datetime | None) -> Instance:
    """An instance as this session has it."""
    said = started.isoformat() if started is not None else None
    return replace(instance, pool=Pool.SESSION, session=session, player=session, subject=subject, started=said)


def seats_of(instance: Instance, status: Status) -> dict[str, Instance]:
    """The seats of an instance by session, as its sidecar tells of those who take part, connected or away."""
    by_session: dict[str, list[Participant]] = {}
    for each in status.participants:
        by_session.setdefault(each.session, []).append(each)
    return {name: seat(instance, name, its[0].subject, _earliest(its)) for name, its in by_session.items() if name}


class Seats:
    """Those that one replica knows."""

    def __init__(self, seen: Callable[[Instance], None], over: Callable[[Instance, Outcome, bool], None]) -> None:
        """``seen`` hears of each seat that a sidecar has told of, once; ``over`` of each whose session has ended, and
        whether it was a bad one."""
        self._seen: Final = seen
        self._over: Final = over
        self._known: Final[dict[str, dict[str, Instance]]] = {}
        self._instances: Final[dict[str, str]] = {}
        """By session."""
        self._unseen: Final[set[str]] = set()
        """Sessions that have begun here, and that no sidecar has told of yet."""

    def __iter__(self) -> Iterator[Instance]:
        return (each for its in list(self._known.values()) for each in list(its.values()))

    def of(self, instance: str) -> Mapping[str, Instance]:
        """The seats of an instance by session, as they are now."""
        return dict(self._known.get(instance, {}))

    def has(self, session: str) -> bool:
        """Whether a session has one."""
        return session in self._instances

    def taken(self, taken: Instance) -> None:
        """A session has begun here."""
        session = str(taken.session)
        if session not in self._known.get(taken.name, {}):
            self._unseen.add(session)
            self._put(session, taken)

    def untaken(self, instance: str, session: str) -> None:
        """A session has come to nothing there: it did not end, and its player waits on."""
        self._take(instance, session)

    def observed(self, instance: Instance, status: Status, before: Iterable[str]) -> None:
        """A sidecar has been asked; ``before`` are the sessions that were known when the question went out.

        Who was known and is not told of any more has ended; who came while the answer was on its way may be missing.
        """
        now, known = seats_of(instance, status), self.of(instance.name)
        outcome = Outcome.COMPLETED if status.streaming else Outcome.INTERRUPTED
        for session in before:
            if session not in now and (ended := self._take(instance.name, session)) is not None:
                self._over(ended, outcome, session in status.bad)
        for session, told in now.items():
            # Who came first may leave while others go on: the session has begun when it was first seen.
            its = replace(told, started=known[session].started) if session in known else told
            self._put(session, its)
            if session not in known or session in self._unseen:
                self._unseen.discard(session)
                self._seen(its)

    def removed(self, instance: Instance) -> None:
        """An instance is gone. With notice, its sidecar has waited for the sessions' end."""
        outcome = Outcome.COMPLETED if instance.going else Outcome.INTERRUPTED
        for session in self.of(instance.name):
            if (ended := self._take(instance.name, session)) is not None:
                self._over(ended, outcome, False)

    def _put(self, session: str, taken: Instance) -> None:
        self._known.setdefault(taken.name, {})[session] = taken
        self._instances[session] = taken.name

    def _take(self, instance: str, session: str) -> Instance | None:
        its = self._known.get(instance, {})
        taken = its.pop(session, None)
        if not its:
            self._known.pop(instance, None)
        if self._instances.get(session) == instance:
            del self._instances[session]
            self._unseen.discard(session)
        return taken


def _earliest(participants: Iterable[Participant]) -> datetime | None:
    """When the first of them came, in Unix time."""
    times = [each.since for each in participants if isinstance(each.since, int | float)]
    return datetime.fromtimestamp(min(times), UTC) if times else None
