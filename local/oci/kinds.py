"""What the simulation knows of each type of resource: its OCID, what it needs, what replaces it, what it refers to.

Sources: the arguments in https://www.pulumi.com/registry/packages/oci/api-docs/ and, for what replaces a resource, the
``ForceNew`` marks of https://github.com/oracle/terraform-provider-oci. A type that is not here works too: it gets an
OCID named after itself, needs nothing and changes in place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

VCN = "oci:Core/vcn:Vcn"
SUBNET = "oci:Core/subnet:Subnet"
INTERNET_GATEWAY = "oci:Core/internetGateway:InternetGateway"
NAT_GATEWAY = "oci:Core/natGateway:NatGateway"
SERVICE_GATEWAY = "oci:Core/serviceGateway:ServiceGateway"
DRG = "oci:Core/drg:Drg"
LOCAL_PEERING_GATEWAY = "oci:Core/localPeeringGateway:LocalPeeringGateway"
ROUTE_TABLE = "oci:Core/routeTable:RouteTable"
DEFAULT_ROUTE_TABLE = "oci:Core/defaultRouteTable:DefaultRouteTable"
SECURITY_LIST = "oci:Core/securityList:SecurityList"
DEFAULT_SECURITY_LIST = "oci:Core/defaultSecurityList:DefaultSecurityList"
DHCP_OPTIONS = "oci:Core/dhcpOptions:DhcpOptions"
DEFAULT_DHCP_OPTIONS = "oci:Core/defaultDhcpOptions:DefaultDhcpOptions"
NSG = "oci:Core/networkSecurityGroup:NetworkSecurityGroup"
NSG_RULE = "oci:Core/networkSecurityGroupSecurityRule:NetworkSecurityGroupSecurityRule"
PUBLIC_IP = "oci:Core/publicIp:PublicIp"
INSTANCE = "oci:Core/instance:Instance"
CLUSTER = "oci:ContainerEngine/cluster:Cluster"
NODE_POOL = "oci:ContainerEngine/nodePool:NodePool"
VIRTUAL_NODE_POOL = "oci:ContainerEngine/virtualNodePool:VirtualNodePool"
ADDON = "oci:ContainerEngine/addon:Addon"
LOAD_BALANCER = "oci:LoadBalancer/loadBalancer:LoadBalancer"
NETWORK_LOAD_BALANCER = "oci:NetworkLoadBalancer/networkLoadBalancer:NetworkLoadBalancer"
POLICY = "oci:Identity/policy:Policy"
DYNAMIC_GROUP = "oci:Identity/dynamicGroup:DynamicGroup"
COMPARTMENT = "oci:Identity/compartment:Compartment"
CONTAINER_REPOSITORY = "oci:Artifacts/containerRepository:ContainerRepository"
BUCKET = "oci:ObjectStorage/bucket:Bucket"
VAULT = "oci:Kms/vault:Vault"
KEY = "oci:Kms/key:Key"
VAULT_SECRET = "oci:Vault/secret:Secret"  # noqa: S105 (the token of a type)
REDIS_CLUSTER = "oci:Redis/redisCluster:RedisCluster"
STEERING_POLICY = "oci:Dns/steeringPolicy:SteeringPolicy"
STEERING_POLICY_ATTACHMENT = "oci:Dns/steeringPolicyAttachment:SteeringPolicyAttachment"
HTTP_MONITOR = "oci:HealthChecks/httpMonitor:HttpMonitor"

ROUTE_TABLES = (ROUTE_TABLE, DEFAULT_ROUTE_TABLE)
SECURITY_LISTS = (SECURITY_LIST, DEFAULT_SECURITY_LIST)
DHCP_OPTION_SETS = (DHCP_OPTIONS, DEFAULT_DHCP_OPTIONS)
ROUTE_TARGETS = (INTERNET_GATEWAY, NAT_GATEWAY, SERVICE_GATEWAY, DRG, LOCAL_PEERING_GATEWAY)


@dataclass(frozen=True)
class Kind:
    """One type of resource. Paths are keys joined by dots; ``[]`` after a key means every item of the list."""

    ocid: str
    """The type's name inside an OCID."""
    required: tuple[str, ...] = ("compartmentId",)
    """Paths that must be given, ``a|b`` when one of several will do; a path in an absent parent is not asked for."""
    force_new: frozenset[str] = frozenset()
    """Paths whose change needs a new resource, as everything below them does."""
    references: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Paths that hold ids, with the types that may stand there."""
    sets: frozenset[str] = frozenset()
    """Lists whose order means nothing."""
    named: bool = False
    """Whether ``name`` is made up when it is not given, and must be free again before a replacement takes it."""
    global_id: bool = False
    """Whether the OCID carries no region, as those of identity resources do."""


_IN_VCN: Mapping[str, tuple[str, ...]] = {"vcnId": (VCN,)}
_VCN_MEMBER = ("compartmentId", "vcnId")
_RULES = frozenset({"ingressSecurityRules", "egressSecurityRules"})

KINDS: dict[str, Kind] = {
    VCN: Kind("vcn", ("compartmentId", "cidrBlock|cidrBlocks"), frozenset({"dnsLabel", "cidrBlock"})),
    SUBNET: Kind(
        "subnet",
        (*_VCN_MEMBER, "cidrBlock|ipv4cidrBlocks|ipv6cidrBlock|ipv6cidrBlocks"),
        frozenset({"vcnId", "availabilityDomain", "dnsLabel", "prohibitPublicIpOnVnic", "prohibitInternetIngress"}),
        {
            **_IN_VCN,
            "routeTableId": ROUTE_TABLES,
            "securityListIds[]": SECURITY_LISTS,
            "dhcpOptionsId": DHCP_OPTION_SETS,
        },
        frozenset({"securityListIds"}),
    ),
    INTERNET_GATEWAY: Kind(
        "internetgateway", _VCN_MEMBER, frozenset({"vcnId"}), {**_IN_VCN, "routeTableId": ROUTE_TABLES}
    ),
    NAT_GATEWAY: Kind(
        "natgateway",
        _VCN_MEMBER,
        frozenset({"vcnId", "publicIpId"}),
        {**_IN_VCN, "routeTableId": ROUTE_TABLES, "publicIpId": (PUBLIC_IP,)},
    ),
    SERVICE_GATEWAY: Kind(
        "servicegateway",
        (*_VCN_MEMBER, "services[].serviceId"),
        frozenset({"vcnId"}),
        {**_IN_VCN, "routeTableId": ROUTE_TABLES},
        frozenset({"services"}),
    ),
    DRG: Kind("drg"),
    LOCAL_PEERING_GATEWAY: Kind("localpeeringgateway", _VCN_MEMBER, frozenset({"vcnId"}), _IN_VCN),
    ROUTE_TABLE: Kind(
        "routetable",
        (*_VCN_MEMBER, "routeRules[].networkEntityId", "routeRules[].destination|cidrBlock"),
        frozenset({"vcnId"}),
        {**_IN_VCN, "routeRules[].networkEntityId": ROUTE_TARGETS},
        frozenset({"routeRules"}),
    ),
    DEFAULT_ROUTE_TABLE: Kind(
        "routetable",
        ("manageDefaultResourceId", "routeRules[].networkEntityId", "routeRules[].destination|cidrBlock"),
        frozenset({"manageDefaultResourceId"}),
        {"manageDefaultResourceId": (DEFAULT_ROUTE_TABLE,), "routeRules[].networkEntityId": ROUTE_TARGETS},
        frozenset({"routeRules"}),
    ),
    SECURITY_LIST: Kind(
        "securitylist",
        (
            *_VCN_MEMBER,
            "ingressSecurityRules[].protocol",
            "ingressSecurityRules[].source",
            "egressSecurityRules[].protocol",
            "egressSecurityRules[].destination",
        ),
        frozenset({"vcnId"}),
        _IN_VCN,
        _RULES,
    ),
    DEFAULT_SECURITY_LIST: Kind(
        "securitylist",
        (
            "manageDefaultResourceId",
            "ingressSecurityRules[].protocol",
            "ingressSecurityRules[].source",
            "egressSecurityRules[].protocol",
            "egressSecurityRules[].destination",
        ),
        frozenset({"manageDefaultResourceId"}),
        {"manageDefaultResourceId": (DEFAULT_SECURITY_LIST,)},
        _RULES,
    ),
    DHCP_OPTIONS: Kind(
        "dhcpoptions",
        (*_VCN_MEMBER, "options", "options[].type"),
        frozenset({"vcnId"}),
        _IN_VCN,
        frozenset({"options"}),
    ),
    DEFAULT_DHCP_OPTIONS: Kind(
        "dhcpoptions",
        ("manageDefaultResourceId", "options", "options[].type"),
        frozenset({"manageDefaultResourceId"}),
        {"manageDefaultResourceId": (DEFAULT_DHCP_OPTIONS,)},
        frozenset({"options"}),
    ),
    NSG: Kind("networksecuritygroup", _VCN_MEMBER, frozenset({"vcnId"}), _IN_VCN),
    NSG_RULE: Kind(
        "networksecuritygrouprule",
        ("networkSecurityGroupId", "direction", "protocol"),
        frozenset({"networkSecurityGroupId"}),
        {"networkSecurityGroupId": (NSG,)},
    ),
    PUBLIC_IP: Kind("publicip", ("compartmentId", "lifetime"), frozenset({"lifetime", "publicIpPoolId"})),
    INSTANCE: Kind(
        "instance",
        ("compartmentId", "availabilityDomain"),
        frozenset({"availabilityDomain", "createVnicDetails.subnetId", "image", "sourceDetails.sourceId"}),
        {"createVnicDetails.subnetId": (SUBNET,), "createVnicDetails.nsgIds[]": (NSG,), "subnetId": (SUBNET,)},
    ),
    CLUSTER: Kind(
        "cluster",
        ("compartmentId", "kubernetesVersion", "vcnId", "endpointConfig.subnetId"),
        frozenset(
            {
                "compartmentId",
                "vcnId",
                "kmsKeyId",
                "clusterPodNetworkOptions",
                "options.serviceLbSubnetIds",
                "options.kubernetesNetworkConfig",
                "options.ipFamilies",
            }
        ),
        {
            **_IN_VCN,
            "endpointConfig.subnetId": (SUBNET,),
            "endpointConfig.nsgIds[]": (NSG,),
            "options.serviceLbSubnetIds[]": (SUBNET,),
        },
        frozenset({"endpointConfig.nsgIds"}),
        named=True,
    ),
    NODE_POOL: Kind(
        "nodepool",
        (
            "compartmentId",
            "clusterId",
            "nodeShape",
            "nodeConfigDetails.size",
            "nodeConfigDetails.placementConfigs",
            "nodeConfigDetails.placementConfigs[].availabilityDomain",
            "nodeConfigDetails.placementConfigs[].subnetId",
            "nodeSourceDetails|nodeImageId|nodeImageName",
            "nodeSourceDetails.imageId",
            "nodeSourceDetails.sourceType",
        ),
        frozenset(
            {
                "clusterId",
                "compartmentId",
                "nodeImageId",
                "nodeImageName",
                "nodeConfigDetails.nodePoolPodNetworkOptionDetails.cniType",
            }
        ),
        {
            "clusterId": (CLUSTER,),
            "nodeConfigDetails.placementConfigs[].subnetId": (SUBNET,),
            "nodeConfigDetails.nsgIds[]": (NSG,),
            "nodeConfigDetails.nodePoolPodNetworkOptionDetails.podSubnetIds[]": (SUBNET,),
            "nodeConfigDetails.nodePoolPodNetworkOptionDetails.podNsgIds[]": (NSG,),
            "subnetIds[]": (SUBNET,),
        },
        frozenset({"nodeConfigDetails.placementConfigs", "nodeConfigDetails.nsgIds"}),
        named=True,
    ),
    VIRTUAL_NODE_POOL: Kind(
        "virtualnodepool",
        ("compartmentId", "clusterId", "displayName", "placementConfigurations"),
        frozenset({"clusterId"}),
        {"clusterId": (CLUSTER,)},
    ),
    ADDON: Kind(
        "addon",
        ("addonName", "clusterId", "removeAddonResourcesOnDelete"),
        frozenset({"addonName", "clusterId"}),
        {"clusterId": (CLUSTER,)},
    ),
    LOAD_BALANCER: Kind(
        "loadbalancer",
        ("compartmentId", "displayName", "shape", "subnetIds"),
        frozenset({"subnetIds", "isPrivate", "ipMode"}),
        {"subnetIds[]": (SUBNET,), "networkSecurityGroupIds[]": (NSG,)},
        frozenset({"networkSecurityGroupIds"}),
    ),
    NETWORK_LOAD_BALANCER: Kind(
        "networkloadbalancer",
        ("compartmentId", "displayName", "subnetId"),
        frozenset({"subnetId", "isPrivate"}),
        {"subnetId": (SUBNET,), "networkSecurityGroupIds[]": (NSG,)},
        frozenset({"networkSecurityGroupIds"}),
    ),
    POLICY: Kind(
        "policy",
        ("compartmentId", "description", "statements"),
        frozenset({"compartmentId", "name"}),
        named=True,
        global_id=True,
    ),
    DYNAMIC_GROUP: Kind(
        "dynamicgroup",
        ("compartmentId", "description", "matchingRule"),
        frozenset({"compartmentId", "name"}),
        named=True,
        global_id=True,
    ),
    COMPARTMENT: Kind("compartment", ("description",), named=True, global_id=True),
    CONTAINER_REPOSITORY: Kind("containerrepo", ("compartmentId", "displayName"), frozenset({"displayName"})),
    BUCKET: Kind("bucket", ("compartmentId", "namespace"), frozenset({"namespace"}), named=True),
    VAULT: Kind("vault", ("compartmentId", "displayName", "vaultType"), frozenset({"vaultType"})),
    KEY: Kind(
        "key",
        ("compartmentId", "displayName", "managementEndpoint", "keyShape", "keyShape.algorithm", "keyShape.length"),
        frozenset({"managementEndpoint", "keyShape", "protectionMode"}),
    ),
    VAULT_SECRET: Kind(
        "vaultsecret",
        (
            "compartmentId",
            "vaultId",
            "keyId",
            "secretName",
            "secretContent|enableAutoGeneration",
            "secretContent.contentType",
            "secretGenerationContext.generationType",
            "secretGenerationContext.generationTemplate",
        ),
        frozenset({"vaultId", "keyId", "secretName"}),
        {"vaultId": (VAULT,), "keyId": (KEY,)},
    ),
    REDIS_CLUSTER: Kind(
        "rediscluster",
        ("compartmentId", "displayName", "nodeCount", "nodeMemoryInGbs", "softwareVersion", "subnetId"),
        frozenset({"subnetId", "clusterMode"}),
        {"subnetId": (SUBNET,), "nsgIds[]": (NSG,)},
        frozenset({"nsgIds"}),
    ),
    HTTP_MONITOR: Kind(
        "httpmonitor",
        ("compartmentId", "displayName", "intervalInSeconds", "protocol", "targets"),
        frozenset(),
        {},
        frozenset({"targets", "vantagePointNames"}),
    ),
    STEERING_POLICY: Kind(
        "dnspolicy",
        (
            "compartmentId",
            "displayName",
            "template",
            "answers[].name",
            "answers[].rtype",
            "answers[].rdata",
            "rules[].ruleType",
        ),
        frozenset({"answers", "rules"}),
        {"healthCheckMonitorId": (HTTP_MONITOR,)},
        frozenset({"answers"}),
    ),
    STEERING_POLICY_ATTACHMENT: Kind(
        "dnspolicyattachment",
        ("domainName", "steeringPolicyId", "zoneId"),
        frozenset({"domainName", "steeringPolicyId", "zoneId"}),
        {"steeringPolicyId": (STEERING_POLICY,)},
    ),
}


def kind_of(token: str) -> Kind:
    """What is known of a type; for one not in the table, what holds for any."""
    found = KINDS.get(token)
    if found is not None:
        return found
    identity = token.startswith("oci:Identity/")
    return Kind(token.rsplit(":", maxsplit=1)[-1].lower(), required=(), global_id=identity)


REFERENCED_OCIDS: frozenset[str] = frozenset(
    KINDS[kind].ocid for each in KINDS.values() for kinds in each.references.values() for kind in kinds
)
"""Types whose OCIDs the simulation itself gave out, so that one it does not hold cannot exist."""
