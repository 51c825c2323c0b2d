"""The one way in which the program makes OCI resources and asks OCI questions.

It speaks to the provider by resource type and property name, in the provider's own spelling (camelCase), and leaves the
typed classes of `pulumi_oci` out: importing them costs 1.3 s, and a whole preview takes less than two. What they
would have checked, the names of properties and which are required, a test checks against them.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

VCN = "oci:Core/vcn:Vcn"
INTERNET_GATEWAY = "oci:Core/internetGateway:InternetGateway"
NAT_GATEWAY = "oci:Core/natGateway:NatGateway"
SERVICE_GATEWAY = "oci:Core/serviceGateway:ServiceGateway"
ROUTE_TABLE = "oci:Core/routeTable:RouteTable"
SUBNET = "oci:Core/subnet:Subnet"
SECURITY_LIST = "oci:Core/securityList:SecurityList"
DEFAULT_SECURITY_LIST = "oci:Core/defaultSecurityList:DefaultSecurityList"
DHCP_OPTIONS = "oci:Core/dhcpOptions:DhcpOptions"
PUBLIC_IP = "oci:Core/publicIp:PublicIp"
CLUSTER = "oci:ContainerEngine/cluster:Cluster"
NODE_POOL = "oci:ContainerEngine/nodePool:NodePool"
ADDON = "oci:ContainerEngine/addon:Addon"
POLICY = "oci:Identity/policy:Policy"
CONTAINER_REPOSITORY = "oci:Artifacts/containerRepository:ContainerRepository"
VAULT = "oci:Kms/vault:Vault"
KEY = "oci:Kms/key:Key"
VAULT_SECRET = "oci:Vault/secret:Secret"  # noqa: S105 - the token of a type
REDIS_CLUSTER = "oci:Redis/redisCluster:RedisCluster"
STEERING_POLICY = "oci:Dns/steeringPolicy:SteeringPolicy"
STEERING_POLICY_ATTACHMENT = "oci:Dns/steeringPolicyAttachment:SteeringPolicyAttachment"
HTTP_MONITOR = "oci:HealthChecks/httpMonitor:HttpMonitor"

GET_SERVICES = "oci:Core/getServices:getServices"
GET_SECRET_BUNDLE = "oci:Secrets/getSecretbundle:getSecretbundle"  # noqa: S105 - the token of a function
GET_KUBECONFIG = "oci:ContainerEngine/getClusterKubeConfig:getClusterKubeConfig"


class OciResource(pulumi.CustomResource):
    """A resource of the OCI provider, by its type token."""

    def __init__(
        self,
        token: str,
        name: str,
        inputs: Mapping[str, Any],
        opts: pulumi.ResourceOptions,
        outputs: Sequence[str] = (),
    ) -> None:
        """`outputs` names the properties, beyond the inputs, that the provider fills in and `output` is asked for."""
        super().__init__(token, name, dict.fromkeys(outputs) | dict(inputs), opts)

    def output(self, name: str) -> pulumi.Output[Any]:
        """A property as the provider reported it."""
        value: pulumi.Output[Any] = self.__dict__[name]
        return value


def invoke(token: str, arguments: Mapping[str, Any], parent: pulumi.Resource) -> pulumi.Output[Any]:
    """The answer of a function of the provider, asked through the provider of `parent`."""
    return pulumi.runtime.invoke_output(token, dict(arguments), opts=pulumi.InvokeOutputOptions(parent=parent))
