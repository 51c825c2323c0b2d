"""Drift, removed fields and fields of others, against a real API server."""

import pytest

from capacity.controller.acting import FIELD_MANAGER, scale_patch
from local.kubernetes.client import Client
from local.kubernetes.errors import ApiError
from local.kubernetes.provider import KubernetesProvider
from local.provider import Change, ProviderError
from tests.cluster.kubernetes_plugin.calls import Managed
from tests.cluster.kubernetes_plugin.manifests import CONFIG_MAP, DEPLOYMENT, config_map, deployment, merge, names

pytestmark = pytest.mark.cluster


def test_server_defaults_are_no_drift(provider: KubernetesProvider) -> None:
    name = next(names)
    managed = Managed(provider, DEPLOYMENT, name)
    managed.up(deployment(name))
    assert managed.refresh()
    assert managed.outputs["spec"]["template"]["spec"]["dnsPolicy"] == "ClusterFirst"
    assert managed.up(deployment(name)) == "same"


def test_another_spelling_of_the_same_quantity_changes_nothing(provider: KubernetesProvider) -> None:
    name = next(names)
    managed = Managed(provider, DEPLOYMENT, name)
    wanted = deployment(name)
    wanted["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "1000m", "memory": "1024Mi"}}
    managed.up(wanted)
    managed.refresh()
    assert managed.up(wanted) == "same"
    respelled = deployment(name)
    respelled["spec"]["template"]["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "1", "memory": "1Gi"}}
    assert managed.up(respelled) == "same"


def test_a_field_of_ours_that_somebody_changed_is_drift(provider: KubernetesProvider, api: Client) -> None:
    name = next(names)
    path = f"/api/v1/namespaces/default/configmaps/{name}"
    managed = Managed(provider, CONFIG_MAP, name)
    managed.up(config_map(name, a="1", b="1"))
    merge(api, path, {"data": {"a": "theirs", "extra": "theirs"}})
    managed.refresh()
    assert managed.inputs["data"] == {"a": "theirs", "b": "1"}
    assert managed.diff(config_map(name, a="1", b="1")).changes == {"data.a": Change("update")}
    with pytest.raises(ProviderError, match=r"(?s)ConfigMap default/.*\.data\.a is owned by 'somebody'.*patchForce"):
        managed.up(config_map(name, a="1", b="1"))
    with pytest.raises(ProviderError, match="somebody"):
        managed.preview(config_map(name, a="1", b="1"))
    forced = config_map(name, a="1", b="1")
    forced["metadata"]["annotations"] = {"pulumi.com/patchForce": "true"}
    assert managed.up(forced) == "update"
    assert api.get(path)["data"] == {"a": "1", "b": "1", "extra": "theirs"}


def test_a_field_of_ours_that_somebody_removed_comes_back(provider: KubernetesProvider, api: Client) -> None:
    name = next(names)
    path = f"/api/v1/namespaces/default/configmaps/{name}"
    managed = Managed(provider, CONFIG_MAP, name)
    managed.up(config_map(name, a="1", b="1"))
    merge(api, path, {"data": {"b": None}})
    managed.refresh()
    assert managed.inputs["data"] == {"a": "1"}
    assert managed.up(config_map(name, a="1", b="1")) == "update"
    assert api.get(path)["data"] == {"a": "1", "b": "1"}


def test_drift_inside_a_list_that_others_add_to(provider: KubernetesProvider, api: Client) -> None:
    name = next(names)
    path = f"/apis/apps/v1/namespaces/default/deployments/{name}"
    managed = Managed(provider, DEPLOYMENT, name)
    managed.up(deployment(name))
    theirs = [{"name": "added", "image": "example.com/b:1"}, {"name": "main", "image": "example.com/a:theirs"}]
    merge(api, path, {"spec": {"template": {"spec": {"containers": theirs}}}})
    managed.refresh()
    containers = managed.inputs["spec"]["template"]["spec"]["containers"]
    assert [(item["name"], item["image"]) for item in containers] == [("main", "example.com/a:theirs")]


def test_a_field_dropped_from_the_program_is_removed(provider: KubernetesProvider, api: Client) -> None:
    name = next(names)
    path = f"/api/v1/namespaces/default/configmaps/{name}"
    managed = Managed(provider, CONFIG_MAP, name)
    managed.up(config_map(name, a="1", b="1"))
    merge(api, path, {"data": {"extra": "theirs"}})
    assert managed.up(config_map(name, a="1")) == "update"
    assert managed.difference.changes == {"data.b": Change("delete")}
    assert api.get(path)["data"] == {"a": "1", "extra": "theirs"}


def test_a_dropped_field_that_another_manager_shares_is_given_up(provider: KubernetesProvider, api: Client) -> None:
    name = next(names)
    path = f"/api/v1/namespaces/default/configmaps/{name}"
    managed = Managed(provider, CONFIG_MAP, name)
    managed.up(config_map(name, a="1", b="1"))
    api.apply(path, config_map(name, b="1"), "sharer", force=False, dry_run=False)
    assert managed.up(config_map(name, a="1")) == "update"
    assert api.get(path)["data"] == {"a": "1", "b": "1"}
    api.apply(path, config_map(name), "sharer", force=False, dry_run=False)
    assert api.get(path)["data"] == {"a": "1"}


def scale(api: Client, path: str, replicas: int) -> None:
    """Set a Deployment's replicas as a HorizontalPodAutoscaler does."""
    wanted = api.get(f"{path}/scale")
    wanted["spec"]["replicas"] = replicas
    api.request("PUT", f"{path}/scale", query={"fieldManager": "autoscaler"}, body=wanted)


def test_replicas_that_an_autoscaler_sets_are_left_alone(provider: KubernetesProvider, api: Client) -> None:
    name = next(names)
    path = f"/apis/apps/v1/namespaces/default/deployments/{name}"
    managed = Managed(provider, DEPLOYMENT, name)
    managed.up(deployment(name))
    scale(api, path, 5)
    managed.refresh()
    assert managed.outputs["spec"]["replicas"] == 5
    assert managed.up(deployment(name)) == "same"
    assert managed.up(deployment(name, image="example.com/a:2")) == "update"
    assert api.get(path)["spec"]["replicas"] == 5


def test_replicas_of_the_program_that_an_autoscaler_took_over_are_a_conflict(
    provider: KubernetesProvider, api: Client
) -> None:
    name = next(names)
    path = f"/apis/apps/v1/namespaces/default/deployments/{name}"
    managed = Managed(provider, DEPLOYMENT, name)
    managed.up(deployment(name, replicas=1))
    scale(api, path, 5)
    with pytest.raises(ProviderError, match=r"\.spec\.replicas is owned by 'autoscaler'"):
        managed.up(deployment(name, image="example.com/a:2", replicas=1))
    assert managed.up(deployment(name, image="example.com/a:2")) == "update"
    assert api.get(path)["spec"]["replicas"] == 5


def test_a_fleet_goes_over_to_its_controller_and_back(provider: KubernetesProvider, api: Client) -> None:
    """A stack that sets `capacity.enabled`, deploys a new image meanwhile, and takes it out again."""
    name = next(names)
    path = f"/apis/apps/v1/namespaces/default/deployments/{name}"
    managed = Managed(provider, DEPLOYMENT, name)
    managed.up(deployment(name, replicas=4))
    assert managed.up(deployment(name)) == "update"
    # What nobody owns is Kubernetes' own default, until the controller has looked.
    assert api.get(path)["spec"]["replicas"] == 1
    generation = api.get(path)["metadata"]["generation"]
    controller = {"query": {"fieldManager": FIELD_MANAGER}, "media_type": "application/json-patch+json"}
    api.request("PATCH", path, body=scale_patch(6, generation), **controller)  # type: ignore[arg-type]
    managed.refresh()
    assert managed.up(deployment(name)) == "same"
    assert managed.up(deployment(name, image="example.com/a:2")) == "update"
    assert api.get(path)["spec"]["replicas"] == 6
    with pytest.raises(ApiError, match="rejected"):
        # Decided on a specification that is not there any more.
        api.request("PATCH", path, body=scale_patch(9, generation), **controller)  # type: ignore[arg-type]
    back = deployment(name, image="example.com/a:2", replicas=4)
    back["metadata"]["annotations"]["pulumi.com/patchForce"] = "true"
    assert managed.up(back) == "update"
    assert api.get(path)["spec"]["replicas"] == 4
