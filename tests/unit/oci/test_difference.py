"""What replaces a resource, what changes it in place, and what is no change at all."""

from typing import Any

import pytest

from local.oci import kinds as k
from local.oci.difference import difference
from local.properties import UNKNOWN

RULE = {"protocol": "6", "source": "0.0.0.0/0", "tcpOptions": {"min": 80, "max": 80}}
OTHER = {"protocol": "17", "source": "10.0.0.0/8"}


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (k.SECURITY_LIST, {"ingressSecurityRules": [RULE, OTHER]}, {"ingressSecurityRules": [OTHER, RULE]}),
        (k.SUBNET, {"securityListIds": ["a", "b"]}, {"securityListIds": ["b", "a"]}),
        (k.VCN, {"displayName": "a", "dnsLabel": None}, {"displayName": "a"}),
        (
            k.NODE_POOL,
            {"nodeConfigDetails": {"nsgIds": ["a", "b"], "placementConfigs": [{"a": 1}, {"a": 2}]}},
            {"nodeConfigDetails": {"nsgIds": ["b", "a"], "placementConfigs": [{"a": 2}, {"a": 1}]}},
        ),
    ],
)
def test_no_change(kind: str, old: dict[str, Any], new: dict[str, Any]):
    assert difference(kind, old, new).changes == {}


@pytest.mark.parametrize(
    ("kind", "old", "new", "path", "how", "replaces"),
    [
        (k.SUBNET, {"vcnId": "a"}, {"vcnId": "b"}, "vcnId", "update", True),
        (k.SUBNET, {"vcnId": "a"}, {"vcnId": UNKNOWN}, "vcnId", "update", True),
        (k.SUBNET, {"cidrBlock": "a"}, {"cidrBlock": "b"}, "cidrBlock", "update", False),
        (k.SUBNET, {}, {"prohibitPublicIpOnVnic": True}, "prohibitPublicIpOnVnic", "add", True),
        (k.VCN, {"displayName": "a"}, {}, "displayName", "delete", False),
        (
            k.VCN,
            {"freeformTags": {}},
            {"freeformTags": {"app.pixel/x": "1"}},
            'freeformTags["app.pixel/x"]',
            "add",
            False,
        ),
        (k.CLUSTER, {"kubernetesVersion": "a"}, {"kubernetesVersion": "b"}, "kubernetesVersion", "update", False),
        (k.CLUSTER, {"endpointConfig": {"a": 1}}, {"endpointConfig": {"a": 2}}, "endpointConfig.a", "update", False),
        (
            k.CLUSTER,
            {"clusterPodNetworkOptions": [{"cniType": "a"}]},
            {"clusterPodNetworkOptions": [{"cniType": "b"}]},
            "clusterPodNetworkOptions[0].cniType",
            "update",
            True,
        ),
        (k.CLUSTER, {}, {"options": {"addOns": {}}}, "options", "add", False),
        (k.CLUSTER, {}, {"options": {"serviceLbSubnetIds": ["a"]}}, "options", "add", True),
        (
            k.NODE_POOL,
            {"nodeConfigDetails": {"size": 1}},
            {"nodeConfigDetails": {"size": 2}},
            "nodeConfigDetails.size",
            "update",
            False,
        ),
        (k.NODE_POOL, {"nodeShape": "a"}, {"nodeShape": "b"}, "nodeShape", "update", False),
        (k.NODE_POOL, {"clusterId": "a"}, {"clusterId": "b"}, "clusterId", "update", True),
        (k.ADDON, {"addonName": "a"}, {"addonName": "b"}, "addonName", "update", True),
        (k.POLICY, {"statements": ["a"]}, {"statements": ["a", "b"]}, "statements[1]", "add", False),
        (k.POLICY, {"name": "a"}, {"name": "b"}, "name", "update", True),
        ("oci:Redis/redisCluster:RedisCluster", {"nodeCount": 1}, {"nodeCount": 2}, "nodeCount", "update", False),
        (k.INTERNET_GATEWAY, {"enabled": True}, {"enabled": 1}, "enabled", "update", False),
    ],
)
def test_one_change(kind: str, old: dict[str, Any], new: dict[str, Any], path: str, how: str, replaces: bool):
    ((found, change),) = difference(kind, old, new).changes.items()
    assert (found, change.kind, change.replace) == (path, how, replaces)


def test_a_name_that_stays_must_be_free_again_first():
    old = {"name": "pixel", "vcnId": "a"}
    assert difference(k.CLUSTER, old, {**old, "vcnId": "b"}).delete_before_replace
    assert not difference(k.CLUSTER, old, {"name": "other", "vcnId": "b"}).delete_before_replace
    assert not difference(k.CLUSTER, old, {**old, "type": "x"}).delete_before_replace
    assert not difference(k.SUBNET, {"vcnId": "a"}, {"vcnId": "b"}).delete_before_replace
