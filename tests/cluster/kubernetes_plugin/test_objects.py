"""Single objects in a real API server: made, changed, taken, named, read and deleted."""

import base64
import threading
from typing import Any

import pytest

from local.kubernetes.client import Client
from local.kubernetes.provider import KubernetesProvider
from local.properties import Secret
from local.provider import Change, ProviderError
from tests.cluster.kubernetes_plugin.calls import Managed
from tests.cluster.kubernetes_plugin.manifests import (
    CONFIG_MAP,
    DEPLOYMENT,
    NAMESPACE,
    SECRET,
    Configured,
    config_map,
    deployment,
    merge,
    names,
)

pytestmark = pytest.mark.cluster


def test_an_object_is_made_and_the_second_time_nothing_changes(provider: KubernetesProvider, api: Client) -> None:
    name = next(names)
    managed = Managed(provider, CONFIG_MAP, name)
    assert managed.up(config_map(name, a="1")) == "create"
    assert managed.id == f"default/{name}"
    assert managed.outputs["metadata"]["uid"]
    assert "managedFields" not in managed.outputs["metadata"]
    assert api.get(f"/api/v1/namespaces/default/configmaps/{name}")["data"] == {"a": "1"}
    assert managed.up(config_map(name, a="1")) == "same"


def test_equal_inputs_ask_nothing_of_the_api(
    provider: KubernetesProvider, configured: Configured, unreachable: str
) -> None:
    name = next(names)
    managed = Managed(provider, CONFIG_MAP, name)
    managed.up(config_map(name, a="1"))
    managed.provider = configured(kubeconfig=unreachable)
    assert managed.up(config_map(name, a="1")) == "same"


def test_a_changed_field_is_updated_in_place_and_named(provider: KubernetesProvider, api: Client) -> None:
    name = next(names)
    managed = Managed(provider, DEPLOYMENT, name)
    managed.up(deployment(name))
    assert managed.up(deployment(name, image="example.com/a:2")) == "update"
    assert managed.difference.changes == {"spec.template.spec.containers[0].image": Change("update")}
    live = api.get(f"/apis/apps/v1/namespaces/default/deployments/{name}")
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/a:2"


def test_what_the_api_refuses_is_said_before_anything_is_done(provider: KubernetesProvider) -> None:
    name = next(names)
    wrong = deployment(name)
    wrong["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": 70_000}]
    with pytest.raises(ProviderError, match=r"containerPort: Invalid value: 70000"):
        Managed(provider, DEPLOYMENT, name).preview(wrong)
    managed = Managed(provider, DEPLOYMENT, name)
    managed.up(deployment(name))
    with pytest.raises(ProviderError, match=r"containerPort: Invalid value: 70000"):
        managed.diff(wrong)


def test_a_misspelled_field_is_refused(provider: KubernetesProvider) -> None:
    name = next(names)
    wrong = deployment(name, replicaCount=2)
    with pytest.raises(ProviderError, match="replicaCount"):
        Managed(provider, DEPLOYMENT, name).preview(wrong)


def test_an_object_that_is_not_ours_is_not_taken(provider: KubernetesProvider, api: Client) -> None:
    name = next(names)
    api.request(
        "POST",
        "/api/v1/namespaces/default/configmaps",
        query={"fieldManager": "them"},
        body=config_map(name, a="theirs"),
    )
    with pytest.raises(ProviderError, match=r"already exists in the cluster, managed by them.*pulumi import"):
        Managed(provider, CONFIG_MAP, name).up(config_map(name, a="1"))


def test_an_existing_object_is_taken_where_the_provider_says_so(configured: Configured, api: Client) -> None:
    name = next(names)
    api.request("POST", "/api/v1/namespaces/default/configmaps", body=config_map(name))
    taking = configured(upsertExistingObjects="true")
    assert Managed(taking, CONFIG_MAP, name).up(config_map(name, a="1")) == "create"


def test_an_object_of_a_run_that_was_killed_is_ours(provider: KubernetesProvider) -> None:
    name = next(names)
    Managed(provider, CONFIG_MAP, name).up(config_map(name, a="1"))
    again = Managed(provider, CONFIG_MAP, name)
    assert again.up(config_map(name, a="2")) == "create"
    assert again.outputs["data"] == {"a": "2"}


def test_a_name_is_made_once_and_kept(provider: KubernetesProvider) -> None:
    managed = Managed(provider, CONFIG_MAP, "auto")
    managed.up(config_map(a="1"))
    made = managed.outputs["metadata"]["name"]
    assert made.startswith("auto-") and len(made) == len("auto-") + 8
    assert managed.up(config_map(a="2")) == "update"
    assert managed.outputs["metadata"]["name"] == made
    assert managed.up(config_map(a="2")) == "same"


def test_generate_name_gives_a_name_that_stays(provider: KubernetesProvider) -> None:
    managed = Managed(provider, CONFIG_MAP, "generated")
    wanted = {"metadata": {"generateName": "batch-"}, "data": {"a": "1"}}
    managed.up(wanted)
    assert managed.outputs["metadata"]["name"].startswith("batch-")
    assert managed.up(wanted) == "same"


def test_the_providers_namespace_is_the_default(configured: Configured, api: Client) -> None:
    space, name = next(names), next(names)
    provider = configured(namespace=space)
    Managed(provider, NAMESPACE, space).up({"metadata": {"name": space}})
    managed = Managed(provider, CONFIG_MAP, name)
    managed.up(config_map(name, a="1"))
    assert managed.id == f"{space}/{name}"
    assert api.get(f"/api/v1/namespaces/{space}/configmaps/{name}")["data"] == {"a": "1"}
    assert managed.up(config_map(name, a="1")) == "same"


def test_a_secret_stays_secret(provider: KubernetesProvider, api: Client) -> None:
    name = next(names)
    path = f"/api/v1/namespaces/default/secrets/{name}"
    managed = Managed(provider, SECRET, name)
    wanted = {"metadata": {"name": name}, "stringData": {"secret": "hidden", "other": "kept"}}
    managed.up(wanted)
    assert isinstance(managed.outputs["data"], Secret)
    assert "hidden" not in repr(managed.outputs)
    assert base64.b64decode(api.get(path)["data"]["secret"]) == b"hidden"
    managed.refresh()
    assert managed.up(wanted) == "same"
    assert managed.up({"metadata": {"name": name}, "stringData": {"other": "kept"}}) == "update"
    assert set(api.get(path)["data"]) == {"other"}
    merge(api, path, {"data": {"other": base64.b64encode(b"theirs").decode()}})
    managed.refresh()
    assert managed.diff({"metadata": {"name": name}, "stringData": {"other": "kept"}}).changes


def test_an_object_that_is_gone_is_read_as_gone_and_deleted_without_error(
    provider: KubernetesProvider, api: Client
) -> None:
    name = next(names)
    managed = Managed(provider, CONFIG_MAP, name)
    managed.up(config_map(name, a="1"))
    api.delete(f"/api/v1/namespaces/default/configmaps/{name}", "Background")
    managed.destroy()
    managed.up(config_map(name, a="1"))
    api.delete(f"/api/v1/namespaces/default/configmaps/{name}", "Background")
    assert not managed.refresh()


def test_an_import_reads_what_a_program_would_write(provider: KubernetesProvider, api: Client) -> None:
    name = next(names)
    api.request("POST", "/api/v1/namespaces/default/configmaps", query={"fieldManager": "them"}, body=config_map(name))
    managed = Managed(provider, CONFIG_MAP, name, id=f"default/{name}")
    assert managed.refresh()
    assert managed.inputs["metadata"] == {"name": name, "namespace": "default"}
    assert not managed.diff({**config_map(name), "data": None}).changes


def test_a_deletion_waits_for_finalizers_and_says_what_it_waits_for(provider: KubernetesProvider, api: Client) -> None:
    name = next(names)
    path = f"/api/v1/namespaces/default/configmaps/{name}"
    managed = Managed(provider, CONFIG_MAP, name)
    managed.up(config_map(name))
    merge(api, path, {"metadata": {"finalizers": ["example.com/hold"]}})
    with pytest.raises(ProviderError, match=r"was not gone after 1 s: finalizers example.com/hold are still set"):
        managed.destroy(timeout=1)
    release = threading.Timer(0.5, merge, (api, path, {"metadata": {"finalizers": None}}))
    release.start()
    managed.destroy()
    release.join()
    assert not api.get("/api/v1/namespaces/default/configmaps", {"fieldSelector": f"metadata.name={name}"})["items"]


def test_making_an_object_waits_until_its_deleted_forerunner_is_gone(provider: KubernetesProvider, api: Client) -> None:
    name = next(names)
    path = f"/api/v1/namespaces/default/configmaps/{name}"
    body = config_map(name)
    body["metadata"]["finalizers"] = ["example.com/hold"]
    api.request("POST", "/api/v1/namespaces/default/configmaps", body=body)
    api.delete(path, "Background")
    release = threading.Timer(0.5, merge, (api, path, {"metadata": {"finalizers": None}}))
    release.start()
    assert Managed(provider, CONFIG_MAP, name).up(config_map(name, a="1")) == "create"
    release.join()
    assert api.get(path)["data"] == {"a": "1"}


def test_an_object_may_come_a_little_before_its_namespace(provider: KubernetesProvider) -> None:
    space = next(names)
    managed = Managed(provider, CONFIG_MAP, "early")
    early = config_map("early", a="1")
    early["metadata"]["namespace"] = space
    assert managed.preview(early)["data"] == {"a": "1"}
    later = threading.Timer(0.5, Managed(provider, NAMESPACE, space).up, ({"metadata": {"name": space}},))
    later.start()
    assert managed.up(early) == "create"
    later.join()


def definition(plural: str, kind: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {
            "spec": {
                "type": "object",
                "properties": {"size": {"type": "integer"}, "free": {"x_kubernetes_preserve_unknown_fields": True}},
            }
        },
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.test.example.com"},
        "spec": {
            "group": "test.example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def test_a_definition_and_its_first_object_in_one_go(provider: KubernetesProvider) -> None:
    crd = Managed(provider, "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition", "things")
    thing = Managed(provider, "kubernetes:test.example.com/v1:Thing", "one")
    wanted = {
        "apiVersion": "test.example.com/v1",
        "kind": "Thing",
        "metadata": {"name": "one"},
        "spec": {"size": 3, "free": {"x": [1, "2"]}},
    }
    assert thing.preview(wanted)["spec"] == wanted["spec"]
    crd.up(definition("things", "Thing"))
    assert thing.up(wanted) == "create"
    assert thing.outputs["spec"] == wanted["spec"]
    assert crd.up(definition("things", "Thing")) == "same"
    crd.refresh()
    assert crd.up(definition("things", "Thing")) == "same"
    assert thing.up({**wanted, "spec": {"size": 4}}) == "update"
    with pytest.raises(ProviderError, match="size"):
        thing.diff({**wanted, "spec": {"size": "big"}})
    crd.destroy()
    assert not thing.refresh()
    thing.id = "default/one"
    thing.destroy()


def test_a_kind_that_nobody_defines_is_named(provider: KubernetesProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.kubernetes.connection.RETRY_PAUSES", (0.01,))
    with pytest.raises(ProviderError, match=r"no kind 'Ghost' in 'test\.example\.com/v9'.*CustomResourceDefinition"):
        Managed(provider, "kubernetes:test.example.com/v9:Ghost", "ghost").up({"metadata": {"name": "ghost"}})


def test_a_patch_resource_sets_its_own_fields_and_gives_them_back(provider: KubernetesProvider, api: Client) -> None:
    name = next(names)
    path = f"/api/v1/namespaces/default/configmaps/{name}"
    api.request("POST", "/api/v1/namespaces/default/configmaps", body=config_map(name, theirs="1"))
    patch = Managed(provider, "kubernetes:core/v1:ConfigMapPatch", "patch")
    assert patch.up(config_map(name, ours="1")) == "create"
    assert api.get(path)["data"] == {"theirs": "1", "ours": "1"}
    assert patch.up(config_map(name, ours="2")) == "update"
    patch.destroy()
    assert api.get(path)["data"] == {"theirs": "1"}
