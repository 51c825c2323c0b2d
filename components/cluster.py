"""The OKE cluster, its kubeconfig, and the Kubernetes provider through which everything in it is made."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes

from components import oci
from components.network import Network
from components.oci import OciResource, invoke
from components.settings.cluster import ClusterSettings, Endpoint, ExistingCluster
from components.settings.network import PODS_CIDR, SERVICES_CIDR
from components.versions import KUBECONFIG_TOKEN


@dataclass
class ClusterArgs:
    """What the cluster is made from."""

    compartment: str
    settings: ClusterSettings
    network: Network
    tags: Mapping[str, str]


class Cluster(pulumi.ComponentResource):
    """An enhanced OKE cluster with the flannel overlay.

    TURN uses its nodes' own addresses and nothing else needs pods in the VCN, so pods take no VCN addresses.
    """

    id: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    """Secret. Its tokens come from the OCI CLI of whoever uses it."""
    provider: pulumi_kubernetes.Provider

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:cluster:Cluster", name, None, opts)
        public = args.settings.endpoint is Endpoint.PUBLIC
        cluster = OciResource(
            oci.CLUSTER,
            name,
            {
                "compartmentId": args.compartment,
                "name": args.settings.name,
                "kubernetesVersion": args.settings.kubernetes_version,
                "vcnId": args.network.vcn_id,
                # Basic, the API's default, has no add-ons and no workload identity.
                "type": "ENHANCED_CLUSTER",
                "clusterPodNetworkOptions": [{"cniType": "FLANNEL_OVERLAY"}],
                "endpointConfig": {"subnetId": args.network.api_subnet_id, "isPublicIpEnabled": public},
                "options": {
                    "serviceLbSubnetIds": [args.network.load_balancers_subnet_id],
                    "kubernetesNetworkConfig": {"podsCidr": str(PODS_CIDR), "servicesCidr": str(SERVICES_CIDR)},
                },
                "freeformTags": dict(args.tags),
            },
            pulumi.ResourceOptions(parent=self, protect=args.settings.protect),
        )
        self.id = cluster.id
        self.kubeconfig = _kubeconfig(cluster.id, args.settings.endpoint, self)
        self.provider = _provider(name, self.kubeconfig, cluster.id, self)
        self.register_outputs({"id": self.id, "kubeconfig": self.kubeconfig})


class GivenCluster(pulumi.ComponentResource):
    """A cluster that exists already: of OKE by its OCID, any other by its kubeconfig. Nothing of it is made."""

    id: pulumi.Output[str]
    """Its OCID; of a cluster that is not OKE's, the name that the stack gives it."""
    kubeconfig: pulumi.Output[str]
    """Secret."""
    provider: pulumi_kubernetes.Provider

    def __init__(
        self, name: str, settings: ClusterSettings, existing: ExistingCluster, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("pixel:cluster:GivenCluster", name, None, opts)
        self.id = pulumi.Output.from_input(existing.id or settings.name)
        self.kubeconfig = (
            _kubeconfig(existing.id, settings.endpoint, self)
            if existing.id is not None
            else pulumi.Output.secret(existing.kubeconfig or "")
        )
        self.provider = _provider(name, self.kubeconfig, self.id, self)
        self.register_outputs({"id": self.id, "kubeconfig": self.kubeconfig})


def _kubeconfig(cluster: pulumi.Input[str], endpoint: Endpoint, parent: pulumi.Resource) -> pulumi.Output[str]:
    where = "PUBLIC_ENDPOINT" if endpoint is Endpoint.PUBLIC else "PRIVATE_ENDPOINT"
    question = {"clusterId": cluster, "endpoint": where, "tokenVersion": KUBECONFIG_TOKEN}
    return pulumi.Output.secret(invoke(oci.GET_KUBECONFIG, question, parent)["content"])


def _provider(
    name: str, kubeconfig: pulumi.Output[str], identifier: pulumi.Input[str], parent: pulumi.Resource
) -> pulumi_kubernetes.Provider:
    return pulumi_kubernetes.Provider(
        f"{name}-kubernetes",
        kubeconfig=kubeconfig,
        # Only another cluster replaces what is in it, not a kubeconfig that is written differently.
        cluster_identifier=identifier,
        enable_server_side_apply=True,
        opts=pulumi.ResourceOptions(parent=parent),
    )
