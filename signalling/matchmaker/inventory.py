"""The instances as the watch shows them, less what this replica knows better. No I/O; each step costs O(log n)."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from signalling.kubernetes.instances import Instance
from signalling.matchmaker.matching import Share, Slot, position


class Inventory:
    """All known instances: by name, by session, and idle by application and version."""

    def __init__(self) -> None:
        self._known: Final[dict[str, Instance]] = {}
        self._sessions: Final[dict[str, str]] = {}
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
        """The instance that a session has."""
        name = self._sessions.get(session)
        return self._known.get(name) if name is not None else None

    def rings(self, application: str) -> Mapping[str, Sequence[Slot]]:
        """The instances of each version that may be claimed, sorted by their position."""
        return self._rings.get(application, {})

    def idle(self, application: str, shares: Iterable[Share]) -> int:
        """The instances that could be claimed now: none of a version that gets no sessions."""
        rings = self.rings(application)
        return sum(len(rings.get(share.version, ())) for share in shares if share.weight > 0)

    def listed(self, instances: Iterable[Instance]) -> list[Instance]:
        """These are all the instances there are; returns what is not among them any more."""
        current = {instance.name: instance for instance in instances}
        gone = [instance for name, instance in self._known.items() if name not in current]
        for instance in gone:
            self.removed(instance.name)
        for instance in current.values():
            self.changed(instance)
        return gone

    def changed(self, instance: Instance) -> None:
        """An instance is new or different."""
        before = self._known.get(instance.name)
        if before is not None:
            self._forget(before)
        self._known[instance.name] = instance
        if instance.session is not None:
            self._sessions[instance.session] = instance.name
        if instance.available and self._refused.get(instance.name) != instance.revision:
            insort(self._ring(instance), (position(instance.name), instance.name))

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
            self.changed(known)

    def _forget(self, instance: Instance) -> None:
        if instance.session is not None and self._sessions.get(instance.session) == instance.name:
            del self._sessions[instance.session]
        ring, slot = self._ring(instance), (position(instance.name), instance.name)
        index = bisect_left(ring, slot)
        if index < len(ring) and ring[index] == slot:
            del ring[index]

    def _ring(self, instance: Instance) -> list[Slot]:
        return self._rings.setdefault(instance.application, {}).setdefault(instance.version, [])
