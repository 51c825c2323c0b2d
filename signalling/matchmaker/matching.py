"""Who gets which instance: queues and idle instances, as a state machine without I/O.

First come, first served within an application; between its versions by weight. Every step costs O(versions), however
many players wait and instances idle. Each method returns the matches that it makes possible; the shell claims them and
reports.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from signalling.kubernetes.instances import Instance, Pool


@dataclass(frozen=True, slots=True)
class Share:
    """A version's label and its weight among those of the application."""

    version: str
    weight: int


@dataclass(frozen=True, slots=True)
class Match:
    """Claim this instance for this player's session."""

    session: str
    instance: Instance


def preference(shares: Sequence[Share], draw: float) -> list[str]:
    """The versions in the order a player gets them, for a ``draw`` from [0, 1).

    The first is drawn by weight; the others follow, heaviest first, so that nobody waits while any version has room.
    Versions of weight 0 are left out.
    """
    open_ = sorted((share for share in shares if share.weight > 0), key=lambda share: -share.weight)
    point = draw * sum(share.weight for share in open_)
    for first in open_:
        if point < first.weight:
            return [first.version, *(share.version for share in open_ if share is not first)]
        point -= first.weight
    return [share.version for share in open_]


class Matching:
    """The queues, and what is known of the instances."""

    def __init__(self, applications: Iterable[str], random: Random) -> None:
        """Nobody is matched before ``share`` has told of a version."""
        self._shares: Final[dict[str, tuple[Share, ...]]] = dict.fromkeys(applications, ())
        self._random: Final = random
        self._queues: Final[dict[str, OrderedDict[str, None]]] = {name: OrderedDict() for name in self._shares}
        self._known: Final[dict[str, Instance]] = {}
        self._idle: Final[dict[tuple[str, str], dict[str, Instance]]] = {}
        self._claiming: Final[set[str]] = set()
        """Matched: not idle for us, whatever the watch still says."""
        self._refused: Final[dict[str, str]] = {}
        """Revision of an instance whose claim was refused: the watch is behind until it shows another."""

    def waiting(self, application: str) -> int:
        """The players in the application's queue."""
        return len(self._queues[application])

    def idle(self, application: str) -> int:
        """The instances that could be claimed now: none of a version that gets no sessions."""
        versions = (share.version for share in self._shares[application] if share.weight > 0)
        return sum(len(self._idle.get((application, version), ())) for version in versions)

    def instances(self) -> Iterable[Instance]:
        """All known instances."""
        return self._known.values()

    def share(self, shares: Mapping[str, Sequence[Share]]) -> list[Match]:
        """These are the versions of each application from now on; an application not named has none."""
        before = dict(self._shares)
        self._shares.update({name: tuple(shares.get(name, ())) for name in before})
        changed = [name for name, known in before.items() if known != self._shares[name]]
        return [match for name in changed for match in self._match(name)]

    def join(self, application: str, session: str) -> list[Match]:
        """A player comes; at the tail of the queue."""
        self._queues[application][session] = None
        return self._match(application)

    def rejoin(self, application: str, session: str) -> list[Match]:
        """A player whose instance came to nothing; back at the head."""
        queue = self._queues[application]
        queue[session] = None
        queue.move_to_end(session, last=False)
        return self._match(application)

    def leave(self, application: str, session: str) -> None:
        """A player goes, waiting or not."""
        self._queues[application].pop(session, None)

    def listed(self, instances: Iterable[Instance]) -> list[Match]:
        """These are all the instances there are."""
        current = {instance.name: instance for instance in instances}
        for name in self._known.keys() - current.keys():
            self.removed(name)
        return [match for instance in current.values() for match in self.changed(instance)]

    def changed(self, instance: Instance) -> list[Match]:
        """An instance is new or different."""
        before = self._known.get(instance.name)
        if before is not None:
            self._take(before)
        self._known[instance.name] = instance
        if not instance.available:
            self._claiming.discard(instance.name)
        return self._offer(instance)

    def removed(self, name: str) -> None:
        """An instance is gone."""
        instance = self._known.pop(name, None)
        self._claiming.discard(name)
        self._refused.pop(name, None)
        if instance is not None:
            self._take(instance)

    def refused(self, instance: Instance) -> list[Match]:
        """The claim of a match was refused: somebody else has it. Not idle before the watch shows another revision."""
        self._claiming.discard(instance.name)
        self._refused[instance.name] = instance.revision
        known = self._known.get(instance.name)
        return self._offer(known) if known else []

    def unclear(self, instance: Instance) -> list[Match]:
        """Nobody knows what became of a claim (the API server did not answer): it may be tried again."""
        self._claiming.discard(instance.name)
        known = self._known.get(instance.name)
        return self._offer(known) if known else []

    def _offer(self, instance: Instance) -> list[Match]:
        free = instance.name not in self._claiming and self._refused.get(instance.name) != instance.revision
        if not (instance.available and free and instance.application in self._queues):
            return []
        self._idle.setdefault((instance.application, instance.version), {})[instance.name] = instance
        return self._match(instance.application)

    def _take(self, instance: Instance) -> None:
        self._idle.get((instance.application, instance.version), {}).pop(instance.name, None)

    def _match(self, application: str) -> list[Match]:
        queue, matches = self._queues[application], []
        while queue and (instance := self._choose(application)):
            session, _ = queue.popitem(last=False)
            self._take(instance)
            self._claiming.add(instance.name)
            matches.append(Match(session, instance))
        return matches

    def _choose(self, application: str) -> Instance | None:
        for version in preference(self._shares[application], self._random.random()):
            if idle := self._idle.get((application, version)):
                return next(iter(idle.values()))
        return None


def ready_count(instances: Iterable[Instance]) -> int:
    """The instances with a streamer, idle or in a session."""
    return sum(instance.usable for instance in instances)


def in_session(instances: Iterable[Instance]) -> list[Instance]:
    """The instances that have been claimed and are not going."""
    return [instance for instance in instances if instance.pool is Pool.SESSION and not instance.going]


def demand_ratio(players: int, ready: int) -> float:
    """Players per ready instance; with none ready, one more than the players: it still says how many are needed."""
    if ready:
        return players / ready
    return float(players + 1) if players else 0.0
