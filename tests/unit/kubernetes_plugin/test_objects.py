"""Kinds, ids, names, and the two spellings of an object."""

import base64
from typing import Any

import pytest

from local.kubernetes.discovery import Mapped, builtin_scope
from local.kubernetes.objects import (
    AUTONAMED,
    Kind,
    field_manager,
    from_wire,
    has_unknown,
    imported_inputs,
    kind_of,
    make_id,
    overlay,
    parse_id,
    preview_outputs,
    to_wire,
    with_name,
)
from local.properties import UNKNOWN

URN = "urn:pulumi:stack::project::kubernetes:core/v1:ConfigMap::settings"


@pytest.mark.parametrize(
    ("token", "inputs", "kind"),
    [
        ("kubernetes:core/v1:Namespace", {}, Kind("v1", "Namespace")),
        (
            "kubernetes:apps/v1:Deployment",
            {"apiVersion": "apps/v1", "kind": "Deployment"},
            Kind("apps/v1", "Deployment"),
        ),
        ("kubernetes:apps/v1:DeploymentPatch", {"kind": "Deployment"}, Kind("apps/v1", "Deployment", patch=True)),
        ("kubernetes:apps/v1:DeploymentPatch", {}, Kind("apps/v1", "Deployment", patch=True)),
        ("kubernetes:a.example.com/v1:Patch", {"kind": "Patch"}, Kind("a.example.com/v1", "Patch")),
        (
            "kubernetes:apiextensions.k8s.io:CustomResource",
            {"apiVersion": "b.example.com/v2", "kind": "Thing"},
            Kind("b.example.com/v2", "Thing"),
        ),
    ],
)
def test_a_kind_comes_from_the_inputs_else_from_the_token(token: str, inputs: dict[str, Any], kind: Kind) -> None:
    assert kind_of(token, inputs) == kind


def test_the_core_group_has_no_name() -> None:
    assert Kind("v1", "Pod").group == ""
    assert Kind("rbac.authorization.k8s.io/v1", "Role").group == "rbac.authorization.k8s.io"


def test_ids_go_both_ways() -> None:
    for namespace, name in (("default", "a"), (None, "a"), (None, "system:node")):
        assert parse_id(make_id(namespace, name)) == (namespace, name)


@pytest.mark.parametrize(
    ("api_version", "kind", "namespaced"),
    [
        ("v1", "Namespace", False),
        ("v1", "ConfigMap", True),
        ("apps/v1", "Deployment", True),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", False),
        ("rbac.authorization.k8s.io/v1", "Role", True),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", False),
        ("test.example.com/v1", "Thing", None),
    ],
)
def test_the_scope_of_built_in_kinds_needs_no_api(api_version: str, kind: str, namespaced: bool | None) -> None:
    assert builtin_scope(api_version, kind) is namespaced


def test_paths() -> None:
    assert Mapped("v1", "Pod", "pods", True).path("a", "b") == "/api/v1/namespaces/a/pods/b"
    assert Mapped("v1", "Node", "nodes", False).path("ignored", "b") == "/api/v1/nodes/b"
    assert Mapped("apps/v1", "Deployment", "deployments", True).path("a") == "/apis/apps/v1/namespaces/a/deployments"


def name_of(manifest: dict[str, Any]) -> Any:
    return manifest["metadata"]["name"]


def test_a_given_name_stays() -> None:
    given = {"metadata": {"name": "mine"}}
    assert with_name(URN, given, {}) is given


def test_a_missing_name_is_made_and_then_kept() -> None:
    made = with_name(URN, {"data": {}}, {})
    assert name_of(made).startswith("settings-") and len(name_of(made)) == len("settings-") + 8
    assert made["metadata"]["annotations"] == {AUTONAMED: "true"}
    kept = with_name(URN, {"metadata": {"annotations": {"a": "b"}}}, made)
    assert name_of(kept) == name_of(made) and kept["metadata"]["annotations"] == {"a": "b", AUTONAMED: "true"}
    assert name_of(with_name(URN, {"data": {}}, {})) != name_of(made)


def test_a_name_that_was_given_is_not_kept_when_it_is_dropped() -> None:
    assert name_of(with_name(URN, {}, {"metadata": {"name": "mine"}})) != "mine"


def test_a_generated_name_lasts_as_long_as_its_prefix() -> None:
    made = with_name(URN, {"metadata": {"generateName": "batch-"}}, {})
    assert name_of(made).startswith("batch-")
    assert name_of(with_name(URN, {"metadata": {"generateName": "batch-"}}, made)) == name_of(made)
    assert name_of(with_name(URN, {"metadata": {"generateName": "other-"}}, made)).startswith("other-")
    assert name_of(with_name(URN, {"metadata": {"generateName": UNKNOWN}}, {})) is UNKNOWN


def test_a_field_manager_is_one_resources_own_and_lasts() -> None:
    first, second = field_manager(URN, {}, {}), field_manager(f"{URN}2", {}, {})
    assert first.startswith("pulumi-pixel-") and first != second
    assert field_manager(f"{URN}2", {}, {"__fieldManager": first}) == first
    annotated = {"metadata": {"annotations": {"pulumi.com/patchFieldManager": "chosen"}}}
    assert field_manager(URN, annotated, {"__fieldManager": first}) == "chosen"


def test_the_wire_has_no_nulls_no_server_fields_and_its_own_spelling() -> None:
    inputs = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "x",
            "namespace": "old",
            "uid": "u",
            "resourceVersion": "1",
            "labels": {"a": None, "b": "c"},
        },
        "schema": [{"x_kubernetes_preserve_unknown_fields": True, "x_kubernetes_list_map_keys": ["a"], "x_other": 1}],
        "status": {"phase": "Active"},
    }
    assert to_wire(inputs, "space", "y") == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "y", "namespace": "space", "labels": {"b": "c"}},
        "schema": [{"x-kubernetes-preserve-unknown-fields": True, "x-kubernetes-list-map-keys": ["a"], "x_other": 1}],
    }
    assert "namespace" not in to_wire(inputs, None, "y")["metadata"]


def test_the_program_sees_its_own_spelling_and_no_record_of_managers() -> None:
    live = {"metadata": {"name": "x", "managedFields": [{}], "uid": "u"}, "x-kubernetes-int-or-string": True, "a": None}
    assert from_wire(live) == {"metadata": {"name": "x", "uid": "u"}, "x_kubernetes_int_or_string": True, "a": None}


def test_string_data_becomes_data() -> None:
    inputs = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "YQ=="}, "stringData": {"b": "b"}}
    assert to_wire(inputs, "x", "y")["data"] == {"a": "YQ==", "b": base64.b64encode(b"b").decode()}
    assert "stringData" not in to_wire(inputs, "x", "y")
    assert to_wire({**inputs, "kind": "Other"}, "x", "y")["stringData"] == {"b": "b"}


def test_an_import_leaves_out_what_the_server_sets() -> None:
    live = {
        "kind": "ConfigMap",
        "metadata": {"name": "x", "namespace": "y", "uid": "u", "resourceVersion": "1", "creationTimestamp": "t"},
        "data": {"a": "1"},
        "status": {},
    }
    assert imported_inputs(live) == {
        "kind": "ConfigMap",
        "metadata": {"name": "x", "namespace": "y"},
        "data": {"a": "1"},
    }


def test_a_preview_does_not_guess_what_the_cluster_decides() -> None:
    outputs = preview_outputs({"kind": "Service", "metadata": {"name": "x"}, "spec": {"ports": []}})
    assert outputs["metadata"]["uid"] is UNKNOWN and outputs["metadata"]["name"] == "x"
    assert outputs["status"] is UNKNOWN and outputs["spec"]["clusterIP"] is UNKNOWN
    given = preview_outputs({"kind": "Service", "metadata": {}, "spec": {"clusterIP": "None"}})
    assert given["spec"]["clusterIP"] == "None"


def test_unknowns_are_found_anywhere() -> None:
    assert has_unknown({"a": [{"b": UNKNOWN}]})
    assert not has_unknown({"a": [{"b": "c"}]})


def test_an_overlay_merges_maps_and_replaces_lists() -> None:
    assert overlay({"a": {"b": 1, "c": [1, 2]}, "d": 1}, {"a": {"c": [3]}}) == {"a": {"b": 1, "c": [3]}, "d": 1}
