"""The composition root: settings, network, cluster, node pools, workloads. The only place that exports."""

import pulumi
import pulumi_oci

from components.addons.access import open_up
from components.addons.alerts import Alerts, AlertsArgs
from components.addons.autoscaling import Autoscaling, AutoscalingArgs
from components.addons.certificates import turn_host
from components.addons.gpu import GpuPlugin, GpuPluginArgs
from components.addons.ingress import grafana_url
from components.addons.monitoring import Monitoring, MonitoringArgs
from components.addons.network_policies import NetworkPolicyEngine, NetworkPolicyEngineArgs
from components.dns_steering import DnsSteering, DnsSteeringArgs
from components.foundation import lay
from components.identity import Feature, Identity, IdentityArgs
from components.redis import lay_redis
from components.registry import PullSecrets, PullSecretsArgs, Repositories, RepositoriesArgs
from components.secrets import Secrets, SecretsArgs
from components.settings import load, stack_config
from components.settings.isolation import Engine
from components.settings.registry import Repositories as RepositoriesMode
from components.settings.secrets import Secret
from components.workloads import (
    CERTIFICATES_NAMESPACE,
    DNS_NAMESPACE,
    INGRESS_NAMESPACE,
    KEDA_NAMESPACE,
    MONITORING_NAMESPACE,
    OWN_NAMESPACES,
)
from components.workloads.addon_network_policies import servers_openings
from components.workloads.capacity import (
    FleetController,
    FleetControllerArgs,
    SessionProtection,
    SessionProtectionArgs,
)
from components.workloads.fleet import Fleet, FleetArgs
from components.workloads.front import Front, FrontArgs, openings
from components.workloads.matchmaker import Matchmaker, MatchmakerArgs
from components.workloads.namespaces import Namespaces, NamespacesArgs
from components.workloads.prepull import Prepull, PrepullArgs
from components.workloads.shared_fleet import SharedFleetScaling, SharedFleetScalingArgs
from components.workloads.tickets import Tickets, TicketsArgs
from components.workloads.turn import Turn, TurnArgs

its = load(stack_config())
tags = {"project": pulumi.get_project(), "stack": pulumi.get_stack()}
# Tenancies with tag defaults write these two themselves, and would show a change at each preview.
ignored = ["Oracle-Tags.CreatedBy", "Oracle-Tags.CreatedOn"]
region = pulumi_oci.Provider("region", region=its.region, ignore_defined_tags=ignored)
in_oci = pulumi.ResourceOptions(providers=[region])
abroad = its.home_region != its.region
home = pulumi_oci.Provider("home", region=its.home_region, ignore_defined_tags=ignored) if abroad else region

foundation = lay(its, tags, in_oci)
cluster, network, pools = foundation.cluster, foundation.network, foundation.nodes
features = {Feature.AUTOSCALER: its.cluster.autoscaler, Feature.DNS: its.dns.enabled}
identity = Identity(
    "identity",
    IdentityArgs(
        its.compartment,
        its.cluster.name,
        cluster.id,
        frozenset(feature for feature, wanted in features.items() if wanted),
        tags,
        its.dns.zone,
    ),
    pulumi.ResourceOptions(providers=[home]),
)

in_cluster = pulumi.ResourceOptions(providers=[cluster.provider])
in_both = pulumi.ResourceOptions(providers=[region, cluster.provider])
secrets = Secrets(
    "secrets",
    SecretsArgs(its.compartment, its.cluster.name, its.secrets, its.wanted_secrets, its.cluster.protect, tags),
    in_oci,
)
if its.registry.repositories is RepositoriesMode.MANAGED:
    Repositories("registry", RepositoriesArgs(its.compartment, its.own_images, its.cluster.protect, tags), in_oci)
addons = {
    MONITORING_NAMESPACE: its.monitoring.enabled,
    KEDA_NAMESPACE: its.autoscaling.keda,
    INGRESS_NAMESPACE: its.ingress.enabled,
    CERTIFICATES_NAMESPACE: its.certificates.enabled,
    DNS_NAMESPACE: its.dns.enabled,
}
namespaces = Namespaces(
    "namespaces",
    NamespacesArgs(
        its.network,
        its.apps,
        its.pools,
        its.redis.mode,
        its.turn,
        (*openings(its), *servers_openings(its)),
        controlled=its.capacity.enabled,
        addons=frozenset(name for name, wanted in addons.items() if wanted),
        policies=its.network_policies.policies,
    ),
    in_cluster,
)
if its.registry.pull is not None:
    PullSecrets("pull", PullSecretsArgs(its.registry.pull, its.own_images, OWN_NAMESPACES, namespaces), in_both)
monitoring = (
    Monitoring(
        "monitoring",
        MonitoringArgs(its, namespaces, pools, secrets.values[Secret.GRAFANA], grafana_url(its)),
        in_cluster,
    )
    if its.monitoring.enabled
    else None
)
if monitoring and its.monitoring.alerts:
    Alerts("alerts", AlertsArgs(its.monitoring.alerts, namespaces, monitoring.release), in_both)
metrics = monitoring.release if monitoring else None
before = [*identity.policies, *([metrics] if metrics else [])]
ingress = open_up(its, foundation, namespaces, tags, before, in_both)
autoscaling = Autoscaling(
    "autoscaling", AutoscalingArgs(its, foundation, identity.policies, namespaces, monitoring), in_both
)
if its.pools.sharing.resource and foundation.pools:
    GpuPlugin("gpu", GpuPluginArgs(cluster.id, its.pools), in_both)
if its.network_policies.engine is Engine.KUBE_NETWORK_POLICIES:
    NetworkPolicyEngine("network-policy-engine", NetworkPolicyEngineArgs(its.mirrors, pools), in_cluster)
redis = lay_redis(its, foundation, secrets.values, namespaces, tags, metrics, (in_oci, in_cluster))
tickets = Tickets("tickets", TicketsArgs(secrets.values[Secret.TICKET], namespaces), in_cluster)
turn_name = turn_host(its)
turn = Turn(
    "turn",
    TurnArgs(its, secrets.values[Secret.TURN], turn_name is not None, namespaces, pools),
    in_cluster,
)
front = Front("front", FrontArgs(its, secrets.values, namespaces), in_both)
matchmaker = Matchmaker(
    "matchmaker",
    MatchmakerArgs(
        its.matchmaker,
        its.images,
        its.apps,
        its.turn,
        turn_name,
        turn.secret,
        tickets.signing,
        redis,
        front,
        namespaces,
        pools,
    ),
    in_cluster,
)
SessionProtection("session-protection", SessionProtectionArgs(namespaces), in_cluster)
controller = (
    FleetController("fleet-controller", FleetControllerArgs(its, namespaces, pools), in_cluster)
    if its.capacity.enabled
    else None
)
fleets = []
for app in its.apps:
    for version in app.versions:
        fleet_name = app.fleet_name(version)
        fleet = Fleet(
            fleet_name,
            FleetArgs(app, version, its.images, its.pools, its.turn, tickets.keys, namespaces, pools, controller),
            in_cluster,
        )
        fleets.append(fleet)
        if app.shared:
            SharedFleetScaling(
                f"scaling-{fleet_name}", SharedFleetScalingArgs(app, version, fleet, autoscaling), in_cluster
            )
if its.regions.steering:
    DnsSteering("steering", DnsSteeringArgs(its, tags), in_oci)
if its.pools.prepull:
    for app in its.apps:
        for version in app.versions:
            Prepull(
                f"prepull-{app.fleet_name(version)}",
                PrepullArgs(app, version, its.images, its.pools, namespaces, pools),
                in_cluster,
            )

pulumi.export("clusterId", cluster.id)
pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export("matchmaker", matchmaker.address)
pulumi.export("fleets", [fleet.deployment for fleet in fleets])
if ingress:
    pulumi.export("address", ingress.address)
    pulumi.export("page", ingress.url)
if redis is not None:
    pulumi.export("redis", redis.url)
