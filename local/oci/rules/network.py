"""Rules for VCNs, subnets and gateways.

Sources: https://docs.oracle.com/en-us/iaas/Content/Network/Tasks/Overview_of_VCNs_and_Subnets.htm and, for how many of
each there may be, https://docs.oracle.com/en-us/iaas/Content/General/Concepts/servicelimits.htm.
"""

import re
from collections.abc import Iterator
from ipaddress import IPv4Network

from local.oci.kinds import INTERNET_GATEWAY, NAT_GATEWAY, SERVICE_GATEWAY, SUBNET, VCN
from local.oci.model import Resource, World
from local.oci.refusal import CONFLICT, INVALID, LIMIT, NOT_FOUND, Refusal
from local.oci.rules.general import vcn_of
from local.oci.services import services_of

VCN_CIDRS = 5
SECURITY_LISTS_PER_SUBNET = 5
RESERVED = tuple(IPv4Network(block) for block in ("127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"))
"""Loopback, link-local, and everything from multicast up."""

_DNS_LABEL = re.compile(r"[A-Za-z][A-Za-z0-9]{0,14}")


def parse_network(text: object, *, strict: bool = True) -> IPv4Network | None:
    """An IPv4 block; None for what is none. Strict blocks have no host bits."""
    if not isinstance(text, str) or "/" not in text:
        return None
    try:
        return IPv4Network(text, strict=strict)
    except ValueError:
        return None


def vcn_blocks(vcn: Resource) -> list[tuple[str, object]]:
    """The blocks asked for in a VCN, each with its path."""
    several = vcn.inputs.get("cidrBlocks")
    if isinstance(several, list) and several:
        return [(f"cidrBlocks[{index}]", block) for index, block in enumerate(several)]
    single = vcn.inputs.get("cidrBlock")
    return [("cidrBlock", single)] if single is not None else []


def vcn_networks(vcn: Resource) -> list[IPv4Network] | None:
    """The VCN's blocks; None while one of them is not known or wrong."""
    blocks = [parse_network(block) for _, block in vcn_blocks(vcn)]
    known = [block for block in blocks if block is not None]
    return known if known and len(known) == len(blocks) else None


def subnet_blocks(subnet: Resource) -> list[tuple[str, object]]:
    """The IPv4 blocks asked for in a subnet, each with its path."""
    several = subnet.inputs.get("ipv4cidrBlocks")
    if isinstance(several, list) and several:
        return [(f"ipv4cidrBlocks[{index}]", block) for index, block in enumerate(several)]
    single = subnet.inputs.get("cidrBlock")
    return [("cidrBlock", single)] if single is not None else []


def blocks_well_formed(resource: Resource, world: World) -> Iterator[Refusal]:
    """A block is a network of /16 to /30 outside of what IPv4 reserves."""
    del world
    blocks = vcn_blocks(resource) if resource.kind == VCN else subnet_blocks(resource)
    for path, text in blocks:
        if not isinstance(text, str):
            continue
        loose = parse_network(text, strict=False)
        if loose is None:
            yield Refusal(INVALID, path, text, "this is not an IPv4 CIDR block", "Write it like 10.0.0.0/16")
        elif parse_network(text) is None:
            problem = f"the address does not match the network address {loose.network_address}"
            yield Refusal(INVALID, path, text, problem, f"Write {loose}")
        elif not 16 <= loose.prefixlen <= 30:
            yield Refusal(INVALID, path, text, "a block has a size from /16 to /30", "Choose another prefix length")
        elif any(loose.overlaps(reserved) for reserved in RESERVED):
            yield Refusal(INVALID, path, text, "this range is reserved", "Choose a private range such as 10.0.0.0/16")


def vcn_blocks_apart(resource: Resource, world: World) -> Iterator[Refusal]:
    """The blocks of one VCN do not overlap, and there are not too many."""
    del world
    if resource.inputs.get("cidrBlock") is not None and resource.inputs.get("cidrBlocks"):
        yield Refusal(
            INVALID,
            "cidrBlock",
            resource.inputs["cidrBlock"],
            "cidrBlock conflicts with cidrBlocks",
            "Give cidrBlocks only",
        )
    blocks = vcn_blocks(resource)
    if len(blocks) > VCN_CIDRS:
        yield Refusal(
            LIMIT, "cidrBlocks", len(blocks), f"a VCN has at most {VCN_CIDRS} blocks", "Join blocks or remove one"
        )
    for index, (path, text) in enumerate(blocks):
        network = parse_network(text)
        for _, earlier in blocks[:index]:
            other = parse_network(earlier)
            if network and other and network.overlaps(other):
                yield Refusal(INVALID, path, text, f"it overlaps {earlier} of the same VCN", "Choose a free block")


def subnet_inside_vcn(resource: Resource, world: World) -> Iterator[Refusal]:
    """A subnet's block lies in a block of its VCN."""
    candidates = world.could_be(resource.inputs.get("vcnId"), VCN)
    known = [(vcn, vcn_networks(vcn)) for vcn in candidates]
    if not known or any(networks is None for _, networks in known):
        return
    for path, text in subnet_blocks(resource):
        network = parse_network(text)
        if network is None:
            continue
        if not any(network.subnet_of(block) for _, networks in known for block in networks or ()):
            blocks = ", ".join(str(block) for _, networks in known for block in networks or ())
            yield Refusal(INVALID, path, text, f"it is not within the VCN's CIDR {blocks}", "Choose a block inside it")


def subnet_apart(resource: Resource, world: World) -> Iterator[Refusal]:
    """The subnets of one VCN do not overlap."""
    vcn = vcn_of(resource, world)
    if vcn is None:
        return
    for other in world.others(resource, SUBNET):
        if (theirs := vcn_of(other, world)) is None or theirs.identity != vcn.identity:
            continue
        for path, text in subnet_blocks(resource):
            for _, taken in subnet_blocks(other):
                mine, used = parse_network(text), parse_network(taken)
                if mine and used and mine.overlaps(used):
                    name = other.get("displayName") or other.identity
                    yield Refusal(INVALID, path, text, f"it overlaps {taken} of subnet {name}", "Choose a free block")


def dns_label_well_formed(resource: Resource, world: World) -> Iterator[Refusal]:
    """A DNS label starts with a letter and has at most 15 letters and digits."""
    del world
    label = resource.inputs.get("dnsLabel")
    if isinstance(label, str) and label and not _DNS_LABEL.fullmatch(label):
        yield Refusal(
            INVALID,
            "dnsLabel",
            label,
            "a DNS label starts with a letter and has at most 15 letters and digits, no hyphens",
            "Shorten it, or leave it out",
        )


def dns_label_unique(resource: Resource, world: World) -> Iterator[Refusal]:
    """The subnets of one VCN have different DNS labels."""
    label, vcn = resource.inputs.get("dnsLabel"), vcn_of(resource, world)
    if not isinstance(label, str) or vcn is None:
        return
    for other in world.others(resource, SUBNET):
        theirs = vcn_of(other, world)
        taken = other.inputs.get("dnsLabel")
        if theirs is None or theirs.identity != vcn.identity or not isinstance(taken, str):
            continue
        if taken.lower() == label.lower():
            name = other.get("displayName") or other.identity
            yield Refusal(
                INVALID, "dnsLabel", label, f"it is a duplicate of that of subnet {name}", "Choose another label"
            )


def subnet_lists_few(resource: Resource, world: World) -> Iterator[Refusal]:
    """A subnet has at most five security lists."""
    del world
    lists = resource.inputs.get("securityListIds")
    if isinstance(lists, list) and len(lists) > SECURITY_LISTS_PER_SUBNET:
        yield Refusal(
            LIMIT,
            "securityListIds",
            len(lists),
            f"a subnet has at most {SECURITY_LISTS_PER_SUBNET} security lists",
            "Put the rules of several lists into one",
        )


def gateway_once(resource: Resource, world: World) -> Iterator[Refusal]:
    """A VCN has one internet gateway, one NAT gateway and one service gateway."""
    vcn = vcn_of(resource, world)
    if vcn is None:
        return
    for other in world.others(resource, resource.kind):
        theirs = vcn_of(other, world)
        if theirs is not None and theirs.identity == vcn.identity:
            what = {INTERNET_GATEWAY: "internet", NAT_GATEWAY: "NAT", SERVICE_GATEWAY: "service"}[resource.kind]
            yield Refusal(
                LIMIT,
                "vcnId",
                resource.inputs.get("vcnId") if vcn.id else None,
                f"the VCN has {what} gateway {other.get('displayName') or other.identity} already, its limit is 1",
                "Use that gateway for both purposes",
            )


def services_known(resource: Resource, world: World) -> Iterator[Refusal]:
    """A service gateway opens services of its region, given by id."""
    services = resource.inputs.get("services")
    region = world.here()
    if region is None or not isinstance(services, list):
        return
    known = services_of(region)
    for index, entry in enumerate(services):
        given = entry.get("serviceId") if isinstance(entry, dict) else None
        if isinstance(given, str) and given not in {service.id for service in known}:
            yield Refusal(
                NOT_FOUND,
                f"services[{index}].serviceId",
                given,
                f"there is no such service in {region.name}",
                "Take the id (not the name or CIDR label) from getServices in this region",
            )


def default_managed_once(resource: Resource, world: World) -> Iterator[Refusal]:
    """A default list, table or option set of a VCN is managed as what it is, by one resource."""
    reference = resource.inputs.get("manageDefaultResourceId")
    found = world.find(reference)
    if found is None or found.kind != resource.kind:
        return
    if not found.owner:
        yield Refusal(
            INVALID,
            "manageDefaultResourceId",
            reference,
            "this is no default of a VCN",
            "Give the VCN's default… output",
        )
    manager = found.outputs.get("managedBy")
    if manager and world.final and manager != resource.urn and not resource.id:
        yield Refusal(CONFLICT, "manageDefaultResourceId", reference, "another resource manages it", "Keep one of them")
