"""What the simulated cloud refuses: one table of named rules, each a pure function of a resource and the world."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from local.oci.kinds import (
    ADDON,
    CLUSTER,
    CONTAINER_REPOSITORY,
    DEFAULT_DHCP_OPTIONS,
    DEFAULT_ROUTE_TABLE,
    DEFAULT_SECURITY_LIST,
    DHCP_OPTIONS,
    DYNAMIC_GROUP,
    HTTP_MONITOR,
    INSTANCE,
    INTERNET_GATEWAY,
    KEY,
    LOAD_BALANCER,
    NAT_GATEWAY,
    NETWORK_LOAD_BALANCER,
    NODE_POOL,
    NSG_RULE,
    POLICY,
    PUBLIC_IP,
    REDIS_CLUSTER,
    ROUTE_TABLES,
    SECURITY_LISTS,
    SERVICE_GATEWAY,
    STEERING_POLICY,
    STEERING_POLICY_ATTACHMENT,
    SUBNET,
    VAULT,
    VAULT_SECRET,
    VCN,
    VIRTUAL_NODE_POOL,
)
from local.oci.model import Resource, World
from local.oci.refusal import Refusal
from local.oci.rules import (
    caches,
    clusters,
    compute,
    general,
    identity,
    network,
    options,
    pools,
    public,
    routes,
    security,
    steering,
    vaults,
)

Check = Callable[[Resource, World], Iterator[Refusal]]


@dataclass(frozen=True)
class Rule:
    """One thing the cloud refuses, for some types or (without ``kinds``) for all; named after its function."""

    check: Check
    kinds: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Module and function, as in ``network.subnet_apart``."""
        return f"{self.check.__module__.rsplit('.', 1)[-1]}.{self.check.__name__}"


_COMPUTE = (NODE_POOL, INSTANCE)
_FIREWALLS = (*SECURITY_LISTS, NSG_RULE)

RULES: tuple[Rule, ...] = (
    Rule(general.region_exists),
    Rule(general.identity_at_home),
    Rule(general.required_given),
    Rule(general.compartment_is_ocid),
    Rule(general.references_exist),
    Rule(general.references_fit),
    Rule(general.references_same_vcn),
    Rule(network.blocks_well_formed, (VCN, SUBNET)),
    Rule(network.vcn_blocks_apart, (VCN,)),
    Rule(network.subnet_inside_vcn, (SUBNET,)),
    Rule(network.subnet_apart, (SUBNET,)),
    Rule(network.dns_label_well_formed, (VCN, SUBNET)),
    Rule(network.dns_label_unique, (SUBNET,)),
    Rule(network.subnet_lists_few, (SUBNET,)),
    Rule(network.gateway_once, (INTERNET_GATEWAY, NAT_GATEWAY, SERVICE_GATEWAY)),
    Rule(network.services_known, (SERVICE_GATEWAY,)),
    Rule(network.default_managed_once, (DEFAULT_SECURITY_LIST, DEFAULT_ROUTE_TABLE, DEFAULT_DHCP_OPTIONS)),
    Rule(routes.routes_few, ROUTE_TABLES),
    Rule(routes.destinations_well_formed, ROUTE_TABLES),
    Rule(routes.destinations_once, ROUTE_TABLES),
    Rule(routes.targets_fit, ROUTE_TABLES),
    Rule(routes.gateways_apart, ROUTE_TABLES),
    Rule(security.rules_few, SECURITY_LISTS),
    Rule(security.protocols_well_formed, _FIREWALLS),
    Rule(security.options_fit_protocol, _FIREWALLS),
    Rule(security.ports_well_formed, _FIREWALLS),
    Rule(security.icmp_well_formed, _FIREWALLS),
    Rule(security.peers_well_formed, _FIREWALLS),
    Rule(security.direction_fits, (NSG_RULE,)),
    Rule(options.options_well_formed, (DHCP_OPTIONS, DEFAULT_DHCP_OPTIONS)),
    Rule(compute.shape_known, _COMPUTE),
    Rule(compute.shape_config_fits, _COMPUTE),
    Rule(compute.shape_size_fits, _COMPUTE),
    Rule(compute.boot_volume_fits, _COMPUTE),
    Rule(compute.domains_exist, (*_COMPUTE, SUBNET)),
    Rule(compute.fault_domains_exist, _COMPUTE),
    Rule(compute.metadata_fits, _COMPUTE),
    Rule(compute.security_groups_few, _COMPUTE),
    Rule(clusters.version_supported, (CLUSTER, NODE_POOL)),
    Rule(clusters.upgrade_in_steps, (CLUSTER,)),
    Rule(clusters.cluster_type_known, (CLUSTER,)),
    Rule(clusters.plugin_known, (CLUSTER,)),
    Rule(clusters.cluster_blocks_apart, (CLUSTER,)),
    Rule(clusters.clusters_few, (CLUSTER,)),
    Rule(clusters.addon_known, (ADDON,)),
    Rule(clusters.addon_on_enhanced, (ADDON, VIRTUAL_NODE_POOL)),
    Rule(clusters.addon_once, (ADDON,)),
    Rule(pools.pool_not_ahead, (NODE_POOL,)),
    Rule(pools.pool_size_fits, (NODE_POOL,)),
    Rule(pools.placement_once, (NODE_POOL,)),
    Rule(pools.pod_network_fits, (NODE_POOL,)),
    Rule(pools.cycling_on_enhanced, (NODE_POOL,)),
    Rule(pools.grace_fits, (NODE_POOL,)),
    Rule(pools.labels_well_formed, (NODE_POOL,)),
    Rule(public.public_endpoint_allowed, (CLUSTER,)),
    Rule(public.public_balancer_allowed, (LOAD_BALANCER, NETWORK_LOAD_BALANCER)),
    Rule(public.public_vnic_allowed, (INSTANCE,)),
    Rule(public.lifetime_known, (PUBLIC_IP,)),
    Rule(public.balancer_shape_fits, (LOAD_BALANCER,)),
    Rule(identity.statements_well_formed, (POLICY,)),
    Rule(identity.name_well_formed, (POLICY, DYNAMIC_GROUP)),
    Rule(identity.name_free, (POLICY, DYNAMIC_GROUP, CONTAINER_REPOSITORY)),
    Rule(identity.matching_rule_well_formed, (DYNAMIC_GROUP,)),
    Rule(identity.group_in_tenancy, (DYNAMIC_GROUP,)),
    Rule(identity.repository_name_well_formed, (CONTAINER_REPOSITORY,)),
    Rule(vaults.vault_type_known, (VAULT,)),
    Rule(vaults.key_shape_known, (KEY,)),
    Rule(vaults.protection_mode_known, (KEY,)),
    Rule(vaults.endpoint_of_a_vault, (KEY,)),
    Rule(vaults.secret_named_well, (VAULT_SECRET,)),
    Rule(vaults.secret_name_free, (VAULT_SECRET,)),
    Rule(vaults.content_from_one_source, (VAULT_SECRET,)),
    Rule(vaults.generation_known, (VAULT_SECRET,)),
    Rule(vaults.key_in_the_vault, (VAULT_SECRET,)),
    Rule(caches.engine_known, (REDIS_CLUSTER,)),
    Rule(caches.size_fits, (REDIS_CLUSTER,)),
    Rule(steering.monitor_fits, (HTTP_MONITOR,)),
    Rule(steering.template_known, (STEERING_POLICY,)),
    Rule(steering.answers_well_formed, (STEERING_POLICY,)),
    Rule(steering.rules_follow_the_template, (STEERING_POLICY,)),
    Rule(steering.ttl_fits, (STEERING_POLICY,)),
    Rule(steering.domain_attached_once, (STEERING_POLICY_ATTACHMENT,)),
)


def refusals(resource: Resource, world: World) -> list[Refusal]:
    """Everything the cloud has against this resource as it is asked for."""
    return [
        refusal
        for rule in RULES
        if not rule.kinds or resource.kind in rule.kinds
        for refusal in rule.check(resource, world)
    ]
