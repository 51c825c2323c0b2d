"""What stands in the way of a deletion: resources that still use the one to go."""

from collections.abc import Iterator

from local.oci.kinds import (
    DEFAULT_DHCP_OPTIONS,
    DEFAULT_ROUTE_TABLE,
    DEFAULT_SECURITY_LIST,
    NSG_RULE,
    kind_of,
)
from local.oci.model import Resource, World
from local.oci.paths import leaves
from local.oci.refusal import CONFLICT, Refusal

_NOT_DELETED = (DEFAULT_SECURITY_LIST, DEFAULT_ROUTE_TABLE, DEFAULT_DHCP_OPTIONS)
"""Deleting these only gives them up; they stay with their VCN."""

_SHOWN = 3


def still_used(resource: Resource, world: World) -> Iterator[Refusal]:
    """Nothing refers to a resource that is deleted, except what goes with it."""
    if resource.kind in _NOT_DELETED:
        return
    going = {resource.id} | {each.id for each in world.existing.values() if each.owner == resource.id}
    users = [
        other
        for other in world.existing.values()
        if other.id not in going and other.kind != NSG_RULE and _refers(other, going)
    ]
    if users:
        named = ", ".join(f"{kind_of(each.kind).ocid} {_name(each)}" for each in users[:_SHOWN])
        more = f" and {len(users) - _SHOWN} more" if len(users) > _SHOWN else ""
        yield Refusal(
            CONFLICT,
            "id",
            resource.id,
            f"the {kind_of(resource.kind).ocid} {_name(resource)} is used by {named}{more}",
            "Delete or change these first",
        )


def _refers(other: Resource, ids: set[str]) -> bool:
    return any(value in ids for _, value in leaves(other.inputs) if isinstance(value, str))


def _name(resource: Resource) -> str:
    return str(resource.get("displayName") or resource.get("name") or resource.id)
