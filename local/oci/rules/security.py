"""Rules for security lists and the rules of network security groups.

Source: https://docs.oracle.com/en-us/iaas/Content/Network/Concepts/securityrules.htm.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from local.oci.kinds import NSG_RULE
from local.oci.model import Resource, World
from local.oci.refusal import INVALID, LIMIT, Refusal
from local.oci.rules.network import parse_network
from local.oci.services import services_of
from local.properties import UNKNOWN

MOST_RULES = 200
"""In each direction of one list."""

ICMP, TCP, UDP, ICMP6, ANY = "1", "6", "17", "58", "all"
_OPTIONS = {"icmpOptions": (ICMP, ICMP6), "tcpOptions": (TCP,), "udpOptions": (UDP,)}
_NAMES = {ICMP: "ICMP", TCP: "TCP", UDP: "UDP", ICMP6: "ICMPv6", ANY: "all protocols"}


@dataclass(frozen=True)
class Entry:
    """One security rule: where it stands, what it says, and which key names the other side."""

    path: str
    rule: dict[str, Any]
    peer: str
    """``source`` or ``destination``."""

    def at(self, key: str) -> str:
        """The path of one of the rule's keys."""
        return f"{self.path}.{key}" if self.path else key


def entries(resource: Resource) -> list[Entry]:
    """Every security rule of a list, or the one of a group's rule."""
    if resource.kind == NSG_RULE:
        peer = "destination" if resource.inputs.get("direction") == "EGRESS" else "source"
        return [Entry("", dict(resource.inputs), peer)]
    found = []
    for key, peer in (("ingressSecurityRules", "source"), ("egressSecurityRules", "destination")):
        rules = resource.inputs.get(key)
        for index, rule in enumerate(rules if isinstance(rules, list) else []):
            if isinstance(rule, dict):
                found.append(Entry(f"{key}[{index}]", rule, peer))
    return found


def rules_few(resource: Resource, world: World) -> Iterator[Refusal]:
    """A list has at most 200 rules in each direction."""
    del world
    for key in ("ingressSecurityRules", "egressSecurityRules"):
        rules = resource.inputs.get(key)
        if isinstance(rules, list) and len(rules) > MOST_RULES:
            yield Refusal(
                LIMIT,
                key,
                len(rules),
                f"a security list has at most {MOST_RULES} rules in a direction",
                "Split the list",
            )


def protocols_well_formed(resource: Resource, world: World) -> Iterator[Refusal]:
    """A protocol is ``all`` or an IANA number as a string."""
    del world
    for entry in entries(resource):
        protocol = entry.rule.get("protocol")
        if protocol in (None, UNKNOWN):
            continue
        text = str(protocol)
        if text == ANY or (text.isascii() and text.isdigit() and int(text) <= 255):
            continue
        yield Refusal(
            INVALID,
            entry.at("protocol"),
            protocol,
            "this is no protocol",
            'Write "all" or a number: "1" ICMP, "6" TCP, "17" UDP, "58" ICMPv6',
        )


def options_fit_protocol(resource: Resource, world: World) -> Iterator[Refusal]:
    """Options stand only in a rule for their own protocol."""
    del world
    for entry in entries(resource):
        protocol = entry.rule.get("protocol")
        if protocol in (None, UNKNOWN):
            continue
        for key, fitting in _OPTIONS.items():
            if entry.rule.get(key) is not None and str(protocol) not in fitting:
                name = _NAMES.get(str(protocol), f"protocol {protocol}")
                wanted = " or ".join(f'"{number}" ({_NAMES[number]})' for number in fitting)
                yield Refusal(
                    INVALID,
                    entry.at(key),
                    None,
                    f"{key} in a rule for {name}",
                    f"Remove {key}, or set protocol to {wanted}",
                )


def ports_well_formed(resource: Resource, world: World) -> Iterator[Refusal]:
    """A port range is given by both ends, in order, from 1 to 65535."""
    del world
    for entry in entries(resource):
        for key in ("tcpOptions", "udpOptions"):
            options = entry.rule.get(key)
            if not isinstance(options, dict):
                continue
            ranges = [(entry.at(key), options)] if "min" in options or "max" in options else []
            for name in ("sourcePortRange", "destinationPortRange"):
                if isinstance(options.get(name), dict):
                    ranges.append((f"{entry.at(key)}.{name}", options[name]))
            for path, ports in ranges:
                yield from _range(path, ports)


def _range(path: str, ports: dict[str, Any]) -> Iterator[Refusal]:
    low, high = ports.get("min"), ports.get("max")
    if UNKNOWN in (low, high):
        return
    shown = f"{low}-{high}"
    if not isinstance(low, int) or not isinstance(high, int):
        yield Refusal(INVALID, path, shown, "a port range needs min and max, both whole numbers", "Give both ends")
    elif not 1 <= low <= 65535 or not 1 <= high <= 65535:
        yield Refusal(INVALID, path, shown, "ports are from 1 to 65535", "Correct the range")
    elif low > high:
        yield Refusal(INVALID, path, shown, "min is greater than max", f"Write min {high} and max {low}")


def icmp_well_formed(resource: Resource, world: World) -> Iterator[Refusal]:
    """ICMP options have a type, and a type or code that fits a byte."""
    del world
    for entry in entries(resource):
        options = entry.rule.get("icmpOptions")
        if not isinstance(options, dict):
            continue
        if options.get("type") is None:
            yield Refusal(
                INVALID, entry.at("icmpOptions.type"), None, "ICMP options need a type", "Give type, as 3 with code 4"
            )
        for key in ("type", "code"):
            value = options.get(key)
            # The API writes -1 where no code was given.
            if isinstance(value, int) and not -1 <= value <= 255:
                yield Refusal(
                    INVALID, entry.at(f"icmpOptions.{key}"), value, "out of range", "Give a number from 0 to 255"
                )


def peers_well_formed(resource: Resource, world: World) -> Iterator[Refusal]:
    """The other side is a block, the label of a service, or in a group's rule another group, as its type says."""
    region = world.here()
    labels = {service.cidr_block for service in services_of(region)} if region else set()
    groups = resource.kind == NSG_RULE
    types = ("CIDR_BLOCK", "SERVICE_CIDR_BLOCK", *(("NETWORK_SECURITY_GROUP",) if groups else ()))
    for entry in entries(resource):
        peer, kind = entry.rule.get(entry.peer), entry.rule.get(f"{entry.peer}Type", "CIDR_BLOCK")
        if not isinstance(peer, str) or not isinstance(kind, str):
            continue
        where = entry.at(entry.peer)
        if kind not in types:
            yield Refusal(
                INVALID,
                entry.at(f"{entry.peer}Type"),
                kind,
                "there is no such type here",
                f"Write {' or '.join(types)}",
            )
        elif kind == "SERVICE_CIDR_BLOCK" and peer not in labels:
            yield Refusal(
                INVALID,
                where,
                peer,
                "SERVICE_CIDR_BLOCK needs the label of a service of this region, not a CIDR or a name",
                f"Write {' or '.join(sorted(labels))}",
            )
        elif kind == "CIDR_BLOCK" and ":" not in peer and parse_network(peer, strict=False) is None:
            yield Refusal(
                INVALID, where, peer, "this is not a CIDR block", "Write it like 10.0.0.0/16 or 203.0.113.7/32"
            )


def direction_fits(resource: Resource, world: World) -> Iterator[Refusal]:
    """A group's rule for ingress has a source, one for egress a destination."""
    del world
    direction = resource.inputs.get("direction")
    if not isinstance(direction, str):
        return
    wanted = {"INGRESS": "source", "EGRESS": "destination"}.get(direction)
    if wanted is None:
        yield Refusal(INVALID, "direction", direction, "there is no such direction", "Write INGRESS or EGRESS")
    elif resource.inputs.get(wanted) is None:
        yield Refusal(INVALID, wanted, None, f"a rule for {direction} needs a {wanted}", f"Give {wanted}")
