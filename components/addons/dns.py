"""Names: external-dns keeps the records of the stack's host names in a zone of OCI DNS, by workload identity."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pulumi

from components import manifests, ports
from components.addons.certificates import turn_host
from components.addons.helm import Release, pinned
from components.node_pools import DEFAULT_LABEL
from components.settings import Settings
from components.workloads import DNS_NAMESPACE, INGRESS_NAMESPACE, PLATFORM_NAMESPACE

_CONFIGURATION = "external-dns-oci"


@dataclass
class DnsArgs:
    """What the records are kept with."""

    its: Settings
    namespaces: pulumi.Resource
    nodes: pulumi.Resource
    after: Sequence[pulumi.Resource] = ()
    """Gateway API's kinds, which it watches, the policy that lets it write, and what brings ServiceMonitor."""


class Dns(pulumi.ComponentResource):
    """external-dns. The zone is not the program's: other records may be in it, and its delegation certainly is not."""

    def __init__(self, name: str, args: DnsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:dns:Dns", name, None, opts)
        its = args.its
        about = manifests.apply(
            "dns.yaml.j2",
            {
                "namespace": DNS_NAMESPACE,
                "configuration": _CONFIGURATION,
                "oci": configuration(its.region, its.compartment),
                "platform_namespace": PLATFORM_NAMESPACE,
                "turn_host": turn_host(its),
                "port": ports.TURN_TLS,
            },
            parent=self,
            depends_on=[args.namespaces],
        )
        values = manifests.chart_values(
            "external-dns",
            {
                "gateway_namespace": INGRESS_NAMESPACE,
                "zone": its.dns.zone,
                "owner": its.cluster.name,
                "region": its.region,
                "configuration": _CONFIGURATION,
                "default_label": DEFAULT_LABEL,
                "monitoring": its.monitoring.enabled,
            },
        )
        Release(
            "external-dns",
            pinned("external-dns", DNS_NAMESPACE, values, its.mirrors),
            pulumi.ResourceOptions(parent=self, depends_on=[*about, args.nodes, *args.after]),
        )
        self.register_outputs({"zone": its.dns.zone})


def configuration(region: str, compartment: str) -> str:
    """external-dns' own file for OCI; it holds no key."""
    return json.dumps({"auth": {"region": region, "useWorkloadIdentity": True}, "compartment": compartment})
