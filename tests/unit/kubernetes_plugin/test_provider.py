"""What the plugin decides without any cluster: its arguments, checks, refusals and previews."""

from typing import Any

import pytest
import yaml

from local.kubernetes.configuration import check, configuration, difference
from local.kubernetes.errors import ApiError, Cause, conflict_text, error_from_status
from local.kubernetes.lifecycle import Order, propagation, spelled_as_inputs, timeout_of
from local.kubernetes.objects import Kind
from local.kubernetes.provider import KubernetesProvider
from local.properties import UNKNOWN, Secret
from local.provider import Change, ProviderError

URN = "urn:pulumi:stack::project::kubernetes:core/v1:ConfigMap::settings"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
RELEASE = "kubernetes:helm.sh/v3:Release"


def kubeconfig(server: str = "https://10.0.0.1:6443", token: str = "t") -> str:
    return yaml.safe_dump(
        {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [{"name": "k", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": token}}],
        }
    )


def unknown_cluster(**config: Any) -> KubernetesProvider:
    provider = KubernetesProvider()
    provider.configure({"kubeconfig": UNKNOWN, **config})
    return provider


@pytest.mark.parametrize(
    ("config", "failing"),
    [
        ({"kubeconfig": kubeconfig()}, []),
        ({"kubeconfig": UNKNOWN}, []),
        ({}, []),
        ({"kubeconfig": "a: [x"}, ["kubeconfig"]),
        ({"kubeconfig": kubeconfig(), "context": "ghost"}, ["kubeconfig"]),
        ({"kubeconfig": kubeconfig(), "enableServerSideApply": "true"}, []),
        ({"kubeconfig": kubeconfig(), "enableServerSideApply": "false"}, ["enableServerSideApply"]),
        ({"kubeconfig": kubeconfig(), "renderYamlToDirectory": "out"}, ["renderYamlToDirectory"]),
        ({"kubeconfig": kubeconfig(), "skipUpdateUnreachable": "false"}, []),
    ],
)
def test_the_providers_arguments(config: dict[str, Any], failing: list[str]) -> None:
    assert [failure.property for failure in check(config)] == failing


def test_the_arguments_travel_as_text() -> None:
    found = configuration({"kubeconfig": "k: v", "deleteUnreachable": "true", "namespace": "n"}, {})
    assert found.known and found.delete_unreachable and found.namespace == "n" and not found.upsert
    assert not configuration({"context": UNKNOWN}, {}).known
    assert configuration({}, {"PULUMI_K8S_DELETE_UNREACHABLE": "true"}).delete_unreachable
    assert "k: v" not in repr(found)


@pytest.mark.parametrize(
    ("old", "new", "replaced"),
    [
        ({"kubeconfig": kubeconfig()}, {"kubeconfig": kubeconfig(token="new")}, set()),
        ({"kubeconfig": kubeconfig()}, {"kubeconfig": kubeconfig("https://10.0.0.2:6443")}, {"kubeconfig"}),
        ({"kubeconfig": kubeconfig()}, {"kubeconfig": UNKNOWN}, {"kubeconfig"}),
        (
            {"kubeconfig": kubeconfig(), "clusterIdentifier": "a"},
            {"kubeconfig": kubeconfig("https://10.0.0.2:6443"), "clusterIdentifier": "a"},
            set(),
        ),
        (
            {"kubeconfig": kubeconfig(), "clusterIdentifier": "a"},
            {"kubeconfig": UNKNOWN, "clusterIdentifier": "a"},
            set(),
        ),
        (
            {"kubeconfig": kubeconfig(), "clusterIdentifier": "a"},
            {"kubeconfig": kubeconfig(), "clusterIdentifier": "b"},
            {"clusterIdentifier"},
        ),
        ({"kubeconfig": kubeconfig()}, {"kubeconfig": kubeconfig(), "clusterIdentifier": "a"}, set()),
        ({"kubeconfig": kubeconfig(), "namespace": "a"}, {"kubeconfig": kubeconfig(), "namespace": "b"}, set()),
    ],
)
def test_another_cluster_replaces_and_another_way_to_it_does_not(
    old: dict[str, Any], new: dict[str, Any], replaced: set[str]
) -> None:
    changes = difference(old, new).changes
    assert changes
    assert {path for path, change in changes.items() if change.replace} == replaced


def test_a_check_fills_in_kind_name_and_namespace() -> None:
    provider = unknown_cluster(namespace="space")
    inputs, failures = provider.check(URN, CONFIG_MAP, {}, {"data": {"a": "1"}})
    assert failures == []
    assert (inputs["apiVersion"], inputs["kind"], inputs["data"]) == ("v1", "ConfigMap", {"a": "1"})
    assert inputs["metadata"]["namespace"] == "space" and inputs["metadata"]["name"].startswith("settings-")
    role, _ = provider.check(
        URN, "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole", {}, {"metadata": {"name": "r"}}
    )
    assert "namespace" not in role["metadata"]


@pytest.mark.parametrize(
    ("token", "news", "property_path"),
    [
        (CONFIG_MAP, {"metadata": "x"}, "metadata"),
        (CONFIG_MAP, {"metadata": {"name": 3}}, "metadata.name"),
        (CONFIG_MAP, {"metadata": {"name": "x", "namespace": ["y"]}}, "metadata.namespace"),
        ("kubernetes:core/v1:ConfigMapList", {"kind": "ConfigMapList"}, "kind"),
        ("kubernetes:core/v1:ConfigMapPatch", {"kind": "ConfigMap"}, "metadata.name"),
    ],
)
def test_what_a_check_refuses(token: str, news: dict[str, Any], property_path: str) -> None:
    _, failures = unknown_cluster().check(URN, token, {}, news)
    assert [failure.property for failure in failures] == [property_path]


def test_metadata_that_is_not_known_yet_is_left_alone() -> None:
    assert unknown_cluster().check(URN, CONFIG_MAP, {}, {"metadata": UNKNOWN}) == (
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": UNKNOWN},
        [],
    )
    name, _ = unknown_cluster().check(URN, CONFIG_MAP, {}, {"metadata": {"name": UNKNOWN}})
    assert name["metadata"]["name"] is UNKNOWN


def test_a_release_is_shown_in_a_preview_and_refused_in_an_update() -> None:
    provider, inputs = unknown_cluster(), {"chart": "traefik", "version": "1"}
    assert provider.check(URN, RELEASE, {}, inputs) == (inputs, [])
    assert provider.create(URN, RELEASE, inputs, timeout=0, preview=True)[1]["chart"] == "traefik"
    changed = {**inputs, "version": "2"}
    found = provider.diff("x", URN, RELEASE, old_inputs=inputs, old_outputs={}, news=changed)
    assert found.changes == {"version": Change("update")}
    with pytest.raises(ProviderError, match=r"helm.sh/v3:Release needs the official Kubernetes plugin.*plugin install"):
        provider.create(URN, RELEASE, inputs, timeout=0, preview=False)
    with pytest.raises(ProviderError, match="official"):
        provider.invoke("kubernetes:helm:template", {}, False)


def test_yaml_is_decoded_for_the_classes_that_ask() -> None:
    found = unknown_cluster().invoke("kubernetes:yaml:decode", {"text": "a: 1\n---\n---\nb: 2\n"}, False)
    assert found == {"result": [{"a": 1}, {"b": 2}]}


def test_a_secrets_data_is_secret_in_a_preview_too() -> None:
    inputs = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "stringData": {"a": "hidden"}}
    _, outputs = unknown_cluster().create(URN, "kubernetes:core/v1:Secret", inputs, timeout=0, preview=True)
    assert isinstance(outputs["stringData"], Secret) and "hidden" not in repr(outputs)


def test_nothing_is_done_in_a_cluster_that_is_not_known() -> None:
    with pytest.raises(ProviderError, match="kubeconfig is not known"):
        unknown_cluster().create(URN, CONFIG_MAP, {"metadata": {"name": "x"}}, timeout=0, preview=False)


def order(kind: str = "ConfigMap", **annotations: str) -> Order:
    prefixed = {f"pulumi.com/{key}": value for key, value in annotations.items()}
    return Order(Kind("v1", kind), {"metadata": {"name": "x", "annotations": prefixed}}, "ours")


def test_annotations_rule_force_timeout_and_deletion() -> None:
    assert not order().forced and order(patchForce="true").forced
    assert timeout_of(5, order(timeoutSeconds="7").inputs) == 5
    assert timeout_of(0, order(timeoutSeconds="7").inputs) == 7
    assert timeout_of(0, order().inputs) == 600
    assert propagation(order()) == "Background" and propagation(order("Deployment")) == "Foreground"
    assert propagation(order(deletionPropagationPolicy="orphan")) == "Orphan"
    with pytest.raises(ProviderError, match="'sometimes'; write one of: orphan, background, foreground"):
        propagation(order(deletionPropagationPolicy="sometimes"))


def test_a_secrets_text_drifts_with_its_data() -> None:
    inputs = {"kind": "Secret", "stringData": {"a": "1", "b": "2"}}
    applied = {"kind": "Secret", "data": {"a": "MQ==", "b": "Mg=="}}
    assert spelled_as_inputs(inputs, applied, applied) == inputs
    theirs = {"kind": "Secret", "data": {"a": "MQ==", "b": "Mw=="}}
    assert spelled_as_inputs(inputs, applied, theirs) == {
        "kind": "Secret",
        "stringData": {"a": "1"},
        "data": {"b": "Mw=="},
    }


def test_an_answer_that_is_no_status_object_still_says_something() -> None:
    error = error_from_status(502, None, "<html>bad gateway</html>", "GET /api")
    assert str(error) == "GET /api: HTTP 502: <html>bad gateway</html>"


def test_a_status_object_is_read_whole() -> None:
    body = {
        "kind": "Status",
        "message": "not good",
        "reason": "Invalid",
        "details": {"kind": "pods", "causes": [{"reason": "FieldValueInvalid", "field": "a.b", "message": "m"}]},
    }
    error = error_from_status(422, body, "", "PATCH /x")
    assert error.invalid and error.causes == (Cause("FieldValueInvalid", "a.b", "m"),) and error.kind == "pods"
    assert str(error) == "PATCH /x: not good"


def test_a_conflict_names_each_field_with_its_manager_and_the_remedies() -> None:
    causes = (
        Cause("FieldManagerConflict", ".spec.replicas", 'conflict with "hpa" with subresource "scale" using apps/v1'),
        Cause("FieldManagerConflict", ".data.a", 'conflict with "kubectl-edit" using v1'),
    )
    text = conflict_text(ApiError(409, "Conflict", "m", causes), "Deployment a/b")
    assert ".spec.replicas is owned by 'hpa'" in text and ".data.a is owned by 'kubectl-edit'" in text
    assert "Leave such a field out" in text and "pulumi.com/patchForce" in text
