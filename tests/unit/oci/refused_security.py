"""Requests the simulated cloud refuses: security rules, public addresses, identity and registry."""

from local.oci import kinds as k
from local.oci.refusal import INVALID, LIMIT, MISSING
from tests.unit.oci.cloud import COMPARTMENT, TENANCY, Cloud, Inputs, case, policy, security_list, subnet


def tcp(**changes: object) -> Inputs:
    return {"protocol": "6", "source": "0.0.0.0/0", **changes}


def balancer(cloud: Cloud, **changes: object) -> Inputs:
    bandwidth = {"minimumBandwidthInMbps": 10, "maximumBandwidthInMbps": 100}
    return {
        "compartmentId": COMPARTMENT,
        "displayName": "lb",
        "shape": "flexible",
        "shapeDetails": bandwidth,
        "subnetIds": [cloud["public"]],
        **changes,
    }


def instance(cloud: Cloud, **changes: object) -> Inputs:
    return {
        "compartmentId": COMPARTMENT,
        "availabilityDomain": "abCD:EU-FRANKFURT-1-AD-3",
        "shape": "VM.GPU.A10.1",
        "createVnicDetails": {"subnetId": cloud["private"], "assignPublicIp": "false"},
        **changes,
    }


CASES = (
    # Security rules
    case(
        "icmp options on tcp",
        k.SECURITY_LIST,
        lambda c: security_list(c, tcp(icmpOptions={"type": 3})),
        INVALID,
        "icmpOptions in a rule for TCP",
    ),
    case(
        "tcp options on icmp",
        k.SECURITY_LIST,
        lambda c: security_list(c, tcp(protocol="1", tcpOptions={"min": 1, "max": 2})),
        INVALID,
        "tcpOptions in a rule for ICMP",
    ),
    case(
        "tcp options on all",
        k.SECURITY_LIST,
        lambda c: security_list(c, tcp(protocol="all", tcpOptions={"min": 1, "max": 2})),
        INVALID,
        "all protocols",
    ),
    case(
        "udp options on tcp",
        k.SECURITY_LIST,
        lambda c: security_list(c, tcp(udpOptions={"min": 1, "max": 2})),
        INVALID,
        "udpOptions",
    ),
    case(
        "protocol by name",
        k.SECURITY_LIST,
        lambda c: security_list(c, tcp(protocol="tcp")),
        INVALID,
        "protocol = tcp",
        '"6" TCP',
    ),
    case(
        "ports reversed",
        k.SECURITY_LIST,
        lambda c: security_list(c, tcp(tcpOptions={"min": 90, "max": 80})),
        INVALID,
        "90-80",
        "greater",
    ),
    case(
        "port out of range",
        k.SECURITY_LIST,
        lambda c: security_list(c, tcp(tcpOptions={"min": 1, "max": 70000})),
        INVALID,
        "1-70000",
        "65535",
    ),
    case(
        "one port end",
        k.SECURITY_LIST,
        lambda c: security_list(c, tcp(tcpOptions={"min": 80})),
        INVALID,
        "min and max",
    ),
    case(
        "source ports reversed",
        k.SECURITY_LIST,
        lambda c: security_list(c, tcp(tcpOptions={"sourcePortRange": {"min": 9, "max": 8}})),
        INVALID,
        "tcpOptions.sourcePortRange",
    ),
    case(
        "icmp without type",
        k.SECURITY_LIST,
        lambda c: security_list(c, tcp(protocol="1", icmpOptions={"code": 4})),
        INVALID,
        "need a type",
    ),
    case(
        "source no block",
        k.SECURITY_LIST,
        lambda c: security_list(c, tcp(source="10.0.0.0/40")),
        INVALID,
        "source = 10.0.0.0/40",
    ),
    case(
        "bare address",
        k.SECURITY_LIST,
        lambda c: security_list(c, tcp(source="203.0.113.7")),
        INVALID,
        "203.0.113.7/32",
    ),
    case(
        "service source is CIDR",
        k.SECURITY_LIST,
        lambda c: security_list(c, tcp(sourceType="SERVICE_CIDR_BLOCK")),
        INVALID,
        "SERVICE_CIDR_BLOCK needs the label",
        "all-fra-services",
    ),
    case(
        "service of another region",
        k.SECURITY_LIST,
        lambda c: security_list(
            c,
            egress=[
                {
                    "protocol": "6",
                    "destination": "all-iad-services-in-oracle-services-network",
                    "destinationType": "SERVICE_CIDR_BLOCK",
                }
            ],
        ),
        INVALID,
        "egressSecurityRules[0].destination",
        "all-fra-services",
    ),
    case(
        "rule without source",
        k.SECURITY_LIST,
        lambda c: security_list(c, {"protocol": "6"}),
        MISSING,
        "ingressSecurityRules[0].source",
    ),
    case(
        "201 rules",
        k.SECURITY_LIST,
        lambda c: security_list(c, *[tcp()] * 201),
        LIMIT,
        "ingressSecurityRules = 201",
        "200",
    ),
    case("six lists", k.SUBNET, lambda c: subnet(c, securityListIds=[c["list"]] * 6), LIMIT, "at most 5"),
    # Public addresses and load balancers
    case(
        "public balancer in private subnet",
        k.LOAD_BALANCER,
        lambda c: balancer(c, subnetIds=[c["private"]]),
        INVALID,
        "isPrivate",
        "prohibits public",
    ),
    case(
        "public network balancer in private subnet",
        k.NETWORK_LOAD_BALANCER,
        lambda c: {"compartmentId": COMPARTMENT, "displayName": "nlb", "subnetId": c["private"]},
        INVALID,
        "prohibits public",
    ),
    case(
        "flexible without bandwidth",
        k.LOAD_BALANCER,
        lambda c: balancer(c, shapeDetails=None),
        MISSING,
        "shapeDetails",
    ),
    case(
        "bandwidth reversed",
        k.LOAD_BALANCER,
        lambda c: balancer(c, shapeDetails={"minimumBandwidthInMbps": 100, "maximumBandwidthInMbps": 10}),
        INVALID,
        "100-10",
    ),
    case("balancer shape", k.LOAD_BALANCER, lambda c: balancer(c, shape="1Gbps"), INVALID, "1Gbps", "flexible"),
    case(
        "public instance in private subnet",
        k.INSTANCE,
        lambda c: instance(c, createVnicDetails={"subnetId": c["private"], "assignPublicIp": "true"}),
        INVALID,
        "assignPublicIp",
        "prohibits public",
    ),
    case(
        "address lifetime",
        k.PUBLIC_IP,
        lambda c: {"compartmentId": COMPARTMENT, "lifetime": "FOREVER"},
        INVALID,
        "FOREVER",
    ),
    case(
        "ephemeral alone",
        k.PUBLIC_IP,
        lambda c: {"compartmentId": COMPARTMENT, "lifetime": "EPHEMERAL"},
        MISSING,
        "privateIpId",
    ),
    # Identity and registry
    case(
        "statement",
        k.POLICY,
        lambda c: policy("Let group A use vnics in tenancy"),
        INVALID,
        "statements[0]",
        "starts with Allow",
    ),
    case(
        "statement without place",
        k.POLICY,
        lambda c: policy("Allow group A to use vnics"),
        INVALID,
        "Correct the part",
    ),
    case(
        "statement verb",
        k.POLICY,
        lambda c: policy("Allow group A to write vnics in tenancy"),
        INVALID,
        "inspect|read|use|manage",
    ),
    case(
        "51 statements",
        k.POLICY,
        lambda c: policy(*["Allow group A to use vnics in tenancy"] * 51),
        LIMIT,
        "at most 50",
    ),
    case("no statements", k.POLICY, lambda c: policy(), MISSING, "statements"),
    case(
        "policy name",
        k.POLICY,
        lambda c: policy("Allow group A to use vnics in tenancy", name="a b"),
        INVALID,
        "name = a b",
    ),
    case(
        "group in compartment",
        k.DYNAMIC_GROUP,
        lambda c: {"compartmentId": COMPARTMENT, "name": "g", "description": "d", "matchingRule": "ALL {a = 'b'}"},
        INVALID,
        "root compartment",
    ),
    case(
        "matching rule",
        k.DYNAMIC_GROUP,
        lambda c: {"compartmentId": TENANCY, "name": "g", "description": "d", "matchingRule": "everything"},
        INVALID,
        "matchingRule = everything",
    ),
    case(
        "repository name",
        k.CONTAINER_REPOSITORY,
        lambda c: {"compartmentId": COMPARTMENT, "displayName": "Pixel/Streamer"},
        INVALID,
        "lower-case",
    ),
)
