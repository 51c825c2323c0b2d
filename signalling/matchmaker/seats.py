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

    def __init__(self, over: Callable[[Instance, Outcome], None]) -> None:
        """``over`` hears of each seat whose session has ended."""
        self._over: Final = over
        self._known: Final[dict[str, dict[str, Instance]]] = {}

    def __iter__(self) -> Iterator[Instance]:
        return (each for its in list(self._known.values()) for each in list(its.values()))

    def of(self, instance: str) -> Mapping[str, Instance]:
        """The seats of an instance by session, as they are now."""
        return dict(self._known.get(instance, {}))

    def has(self, session: str) -> bool:
        """Whether a session has one."""
        return any(session in its for its in self._known.values())

    def taken(self, taken: Instance) -> None:
        """A session has begun here."""
        self._known.setdefault(taken.name, {})[str(taken.session)] = taken

    def untaken(self, instance: str, session: str) -> None:
        """A session has come to nothing there: it did not end, and its player waits on."""
        self._known.get(instance, {}).pop(session, None)

    def observed(self, instance: Instance, status: Status, before: Iterable[str]) -> None:
        """A sidecar has been asked; ``before`` are the sessions that were known when the question went out.

        Who was known and is not told of any more has ended; who came while the answer was on its way may be missing.
        """
        now, known = seats_of(instance, status), self._known.setdefault(instance.name, {})
        outcome = Outcome.COMPLETED if status.streaming else Outcome.INTERRUPTED
        for session in before:
            if session not in now and (ended := known.pop(session, None)) is not None:
                self._over(ended, outcome)
        for session, each in now.items():
            # Who came first may leave while others go on: the session has begun when it was first seen.
            began = known[session].started if session in known else each.started
            known[session] = replace(each, started=began)
        if not known:
            del self._known[instance.name]

    def removed(self, instance: Instance) -> None:
        """An instance is gone. With notice, its sidecar has waited for the sessions' end."""
        outcome = Outcome.COMPLETED if instance.going else Outcome.INTERRUPTED
        for each in self._known.pop(instance.name, {}).values():
            self._over(each, outcome)


def _earliest(participants: Iterable[Participant]) -> datetime | None:
    """When the first of them came, in Unix time."""
    times = [each.since for each in participants if isinstance(each.since, int | float)]
    return datetime.fromtimestamp(min(times), UTC) if times else None
