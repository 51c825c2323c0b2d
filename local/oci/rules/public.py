"""Rules for public addresses, and for load balancers."""

from collections.abc import Iterator

from local.oci.kinds import SUBNET
from local.oci.model import Resource, World
from local.oci.paths import value_at
from local.oci.refusal import INVALID, MISSING, Refusal
from local.properties import UNKNOWN

LIFETIMES = ("RESERVED", "EPHEMERAL")
BANDWIDTH_MBPS = (10, 8000)
_FIXED_SHAPES = ("10Mbps-Micro", "10Mbps", "100Mbps", "400Mbps", "8000Mbps")


def _forbids(subnet: Resource) -> bool:
    return subnet.inputs.get("prohibitPublicIpOnVnic") is True or subnet.inputs.get("prohibitInternetIngress") is True


def all_subnets_private(balancer: Resource, world: World) -> bool:
    """Whether every subnet of a load balancer forbids public addresses."""
    several = balancer.inputs.get("subnetIds")
    references = several if isinstance(several, list) else [balancer.inputs.get("subnetId")]
    return all(_all_forbid(reference, world) is not None for reference in references)


def _all_forbid(reference: object, world: World) -> Resource | None:
    """A subnet that forbids public addresses, if every subnet the reference may stand for does."""
    candidates = world.could_be(reference, SUBNET)
    return candidates[0] if candidates and all(_forbids(each) for each in candidates) else None


def public_endpoint_allowed(resource: Resource, world: World) -> Iterator[Refusal]:
    """A cluster's public endpoint is in a subnet that allows public addresses."""
    endpoint = resource.inputs.get("endpointConfig")
    if isinstance(endpoint, dict) and endpoint.get("isPublicIpEnabled") is True:
        yield from _refuse(endpoint.get("subnetId"), "endpointConfig.isPublicIpEnabled", world)


def public_balancer_allowed(resource: Resource, world: World) -> Iterator[Refusal]:
    """A load balancer that is not private is in subnets that allow public addresses."""
    if resource.inputs.get("isPrivate") in (True, UNKNOWN):
        return
    several = resource.inputs.get("subnetIds")
    references = several if isinstance(several, list) else [resource.inputs.get("subnetId")]
    for reference in references:
        yield from _refuse(reference, "isPrivate", world)


def public_vnic_allowed(resource: Resource, world: World) -> Iterator[Refusal]:
    """An instance asks for a public address only in a subnet that allows one."""
    if str(value_at(resource.inputs, "createVnicDetails.assignPublicIp")).lower() == "true":
        reference = value_at(resource.inputs, "createVnicDetails.subnetId")
        yield from _refuse(reference, "createVnicDetails.assignPublicIp", world)


def _refuse(reference: object, field: str, world: World) -> Iterator[Refusal]:
    subnet = _all_forbid(reference, world)
    if subnet is not None:
        name = subnet.get("displayName") or subnet.identity
        yield Refusal(
            INVALID,
            field,
            "false" if field == "isPrivate" else "true",
            f"subnet {name} is private: it prohibits public IP addresses",
            "Use a public subnet, or do without a public address",
        )


def lifetime_known(resource: Resource, world: World) -> Iterator[Refusal]:
    """A public address is reserved, or ephemeral and then belongs to a private one."""
    del world
    lifetime = resource.inputs.get("lifetime")
    if not isinstance(lifetime, str):
        return
    if lifetime not in LIFETIMES:
        yield Refusal(INVALID, "lifetime", lifetime, "there is no such lifetime", f"Write {' or '.join(LIFETIMES)}")
    elif lifetime == "EPHEMERAL" and resource.inputs.get("privateIpId") is None:
        yield Refusal(MISSING, "privateIpId", None, "an ephemeral address belongs to a private one", "Give privateIpId")


def balancer_shape_fits(resource: Resource, world: World) -> Iterator[Refusal]:
    """A flexible load balancer says its bandwidth, from 10 to 8000 Mbps."""
    del world
    shape, details = resource.inputs.get("shape"), resource.inputs.get("shapeDetails")
    if not isinstance(shape, str) or details is UNKNOWN:
        return
    if shape.lower() == "flexible":
        if not isinstance(details, dict):
            yield Refusal(
                MISSING, "shapeDetails", None, "the flexible shape needs a bandwidth", "Give minimum and maximum Mbps"
            )
            return
        yield from _bandwidth(details)
    elif shape not in _FIXED_SHAPES:
        yield Refusal(INVALID, "shape", shape, "there is no such load balancer shape", "Write flexible")


def _bandwidth(details: dict[str, object]) -> Iterator[Refusal]:
    least, most = BANDWIDTH_MBPS
    low, high = details.get("minimumBandwidthInMbps"), details.get("maximumBandwidthInMbps")
    if not isinstance(low, int) or not isinstance(high, int):
        return
    if not least <= low <= high <= most:
        problem = f"bandwidth is from {least} to {most} Mbps, the minimum not above the maximum"
        yield Refusal(INVALID, "shapeDetails", f"{low}-{high}", problem, "Correct the bandwidth")
