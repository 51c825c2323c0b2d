"""A preview: ids are unknown, and yet what is certain to be refused is refused."""

from pathlib import Path

import pytest

from local.oci import kinds as k
from local.properties import UNKNOWN
from local.provider import ProviderError
from tests.unit.oci.cloud import COMPARTMENT, Cloud, furnished, route, subnet


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path)


def planned_subnet(**changes: object) -> dict[str, object]:
    return {"compartmentId": COMPARTMENT, "vcnId": UNKNOWN, "cidrBlock": "10.0.1.0/24", **changes}


def test_what_the_cloud_computes_is_unknown(cloud: Cloud):
    made, outputs = cloud.simulation.create(
        cloud.urn(k.VCN, "vcn"),
        k.VCN,
        {"compartmentId": COMPARTMENT, "cidrBlocks": ["10.0.0.0/16"]},
        timeout=0,
        preview=True,
    )
    assert made == ""
    assert outputs["defaultSecurityListId"] is UNKNOWN
    assert outputs["timeCreated"] is UNKNOWN
    assert outputs["cidrBlocks"] == ["10.0.0.0/16"]
    assert cloud.resources() == {}


def test_a_subnet_outside_the_only_planned_vcn_is_refused(cloud: Cloud):
    cloud.plan(k.VCN, "vcn", cidrBlocks=["10.0.0.0/16"])
    assert cloud.check(k.SUBNET, planned_subnet()) == []
    (failure,) = cloud.check(k.SUBNET, planned_subnet(cidrBlock="10.1.0.0/24"))
    assert "not within the VCN's CIDR 10.0.0.0/16" in failure.reason


def test_with_two_planned_vcns_a_subnet_may_be_in_either(cloud: Cloud):
    cloud.plan(k.VCN, "one", cidrBlocks=["10.0.0.0/16"])
    cloud.plan(k.VCN, "two", cidrBlocks=["10.1.0.0/16"])
    assert cloud.check(k.SUBNET, planned_subnet(cidrBlock="10.1.0.0/24")) == []
    (failure,) = cloud.check(k.SUBNET, planned_subnet(cidrBlock="10.2.0.0/24"))
    assert "10.0.0.0/16, 10.1.0.0/16" in failure.reason


def test_planned_subnets_of_one_vcn_may_not_overlap(cloud: Cloud):
    cloud.plan(k.VCN, "vcn", cidrBlocks=["10.0.0.0/16"])
    cloud.plan(k.SUBNET, "first", **planned_subnet(displayName="first", dnsLabel="a"))
    (failure,) = cloud.check(k.SUBNET, planned_subnet(cidrBlock="10.0.1.128/25"))
    assert "overlaps 10.0.1.0/24 of subnet first" in failure.reason
    (failure,) = cloud.check(k.SUBNET, planned_subnet(cidrBlock="10.0.2.0/24", dnsLabel="a"))
    assert "duplicate" in failure.reason


def test_planned_subnets_of_different_vcns_may_overlap(cloud: Cloud):
    cloud.plan(k.VCN, "one", cidrBlocks=["10.0.0.0/16"])
    cloud.plan(k.VCN, "two", cidrBlocks=["10.0.0.0/16"])
    cloud.plan(k.SUBNET, "first", **planned_subnet())
    assert cloud.check(k.SUBNET, planned_subnet()) == []


def test_a_public_endpoint_needs_a_subnet_that_could_be_public(cloud: Cloud):
    cloud.plan(k.VCN, "vcn", cidrBlocks=["10.0.0.0/16"])
    cloud.plan(k.SUBNET, "private", **planned_subnet(prohibitPublicIpOnVnic=True))
    request = {
        "compartmentId": COMPARTMENT,
        "vcnId": UNKNOWN,
        "kubernetesVersion": "v1.36.1",
        "endpointConfig": {"subnetId": UNKNOWN, "isPublicIpEnabled": True},
    }
    (failure,) = cloud.check(k.CLUSTER, request)
    assert "prohibits public IP addresses" in failure.reason
    cloud.plan(k.SUBNET, "public", **planned_subnet(cidrBlock="10.0.2.0/24"))
    assert cloud.check(k.CLUSTER, request) == []


def test_a_pool_newer_than_the_planned_cluster_is_refused(cloud: Cloud):
    cloud.plan(k.VCN, "vcn", cidrBlocks=["10.0.0.0/16"])
    cloud.plan(k.CLUSTER, "cluster", vcnId=UNKNOWN, kubernetesVersion="v1.35.1")
    request = {
        "compartmentId": COMPARTMENT,
        "clusterId": UNKNOWN,
        "nodeShape": "VM.GPU.A10.1",
        "kubernetesVersion": "v1.36.1",
        "nodeSourceDetails": UNKNOWN,
    }
    (failure,) = cloud.check(k.NODE_POOL, request)
    assert "newer than its cluster" in failure.reason


def test_an_addon_on_a_planned_basic_cluster_is_refused(cloud: Cloud):
    cloud.plan(k.CLUSTER, "cluster", vcnId=UNKNOWN, kubernetesVersion="v1.35.1")
    request = {"addonName": "CertManager", "clusterId": UNKNOWN, "removeAddonResourcesOnDelete": True}
    (failure,) = cloud.check(k.ADDON, request)
    assert "need an enhanced cluster" in failure.reason


def test_a_planned_table_for_internet_and_all_services_is_refused_where_it_is_certain(cloud: Cloud):
    label = "all-fra-services-in-oracle-services-network"
    cloud.plan(k.VCN, "vcn", cidrBlocks=["10.0.0.0/16"])
    cloud.plan(k.INTERNET_GATEWAY, "igw", vcnId=UNKNOWN)
    cloud.plan(k.SERVICE_GATEWAY, "sgw", vcnId=UNKNOWN, services=[{"serviceId": UNKNOWN}])
    rules = [route(UNKNOWN, "0.0.0.0/0"), route(UNKNOWN, label, "SERVICE_CIDR_BLOCK")]  # type: ignore[arg-type]
    request = {"compartmentId": COMPARTMENT, "vcnId": UNKNOWN, "routeRules": rules}
    (failure,) = cloud.check(k.ROUTE_TABLE, request)
    assert "internet gateway" in failure.reason
    # With a NAT gateway in the plan, either may be meant.
    cloud.plan(k.NAT_GATEWAY, "nat", vcnId=UNKNOWN)
    assert cloud.check(k.ROUTE_TABLE, request) == []


def test_a_planned_change_counts_for_what_follows(tmp_path: Path):
    cloud = furnished(Cloud(tmp_path))
    olds = dict(cloud.resources()[cloud["vcn"]].inputs)
    beyond = subnet(cloud, cidrBlock="10.77.0.0/24")
    assert len(cloud.check(k.SUBNET, beyond)) == 1
    cloud.update(k.VCN, "vcn", olds, {**olds, "cidrBlocks": ["10.0.0.0/16", "10.77.0.0/16"]}, preview=True)
    assert cloud.check(k.SUBNET, beyond) == []
    assert dict(cloud.resources()[cloud["vcn"]].inputs) == olds


def test_a_preview_of_a_create_refuses_too(cloud: Cloud):
    cloud.plan(k.VCN, "vcn", cidrBlocks=["10.0.0.0/16"])
    with pytest.raises(ProviderError, match="not within"):
        cloud.plan(k.SUBNET, "subnet", **planned_subnet(cidrBlock="10.1.0.0/24"))
