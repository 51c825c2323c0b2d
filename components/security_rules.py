"""Who may talk to whom in the VCN: one table of named rules, and the function that turns it into security lists.

The rows are those of the original system's two tables (TURN subnet and node list, API endpoint list) and of OKE's own
table for flannel clusters with private workers:
https://docs.oracle.com/iaas/Content/ContEng/Concepts/contengnetworkconfig.htm
No rule is stateless: a stateless one needs its counterpart for every answer, and none was measured to be needed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Any

import pulumi

from components import ports
from components.settings.network import NetworkSettings

PATH_MTU_DISCOVERY = (3, 4)
"""ICMP type and code of "fragmentation needed"; without it large packets vanish on paths with a smaller MTU."""


class Direction(StrEnum):
    """Seen from the subnet that a rule belongs to."""

    INGRESS = "ingress"
    EGRESS = "egress"


class Protocol(StrEnum):
    """Protocol numbers in the form that OCI takes."""

    ALL = "all"
    ICMP = "1"
    TCP = "6"
    UDP = "17"


class Place(StrEnum):
    """The subnets, and the other ends that a rule may name."""

    API = "api"
    LOAD_BALANCERS = "load_balancers"
    WORKERS = "workers"
    TURN = "turn"
    ADMINS = "admins"
    ANYWHERE = "anywhere"
    ORACLE_SERVICES = "oracle_services"
    TURN_ELSEWHERE = "turn_elsewhere"
    """Relays that are not the program's, where a stack names some."""


@dataclass(frozen=True)
class Rule:
    """One row: what the subnet `at` lets in from, or out to, `peer`."""

    at: Place
    direction: Direction
    peer: Place
    protocol: Protocol
    ports: tuple[int, int] | None
    """Destination ports, first and last; None is every port (for ICMP: path MTU discovery)."""
    name: str
    """Unique within its list and direction; OCI shows it as the rule's description."""


def _port(number: int) -> tuple[int, int]:
    return (number, number)


_IN, _OUT = Direction.INGRESS, Direction.EGRESS
_ALL, _ICMP, _TCP, _UDP = Protocol.ALL, Protocol.ICMP, Protocol.TCP, Protocol.UDP
_API, _LB, _WORKERS, _TURN = Place.API, Place.LOAD_BALANCERS, Place.WORKERS, Place.TURN
_ADMINS, _ANYWHERE, _SERVICES, _ELSEWHERE = Place.ADMINS, Place.ANYWHERE, Place.ORACLE_SERVICES, Place.TURN_ELSEWHERE
_K8S, _OKE, _PROXY = _port(ports.KUBERNETES_API), _port(ports.OKE_CONTROL_PLANE), _port(ports.KUBE_PROXY_HEALTH)

RULES: tuple[Rule, ...] = (
    # API endpoint
    Rule(_API, _IN, _WORKERS, _TCP, _K8S, "workers to Kubernetes API"),
    Rule(_API, _IN, _WORKERS, _TCP, _OKE, "workers to OKE control plane"),
    Rule(_API, _IN, _WORKERS, _ICMP, None, "path discovery from workers"),
    Rule(_API, _IN, _ADMINS, _TCP, _K8S, "people and CI to Kubernetes API"),
    Rule(_API, _IN, _TURN, _TCP, _K8S, "TURN nodes to Kubernetes API"),
    Rule(_API, _IN, _TURN, _TCP, _OKE, "TURN nodes to OKE control plane"),
    Rule(_API, _IN, _TURN, _ICMP, None, "path discovery from TURN nodes"),
    Rule(_API, _OUT, _SERVICES, _TCP, None, "control plane to OKE and other Oracle services"),
    Rule(_API, _OUT, _WORKERS, _TCP, None, "control plane to workers"),
    Rule(_API, _OUT, _WORKERS, _ICMP, None, "path discovery to workers"),
    Rule(_API, _OUT, _TURN, _TCP, None, "control plane to TURN nodes"),
    Rule(_API, _OUT, _TURN, _ICMP, None, "path discovery to TURN nodes"),
    # Workers
    Rule(_WORKERS, _IN, _WORKERS, _ALL, None, "pods on workers to pods on other workers"),
    Rule(_WORKERS, _IN, _API, _TCP, None, "control plane to workers"),
    Rule(_WORKERS, _IN, _ANYWHERE, _ICMP, None, "path discovery"),
    Rule(_WORKERS, _IN, _LB, _TCP, ports.NODE_PORTS, "load balancers to node ports by TCP"),
    Rule(_WORKERS, _IN, _LB, _UDP, ports.NODE_PORTS, "load balancers to node ports by UDP"),
    Rule(_WORKERS, _IN, _LB, _TCP, _PROXY, "load balancers' health checks of kube-proxy"),
    Rule(_WORKERS, _IN, _TURN, _ALL, None, "pods on TURN nodes to pods on workers"),
    Rule(_WORKERS, _OUT, _WORKERS, _ALL, None, "pods on workers to pods on other workers"),
    Rule(_WORKERS, _OUT, _API, _TCP, _K8S, "workers to Kubernetes API"),
    Rule(_WORKERS, _OUT, _API, _TCP, _OKE, "workers to OKE control plane"),
    Rule(_WORKERS, _OUT, _ANYWHERE, _ICMP, None, "path discovery"),
    Rule(_WORKERS, _OUT, _SERVICES, _TCP, None, "workers to OKE and other Oracle services"),
    Rule(_WORKERS, _OUT, _ANYWHERE, _TCP, None, "workers to the internet, for images"),
    Rule(_WORKERS, _OUT, _TURN, _ALL, None, "pods on workers to pods on TURN nodes"),
    Rule(_WORKERS, _OUT, _ELSEWHERE, _UDP, None, "media to TURN servers elsewhere"),
    # Load balancers
    Rule(_LB, _IN, _ANYWHERE, _TCP, _port(ports.HTTP), "players by HTTP"),
    Rule(_LB, _IN, _ANYWHERE, _TCP, _port(ports.HTTPS), "players by HTTPS"),
    Rule(_LB, _OUT, _WORKERS, _TCP, ports.NODE_PORTS, "node ports by TCP"),
    Rule(_LB, _OUT, _WORKERS, _UDP, ports.NODE_PORTS, "node ports by UDP"),
    Rule(_LB, _OUT, _WORKERS, _TCP, _PROXY, "health checks of kube-proxy"),
    # TURN
    Rule(_TURN, _IN, _ANYWHERE, _TCP, _port(ports.TURN), "STUN and TURN by TCP"),
    Rule(_TURN, _IN, _ANYWHERE, _UDP, _port(ports.TURN), "STUN and TURN by UDP"),
    Rule(_TURN, _IN, _ANYWHERE, _TCP, _port(ports.TURN_TLS), "TURN by TLS"),
    Rule(_TURN, _IN, _ANYWHERE, _TCP, ports.TURN_RELAY, "relayed connections by TCP"),
    Rule(_TURN, _IN, _ANYWHERE, _UDP, ports.TURN_RELAY, "relayed connections by UDP"),
    Rule(_TURN, _IN, _ANYWHERE, _ICMP, None, "path discovery"),
    Rule(_TURN, _IN, _WORKERS, _ALL, None, "pods on workers to pods on TURN nodes"),
    Rule(_TURN, _IN, _API, _TCP, None, "control plane to TURN nodes"),
    Rule(_TURN, _OUT, _WORKERS, _ALL, None, "pods on TURN nodes to pods on workers"),
    Rule(_TURN, _OUT, _API, _TCP, _K8S, "TURN nodes to Kubernetes API"),
    Rule(_TURN, _OUT, _API, _TCP, _OKE, "TURN nodes to OKE control plane"),
    Rule(_TURN, _OUT, _SERVICES, _TCP, None, "TURN nodes to OKE and other Oracle services"),
    Rule(_TURN, _OUT, _ANYWHERE, _ALL, None, "relayed media to players"),
)


def security_list(
    at: Place,
    network: NetworkSettings,
    services_label: pulumi.Input[str],
    turn_elsewhere: Sequence[IPv4Network] = (),
) -> dict[str, Any]:
    """The rules of one subnet's security list, as the provider takes them.

    `services_label` is the name under which OCI's routes and rules know all Oracle services of the region;
    `turn_elsewhere` are the networks of relays that are not the program's.
    """
    rules: dict[Direction, list[dict[str, Any]]] = {_IN: [], _OUT: []}
    for rule in RULES:
        if rule.at is at:
            peers = _peers(rule, network, services_label, turn_elsewhere)
            rules[rule.direction] += [_arguments(rule, peer) for peer in peers]
    return {"ingressSecurityRules": rules[_IN], "egressSecurityRules": rules[_OUT]}


def _peers(
    rule: Rule, network: NetworkSettings, services_label: pulumi.Input[str], turn_elsewhere: Sequence[IPv4Network]
) -> Iterator[pulumi.Input[str]]:
    match rule.peer:
        case Place.TURN_ELSEWHERE:
            yield from map(str, turn_elsewhere)
        case Place.ADMINS:
            yield from (str(admin) for admin in network.admin_cidrs)
        case Place.ANYWHERE:
            yield str(IPv4Network(0).supernet(new_prefix=0))
        case Place.ORACLE_SERVICES:
            yield services_label
        case subnet:
            yield str(getattr(network.subnets, subnet))


def _arguments(rule: Rule, peer: pulumi.Input[str]) -> dict[str, Any]:
    end = "source" if rule.direction is Direction.INGRESS else "destination"
    arguments: dict[str, Any] = {
        "description": rule.name,
        "protocol": rule.protocol.value,
        end: peer,
        f"{end}Type": "SERVICE_CIDR_BLOCK" if rule.peer is Place.ORACLE_SERVICES else "CIDR_BLOCK",
        "stateless": False,
    }
    if rule.protocol is Protocol.ICMP:
        arguments["icmpOptions"] = dict(zip(("type", "code"), PATH_MTU_DISCOVERY, strict=True))
    elif rule.ports:
        options = "tcpOptions" if rule.protocol is Protocol.TCP else "udpOptions"
        arguments[options] = dict(zip(("min", "max"), rule.ports, strict=True))
    return arguments
