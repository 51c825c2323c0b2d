"""The VCN, its four subnets and who may reach the Kubernetes API.

Unless the stack file says otherwise every subnet is derived from the VCN's CIDR. Positions are counted in slots of one
256th of the VCN, so that 10.0.0.0/16 gives the addresses of the original system: workers in 10.0.10.0/24, TURN in
10.0.30.0/24.
"""

from dataclasses import dataclass, fields
from ipaddress import IPv4Network
from itertools import combinations

from components.settings.reading import Reader, Refusals

PODS_CIDR = IPv4Network("10.244.0.0/16")
"""Pods of the flannel overlay, OKE's default. They are not VCN addresses, and must not look like any."""
SERVICES_CIDR = IPv4Network("10.96.0.0/16")
"""ClusterIP Services, OKE's default."""

RESERVED_ADDRESSES = 3
"""OCI keeps the first two addresses and the last one of every subnet."""

LARGEST_VCN, SMALLEST_VCN = 16, 30
"""Prefix lengths that OCI accepts for a VCN and its subnets."""
SMALLEST_DERIVED_VCN = 20
"""Below this a 256th of the VCN is smaller than /28, too few addresses for a node pool or a load balancer."""

_SLOTS = 256
_API_PREFIX = 28
"""The API endpoint takes one address; OKE asks for /30 at least, and /28 leaves room for a replacement."""
_SLOT_OF = {"api": 0, "workers": 10, "load_balancers": 20, "turn": 30}


@dataclass(frozen=True)
class Subnets:
    """The four subnets, all regional."""

    api: IPv4Network
    """Of the Kubernetes API's endpoint. Each subnet that is left out is derived from the VCN's `cidr`, if that is large
    enough."""
    load_balancers: IPv4Network
    """Of the load balancer that players reach the page through."""
    workers: IPv4Network
    """Of the nodes of the pools `default` and `gpu`: private, and large enough for `max` of both."""
    turn: IPv4Network
    """Of the nodes of the pool `turn`, which have public addresses."""

    def items(self) -> list[tuple[str, IPv4Network]]:
        """Name and network of each, by the names that a stack file uses."""
        return [(each.name, getattr(self, each.name)) for each in fields(self)]


@dataclass(frozen=True)
class NetworkSettings:
    """The `network` key of a stack file."""

    cidr: IPv4Network
    """Of the VCN: private, /16 to /30; below /20 every subnet has to be given."""
    subnets: Subnets
    admin_cidrs: tuple[IPv4Network, ...]
    """From where people and CI may reach a public API endpoint on port 6443."""


def derive(cidr: IPv4Network) -> dict[str, IPv4Network]:
    """The subnets of a VCN from /16 to /20, each at its position; none of a smaller one."""
    if cidr.prefixlen > SMALLEST_DERIVED_VCN:
        return dict.fromkeys(_SLOT_OF, cidr)
    slot = cidr.num_addresses // _SLOTS
    prefix = cidr.prefixlen + 8
    derived = {name: IPv4Network((int(cidr.network_address) + at * slot, prefix)) for name, at in _SLOT_OF.items()}
    return derived | {"api": IPv4Network((int(cidr.network_address), max(prefix, _API_PREFIX)))}


def usable(subnet: IPv4Network) -> int:
    """How many addresses of a subnet OCI hands out."""
    return max(subnet.num_addresses - RESERVED_ADDRESSES, 0)


def read_network(reader: Reader) -> NetworkSettings:
    """Read the `network` key."""
    cidr = reader.network("cidr")
    overrides = reader.section("subnets", optional=True)
    given = {name: overrides.network(name) for name in _SLOT_OF if overrides.has(name)}
    overrides.close()
    wanted = ", ".join(f"subnets.{name}" for name in _SLOT_OF if name not in given)
    if wanted and SMALLEST_DERIVED_VCN < cidr.prefixlen <= SMALLEST_VCN:
        reader.refusals.add(
            reader.key("cidr"),
            str(cidr),
            "too small to derive subnets from",
            f"Use /{SMALLEST_DERIVED_VCN} or larger, or set {wanted}",
        )
    admin_cidrs = reader.networks("admin_cidrs")
    reader.close()
    return NetworkSettings(cidr, Subnets(**(derive(cidr) | given)), admin_cidrs)


def check_network(network: NetworkSettings, prefix: str, refusals: Refusals) -> None:
    """Check what spans several networks: sizes, containment, overlap."""
    key = f"{prefix}cidr"
    if not LARGEST_VCN <= network.cidr.prefixlen <= SMALLEST_VCN:
        refusals.add(
            key,
            str(network.cidr),
            "a size that OCI does not give a VCN",
            f"Use a prefix from /{LARGEST_VCN} to /{SMALLEST_VCN}",
        )
        return
    if not network.cidr.is_private:
        refusals.add(key, str(network.cidr), "not a private network", "Use one within 10/8, 172.16/12 or 192.168/16")
    for taken, holder in ((PODS_CIDR, "the pods"), (SERVICES_CIDR, "the Services")):
        if network.cidr.overlaps(taken):
            refusals.add(
                key,
                str(network.cidr),
                f"in the way of {holder} of the cluster, {taken}",
                "Use a VCN that does not overlap it",
            )
    _check_subnets(network, f"{prefix}subnets.", refusals)


def _check_subnets(network: NetworkSettings, prefix: str, refusals: Refusals) -> None:
    outside = set()
    for name, subnet in network.subnets.items():
        if not subnet.subnet_of(network.cidr):
            outside.add(name)
            refusals.add(
                prefix + name,
                str(subnet),
                f"outside the VCN {network.cidr}",
                "Use a network within it, or leave the key out",
            )
        elif subnet.prefixlen > SMALLEST_VCN:
            refusals.add(prefix + name, str(subnet), "too small", f"Use a prefix of /{SMALLEST_VCN} or shorter")
    for (one, first), (other, second) in combinations(network.subnets.items(), 2):
        if not outside & {one, other} and first.overlaps(second):
            refusals.add(
                prefix + other, str(second), f"overlapping {one}, {first}", "Give each subnet addresses of its own"
            )
