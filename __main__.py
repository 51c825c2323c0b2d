"""The composition root: settings, network, cluster, node pools, workloads. The only place that exports."""

import pulumi
import pulumi_oci

from components.cluster import Cluster, ClusterArgs
from components.identity import Features, Identity, IdentityArgs
from components.network import Network, NetworkArgs
from components.node_pools import NodePools, NodePoolsArgs, plan_pools
from components.settings import load, stack_config
from components.settings.cluster import Endpoint
from components.workloads.fleet import Fleet, FleetArgs
from components.workloads.matchmaker import Matchmaker, MatchmakerArgs
from components.workloads.namespaces import Namespaces
from components.workloads.turn import Turn, TurnArgs

its = load(stack_config())
tags = {"project": pulumi.get_project(), "stack": pulumi.get_stack()}
# Tenancies with tag defaults write these two themselves, and would show a change at each preview.
ignored = ["Oracle-Tags.CreatedBy", "Oracle-Tags.CreatedOn"]
region = pulumi_oci.Provider("region", region=its.region, ignore_defined_tags=ignored)
in_oci = pulumi.ResourceOptions(providers=[region])
abroad = its.home_region != its.region
home = pulumi_oci.Provider("home", region=its.home_region, ignore_defined_tags=ignored) if abroad else region

public_api = its.cluster.endpoint is Endpoint.PUBLIC
network = Network(
    "network",
    NetworkArgs(its.compartment, its.cluster.name, its.network, public_api, its.cluster.protect, tags),
    in_oci,
)
cluster = Cluster("cluster", ClusterArgs(its.compartment, its.cluster, network, tags), in_oci)
identity = Identity(
    "identity",
    IdentityArgs(its.compartment, its.cluster.name, cluster.id, Features(autoscaler=its.cluster.autoscaler), tags),
    pulumi.ResourceOptions(providers=[home]),
)
plans = plan_pools(its.pools, autoscaler=its.cluster.autoscaler)
pools = NodePools(
    "pools",
    NodePoolsArgs(its.compartment, cluster.id, its.cluster.kubernetes_version, network, plans, tags),
    in_oci,
)

in_cluster = pulumi.ResourceOptions(providers=[cluster.provider])
namespaces = Namespaces("namespaces", in_cluster)
turn = Turn("turn", TurnArgs(its.images, its.network, its.pools.turn, namespaces, pools), in_cluster)
matchmaker = Matchmaker(
    "matchmaker",
    MatchmakerArgs(its.images, its.apps, its.turn, turn.secret, namespaces, pools),
    in_cluster,
)
fleets = [
    Fleet(
        app.fleet_name(version),
        FleetArgs(app, version, its.images, its.pools.sharing, namespaces, pools),
        in_cluster,
    )
    for app in its.apps
    for version in app.versions
]

pulumi.export("clusterId", cluster.id)
pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export("matchmaker", matchmaker.address)
pulumi.export("fleets", [fleet.deployment for fleet in fleets])
