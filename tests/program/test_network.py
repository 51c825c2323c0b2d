"""The network of every stack, against the tables of the original system and of OKE, row by row."""

from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

import pytest

from components.settings import Settings
from components.settings.cluster import Endpoint
from tests.program.recording import SERVICES, Record, record_of

ALL_SERVICES = SERVICES[1]["cidrBlock"]

Row = tuple[str, str, str, str, str]
"""List, direction, other end, protocol, ports (or ICMP type and code)."""

ORIGINAL: list[Row] = [
    # "Assign/update the existing node security list for the TURN subnet CIDR block"
    ("workers", "ingress", "turn", "all", "*"),
    ("workers", "egress", "turn", "all", "*"),
    ("turn", "ingress", "0.0.0.0/0", "tcp", "3478"),
    ("turn", "ingress", "0.0.0.0/0", "udp", "3478"),
    ("turn", "ingress", "0.0.0.0/0", "tcp", "49152-65535"),
    ("turn", "ingress", "0.0.0.0/0", "udp", "49152-65535"),
    # "Update K8s API endpoint security list to include ingress/egress to the turn CIDR block"
    ("api", "ingress", "turn", "tcp", "6443"),
    ("api", "ingress", "turn", "tcp", "12250"),
    ("api", "ingress", "turn", "icmp", "3,4"),
    ("api", "egress", "turn", "icmp", "3,4"),
    ("api", "egress", "turn", "tcp", "*"),
]

OKE: list[Row] = [
    # https://docs.oracle.com/iaas/Content/ContEng/Concepts/contengnetworkconfig.htm, flannel, private workers
    ("api", "ingress", "workers", "tcp", "6443"),
    ("api", "ingress", "workers", "tcp", "12250"),
    ("api", "ingress", "workers", "icmp", "3,4"),
    ("api", "ingress", "admins", "tcp", "6443"),
    ("api", "egress", "services", "tcp", "*"),
    ("api", "egress", "workers", "tcp", "*"),
    ("api", "egress", "workers", "icmp", "3,4"),
    ("workers", "ingress", "workers", "all", "*"),
    ("workers", "ingress", "api", "tcp", "*"),
    ("workers", "ingress", "0.0.0.0/0", "icmp", "3,4"),
    ("workers", "ingress", "load_balancers", "tcp", "30000-32767"),
    ("workers", "ingress", "load_balancers", "udp", "30000-32767"),
    ("workers", "ingress", "load_balancers", "tcp", "10256"),
    ("workers", "egress", "workers", "all", "*"),
    ("workers", "egress", "api", "tcp", "6443"),
    ("workers", "egress", "api", "tcp", "12250"),
    ("workers", "egress", "0.0.0.0/0", "icmp", "3,4"),
    ("workers", "egress", "services", "tcp", "*"),
    ("workers", "egress", "0.0.0.0/0", "tcp", "*"),
    ("load_balancers", "ingress", "0.0.0.0/0", "tcp", "80"),
    ("load_balancers", "ingress", "0.0.0.0/0", "tcp", "443"),
    ("load_balancers", "egress", "workers", "tcp", "30000-32767"),
    ("load_balancers", "egress", "workers", "udp", "30000-32767"),
    ("load_balancers", "egress", "workers", "tcp", "10256"),
    ("turn", "ingress", "0.0.0.0/0", "tcp", "5349"),
    ("turn", "ingress", "0.0.0.0/0", "icmp", "3,4"),
    ("turn", "ingress", "workers", "all", "*"),
    ("turn", "ingress", "api", "tcp", "*"),
    ("turn", "egress", "workers", "all", "*"),
    ("turn", "egress", "api", "tcp", "6443"),
    ("turn", "egress", "api", "tcp", "12250"),
    ("turn", "egress", "services", "tcp", "*"),
    ("turn", "egress", "0.0.0.0/0", "all", "*"),
]

PROTOCOLS = {"all": "all", "1": "icmp", "6": "tcp", "17": "udp"}


def ends(its: Settings, end: str) -> list[str]:
    if end == "admins":
        return [str(cidr) for cidr in its.network.admin_cidrs]
    if end == "services":
        return [ALL_SERVICES]
    return [end] if "/" in end else [str(getattr(its.network.subnets, end))]


def rows(record: Record, its: Settings) -> Iterator[Row]:
    """Every rule that the program registered, in the form of the tables."""
    for name, _ in its.network.subnets.items():
        rules = record.one("oci:Core/securityList:SecurityList", displayName=list_name(its, name)).inputs
        for direction, end in (("ingress", "source"), ("egress", "destination")):
            for rule in rules[f"{direction}SecurityRules"]:
                yield name, direction, rule[end], PROTOCOLS[rule["protocol"]], ports_of(rule)


def list_name(its: Settings, subnet: str) -> str:
    return f"{its.cluster.name}-{subnet.replace('_', '-')}-rules"


def ports_of(rule: dict[str, Any]) -> str:
    if icmp := rule.get("icmpOptions"):
        return f"{icmp['type']:.0f},{icmp['code']:.0f}"
    options = rule.get("tcpOptions") or rule.get("udpOptions")
    if not options:
        return "*"
    first, last = f"{options['min']:.0f}", f"{options['max']:.0f}"
    return first if first == last else f"{first}-{last}"


@pytest.mark.parametrize("row", ORIGINAL + OKE, ids=" ".join)
def test_every_row_is_there(record: Record, its: Settings, row: Row) -> None:
    at, direction, end, protocol, ports = row
    present = set(rows(record, its))
    for cidr in ends(its, end):
        assert (at, direction, cidr, protocol, ports) in present


def test_no_row_is_there_that_no_table_has(record: Record, its: Settings) -> None:
    wanted = sorted(
        (at, way, cidr, protocol, ports) for at, way, end, protocol, ports in ORIGINAL + OKE for cidr in ends(its, end)
    )
    assert sorted(rows(record, its)) == wanted


def test_rules_are_well_formed(record: Record) -> None:
    for each in record.of("oci:Core/securityList:SecurityList"):
        for end, direction in (("source", "ingress"), ("destination", "egress")):
            rules = each.inputs[f"{direction}SecurityRules"]
            assert 0 < len(rules) <= 200
            for rule in rules:
                assert rule["stateless"] is False
                service = rule[end] == ALL_SERVICES
                assert rule[f"{end}Type"] == ("SERVICE_CIDR_BLOCK" if service else "CIDR_BLOCK")
                assert rule["description"]
                assert ("tcpOptions" not in rule) or rule["protocol"] == "6"
                assert ("udpOptions" not in rule) or rule["protocol"] == "17"
                assert ("icmpOptions" in rule) == (rule["protocol"] == "1")


def test_the_default_list_is_emptied(record: Record) -> None:
    (default,) = record.of("oci:Core/defaultSecurityList:DefaultSecurityList")
    assert default.inputs["manageDefaultResourceId"] == "network-vcn-default-security-list"
    assert default.inputs["ingressSecurityRules"] == default.inputs["egressSecurityRules"] == []


def test_subnets_lie_apart_in_the_vcn(record: Record, its: Settings) -> None:
    (vcn,) = record.of("oci:Core/vcn:Vcn")
    assert vcn.inputs["cidrBlocks"] == [str(its.network.cidr)]
    blocks = [IPv4Network(subnet.inputs["cidrBlock"]) for subnet in record.of("oci:Core/subnet:Subnet")]
    assert len(blocks) == 4
    assert all(block.subnet_of(its.network.cidr) for block in blocks)
    assert not any(a.overlaps(b) for i, a in enumerate(blocks) for b in blocks[:i])


@pytest.mark.parametrize("original", ["local", "staging-eu-frankfurt-1"])
def test_the_originals_addresses_are_kept(original: str) -> None:
    blocks = {each.name: each.inputs["cidrBlock"] for each in record_of(original).of("oci:Core/subnet:Subnet")}
    assert blocks["network-workers-subnet"] == "10.0.10.0/24"
    assert blocks["network-turn-subnet"] == "10.0.30.0/24"


def subnet(record: Record, its: Settings, name: str) -> Any:
    return record.one("oci:Core/subnet:Subnet", displayName=f"{its.cluster.name}-{name.replace('_', '-')}-subnet")


def test_only_turn_load_balancers_and_a_public_api_are_public(record: Record, its: Settings) -> None:
    public = {"turn", "load_balancers"} | ({"api"} if its.cluster.endpoint is Endpoint.PUBLIC else set())
    for name, _ in its.network.subnets.items():
        inputs = subnet(record, its, name).inputs
        assert inputs["prohibitPublicIpOnVnic"] is (name not in public)
        assert inputs["prohibitInternetIngress"] is (name not in public)
        assert inputs["routeTableId"] == f"network-{'public' if name in public else 'private'}-routes-id"
        assert inputs["securityListIds"] == [f"network-{name.replace('_', '-')}-rules-id"]
        assert inputs["dhcpOptionsId"] == "network-dhcp-options-id"
        assert "availabilityDomain" not in inputs
    cluster = record.one("oci:ContainerEngine/cluster:Cluster").inputs
    assert cluster["endpointConfig"]["isPublicIpEnabled"] is ("api" in public)


def test_no_route_table_has_internet_and_service_gateway(record: Record) -> None:
    tables = {
        each.name: {rule["networkEntityId"]: rule["destination"] for rule in each.inputs["routeRules"]}
        for each in record.of("oci:Core/routeTable:RouteTable")
    }
    assert tables == {
        "network-public-routes": {"network-internet-gateway-id": "0.0.0.0/0"},
        "network-private-routes": {"network-nat-gateway-id": "0.0.0.0/0", "network-service-gateway-id": ALL_SERVICES},
    }
    (gateway,) = record.of("oci:Core/serviceGateway:ServiceGateway")
    assert gateway.inputs["services"] == [{"serviceId": SERVICES[1]["id"]}]


def test_names_resolve_in_the_vcn_and_beyond(record: Record) -> None:
    (options,) = record.of("oci:Core/dhcpOptions:DhcpOptions")
    assert {"type": "DomainNameServer", "serverType": "VcnLocalPlusInternet"} in options.inputs["options"]
    assert {"type": "SearchDomain", "searchDomainNames": ["asmade.oraclevcn.com"]} in options.inputs["options"]
    labels = [each.inputs["dnsLabel"] for each in record.resources if "dnsLabel" in each.inputs]
    assert len(labels) == 5
    assert all(label.isalnum() and label[0].isalpha() and len(label) <= 15 for label in labels)


def test_another_name_of_the_cluster_makes_no_other_network(record: Record) -> None:
    """The VCN's label is made of it, and OCI changes no label."""
    for vcn in record.of("oci:Core/vcn:Vcn"):
        assert vcn.ignore_changes == ("dnsLabel",)
