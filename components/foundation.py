"""What everything else stands on, made by the program or given by a cluster that exists already."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from components.cluster import Cluster, ClusterArgs, GivenCluster
from components.network import Network, NetworkArgs
from components.node_pools import NodePools, NodePoolsArgs, plan_pools
from components.settings import Settings
from components.settings.cluster import Endpoint
from components.settings.turn import media_networks


@dataclass(frozen=True)
class Foundation:
    """A cluster with nodes in a network."""

    cluster: Cluster | GivenCluster
    network: Network | None
    """None where the cluster exists already."""
    pools: NodePools | None
    """None where the cluster exists already."""

    @property
    def nodes(self) -> pulumi.Resource:
        """What has to be there before pods can run."""
        return self.pools or self.cluster


def lay(its: Settings, tags: Mapping[str, str], opts: pulumi.ResourceOptions) -> Foundation:
    """Network, cluster and node pools of a stack, or the cluster that it names."""
    if its.cluster.existing is not None:
        return Foundation(GivenCluster("cluster", its.cluster, its.cluster.existing, opts), None, None)
    public_api = its.cluster.endpoint is Endpoint.PUBLIC
    turn_elsewhere = tuple(dict.fromkeys(cidr for _, cidr in media_networks(its.turn, its.apps)))
    network = Network(
        "network",
        NetworkArgs(
            its.compartment, its.cluster.name, its.network, public_api, its.cluster.protect, tags, turn_elsewhere
        ),
        opts,
    )
    cluster = Cluster("cluster", ClusterArgs(its.compartment, its.cluster, network, tags), opts)
    plans = plan_pools(its.pools, autoscaler=its.cluster.autoscaler)
    pools = NodePools(
        "pools",
        NodePoolsArgs(its.compartment, cluster.id, its.cluster.kubernetes_version, network, plans, tags),
        opts,
    )
    return Foundation(cluster, network, pools)
