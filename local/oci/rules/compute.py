"""Rules for what runs on compute shapes: node pools and instances.

Sources: https://docs.oracle.com/en-us/iaas/Content/Compute/References/computeshapes.htm and
https://docs.oracle.com/en-us/iaas/Content/Block/Concepts/bootvolumes.htm.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from local.oci.kinds import INSTANCE, NODE_POOL
from local.oci.model import Resource, World
from local.oci.paths import value_at, walk
from local.oci.refusal import INVALID, LIMIT, Refusal
from local.oci.shapes import MEMORY_PER_OCPU_GB, SHAPES
from local.properties import UNKNOWN, Value

BOOT_VOLUME_GB = (50, 32_768)
METADATA_BYTES = 32_000
SECURITY_GROUPS = 5
FAULT_DOMAINS = ("FAULT-DOMAIN-1", "FAULT-DOMAIN-2", "FAULT-DOMAIN-3")


@dataclass(frozen=True)
class _Fields:
    """Where a type keeps what these rules look at."""

    shape: str
    config: str
    memory: str
    boot: str
    domains: str
    faults: str
    metadata: str
    groups: str


_FIELDS: Mapping[str, _Fields] = {
    NODE_POOL: _Fields(
        "nodeShape",
        "nodeShapeConfig",
        "memoryInGbs",
        "nodeSourceDetails.bootVolumeSizeInGbs",
        "nodeConfigDetails.placementConfigs[].availabilityDomain",
        "nodeConfigDetails.placementConfigs[].faultDomains[]",
        "nodeMetadata",
        "nodeConfigDetails.nsgIds",
    ),
    INSTANCE: _Fields(
        "shape",
        "shapeConfig",
        "memoryInGbs",
        "sourceDetails.bootVolumeSizeInGbs",
        "availabilityDomain",
        "faultDomain",
        "metadata",
        "createVnicDetails.nsgIds",
    ),
}


def shape_known(resource: Resource, world: World) -> Iterator[Refusal]:
    """The shape exists."""
    del world
    field = _FIELDS[resource.kind].shape
    name = resource.inputs.get(field)
    if isinstance(name, str) and name not in SHAPES:
        family = name.rsplit(".", 1)[0]
        near = sorted(shape for shape in SHAPES if shape.startswith(family))[:4] or [
            "VM.Standard.E4.Flex",
            "VM.GPU.A10.1",
        ]
        yield Refusal(INVALID, field, name, "there is no such shape", f"Choose one such as {', '.join(near)}")


def shape_config_fits(resource: Resource, world: World) -> Iterator[Refusal]:
    """A flexible shape has a shape config, another has none."""
    del world
    fields = _FIELDS[resource.kind]
    shape = SHAPES.get(resource.inputs.get(fields.shape) or "")
    config = resource.inputs.get(fields.config)
    if shape is None or config is UNKNOWN:
        return
    if shape.flexible and config is None:
        yield Refusal(
            INVALID,
            fields.config,
            None,
            f"{shape.name} is flexible and needs a shape config",
            "Give ocpus and memoryInGbs",
        )
    elif not shape.flexible and config is not None:
        yield Refusal(
            INVALID,
            fields.config,
            None,
            f"{shape.name} is not flexible and takes no shape config",
            f"Remove {fields.config}, or choose a .Flex shape",
        )


def shape_size_fits(resource: Resource, world: World) -> Iterator[Refusal]:
    """OCPUs and memory of a flexible shape are in its range, and in proportion."""
    del world
    fields = _FIELDS[resource.kind]
    shape = SHAPES.get(resource.inputs.get(fields.shape) or "")
    config = resource.inputs.get(fields.config)
    if shape is None or not shape.flexible or not isinstance(config, dict):
        return
    ocpus, memory = config.get("ocpus"), config.get(fields.memory)
    if isinstance(ocpus, int | float) and not 1 <= ocpus <= shape.ocpus:
        yield Refusal(
            INVALID,
            f"{fields.config}.ocpus",
            ocpus,
            f"{shape.name} has 1 to {shape.ocpus:g} OCPUs",
            "Choose one of these",
        )
    elif isinstance(memory, int | float) and isinstance(ocpus, int | float):
        low, high = MEMORY_PER_OCPU_GB
        most = min(high * ocpus, shape.memory_gb)
        if not low * ocpus <= memory <= most:
            yield Refusal(
                INVALID,
                f"{fields.config}.{fields.memory}",
                memory,
                f"with {ocpus:g} OCPUs it is {low * ocpus:g} to {most:g} GB ({low} to {high} GB an OCPU)",
                "Correct the memory or the OCPUs",
            )


def boot_volume_fits(resource: Resource, world: World) -> Iterator[Refusal]:
    """A boot volume has 50 GB to 32 TB."""
    del world
    path = _FIELDS[resource.kind].boot
    size = value_at(resource.inputs, path)
    if size is None or size is UNKNOWN:
        return
    low, high = BOOT_VOLUME_GB
    if not str(size).isdigit() or not low <= int(str(size)) <= high:
        yield Refusal(INVALID, path, size, f"a boot volume has {low} to {high} GB", "Give a whole number in this range")


def domains_exist(resource: Resource, world: World) -> Iterator[Refusal]:
    """An availability domain is one of the region, by its full name."""
    region = world.here()
    if region is None:
        return
    path = _FIELDS[resource.kind].domains if resource.kind in _FIELDS else "availabilityDomain"
    for at, name in walk(resource.inputs, path):
        if isinstance(name, str) and not region.has_domain(name):
            names = ", ".join(region.domain_names())
            yield Refusal(
                INVALID,
                at,
                name,
                f"there is no such availability domain in {region.name}",
                f"Choose one of {names}; the first four letters are the tenancy's own",
            )


def fault_domains_exist(resource: Resource, world: World) -> Iterator[Refusal]:
    """A fault domain is one of the three every availability domain has."""
    del world
    for at, name in walk(resource.inputs, _FIELDS[resource.kind].faults):
        if isinstance(name, str) and name not in FAULT_DOMAINS:
            yield Refusal(
                INVALID, at, name, "there is no such fault domain", f"Choose one of {', '.join(FAULT_DOMAINS)}"
            )


def metadata_fits(resource: Resource, world: World) -> Iterator[Refusal]:
    """Instance metadata has at most 32,000 bytes, and its ``user_data`` is base64."""
    del world
    path = _FIELDS[resource.kind].metadata
    metadata = resource.inputs.get(path)
    if not isinstance(metadata, dict):
        return
    known = {key: value for key, value in metadata.items() if isinstance(value, str)}
    size = sum(len(key.encode()) + len(value.encode()) for key, value in known.items())
    if size > METADATA_BYTES:
        yield Refusal(LIMIT, path, f"{size} bytes", f"metadata has at most {METADATA_BYTES} bytes", "Shorten user_data")
    user_data = known.get("user_data")
    if user_data is not None and not _is_base64(user_data):
        yield Refusal(
            INVALID, f"{path}.user_data", user_data, "user_data is not base64", "Encode the script with base64"
        )


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(re.sub(r"\s", "", text), validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def security_groups_few(resource: Resource, world: World) -> Iterator[Refusal]:
    """A VNIC is in at most five network security groups."""
    del world
    path = _FIELDS[resource.kind].groups
    groups: Value = value_at(resource.inputs, path)
    if isinstance(groups, list) and len(groups) > SECURITY_GROUPS:
        yield Refusal(LIMIT, path, len(groups), f"a VNIC is in at most {SECURITY_GROUPS} groups", "Remove some")
