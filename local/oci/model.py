"""What the simulated cloud holds, and how a rule asks about it.

During a preview some resources exist only as plans and their ids are ``UNKNOWN``. A rule must never refuse what the
cloud would accept, so an unknown reference stands for every resource it could turn out to be.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from local.oci.regions import REGIONS, Region
from local.properties import UNKNOWN


@dataclass(frozen=True)
class Resource:
    """One resource: what was asked for, and what the cloud made of it."""

    id: str
    """Empty while it is only planned."""
    kind: str
    """Type token, such as ``oci:Core/vcn:Vcn``."""
    urn: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    region: str = ""
    owner: str = ""
    """Id of the resource that this one came and goes with, such as the VCN of a default security list."""

    def get(self, key: str) -> Any:  # noqa: ANN401 (a property is any JSON value)
        """The property as asked for, else as the cloud filled it in, else None."""
        value = self.inputs.get(key)
        return self.outputs.get(key) if value is None else value

    @property
    def identity(self) -> str:
        """What tells it from every other resource, planned or not."""
        return self.id or self.urn


@dataclass(frozen=True)
class World:
    """Everything a rule may look at: what exists, what this preview plans, and where the request goes."""

    existing: Mapping[str, Resource]
    """By id."""
    planned: Mapping[str, Resource] = field(default_factory=dict)
    """By URN; empty in an update, where nothing is unknown."""
    region: str = "eu-frankfurt-1"
    home_region: str = "eu-frankfurt-1"
    final: bool = True
    """Whether the request is for good, or a check that knows only part of what will be."""
    known_elsewhere: frozenset[str] = frozenset()
    """OCIDs that exist outside of the simulation."""

    def here(self) -> Region | None:
        """The region the request goes to, None where there is no such region."""
        return REGIONS.get(self.region)

    def all(self, *kinds: str) -> Iterator[Resource]:
        """Every resource of these kinds (of any, without kinds); plans stand in for what they will change."""
        plans = {resource.urn for resource in self.planned.values()}
        for resource in self.existing.values():
            if resource.urn not in plans and (not kinds or resource.kind in kinds):
                yield resource
        for resource in self.planned.values():
            if not kinds or resource.kind in kinds:
                yield resource

    def others(self, resource: Resource, *kinds: str) -> Iterator[Resource]:
        """Like ``all`` without the resource itself.

        In a check a resource of the same URN is the one that is about to be updated or replaced. For good, one with
        another id that still exists is in the way, as it is in the cloud.
        """
        for other in self.all(*kinds):
            if other.id and other.id == resource.id:
                continue
            if not self.final and other.urn == resource.urn:
                continue
            yield other

    def find(self, reference: object) -> Resource | None:
        """The resource with this id, in its planned form if there is one."""
        if not isinstance(reference, str):
            return None
        found = self.existing.get(reference)
        if found is None:
            return None
        plan = self.planned.get(found.urn)
        return plan if plan is not None and plan.id == found.id else found

    def could_be(self, reference: object, *kinds: str) -> tuple[Resource, ...]:
        """Every resource the reference may stand for; none means that nothing is known about it."""
        if reference is UNKNOWN:
            return tuple(self.all(*kinds))
        found = self.find(reference)
        return (found,) if found is not None and (not kinds or found.kind in kinds) else ()

    def one(self, reference: object, *kinds: str) -> Resource | None:
        """The resource the reference must stand for, None where that is not certain."""
        candidates = self.could_be(reference, *kinds)
        return candidates[0] if len(candidates) == 1 else None
