"""What the cloud adds to a resource: defaults it fills in, and values it computes.

Only types the program reads something from are here. In a preview of a new resource a computed value is unknown.
"""

from collections.abc import Callable, Mapping
from typing import Any

from local.oci.identifiers import NAMESPACE, number, ocid, public_address
from local.oci.kinds import (
    ADDON,
    CLUSTER,
    CONTAINER_REPOSITORY,
    DEFAULT_DHCP_OPTIONS,
    DEFAULT_ROUTE_TABLE,
    DEFAULT_SECURITY_LIST,
    INSTANCE,
    INTERNET_GATEWAY,
    KEY,
    LOAD_BALANCER,
    NAT_GATEWAY,
    NETWORK_LOAD_BALANCER,
    NODE_POOL,
    PUBLIC_IP,
    REDIS_CLUSTER,
    SERVICE_GATEWAY,
    SUBNET,
    VAULT,
    VAULT_SECRET,
    VCN,
)
from local.oci.model import Resource, World
from local.oci.rules.clusters import BASIC
from local.oci.rules.network import parse_network, vcn_blocks
from local.oci.rules.public import all_subnets_private
from local.oci.shapes import KUBERNETES_VERSIONS, parse_version
from local.properties import UNKNOWN

Values = dict[str, Any]
Compute = Callable[[Resource, World], Values]

DEFAULTS_OF_VCN: Mapping[str, str] = {
    "defaultSecurityListId": DEFAULT_SECURITY_LIST,
    "defaultRouteTableId": DEFAULT_ROUTE_TABLE,
    "defaultDhcpOptionsId": DEFAULT_DHCP_OPTIONS,
}
"""Resources that come with a VCN, by the output that names them."""


def default_id(vcn: Resource, world: World, kind: str) -> str:
    """The id of a VCN's default of this type."""
    return ocid(kind, vcn.region or world.region, f"{vcn.id}/{kind}".encode())


def _vcn(vcn: Resource, world: World) -> Values:
    blocks = [block for _, block in vcn_blocks(vcn)]
    label = vcn.inputs.get("dnsLabel")
    return {
        **{output: default_id(vcn, world, kind) for output, kind in DEFAULTS_OF_VCN.items()},
        "cidrBlock": blocks[0] if blocks else None,
        "cidrBlocks": blocks,
        "vcnDomainName": f"{label}.oraclevcn.com" if label else None,
    }


def _subnet(subnet: Resource, world: World) -> Values:
    vcn = world.one(subnet.inputs.get("vcnId"), VCN)
    network = parse_network(subnet.inputs.get("cidrBlock"))
    labels = (subnet.inputs.get("dnsLabel"), vcn.inputs.get("dnsLabel") if vcn else None)
    given = vcn.outputs if vcn else {}
    mac = ":".join(f"{number(subnet.id + str(index), 256):02X}" for index in range(3))
    return {
        "virtualRouterIp": str(network[1]) if network else None,
        "virtualRouterMac": f"00:00:17:{mac}",
        "subnetDomainName": f"{labels[0]}.{labels[1]}.oraclevcn.com" if all(labels) else None,
        "routeTableId": given.get("defaultRouteTableId"),
        "dhcpOptionsId": given.get("defaultDhcpOptionsId"),
        "securityListIds": [given["defaultSecurityListId"]] if "defaultSecurityListId" in given else [],
        "prohibitPublicIpOnVnic": False,
        "prohibitInternetIngress": subnet.inputs.get("prohibitPublicIpOnVnic", False),
    }


def _cluster(cluster: Resource, world: World) -> Values:
    public = cluster.inputs.get("endpointConfig", {}).get("isPublicIpEnabled") is True
    private = f"{_subnet_address(cluster.inputs.get('endpointConfig', {}).get('subnetId'), cluster.id, world)}:6443"
    current = parse_version(str(cluster.inputs.get("kubernetesVersion"))) or (0, 0, 0)
    upgrades = [each for each in KUBERNETES_VERSIONS if current < (parse_version(each) or current)]
    endpoint = {"kubernetes": "", "privateEndpoint": private}
    if public:
        endpoint["publicEndpoint"] = f"{public_address(cluster.id)}:6443"
    return {
        "endpoints": [endpoint],
        "availableKubernetesUpgrades": upgrades,
        "type": BASIC,
        "lifecycleDetails": "",
        "openIdConnectDiscoveryEndpoint": "",
    }


def _subnet_address(reference: object, seed: str, world: World) -> str:
    subnet = world.one(reference, SUBNET)
    network = parse_network(subnet.inputs.get("cidrBlock")) if subnet is not None else None
    if network is None:
        return f"192.0.2.{1 + number(seed, 254)}"
    # The cloud keeps a subnet's first two addresses and the last one for itself.
    return str(network[2 + number(seed, max(network.num_addresses - 3, 1))])


def _node_pool(pool: Resource, world: World) -> Values:
    details = pool.inputs.get("nodeConfigDetails") or {}
    placements = details.get("placementConfigs") or []
    nodes = []
    for index in range(int(details.get("size") or 0) if placements else 0):
        place = placements[index % len(placements)]
        seed = f"{pool.id}/{index}"
        nodes.append(
            {
                "id": ocid(INSTANCE, pool.region or world.region, seed.encode()),
                "name": f"oke-{pool.id[-11:]}-{index}",
                "availabilityDomain": place.get("availabilityDomain"),
                "subnetId": place.get("subnetId"),
                "kubernetesVersion": pool.inputs.get("kubernetesVersion"),
                "nodePoolId": pool.id,
                "privateIp": _subnet_address(place.get("subnetId"), seed, world),
                "state": "ACTIVE",
            }
        )
    source = pool.inputs.get("nodeSourceDetails") or {}
    return {
        "nodes": nodes,
        "nodeSources": [{"imageId": source.get("imageId"), "sourceName": "", "sourceType": source.get("sourceType")}],
        "lifecycleDetails": "",
    }


def _load_balancer(balancer: Resource, world: World) -> Values:
    public = not balancer.inputs.get("isPrivate") and not all_subnets_private(balancer, world)
    subnets = balancer.inputs.get("subnetIds") or [balancer.inputs.get("subnetId")]
    address = public_address(balancer.id) if public else _subnet_address(subnets[0], balancer.id, world)
    entry = {"ipAddress": address, "isPublic": public}
    if balancer.kind == LOAD_BALANCER:
        return {"ipAddressDetails": [entry], "ipAddresses": [address]}
    return {"ipAddresses": [{**entry, "ipVersion": "IPV4"}]}


def _vault(vault: Resource, world: World) -> Values:
    place = f"{vault.id[-13:]}-{{}}.kms.{vault.region or world.region}.oraclecloud.com"
    return {
        "managementEndpoint": f"https://{place.format('management')}",
        "cryptoEndpoint": f"https://{place.format('crypto')}",
    }


def _redis_cluster(cache: Resource, world: World) -> Values:
    stem = f"{cache.id[-16:]}-{{}}.redis.{cache.region or world.region}.oci.oraclecloud.com"
    address = _subnet_address(cache.inputs.get("subnetId"), cache.id, world)
    return {
        "primaryFqdn": stem.format("p"),
        "primaryEndpointIpAddress": address,
        "replicasFqdn": stem.format("r"),
        "clusterMode": "NONSHARDED",
    }


_COMPUTED: Mapping[str, tuple[Compute, tuple[str, ...]]] = {
    VCN: (_vcn, (*DEFAULTS_OF_VCN, "vcnDomainName")),
    SUBNET: (_subnet, ("virtualRouterIp", "virtualRouterMac", "subnetDomainName")),
    INTERNET_GATEWAY: (lambda _, __: {"enabled": True}, ()),
    NAT_GATEWAY: (lambda gateway, _: {"natIp": public_address(gateway.id), "blockTraffic": False}, ("natIp",)),
    SERVICE_GATEWAY: (lambda _, __: {"blockTraffic": False}, ()),
    PUBLIC_IP: (lambda address, _: {"ipAddress": public_address(address.id), "scope": "REGION"}, ("ipAddress",)),
    CLUSTER: (_cluster, ("endpoints", "availableKubernetesUpgrades")),
    NODE_POOL: (_node_pool, ("nodes", "nodeSources")),
    ADDON: (
        lambda addon, _: {"currentInstalledVersion": addon.inputs.get("version") or "v1.0.0", "addonErrors": []},
        (),
    ),
    LOAD_BALANCER: (_load_balancer, ("ipAddressDetails", "ipAddresses")),
    NETWORK_LOAD_BALANCER: (_load_balancer, ("ipAddresses",)),
    INSTANCE: (
        lambda vm, world: {"privateIp": _instance_address(vm, world)},
        ("privateIp", "publicIp", "bootVolumeId"),
    ),
    CONTAINER_REPOSITORY: (
        lambda _, __: {"namespace": NAMESPACE, "imageCount": 0, "layerCount": 0, "isPublic": False},
        ("namespace",),
    ),
    VAULT: (_vault, ("managementEndpoint", "cryptoEndpoint")),
    KEY: (lambda key, world: {"currentKeyVersion": ocid("oci:x:KeyVersion", world.region, key.id.encode())}, ()),
    VAULT_SECRET: (lambda _, __: {"currentVersionNumber": "1"}, ()),
    REDIS_CLUSTER: (_redis_cluster, ("primaryFqdn", "primaryEndpointIpAddress", "replicasFqdn")),
}
"""For each type what is filled in or computed, and which of that is unknown until the resource is made."""

_STATES: Mapping[str, str] = {
    "Core": "AVAILABLE",
    "Artifacts": "AVAILABLE",
}
_LATE = ("state", "timeCreated")


def _instance_address(instance: Resource, world: World) -> str:
    vnic = instance.inputs.get("createVnicDetails") or {}
    return _subnet_address(vnic.get("subnetId"), instance.id, world)


def outputs_of(resource: Resource, world: World, created: str) -> Values:
    """Everything the cloud says about an existing resource; inputs win over what would be filled in."""
    compute, _ = _COMPUTED.get(resource.kind, (lambda _, __: {}, ()))
    service = resource.kind.split(":")[1].split("/", maxsplit=1)[0]
    state = "RUNNING" if resource.kind == INSTANCE else _STATES.get(service, "ACTIVE")
    filled = {"state": state, "timeCreated": created, **_display_name(resource), **compute(resource, world)}
    given = {key: value for key, value in resource.inputs.items() if value is not None}
    return {key: value for key, value in {**filled, **given}.items() if value is not None}


def planned_outputs(resource: Resource) -> Values:
    """What can be said of a resource that a preview would create: its inputs, the rest unknown."""
    _, late = _COMPUTED.get(resource.kind, (None, ()))
    return {**dict.fromkeys((*late, *_LATE), UNKNOWN), **resource.inputs}


def _display_name(resource: Resource) -> Values:
    if not resource.kind.startswith("oci:Core/"):
        return {}
    return {"displayName": f"{resource.kind.rsplit(':', maxsplit=1)[-1].lower()}{number(resource.id, 10**14):014d}"}
