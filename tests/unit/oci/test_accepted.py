"""What real OCI accepts is accepted, also while part of it is not known yet."""

from collections.abc import Iterator
from typing import Any

import pytest

from local.oci import kinds as k
from local.properties import UNKNOWN
from tests.unit.oci.cloud import (
    ALL_SERVICES,
    COMPARTMENT,
    EXISTING_KEY,
    EXISTING_VAULT,
    OBJECT_STORAGE,
    TENANCY,
    Cloud,
    Inputs,
    attachment,
    cache,
    cluster,
    furnished,
    key,
    monitor,
    policy,
    pool,
    route,
    route_table,
    security_list,
    steering,
    subnet,
    vault,
    vault_secret,
)
from tests.unit.oci.refused_clusters import CASES as CLUSTERS
from tests.unit.oci.refused_network import CASES as NETWORK
from tests.unit.oci.refused_security import CASES as SECURITY
from tests.unit.oci.refused_steering import CASES as STEERING
from tests.unit.oci.refused_vaults import CASES as VAULTS


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    return furnished(Cloud(tmp_path_factory.mktemp("cloud"), known_elsewhere=frozenset({EXISTING_VAULT, EXISTING_KEY})))


def accepted(cloud: Cloud) -> dict[str, tuple[str, Inputs]]:
    """Requests on the edge of what is refused."""
    gpu = pool(cloud, nodeShape="VM.GPU.A10.1", nodeShapeConfig=None)
    return {
        "smallest subnet": (k.SUBNET, subnet(cloud, cidrBlock="10.0.50.0/30")),
        "subnet of one domain": (k.SUBNET, subnet(cloud, availabilityDomain="aBcD:EU-FRANKFURT-1-AD-2")),
        "same label in another vcn": (
            k.SUBNET,
            subnet(cloud, vcnId=cloud["other_vcn"], cidrBlock="10.9.7.0/24", dnsLabel="public"),
        ),
        "vcn that overlaps another": (k.VCN, {"compartmentId": COMPARTMENT, "cidrBlocks": ["10.0.0.0/16"]}),
        "vcn with one block": (
            k.VCN,
            {"compartmentId": COMPARTMENT, "cidrBlock": "172.16.0.0/20", "dnsLabel": "a" * 15},
        ),
        "compartment in the tenancy": (k.VCN, {"compartmentId": TENANCY, "cidrBlock": "172.16.0.0/20"}),
        "private table": (
            k.ROUTE_TABLE,
            route_table(
                cloud,
                route(cloud["nat"], "0.0.0.0/0"),
                route(cloud["sgw"], ALL_SERVICES.cidr_block, "SERVICE_CIDR_BLOCK"),
            ),
        ),
        "internet and object storage": (
            k.ROUTE_TABLE,
            route_table(
                cloud,
                route(cloud["igw"], "0.0.0.0/0"),
                route(cloud["sgw"], OBJECT_STORAGE.cidr_block, "SERVICE_CIDR_BLOCK"),
            ),
        ),
        "route to a private address": (
            k.ROUTE_TABLE,
            route_table(cloud, route("ocid1.privateip.oc1.fra.x", "10.7.0.0/16")),
        ),
        "empty table": (k.ROUTE_TABLE, route_table(cloud)),
        "every kind of rule": (
            k.SECURITY_LIST,
            security_list(
                cloud,
                {"protocol": "all", "source": "10.0.0.0/16"},
                {"protocol": "6", "source": "0.0.0.0/0", "tcpOptions": {"min": 1, "max": 65535}},
                {"protocol": "6", "source": "::/0", "tcpOptions": {"sourcePortRange": {"min": 1, "max": 2}}},
                {
                    "protocol": "17",
                    "source": "10.0.0.7/24",
                    "udpOptions": {"min": 3478, "max": 3478},
                    "stateless": True,
                },
                {"protocol": "1", "source": "0.0.0.0/0", "icmpOptions": {"type": 3, "code": 4}},
                {"protocol": "1", "source": "0.0.0.0/0", "icmpOptions": {"type": 8}},
                {"protocol": "58", "source": "::/0", "icmpOptions": {"type": 128}},
                {"protocol": "50", "source": "0.0.0.0/0"},
                egress=[
                    {"protocol": "6", "destination": ALL_SERVICES.cidr_block, "destinationType": "SERVICE_CIDR_BLOCK"}
                ],
            ),
        ),
        "200 rules": (k.SECURITY_LIST, security_list(cloud, *[{"protocol": "6", "source": "0.0.0.0/0"}] * 200)),
        "five lists": (k.SUBNET, subnet(cloud, securityListIds=[cloud["list"]] * 5)),
        "emptied default list": (k.DEFAULT_SECURITY_LIST, {"manageDefaultResourceId": cloud["default_list"]}),
        "any patch of a minor": (k.CLUSTER, cluster(cloud, kubernetesVersion="v1.34.9")),
        "private endpoint": (k.CLUSTER, cluster(cloud, endpointConfig={"subnetId": cloud["private"]})),
        "native pods inside the vcn": (
            k.CLUSTER,
            cluster(
                cloud,
                clusterPodNetworkOptions=[{"cniType": "OCI_VCN_IP_NATIVE"}],
                options={"kubernetesNetworkConfig": {"podsCidr": "10.0.0.0/17"}},
            ),
        ),
        "older pool": (k.NODE_POOL, pool(cloud, kubernetesVersion="v1.34.1")),
        "empty pool": (k.NODE_POOL, pool(cloud, details={"size": 0})),
        "gpu pool": (k.NODE_POOL, gpu),
        "numbers as numbers": (
            k.NODE_POOL,
            pool(
                cloud,
                nodeSourceDetails={"sourceType": "IMAGE", "imageId": "ocid1.image.oc1..x", "bootVolumeSizeInGbs": 50},
            ),
        ),
        "pool in every domain": (
            k.NODE_POOL,
            pool(
                cloud,
                details={
                    "placementConfigs": [
                        {"availabilityDomain": f"Uocm:EU-FRANKFURT-1-AD-{n}", "subnetId": cloud["private"]}
                        for n in (1, 2, 3)
                    ]
                },
            ),
        ),
        "labels and metadata": (
            k.NODE_POOL,
            pool(
                cloud,
                initialNodeLabels=[{"key": "app.pixel/gpu", "value": "true"}, {"key": "empty", "value": ""}],
                nodeMetadata={
                    "user_data": "IyEvYmluL2Jhc2gK\n",
                    "kubelet-extra-args": "--register-with-taints=a=b:NoSchedule",
                },
                nodeEvictionNodePoolSettings={"evictionGraceDuration": "PT1H"},
                nodePoolCyclingDetails={"isNodeCyclingEnabled": True},
            ),
        ),
        "addon": (
            k.ADDON,
            {"addonName": "ClusterAutoscaler", "clusterId": cloud["cluster"], "removeAddonResourcesOnDelete": True},
        ),
        "private balancer": (
            k.LOAD_BALANCER,
            {
                "compartmentId": COMPARTMENT,
                "displayName": "lb",
                "shape": "100Mbps",
                "isPrivate": True,
                "subnetIds": [cloud["private"]],
            },
        ),
        "reserved address": (k.PUBLIC_IP, {"compartmentId": COMPARTMENT, "lifetime": "RESERVED"}),
        "policies": (
            k.POLICY,
            policy(
                "Allow group A to {VNIC_READ, VNIC_ATTACH} in compartment Games:Europe",
                "allow any-user to use vnics in compartment id ocid1.compartment.oc1..x where ALL {a='b'}",
                "Allow service OKE to manage all-resources in tenancy",
                "Define tenancy T as ocid1.tenancy.oc1..x",
                "Endorse group A to manage object-family in any-tenancy",
                "Deny group B to use vnics in tenancy",
            ),
        ),
        "dynamic group": (
            k.DYNAMIC_GROUP,
            {
                "compartmentId": TENANCY,
                "name": "g",
                "description": "d",
                "matchingRule": "ALL {instance.compartment.id = 'x'}",
            },
        ),
        "repository": (k.CONTAINER_REPOSITORY, {"compartmentId": COMPARTMENT, "displayName": "pixel/streamer"}),
        "a type that is not in the table": (
            "oci:Nosql/table:Table",
            {"compartmentId": COMPARTMENT, "name": "scores"},
        ),
        "outside of the simulation": (
            "oci:Core/volume:Volume",
            {"volumeGroupId": "ocid1.volumegroup.oc1.fra.x", "backupPolicyId": "gold"},
        ),
        "one more vault": (k.VAULT, vault()),
        "key of another length": (k.KEY, key(cloud, keyShape={"algorithm": "AES", "length": 16})),
        "key for signatures": (k.KEY, key(cloud, keyShape={"algorithm": "ECDSA", "length": 32})),
        "secret that is drawn": (k.VAULT_SECRET, vault_secret(cloud)),
        "secret that is given": (
            k.VAULT_SECRET,
            vault_secret(
                cloud,
                secretName="given",
                enableAutoGeneration=None,
                secretGenerationContext=None,
                secretContent={"contentType": "BASE64", "content": "c2VjcmV0"},
            ),
        ),
        "same name in another vault": (
            k.VAULT_SECRET,
            vault_secret(cloud, vaultId=cloud["other_vault"], keyId=cloud["other_key"], secretName="taken"),
        ),
        "frequent monitor": (k.HTTP_MONITOR, monitor(method="HEAD", port=443, path="/region", intervalInSeconds=10)),
        "steering by continent": (k.STEERING_POLICY, steering(cloud)),
        "steering without health": (
            k.STEERING_POLICY,
            steering(
                cloud,
                healthCheckMonitorId=None,
                rules=[rule for rule in steering(cloud)["rules"] if rule["ruleType"] != "HEALTH"],
            ),
        ),
        "steering of one's own": (k.STEERING_POLICY, steering(cloud, template="CUSTOM", rules=[{"ruleType": "LIMIT"}])),
        "a name that is free": (k.STEERING_POLICY_ATTACHMENT, attachment(cloud)),
        "the same name in another zone": (
            k.STEERING_POLICY_ATTACHMENT,
            attachment(cloud, domainName="taken.example.com", zoneId="ocid1.dns-zone.oc1..another"),
        ),
        "cache": (k.REDIS_CLUSTER, cache(cloud)),
        "sharded cache": (k.REDIS_CLUSTER, cache(cloud, clusterMode="SHARDED", shardCount=3)),
        "secret in a vault that was there": (
            k.VAULT_SECRET,
            vault_secret(cloud, vaultId=EXISTING_VAULT, keyId=EXISTING_KEY),
        ),
    }


NAMES = tuple(accepted(type("Ids", (), {"__getitem__": lambda self, key: key})()))


def holes(value: Any) -> Iterator[Any]:
    """The value once for each of its parts, with that part unknown."""
    yield UNKNOWN
    if isinstance(value, dict):
        for key in value:
            for item in holes(value[key]):
                yield {**value, key: item}
    elif isinstance(value, list):
        # The parts of long lists are all alike.
        for index in range(min(len(value), 9)):
            for item in holes(value[index]):
                yield [*value[:index], item, *value[index + 1 :]]


@pytest.mark.parametrize("name", NAMES)
def test_accepted_by_check(name: str, cloud: Cloud):
    kind, inputs = accepted(cloud)[name]
    assert cloud.check(kind, inputs) == []


@pytest.mark.parametrize("name", NAMES)
def test_accepted_with_any_part_unknown(name: str, cloud: Cloud):
    kind, inputs = accepted(cloud)[name]
    for partly in holes(inputs):
        if isinstance(partly, dict):
            assert cloud.check(kind, partly) == [], partly


@pytest.mark.parametrize("case", (*NETWORK, *SECURITY, *CLUSTERS, *VAULTS, *STEERING), ids=lambda case: case.name)
def test_a_wrong_request_with_any_part_unknown_breaks_no_rule_itself(case: Any, cloud: Cloud):
    for partly in holes({name: value for name, value in case.request(cloud).items() if value is not None}):
        if isinstance(partly, dict):
            cloud.check(case.kind, partly)


def test_accepted_for_good(tmp_path: Any):
    cloud = furnished(
        Cloud(tmp_path, known_elsewhere=frozenset({"ocid1.vcn.oc1.fra.elsewhere", EXISTING_VAULT, EXISTING_KEY}))
    )
    for index, name in enumerate(NAMES):
        kind, inputs = accepted(cloud)[name]
        if kind == k.SUBNET and "10.0.50" in inputs["cidrBlock"]:
            inputs = {**inputs, "cidrBlock": inputs["cidrBlock"].replace("10.0.50", f"10.0.{100 + index}")}
        made = cloud.create(kind, inputs, name)
        assert cloud.resources()[made].inputs == inputs
    elsewhere = subnet(cloud, vcnId="ocid1.vcn.oc1.fra.elsewhere")
    assert cloud.check(k.SUBNET, elsewhere) == []
