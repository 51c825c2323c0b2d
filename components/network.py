"""The network of one environment: VCN, gateways, route tables, security lists, and the four subnets.

It deliberately has no network security groups: the rules are those of whole subnets, as in the original system, and
the union of two mechanisms is harder to read than one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

import pulumi

from components import oci
from components.oci import OciResource, invoke
from components.security_rules import Place, security_list
from components.settings.network import NetworkSettings

_INTERNET = "0.0.0.0/0"
_ALL_SERVICES = re.compile(r"All .* Services In Oracle Services Network")


@dataclass
class NetworkArgs:
    """What the network is made from."""

    compartment: str
    name: str
    """Prefix of every display name."""
    settings: NetworkSettings
    public_api: bool
    protect: bool
    tags: Mapping[str, str]
    turn_elsewhere: Sequence[IPv4Network] = ()
    """Networks of relays that are not the program's, to which instances send media."""


class Network(pulumi.ComponentResource):
    """VCN, gateways, routes, rules and subnets."""

    vcn_id: pulumi.Output[str]
    api_subnet_id: pulumi.Output[str]
    load_balancers_subnet_id: pulumi.Output[str]
    workers_subnet_id: pulumi.Output[str]
    turn_subnet_id: pulumi.Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:network:Network", name, None, opts)
        self._name = name
        self._args = args
        vcn = self._vcn()
        self.vcn_id = vcn.id
        services = invoke(oci.GET_SERVICES, {}, self).apply(lambda answer: all_services(answer["services"]))
        public, private = self._route_tables(services)
        dhcp_options = self._dhcp_options(vcn)
        # OCI's own list lets everyone in by SSH, and a subnet made by hand would fall back on it.
        self._make(
            oci.DEFAULT_SECURITY_LIST,
            "default-rules",
            {
                "manageDefaultResourceId": vcn.output("defaultSecurityListId"),
                "ingressSecurityRules": [],
                "egressSecurityRules": [],
            },
            in_vcn=False,
        )

        def subnet(at: Place, *, public_addresses: bool) -> pulumi.Output[str]:
            rules = security_list(at, args.settings, services["cidrBlock"], args.turn_elsewhere)
            security = self._make(oci.SECURITY_LIST, f"{at}-rules", rules)
            return self._subnet(at, security, dhcp_options, public if public_addresses else private, public_addresses)

        self.api_subnet_id = subnet(Place.API, public_addresses=args.public_api)
        self.load_balancers_subnet_id = subnet(Place.LOAD_BALANCERS, public_addresses=True)
        self.workers_subnet_id = subnet(Place.WORKERS, public_addresses=False)
        self.turn_subnet_id = subnet(Place.TURN, public_addresses=True)
        self.register_outputs(
            {
                "vcnId": self.vcn_id,
                "apiSubnetId": self.api_subnet_id,
                "loadBalancersSubnetId": self.load_balancers_subnet_id,
                "workersSubnetId": self.workers_subnet_id,
                "turnSubnetId": self.turn_subnet_id,
            }
        )

    def _vcn(self) -> OciResource:
        inputs = {"cidrBlocks": [str(self._args.settings.cidr)], "dnsLabel": dns_label(self._args.name)}
        return self._make(
            oci.VCN,
            "vcn",
            inputs,
            in_vcn=False,
            protect=self._args.protect,
            # OCI never changes it: under another name of the cluster everything would be made anew.
            ignore_changes=["dnsLabel"],
            outputs=["defaultSecurityListId", "vcnDomainName"],
        )

    def _route_tables(self, services: pulumi.Output[Any]) -> tuple[OciResource, OciResource]:
        """A public and a private table. OCI refuses internet and service gateway in one table, so no table has both."""
        internet = self._make(oci.INTERNET_GATEWAY, "internet-gateway", {"enabled": True})
        nat = self._make(oci.NAT_GATEWAY, "nat-gateway", {"blockTraffic": False})
        service = self._make(oci.SERVICE_GATEWAY, "service-gateway", {"services": [{"serviceId": services["id"]}]})
        public = [_route(internet, _INTERNET, "CIDR_BLOCK", "internet, both ways")]
        private = [
            _route(nat, _INTERNET, "CIDR_BLOCK", "internet, outwards only"),
            _route(service, services["cidrBlock"], "SERVICE_CIDR_BLOCK", "Oracle services, not by the internet"),
        ]
        return (
            self._make(oci.ROUTE_TABLE, "public-routes", {"routeRules": public}),
            self._make(oci.ROUTE_TABLE, "private-routes", {"routeRules": private}),
        )

    def _dhcp_options(self, vcn: OciResource) -> OciResource:
        options = [
            {"type": "DomainNameServer", "serverType": "VcnLocalPlusInternet"},
            {"type": "SearchDomain", "searchDomainNames": [vcn.output("vcnDomainName")]},
        ]
        return self._make(oci.DHCP_OPTIONS, "dhcp-options", {"options": options})

    def _subnet(
        self, at: Place, security: OciResource, dhcp_options: OciResource, routes: OciResource, public: bool
    ) -> pulumi.Output[str]:
        inputs = {
            "cidrBlock": str(getattr(self._args.settings.subnets, at)),
            "dnsLabel": dns_label(at),
            "routeTableId": routes.id,
            "securityListIds": [security.id],
            "dhcpOptionsId": dhcp_options.id,
            "prohibitPublicIpOnVnic": not public,
            "prohibitInternetIngress": not public,
        }
        return self._make(oci.SUBNET, f"{at}-subnet", inputs, protect=self._args.protect).id

    def _make(
        self,
        token: str,
        role: str,
        inputs: Mapping[str, Any],
        *,
        in_vcn: bool = True,
        protect: bool = False,
        ignore_changes: Sequence[str] = (),
        outputs: Sequence[str] = (),
    ) -> OciResource:
        role = role.replace("_", "-")
        common = {
            "compartmentId": self._args.compartment,
            "displayName": f"{self._args.name}-{role}",
            "freeformTags": dict(self._args.tags),
        }
        return OciResource(
            token,
            f"{self._name}-{role}",
            common | ({"vcnId": self.vcn_id} if in_vcn else {}) | dict(inputs),
            pulumi.ResourceOptions(parent=self, protect=protect, ignore_changes=list(ignore_changes)),
            outputs,
        )


def all_services(services: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The entry, among the services that a region offers to service gateways, that stands for all of them.

    Raises:
        pulumi.RunError: the region offers none.
    """
    for service in services:
        if _ALL_SERVICES.fullmatch(service["name"]):
            return service
    names = ", ".join(service["name"] for service in services) or "none"
    raise pulumi.RunError(
        f"the region offers no entry for all Oracle services to a service gateway; it offers: {names}"
    )


def dns_label(name: str) -> str:
    """A name as OCI takes it for a VCN or subnet: at most 15 letters and digits, a letter first."""
    return re.sub(r"[^a-z0-9]", "", name.lower())[:15]


def _route(gateway: OciResource, destination: pulumi.Input[str], kind: str, description: str) -> dict[str, Any]:
    return {
        "networkEntityId": gateway.id,
        "destination": destination,
        "destinationType": kind,
        "description": description,
    }
