"""What needs a new object, by a real API server's word."""

from typing import Any

import pytest

from local.kubernetes.client import Client
from local.kubernetes.provider import KubernetesProvider
from local.provider import Change
from tests.cluster.kubernetes_plugin.calls import Managed
from tests.cluster.kubernetes_plugin.manifests import (
    CONFIG_MAP,
    DEPLOYMENT,
    SECRET,
    SERVICE,
    config_map,
    deployment,
    names,
)

pytestmark = pytest.mark.cluster


def test_a_changed_selector_replaces_a_named_object_after_its_deletion(
    provider: KubernetesProvider, api: Client
) -> None:
    name = next(names)
    managed = Managed(provider, DEPLOYMENT, name)
    background = {"pulumi.com/skipAwait": "true", "pulumi.com/deletionPropagationPolicy": "background"}
    first, second = deployment(name), deployment(name, app="b")
    first["metadata"]["annotations"] = second["metadata"]["annotations"] = background
    managed.up(first)
    uid = managed.outputs["metadata"]["uid"]
    assert managed.up(second) == "replace"
    assert managed.difference.delete_before_replace
    assert managed.difference.changes["spec.selector.matchLabels.app"] == Change("update", replace=True)
    assert managed.difference.changes["spec.template.metadata.labels.app"] == Change("update")
    live = api.get(f"/apis/apps/v1/namespaces/default/deployments/{name}")
    assert live["metadata"]["uid"] != uid


@pytest.mark.parametrize(
    ("token", "first", "second", "path"),
    [
        (
            SECRET,
            {"apiVersion": "v1", "kind": "Secret", "type": "Opaque"},
            {"apiVersion": "v1", "kind": "Secret", "type": "example.com/other"},
            "type",
        ),
        (
            CONFIG_MAP,
            {"apiVersion": "v1", "kind": "ConfigMap", "immutable": True, "data": {"a": "1"}},
            {"apiVersion": "v1", "kind": "ConfigMap", "immutable": True, "data": {"a": "2"}},
            "data.a",
        ),
        (
            "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
            {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}},
            {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "edit"}},
            "roleRef.name",
        ),
        (
            "kubernetes:scheduling.k8s.io/v1:PriorityClass",
            {"value": 10},
            {"value": 20},
            "value",
        ),
        (
            "kubernetes:storage.k8s.io/v1:StorageClass",
            {"provisioner": "example.com/a"},
            {"provisioner": "example.com/b"},
            "provisioner",
        ),
        (
            SERVICE,
            {"spec": {"clusterIP": "10.253.7.1", "ports": [{"port": 80}]}},
            {"spec": {"clusterIP": "10.253.7.2", "ports": [{"port": 80}]}},
            "spec.clusterIP",
        ),
        (
            "kubernetes:apps/v1:StatefulSet",
            {"spec": {"serviceName": "one", **deployment("x")["spec"]}},
            {"spec": {"serviceName": "two", **deployment("x")["spec"]}},
            "spec.serviceName",
        ),
        (
            "kubernetes:core/v1:PersistentVolumeClaim",
            {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
            {"spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "1Gi"}}}},
            "spec.accessModes[0]",
        ),
    ],
)
def test_an_immutable_field_replaces(
    provider: KubernetesProvider, token: str, first: dict[str, Any], second: dict[str, Any], path: str
) -> None:
    managed = Managed(provider, token, next(names))
    unawaited = {"annotations": {"pulumi.com/skipAwait": "true"}}
    managed.up({**first, "metadata": unawaited})
    difference = managed.diff({**second, "metadata": unawaited})
    assert {key for key, change in difference.changes.items() if change.replace} == {path}
    # The name is ours to choose anew, so the new object can stand beside the old one.
    assert not difference.delete_before_replace


def test_a_job_template_replaces(provider: KubernetesProvider) -> None:
    def job(image: str) -> dict[str, Any]:
        template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": image}]}}
        return {"metadata": {"annotations": {"pulumi.com/skipAwait": "true"}}, "spec": {"template": template}}

    managed = Managed(provider, "kubernetes:batch/v1:Job", next(names))
    managed.up(job("example.com/a:1"))
    difference = managed.diff(job("example.com/a:2"))
    assert difference.changes == {"spec.template.spec.containers[0].image": Change("update", replace=True)}


def test_a_new_name_or_namespace_replaces(provider: KubernetesProvider) -> None:
    name = next(names)
    managed = Managed(provider, CONFIG_MAP, name)
    managed.up(config_map(name, a="1"))
    assert managed.diff(config_map(f"{name}-b", a="1")).changes == {"metadata.name": Change("update", replace=True)}
    elsewhere = config_map(name, a="1")
    elsewhere["metadata"]["namespace"] = "kube-system"
    difference = managed.diff(elsewhere)
    assert difference.changes == {"metadata.namespace": Change("add", replace=True)}
    assert not difference.delete_before_replace
    elsewhere["metadata"]["namespace"] = "default"
    assert not any(change.replace for change in managed.diff(elsewhere).changes.values())
