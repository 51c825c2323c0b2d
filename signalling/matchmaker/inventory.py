"""The instances as the watch and the answers to our own patches show them, less what this replica knows better.

No I/O; each step costs O(log n). Both ways tell of the same changes, in whatever order they arrive: whoever wants to
know of a change hears of it once, from here.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from signalling.kubernetes.instances import Instance, Pool
from signalling.matchmaker.matching import Share, Slot, position


class Inventory:
    """All known instances: by name, by session, and idle by application and version."""

    def __init__(self, told: Callable[[Instance | None, Instance], None] = lambda before, now: None) -> None:
        """``told`` hears of each instance that is new or different: what was known of it, and what is now."""
        self._told: Final = told
        self._known: Final[dict[str, Instance]] = {}
        self._sessions: Final[dict[str, set[str]]] = {}
        """The instances in a session: one that came to nothing for its player stands beside the next for a while."""
        self._rings: Final[dict[str, dict[str, list[Slot]]]] = {}
        self._refused: Final[dict[str, str]] = {}
        """Revision of an instance whose claim was refused: the watch is behind until it shows another."""

    def get(self, name: str) -> Instance | None:
        """The instance of that name."""
        return self._known.get(name)

    def instances(self) -> Iterable[Instance]:
        """All of them."""
        return self._known.values()

    def of_session(self, session: str) -> Instance | None:
        """The instance that a session has; of several it has the one that it was given last."""
        its = (self._known[name] for name in self._sessions.get(session, ()))
        return max(its, key=lambda instance: (instance.started or "", instance.name), default=None)

    def rings(self, application: str) -> Mapping[str, Sequence[Slot]]:
        """The instances of each version that may be claimed, sorted by their position."""
        return self._rings.get(application, {})

    def idle(self, application: str, shares: Iterable[Share]) -> int:
        """The instances that could be claimed now: none of a version that gets no sessions."""
        rings = self.rings(application)
        return sum(len(rings.get(share.version, ())) for share in shares if share.weight > 0)

    def listed(self, instances: Iterable[Instance]) -> list[Instance]:
        """These are all the instances there are; returns what is not among them any more.

        A listing counts whatever its revisions: after a restore of the cluster's state they may be lower than before.
        """
        before, current = dict(self._known), {instance.name: instance for instance in instances}
        gone = [instance for name, instance in before.items() if name not in current]
        for instance in gone:
            self.removed(instance.name)
        for instance in current.values():
            self._put(instance)
        for name, instance in current.items():
            self._told(before.get(name), instance)
        return gone

    def changed(self, instance: Instance) -> None:
        """The watch shows an instance that is new or different; one that is older than what is known is passed over."""
        before = self._known.get(instance.name)
        if before is None or not _older(instance, before):
            self._put(instance)
            self._told(before, instance)

    def patched(self, instance: Instance) -> None:
        """What a patch of ours has made of an instance. One that is gone meanwhile stays gone."""
        if instance.name in self._known:
            self.changed(instance)

    def removed(self, name: str) -> Instance | None:
        """An instance is gone; what was known of it."""
        before = self._known.pop(name, None)
        self._refused.pop(name, None)
        if before is not None:
            self._forget(before)
        return before

    def refused(self, instance: Instance) -> None:
        """Its claim was refused: somebody else has it. Not idle before the watch shows another revision."""
        self._refused[instance.name] = instance.revision
        if known := self._known.get(instance.name):
            self._put(known)

    def _put(self, instance: Instance) -> None:
        before = self._known.get(instance.name)
        if before is not None:
            self._forget(before)
        self._known[instance.name] = instance
        if instance.session is not None and instance.pool is Pool.SESSION:
            self._sessions.setdefault(instance.session, set()).add(instance.name)
        if instance.available and self._refused.get(instance.name) != instance.revision:
            insort(self._ring(instance), (position(instance.name), instance.name))

    def _forget(self, instance: Instance) -> None:
        if instance.session is not None and (its := self._sessions.get(instance.session)) is not None:
            its.discard(instance.name)
            if not its:
                del self._sessions[instance.session]
        ring, slot = self._ring(instance), (position(instance.name), instance.name)
        index = bisect_left(ring, slot)
        if index < len(ring) and ring[index] == slot:
            del ring[index]

    def _ring(self, instance: Instance) -> list[Slot]:
        return self._rings.setdefault(instance.application, {}).setdefault(instance.version, [])


def _older(one: Instance, other: Instance) -> bool:
    """Whether one state of an object came before another. Kubernetes counts its revisions upwards (KEP-5504)."""
    both = one.revision.isdecimal() and other.revision.isdecimal()
    return both and int(one.revision) < int(other.revision)
