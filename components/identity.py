"""What workloads of the cluster may do in OCI: one table of rights, and the policies made of it.

A workload is its service account in its namespace of this one cluster (workload identity, of enhanced clusters only):
no key is stored anywhere and no node gets a right, so neither an instance nor a player's exploit of one inherits any.
IAM is written in the home region and read everywhere with a delay of up to a minute: what uses a right depends on
`Identity.policies`, and starts after the cluster's own minutes have passed in any case.
Policy language and workload identity: https://docs.oracle.com/iaas/Content/ContEng/Tasks/contenggrantingworkloadaccesstoresources.htm
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

import pulumi

from components import oci
from components.oci import OciResource


@dataclass(frozen=True)
class Features:
    """What the stack runs that needs a right; the names are those of the table's rows."""

    autoscaler: bool = False
    dns: bool = False


@dataclass(frozen=True)
class Workload:
    """A service account and its rights, as `verb resource-type` of the policy language."""

    feature: str
    namespace: str
    service_account: str
    rights: tuple[str, ...]
    why: str


WORKLOADS: Final = (
    Workload(
        "autoscaler",
        "kube-system",
        "cluster-autoscaler",
        (
            "manage cluster-node-pools",
            "manage instance-family",
            "use subnets",
            "read virtual-network-family",
            "use vnics",
            "inspect compartments",
        ),
        "The rights that OKE demands of the cluster autoscaler add-on: it changes the sizes of node pools.",
    ),
    Workload(
        "dns",
        "external-dns",
        "external-dns",
        ("manage dns",),
        "external-dns writes the records of the stack's host names; the zone is in the stack's compartment.",
    ),
)


@dataclass
class IdentityArgs:
    """What the policies are made from."""

    compartment: str
    cluster_name: str
    cluster_id: pulumi.Input[str]
    features: Features
    tags: Mapping[str, str]


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
                    lambda cluster: statements(workload, args.compartment, cluster)
                ),
                "freeformTags": dict(args.tags),
            },
            pulumi.ResourceOptions(parent=self),
        )


def wanted(features: Features, table: Iterable[Workload] = WORKLOADS) -> list[Workload]:
    """The rows that a stack needs."""
    on = {field.name for field in fields(features) if getattr(features, field.name)}
    return [workload for workload in table if workload.feature in on]


def statements(workload: Workload, compartment: str, cluster: str) -> Sequence[str]:
    """A workload's policy statements: each right in the stack's compartment, for this cluster's service account."""
    conditions = ", ".join(
        f"request.principal.{key}='{value}'"
        for key, value in (
            ("type", "workload"),
            ("namespace", workload.namespace),
            ("service_account", workload.service_account),
            ("cluster_id", cluster),
        )
    )
    return [
        f"Allow any-user to {right} in {place(compartment)} where ALL {{{conditions}}}" for right in workload.rights
    ]


def place(compartment: str) -> str:
    """Where a statement holds; the root compartment is the tenancy, and has no id in the policy language."""
    return "tenancy" if compartment.startswith("ocid1.tenancy.") else f"compartment id {compartment}"
