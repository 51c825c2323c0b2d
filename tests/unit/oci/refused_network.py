"""Requests the simulated cloud refuses: networks, references and routes."""

from local.oci import kinds as k
from local.oci.refusal import INVALID, LIMIT, MISSING, NOT_FOUND
from tests.unit.oci.cloud import (
    ALL_SERVICES,
    COMPARTMENT,
    Cloud,
    Inputs,
    case,
    cluster,
    pool,
    route,
    route_table,
    subnet,
)

GONE = "ocid1.{}.oc1.fra.aaaaaaaagone"


def vcn(**changes: object) -> Inputs:
    return {"compartmentId": COMPARTMENT, "cidrBlocks": ["10.5.0.0/16"], **changes}


def in_vcn(cloud: Cloud, **changes: object) -> Inputs:
    return {"compartmentId": COMPARTMENT, "vcnId": cloud["vcn"], **changes}


def dns(**option: object) -> list[Inputs]:
    return [{"type": "DomainNameServer", **option}]


CASES = (
    # Addresses
    case("vcn too large", k.VCN, lambda c: vcn(cidrBlocks=["10.0.0.0/8"]), INVALID, "10.0.0.0/8", "/16 to /30"),
    case("vcn host bits", k.VCN, lambda c: vcn(cidrBlocks=["10.5.1.0/16"]), INVALID, "10.5.0.0", "10.5.0.0/16"),
    case("vcn no block", k.VCN, lambda c: vcn(cidrBlocks=["ten"]), INVALID, "cidrBlocks[0] = ten", "not an IPv4"),
    case("vcn link-local", k.VCN, lambda c: vcn(cidrBlocks=["169.254.0.0/16"]), INVALID, "reserved"),
    case("vcn without block", k.VCN, lambda c: {"compartmentId": COMPARTMENT}, MISSING, "cidrBlock or cidrBlocks"),
    case(
        "vcn blocks overlap",
        k.VCN,
        lambda c: vcn(cidrBlocks=["10.5.0.0/16", "10.5.8.0/24"]),
        INVALID,
        "10.5.8.0/24",
        "overlaps 10.5.0.0/16",
    ),
    case(
        "vcn blocks twice",
        k.VCN,
        lambda c: vcn(cidrBlock="10.6.0.0/16"),
        INVALID,
        "cidrBlock conflicts with cidrBlocks",
    ),
    case("vcn six blocks", k.VCN, lambda c: vcn(cidrBlocks=[f"10.{n}.0.0/16" for n in range(6)]), LIMIT, "at most 5"),
    case(
        "subnet outside", k.SUBNET, lambda c: subnet(c, cidrBlock="10.1.0.0/24"), INVALID, "not within", "10.0.0.0/16"
    ),
    case(
        "subnet overlaps",
        k.SUBNET,
        lambda c: subnet(c, cidrBlock="10.0.1.128/25"),
        INVALID,
        "overlaps 10.0.1.0/24",
        "public",
    ),
    case("subnet too small", k.SUBNET, lambda c: subnet(c, cidrBlock="10.0.50.0/31"), INVALID, "/16 to /30"),
    # Names
    case(
        "label with hyphen",
        k.SUBNET,
        lambda c: subnet(c, dnsLabel="load-lb"),
        INVALID,
        "dnsLabel = load-lb",
        "hyphens",
    ),
    case("label too long", k.VCN, lambda c: vcn(dnsLabel="a" * 16), INVALID, "15 letters"),
    case("label taken", k.SUBNET, lambda c: subnet(c, dnsLabel="Public"), INVALID, "duplicate", "public"),
    # References
    case("no such vcn", k.SUBNET, lambda c: subnet(c, vcnId=GONE.format("vcn")), NOT_FOUND, "vcnId", "no vcn"),
    case(
        "no such list",
        k.SUBNET,
        lambda c: subnet(c, securityListIds=[GONE.format("securitylist")]),
        NOT_FOUND,
        "[0]",
    ),
    case(
        "no such gateway",
        k.ROUTE_TABLE,
        lambda c: route_table(c, route(GONE.format("natgateway"), "0.0.0.0/0")),
        NOT_FOUND,
        "networkEntityId",
    ),
    case("no such cluster", k.NODE_POOL, lambda c: pool(c, clusterId=GONE.format("cluster")), NOT_FOUND, "no cluster"),
    case(
        "wrong type",
        k.SUBNET,
        lambda c: subnet(c, routeTableId=c["public"]),
        INVALID,
        "this is a subnet",
        "routetable",
    ),
    case("no ocid", k.SUBNET, lambda c: subnet(c, vcnId="main"), INVALID, "vcnId = main", "not an OCID"),
    case(
        "other vcn's table",
        k.SUBNET,
        lambda c: subnet(c, routeTableId=c["other_table"]),
        INVALID,
        "VCN other",
        "VCN main",
    ),
    case(
        "endpoint in other vcn",
        k.CLUSTER,
        lambda c: cluster(c, endpointConfig={"subnetId": c["other_subnet"]}),
        INVALID,
        "endpointConfig.subnetId",
        "VCN other",
    ),
    case(
        "pool in other vcn",
        k.NODE_POOL,
        lambda c: pool(c, {"subnetId": c["other_subnet"]}),
        INVALID,
        "placementConfigs[0].subnetId",
        "VCN other",
    ),
    case("compartment by name", k.VCN, lambda c: vcn(compartmentId="games"), INVALID, "compartmentId = games"),
    case(
        "default of nobody",
        k.DEFAULT_SECURITY_LIST,
        lambda c: {"manageDefaultResourceId": GONE.format("securitylist")},
        NOT_FOUND,
        "manageDefaultResourceId",
    ),
    case(
        "default that is none",
        k.DEFAULT_SECURITY_LIST,
        lambda c: {"manageDefaultResourceId": c["list"]},
        INVALID,
        "manageDefaultResourceId",
    ),
    # Gateways and routes
    case("second internet gateway", k.INTERNET_GATEWAY, in_vcn, LIMIT, "internet gateway", "limit is 1"),
    case("second nat gateway", k.NAT_GATEWAY, in_vcn, LIMIT, "NAT gateway"),
    case(
        "service by name",
        k.SERVICE_GATEWAY,
        lambda c: in_vcn(c, vcnId=c["other_vcn"], services=[{"serviceId": ALL_SERVICES.name}]),
        NOT_FOUND,
        "serviceId",
        "getServices",
    ),
    case(
        "internet and all services",
        k.ROUTE_TABLE,
        lambda c: route_table(
            c, route(c["igw"], "0.0.0.0/0"), route(c["sgw"], ALL_SERVICES.cidr_block, "SERVICE_CIDR_BLOCK")
        ),
        INVALID,
        "internet gateway",
        "all Oracle services",
    ),
    case(
        "two default routes",
        k.ROUTE_TABLE,
        lambda c: route_table(c, route(c["igw"], "0.0.0.0/0"), route(c["nat"], "0.0.0.0/0")),
        INVALID,
        "routeRules[1]",
        "one default route",
    ),
    case(
        "route block to service gateway",
        k.ROUTE_TABLE,
        lambda c: route_table(c, route(c["sgw"], "10.0.0.0/8")),
        INVALID,
        "destinationType",
        "SERVICE_CIDR_BLOCK",
    ),
    case(
        "route label to nat",
        k.ROUTE_TABLE,
        lambda c: route_table(c, route(c["nat"], ALL_SERVICES.cidr_block, "SERVICE_CIDR_BLOCK")),
        INVALID,
        "Use CIDR_BLOCK",
    ),
    case(
        "route service block is CIDR",
        k.ROUTE_TABLE,
        lambda c: route_table(c, route(c["sgw"], "10.0.0.0/8", "SERVICE_CIDR_BLOCK")),
        INVALID,
        "destination = 10.0.0.0/8",
        "all-fra-services",
    ),
    case(
        "route to nowhere",
        k.ROUTE_TABLE,
        lambda c: route_table(c, route(c["nat"], "internet")),
        INVALID,
        "not a CIDR",
    ),
    case(
        "route type",
        k.ROUTE_TABLE,
        lambda c: route_table(c, route(c["nat"], "0.0.0.0/0", "CIDR")),
        INVALID,
        "no such type",
    ),
    case(
        "route without target",
        k.ROUTE_TABLE,
        lambda c: route_table(c, {"destination": "0.0.0.0/0"}),
        MISSING,
        "routeRules[0].networkEntityId",
    ),
    # DHCP options
    case(
        "dns server type",
        k.DHCP_OPTIONS,
        lambda c: in_vcn(c, options=dns(serverType="Google")),
        INVALID,
        "options[0].serverType",
    ),
    case(
        "custom dns without address",
        k.DHCP_OPTIONS,
        lambda c: in_vcn(c, options=dns(serverType="CustomDnsServer")),
        MISSING,
        "customDnsServers",
    ),
    case(
        "option type",
        k.DHCP_OPTIONS,
        lambda c: in_vcn(c, options=[{"type": "Ntp"}]),
        INVALID,
        "options[0].type = Ntp",
    ),
)
