"""What workloads of the cluster may do in OCI: one table of rights, and the policies made of it.

A workload is its service account in its namespace of this one cluster (workload identity, of enhanced clusters only):
no key is stored anywhere and no node gets a right, so neither an instance nor a player's exploit of one inherits any.
IAM is written in the home region and read everywhere with a delay of up to a minute: what uses a right depends on
`Identity.policies`, and starts after the cluster's own minutes have passed in any case.
Policy language and workload identity: https://docs.oracle.com/iaas/Content/ContEng/Tasks/contenggrantingworkloadaccesstoresources.htm
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import pulumi

from components import oci
from components.oci import OciResource
from components.workloads import DNS_NAMESPACE


class Feature(StrEnum):
    """What a stack may run that needs rights."""

    AUTOSCALER = "autoscaler"
    DNS = "dns"


@dataclass(frozen=True)
class Right:
    """A verb and a type of resource, as the policy language has them."""

    grant: str
    own_zone_only: bool = False
    """Whether it holds for the stack's own DNS zone only, beside its compartment."""


@dataclass(frozen=True)
class Workload:
    """A service account and its rights."""

    feature: Feature
    namespace: str
    service_account: str
    rights: tuple[Right, ...]
    why: str


WORKLOADS: Final = (
    Workload(
        Feature.AUTOSCALER,
        "kube-system",
        "cluster-autoscaler",
        (
            Right("manage cluster-node-pools"),
            Right("manage instance-family"),
            Right("use subnets"),
            Right("read virtual-network-family"),
            Right("use vnics"),
            Right("inspect compartments"),
        ),
        "The rights that OKE demands of the cluster autoscaler add-on: it changes the sizes of node pools.",
    ),
    Workload(
        Feature.DNS,
        DNS_NAMESPACE,
        "external-dns",
        (
            # A list has no single zone that a condition could look at.
            Right("inspect dns-zones"),
            Right("use dns-zones", own_zone_only=True),
            Right("manage dns-records", own_zone_only=True),
        ),
        "external-dns keeps the records of the stack's host names, in the zone that the stack names.",
    ),
)
"""https://docs.oracle.com/iaas/Content/ContEng/Tasks/contengusingclusterautoscaler_topic-Working_with_Cluster_Autoscaler_as_Cluster_Add-on.htm
https://docs.oracle.com/iaas/Content/Identity/policyreference/dnspolicyreference.htm
"""


@dataclass
class IdentityArgs:
    """What the policies are made from."""

    compartment: str
    cluster_name: str
    cluster_id: pulumi.Input[str]
    features: frozenset[Feature]
    tags: Mapping[str, str]
    zone: str = ""
    """The DNS zone of the stack's host names."""


class Identity(pulumi.ComponentResource):
    """One policy for each workload that has rights. Its provider is that of the home region."""

    policies: list[pulumi.Resource]
    """What any user of a right depends on; empty where no feature needs one."""

    def __init__(self, name: str, args: IdentityArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:identity:Identity", name, None, opts)
        self.policies = [self._policy(name, args, workload) for workload in wanted(args.features)]
        self.register_outputs({"policies": [policy.urn for policy in self.policies]})

    def _policy(self, name: str, args: IdentityArgs, workload: Workload) -> pulumi.Resource:
        return OciResource(
            oci.POLICY,
            f"{name}-{workload.feature}",
            {
                "compartmentId": args.compartment,
                "name": f"{args.cluster_name}-{workload.feature}",
                "description": workload.why,
                "statements": pulumi.Output.from_input(args.cluster_id).apply(
                    lambda cluster: statements(workload, args.compartment, cluster, args.zone)
                ),
                "freeformTags": dict(args.tags),
            },
            pulumi.ResourceOptions(parent=self),
        )


def wanted(features: frozenset[Feature]) -> list[Workload]:
    """The rows that a stack needs."""
    return [workload for workload in WORKLOADS if workload.feature in features]


def statements(workload: Workload, compartment: str, cluster: str, zone: str) -> list[str]:
    """A workload's policy statements: each right in the stack's compartment, for this cluster's service account."""
    who = {
        "request.principal.type": "workload",
        "request.principal.namespace": workload.namespace,
        "request.principal.service_account": workload.service_account,
        "request.principal.cluster_id": cluster,
    }

    def statement(right: Right) -> str:
        where = who | ({"target.dns-zone.name": zone} if right.own_zone_only else {})
        conditions = ", ".join(f"{key}='{value}'" for key, value in where.items())
        return f"Allow any-user to {right.grant} in {place(compartment)} where ALL {{{conditions}}}"

    return [statement(right) for right in workload.rights]


def place(compartment: str) -> str:
    """Where a statement holds; the root compartment is the tenancy, and has no id in the policy language."""
    return "tenancy" if compartment.startswith("ocid1.tenancy.") else f"compartment id {compartment}"
