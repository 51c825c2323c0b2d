"""Rules for route tables.

Source: https://docs.oracle.com/en-us/iaas/Content/Network/Tasks/managingroutetables.htm and, for internet and service
gateway in one table, https://docs.oracle.com/en-us/iaas/Content/Network/Tasks/servicegateway.htm.
"""

from collections.abc import Iterator
from typing import Any

from local.oci.kinds import INTERNET_GATEWAY, ROUTE_TARGETS, SERVICE_GATEWAY
from local.oci.model import Resource, World
from local.oci.refusal import INVALID, LIMIT, Refusal
from local.oci.rules.network import parse_network
from local.oci.services import all_services_label, services_of

MOST_RULES = 200
TO_SERVICE = "SERVICE_CIDR_BLOCK"
TO_BLOCK = "CIDR_BLOCK"

Entry = dict[str, Any]


def entries(resource: Resource) -> list[tuple[str, Entry]]:
    """Every route rule with its path."""
    rules = resource.inputs.get("routeRules")
    listed = rules if isinstance(rules, list) else []
    return [(f"routeRules[{index}]", rule) for index, rule in enumerate(listed) if isinstance(rule, dict)]


def destination(rule: Entry) -> object:
    """Where a rule leads; ``cidrBlock`` is its older name."""
    return rule.get("destination", rule.get("cidrBlock"))


def routes_few(resource: Resource, world: World) -> Iterator[Refusal]:
    """A route table has at most 200 rules."""
    del world
    if len(found := entries(resource)) > MOST_RULES:
        yield Refusal(LIMIT, "routeRules", len(found), f"a table has at most {MOST_RULES} rules", "Join destinations")


def destinations_well_formed(resource: Resource, world: World) -> Iterator[Refusal]:
    """A destination is a block, or the label of a service of this region, as its type says."""
    region = world.here()
    labels = {service.cidr_block for service in services_of(region)} if region else set()
    for path, rule in entries(resource):
        to, kind = destination(rule), rule.get("destinationType", TO_BLOCK)
        if not isinstance(to, str) or not isinstance(kind, str):
            continue
        where = f"{path}.destination"
        if kind not in (TO_BLOCK, TO_SERVICE):
            yield Refusal(
                INVALID, f"{path}.destinationType", kind, "there is no such type", f"Write {TO_BLOCK} or {TO_SERVICE}"
            )
        elif kind == TO_SERVICE and to not in labels:
            yield Refusal(
                INVALID,
                where,
                to,
                f"{TO_SERVICE} needs the label of a service of this region",
                f"Write {' or '.join(sorted(labels))}",
            )
        elif kind == TO_BLOCK and ":" not in to and parse_network(to) is None:
            yield Refusal(
                INVALID,
                where,
                to,
                "this is not a CIDR block",
                f"Write it like 0.0.0.0/0, or use {TO_SERVICE} for a label",
            )


def destinations_once(resource: Resource, world: World) -> Iterator[Refusal]:
    """No two rules of a table have the same destination, so that there is one default route at most."""
    del world
    seen: dict[object, str] = {}
    for path, rule in entries(resource):
        to = destination(rule)
        if not isinstance(to, str):
            continue
        if to in seen:
            problem = f"{seen[to]} has this destination too"
            if to == "0.0.0.0/0":
                problem += ", and a table has one default route"
            yield Refusal(INVALID, f"{path}.destination", to, problem, "Keep one of the rules")
        seen.setdefault(to, path)


def targets_fit(resource: Resource, world: World) -> Iterator[Refusal]:
    """Service labels go to a service gateway, and nothing else does."""
    for path, rule in entries(resource):
        target = world.one(rule.get("networkEntityId"), *ROUTE_TARGETS)
        kind = rule.get("destinationType", TO_BLOCK)
        if target is None or not isinstance(kind, str):
            continue
        if (kind == TO_SERVICE) != (target.kind == SERVICE_GATEWAY):
            wanted = TO_SERVICE if target.kind == SERVICE_GATEWAY else TO_BLOCK
            name = target.get("displayName") or target.identity
            yield Refusal(
                INVALID,
                f"{path}.destinationType",
                kind,
                f"the rule's target is {name}",
                f"Use {wanted} with this gateway",
            )


def gateways_apart(resource: Resource, world: World) -> Iterator[Refusal]:
    """A table with a rule for an internet gateway has none for all services through a service gateway."""
    region = world.here()
    label = all_services_label(region) if region else None
    to_internet = any(_kind(rule, world) == INTERNET_GATEWAY for _, rule in entries(resource))
    for path, rule in entries(resource):
        if to_internet and destination(rule) == label:
            yield Refusal(
                INVALID,
                f"{path}.destination",
                label,
                "a route table with a rule for an internet gateway cannot have one for all Oracle services",
                "Put the service gateway into the private subnets' table, beside the NAT gateway",
            )


def _kind(rule: Entry, world: World) -> str | None:
    # Which gateway an unknown id will be is certain only for a service label, or where the plan holds no other target.
    candidates = world.could_be(rule.get("networkEntityId"), *ROUTE_TARGETS)
    if rule.get("destinationType", TO_BLOCK) != TO_SERVICE:
        candidates = tuple(each for each in candidates if each.kind != SERVICE_GATEWAY)
    kinds = {each.kind for each in candidates}
    return kinds.pop() if len(kinds) == 1 else None
