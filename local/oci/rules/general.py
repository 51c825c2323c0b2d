"""Rules for every type: region, required fields, compartments, and references to what exists."""

import re
from collections.abc import Iterator

from local.oci.kinds import CLUSTER, NSG, REFERENCED_OCIDS, SUBNET, VCN, kind_of
from local.oci.model import Resource, World
from local.oci.paths import leaves, value_at, walk
from local.oci.refusal import INVALID, MISSING, NOT_ALLOWED, NOT_FOUND, Refusal
from local.oci.regions import REGIONS
from local.properties import UNKNOWN

_OCID = re.compile(r"ocid1\.([a-z0-9-]+)\.oc\d+\.[a-z0-9-]*\..+")


def region_exists(resource: Resource, world: World) -> Iterator[Refusal]:
    """The provider's region is one of the commercial realm."""
    del resource
    if world.here() is None:
        known = ", ".join(sorted(REGIONS))
        yield Refusal(
            INVALID, "region", world.region, "there is no such region", f"Set the provider's region to {known}"
        )


def identity_at_home(resource: Resource, world: World) -> Iterator[Refusal]:
    """Identity resources change in the tenancy's home region only."""
    if resource.kind.startswith("oci:Identity/") and world.region != world.home_region:
        yield Refusal(
            NOT_ALLOWED,
            "region",
            world.region,
            f"identity resources are created, updated and deleted in the home region {world.home_region} only",
            f"Give the resource a provider with region {world.home_region}",
        )


def required_given(resource: Resource, world: World) -> Iterator[Refusal]:
    """Every field that the API demands is there."""
    del world
    for path in kind_of(resource.kind).required:
        parent, _, last = path.rpartition(".")
        keys = last.split("|")
        holders = walk(resource.inputs, parent) if parent else iter([("", resource.inputs)])
        for at, holder in holders:
            if isinstance(holder, dict) and not any(_given(holder.get(key)) for key in keys):
                where = f"{at}.{keys[0]}" if at else keys[0]
                named = " or ".join(keys)
                yield Refusal(MISSING, where, None, f"{named} is required", f"Give {named} a value")


def _given(value: object) -> bool:
    return value is UNKNOWN or value not in (None, "", [])


def compartment_is_ocid(resource: Resource, world: World) -> Iterator[Refusal]:
    """A compartment is given by its OCID, not its name."""
    del world
    value = resource.inputs.get("compartmentId")
    if isinstance(value, str) and value and not re.fullmatch(r"ocid1\.(compartment|tenancy)\.oc\d+\..+", value):
        yield Refusal(
            INVALID,
            "compartmentId",
            value,
            "this is not the OCID of a compartment or tenancy",
            "Copy the OCID from Identity > Compartments; it starts with ocid1.compartment.oc1..",
        )


def references_exist(resource: Resource, world: World) -> Iterator[Refusal]:
    """An OCID of a type that the simulation gives out is one that it gave out."""
    for path, value in leaves(resource.inputs):
        found = _OCID.fullmatch(value) if isinstance(value, str) else None
        if found is None or found[1] not in REFERENCED_OCIDS or value in world.known_elsewhere:
            continue
        if value not in world.existing:
            yield Refusal(
                NOT_FOUND,
                path,
                value,
                f"there is no {found[1]} with this OCID, or you may not see it",
                "Refer to the resource's id output; list OCIDs made outside of the stack in PIXEL_OCI_EXISTING",
            )
        elif (place := world.existing[value].region) not in ("", world.region):
            problem = f"this {found[1]} is in {place}, the request goes to {world.region}"
            yield Refusal(NOT_FOUND, path, value, problem, "Use one provider, of one region, for both")


def references_fit(resource: Resource, world: World) -> Iterator[Refusal]:
    """An id stands only where its type belongs."""
    for path, kinds in kind_of(resource.kind).references.items():
        for at, value in walk(resource.inputs, path):
            found = world.find(value)
            wanted = " or ".join(dict.fromkeys(kind_of(kind).ocid for kind in kinds))
            if found is not None and found.kind not in kinds:
                yield Refusal(INVALID, at, value, f"this is a {kind_of(found.kind).ocid}", f"Give the id of a {wanted}")
            elif isinstance(value, str) and not _OCID.fullmatch(value) and world.find(value) is None:
                yield Refusal(INVALID, at, value, "this is not an OCID", f"Give the id of a {wanted}")


def references_same_vcn(resource: Resource, world: World) -> Iterator[Refusal]:
    """What a resource refers to is in the VCN it is in itself."""
    vcn = vcn_of(resource, world)
    if vcn is None:
        return
    for path in kind_of(resource.kind).references:
        for at, value in walk(resource.inputs, path):
            found = world.one(value) if isinstance(value, str) else None
            other = None if found is None or found.kind == VCN else vcn_of(found, world)
            if other is not None and other.identity != vcn.identity:
                yield Refusal(
                    INVALID,
                    at,
                    value,
                    f"this belongs to VCN {_label(other)}, the {kind_of(resource.kind).ocid} to VCN {_label(vcn)}",
                    "Refer to a resource of the same VCN",
                )


def vcn_of(resource: Resource, world: World) -> Resource | None:
    """The VCN a resource is in, None where it is in none or that is not certain."""
    if resource.owner:
        return world.find(resource.owner)
    if (managed := resource.inputs.get("manageDefaultResourceId")) is not None:
        default = world.find(managed)
        return vcn_of(default, world) if default is not None and default.owner else None
    for key, kind in (("vcnId", VCN), ("clusterId", CLUSTER), ("networkSecurityGroupId", NSG), ("subnetId", SUBNET)):
        reference = resource.inputs.get(key)
        if reference is not None:
            holder = world.one(reference, kind)
            return holder if holder is None or kind == VCN else vcn_of(holder, world)
    subnets = value_at(resource.inputs, "subnetIds")
    first = world.one(subnets[0], SUBNET) if isinstance(subnets, list) and subnets else None
    return vcn_of(first, world) if first is not None else None


def _label(resource: Resource) -> str:
    return str(resource.get("displayName") or resource.identity)
