"""Cluster, node pools and the way every resource is registered, in every stack."""

import base64
import importlib
import inspect
import re
from typing import Any

import pytest

from components.node_pools import plan_pools
from components.oci import ADDON, STEERING_POLICY_ATTACHMENT
from components.settings import Settings
from components.settings.isolation import Engine
from components.settings.registry import Repositories as RepositoriesMode
from tests.program.recording import KUBECONFIG, Record, is_secret

POOL = "oci:ContainerEngine/nodePool:NodePool"


def pools(record: Record, label: str) -> list[dict[str, Any]]:
    wanted = {"key": label, "value": "true"}
    return [each.inputs for each in record.of(POOL) if wanted in each.inputs["initialNodeLabels"]]


def user_data(pool: dict[str, Any]) -> str:
    return base64.b64decode(pool["nodeMetadata"]["user_data"]).decode()


def test_the_cluster_is_enhanced_flannel_and_in_its_subnets(record: Record, its: Settings) -> None:
    cluster = record.one("oci:ContainerEngine/cluster:Cluster").inputs
    assert cluster["type"] == "ENHANCED_CLUSTER"
    assert cluster["clusterPodNetworkOptions"] == [{"cniType": "FLANNEL_OVERLAY"}]
    assert cluster["kubernetesVersion"] == its.cluster.kubernetes_version
    assert cluster["endpointConfig"]["subnetId"] == "network-api-subnet-id"
    assert cluster["options"]["serviceLbSubnetIds"] == ["network-load-balancers-subnet-id"]


def test_what_holds_state_is_protected_where_the_stack_says_so(record: Record, its: Settings) -> None:
    stateful = {
        "oci:Core/vcn:Vcn",
        "oci:Core/subnet:Subnet",
        "oci:Core/publicIp:PublicIp",
        "oci:ContainerEngine/cluster:Cluster",
        "oci:Artifacts/containerRepository:ContainerRepository",
        "oci:Kms/vault:Vault",
        "oci:Kms/key:Key",
    }
    holding = {each.urn for each in record.resources if each.token in stateful}
    assert {each.urn for each in record.resources if each.protect} == (holding if its.cluster.protect else set())


def test_production_is_protected(stack: str, its: Settings) -> None:
    assert its.cluster.protect is stack.startswith("production")


def test_the_default_pool_has_three_nodes_or_more(record: Record, its: Settings) -> None:
    pool, *more = pools(record, "app.pixel/default")
    assert pool["nodeConfigDetails"]["size"] == its.pools.default.min >= 3
    assert bool(more) == (its.cluster.autoscaler and its.pools.default.max > its.pools.default.min)
    for each in more:
        assert each["nodeConfigDetails"]["size"] == 0
        assert len(each["nodeConfigDetails"]["placementConfigs"]) == 1
    assert pool["nodeShape"].endswith(".Flex")
    assert {each["subnetId"] for each in pool["nodeConfigDetails"]["placementConfigs"]} == {"network-workers-subnet-id"}
    assert "kubelet-extra-args" not in pool["nodeMetadata"]


def test_turn_nodes_are_labelled_tainted_and_in_their_subnet(record: Record) -> None:
    (pool,) = pools(record, "app.pixel/turn")
    taint = "--register-with-taints=app.pixel/turn=true:NoSchedule"
    assert pool["nodeMetadata"]["kubelet-extra-args"] == taint
    assert f'--kubelet-extra-args "{taint}"' in user_data(pool)
    assert {each["subnetId"] for each in pool["nodeConfigDetails"]["placementConfigs"]} == {"network-turn-subnet-id"}
    assert pool["nodeConfigDetails"]["size"] >= 1


def test_gpu_pools_are_one_for_each_domain(record: Record, its: Settings) -> None:
    found = pools(record, "app.pixel/gpu")
    domains = [pool["nodeConfigDetails"]["placementConfigs"] for pool in found]
    assert sorted(d["availabilityDomain"] for each in domains for d in each) == sorted(
        its.pools.gpu.availability_domains
    )
    assert all(len(each) == 1 and each[0]["subnetId"] == "network-workers-subnet-id" for each in domains)
    assert sum(pool["nodeConfigDetails"]["size"] for pool in found) == its.pools.gpu.min
    for pool in found:
        assert "nodeShapeConfig" not in pool
        assert int(pool["nodeSourceDetails"]["bootVolumeSizeInGbs"]) >= 200
        assert pool["nodeSourceDetails"]["imageId"] == its.pools.gpu.image_id


def test_every_pool_joins_grows_its_disk_and_tells_the_autoscaler(record: Record, its: Settings) -> None:
    for each in record.of(POOL):
        script = user_data(each.inputs)
        assert script.startswith("#!/bin/bash\n")
        assert "/opc/v2/instance/metadata/oke_init_script" in script
        assert script.index("oci-growfs") < script.index("bash /var/run/oke-init.sh")
        assert re.fullmatch(r"\d+Gi", each.inputs["freeformTags"]["cluster-autoscaler/node-ephemeral-storage"])
        assert each.inputs["kubernetesVersion"] == its.cluster.kubernetes_version
        labels = [(label["key"], label["value"]) for label in each.inputs["initialNodeLabels"]]
        assert labels == sorted(labels)
        assert ("nodeShapeConfig" in each.inputs) == each.inputs["nodeShape"].endswith(".Flex")


def test_sizes_are_left_to_the_autoscaler_where_it_is_on(record: Record, its: Settings) -> None:
    left = {each.inputs["name"] for each in record.of(POOL) if each.ignore_changes == ("nodeConfigDetails.size",)}
    mine = {each.inputs["name"] for each in record.of(POOL) if not each.ignore_changes}
    assert left == {plan.name for plan in plan_pools(its.pools, autoscaler=its.cluster.autoscaler) if plan.autoscaled}
    assert len(left) + len(mine) == len(record.of(POOL))
    assert "default" in mine, "one pool is always the program's, as Oracle asks"
    assert bool(left) == its.cluster.autoscaler


def test_every_resource_has_an_explicit_provider(record: Record, its: Settings) -> None:
    for each in record.resources:
        if not each.custom or each.token.startswith("pulumi:providers:"):
            continue
        package = each.token.split(":")[0]
        name = {"oci": "region", "kubernetes": "cluster-kubernetes"}[package]
        if each.token.startswith("oci:Identity/") and its.home_region != its.region:
            name = "home"
        assert each.provider.endswith(f"pulumi:providers:{package}::{name}::{name}-id"), each.name
    assert record.calls
    for call in record.calls:
        assert call.provider.endswith("pulumi:providers:oci::region::region-id")


def test_providers_are_in_the_stacks_region_and_in_the_home_region(record: Record, its: Settings) -> None:
    providers = record.of("pulumi:providers:oci")
    assert {each.name: each.inputs["region"] for each in providers} == {
        "region": its.region,
        **({"home": its.home_region} if its.home_region != its.region else {}),
    }
    for provider in providers:
        assert "Oracle-Tags.CreatedOn" in provider.inputs["ignoreDefinedTags"]


def test_the_kubeconfig_is_a_secret_wherever_it_goes(record: Record) -> None:
    provider = record.one("pulumi:providers:kubernetes")
    assert provider.inputs["kubeconfig"] == KUBECONFIG
    assert "kubeconfig" in provider.secrets
    assert provider.inputs["clusterIdentifier"] == "cluster-id"
    assert is_secret(record.exports()["kubeconfig"])
    (component,) = (value for urn, value in record.outputs.items() if urn.endswith("Cluster::cluster"))
    assert is_secret(component["kubeconfig"])


def test_exports_are_what_people_and_ci_need(record: Record, its: Settings) -> None:
    exports = record.exports()
    reachable = {"address", "page"} if its.ingress.enabled else set()
    assert set(exports) == {"clusterId", "kubeconfig", "matchmaker", "fleets"} | reachable
    assert exports["fleets"] == [app.fleet_name(v) for app in its.apps for v in app.versions]


def test_every_component_registers_real_outputs_and_parents_what_it_makes(record: Record, its: Settings) -> None:
    components = [each for each in record.resources if not each.custom]
    assert {each.token for each in components} == {
        "pixel:network:Network",
        "pixel:cluster:Cluster",
        "pixel:identity:Identity",
        "pixel:node_pools:NodePools",
        "pixel:namespaces:Namespaces",
        "pixel:turn:Turn",
        "pixel:matchmaker:Matchmaker",
        "pixel:front:Front",
        "pixel:fleet:Fleet",
        "pixel:capacity:SessionProtection",
        "pixel:secrets:Secrets",
        "pixel:tickets:Tickets",
        "pixel:addons:Autoscaling",
    } | {
        token
        for token, there in {
            "pixel:registry:Repositories": its.registry.repositories is RepositoriesMode.MANAGED,
            "pixel:registry:PullSecrets": its.registry.pull is not None,
            "pixel:addons:GpuPlugin": its.pools.sharing.resource is not None,
            "pixel:prepull:Prepull": its.pools.prepull,
            "pixel:capacity:FleetController": its.capacity.enabled,
            "pixel:monitoring:Monitoring": its.monitoring.enabled,
            "pixel:addons:Alerts": bool(its.monitoring.alerts),
            "pixel:ingress:Ingress": its.ingress.enabled,
            "pixel:certificates:Certificates": its.certificates.enabled,
            "pixel:dns:Dns": its.dns.enabled,
            "pixel:dns_steering:DnsSteering": its.regions.steering is not None,
            "pixel:addons:NetworkPolicyEngine": its.network_policies.engine is Engine.KUBE_NETWORK_POLICIES,
        }.items()
        if there
    }
    for each in components:
        assert record.outputs[each.urn], each.name
    roots = {each.token for each in record.resources if each.custom and "pulumi:pulumi:Stack::" in each.parent}
    assert roots == {"pulumi:providers:oci"}


def test_every_oci_resource_is_named_tagged_and_in_the_compartment(record: Record, its: Settings, stack: str) -> None:
    for each in record.resources:
        # An add-on is part of its cluster, and an attachment of its zone.
        if each.token.startswith("oci:") and each.token not in (ADDON, STEERING_POLICY_ATTACHMENT):
            assert each.inputs["compartmentId"] == its.compartment
            assert each.inputs["freeformTags"].items() >= {"project": "pixel", "stack": stack}.items()
            assert any(each.inputs.get(key) for key in ("displayName", "name", "secretName"))


def test_resource_names_are_unique(record: Record) -> None:
    names = [each.urn for each in record.resources]
    assert len(names) == len(set(names))


def sdk_arguments(token: str) -> type:
    """The SDK's typed arguments of a resource: what the program leaves out for the time that they cost."""
    module, name = token.split(":")[1].partition("/")[0], token.rpartition(":")[2]
    arguments: type = getattr(importlib.import_module(f"pulumi_oci.{module.lower()}"), f"{name}Args")
    return arguments


def fields_of(arguments: type) -> dict[str, tuple[Any, bool]]:
    """Property name in the provider's spelling -> (annotation, required)."""
    known = {}
    signature = inspect.signature(arguments)
    for name, prop in inspect.getmembers(arguments, lambda member: isinstance(member, property)):
        wire = getattr(prop.fget, "_pulumi_name", name)
        known[wire] = (
            prop.fget.__annotations__["return"],
            signature.parameters[name].default is inspect.Parameter.empty,
        )
    return known


def nested(annotation: Any, module: Any) -> type | None:
    """The SDK's class for a nested value, if the annotation names one."""
    found = re.search(r"'(\w+Args)'", str(annotation)) or re.search(r"(\w+Args)\b", str(annotation))
    return getattr(module, found[1], None) if found else None


def check(value: Any, arguments: type, at: str) -> None:
    known = fields_of(arguments)
    module = inspect.getmodule(arguments)
    assert set(value) <= set(known), f"{at}: unknown {set(value) - set(known)}"
    missing = {name for name, (_, required) in known.items() if required} - set(value)
    assert not missing, f"{at}: missing {missing}"
    for name, inner in value.items():
        inner_type = nested(known[name][0], module)
        if inner_type is None:
            continue
        for item in inner if isinstance(inner, list) else [inner]:
            check(item, inner_type, f"{at}.{name}")


def test_inputs_are_what_the_sdk_knows_and_requires(record: Record) -> None:
    checked = 0
    for each in record.resources:
        if each.token.startswith("oci:"):
            check(each.inputs, sdk_arguments(each.token), each.token)
            checked += 1
    assert checked >= 20


def test_the_check_against_the_sdk_can_fail() -> None:
    arguments = sdk_arguments("oci:Core/subnet:Subnet")
    with pytest.raises(AssertionError, match="unknown"):
        check({"compartmentId": "c", "vcnId": "v", "cidr": "10.0.0.0/24"}, arguments, "Subnet")
    with pytest.raises(AssertionError, match="missing"):
        check({"compartmentId": "c"}, arguments, "Subnet")
    rule = {"protocol": "6", "source": "0.0.0.0/0", "tcpOptions": {"from": 1}}
    with pytest.raises(AssertionError, match="tcpOptions: unknown"):
        check(
            {"compartmentId": "c", "vcnId": "v", "ingressSecurityRules": [rule]},
            sdk_arguments("oci:Core/securityList:SecurityList"),
            "SecurityList",
        )
