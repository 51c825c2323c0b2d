"""Clusters that do not exist yet, do not answer or do not let in, and runs that are cancelled."""

import threading
import time

import pytest

from local.kubernetes.client import Client
from local.kubernetes.provider import KubernetesProvider
from local.properties import UNKNOWN
from local.provider import ProviderError
from tests.cluster.api_server import ApiServer
from tests.cluster.kubernetes_plugin.calls import Managed
from tests.cluster.kubernetes_plugin.manifests import (
    CONFIG_MAP,
    DEPLOYMENT,
    Configured,
    config_map,
    deployment,
    merge,
    names,
)

pytestmark = pytest.mark.cluster


def test_a_preview_of_a_cluster_that_does_not_exist_yet_asks_nothing(configured: Configured) -> None:
    provider = configured(kubeconfig=UNKNOWN)
    managed = Managed(provider, DEPLOYMENT, "later")
    outputs = managed.preview(deployment("later"))
    assert outputs["metadata"]["name"] == "later" and outputs["status"] is UNKNOWN
    managed.id, managed.inputs = "default/later", managed.check(deployment("later"))
    assert managed.diff(deployment("later", app="b")).changes["spec.selector.matchLabels.app"].replace
    assert not managed.diff(deployment("later", image="example.com/a:2")).delete_before_replace


def test_an_api_server_that_does_not_answer_is_named_by_its_address(configured: Configured, unreachable: str) -> None:
    provider = configured(kubeconfig=unreachable)
    with pytest.raises(ProviderError, match=r"https://127\.0\.0\.1:1 does not answer.*refused"):
        Managed(provider, CONFIG_MAP, "x").preview(config_map("x", a="1"))


def test_objects_of_a_cluster_that_is_gone_can_be_forgotten(configured: Configured, unreachable: str) -> None:
    provider = configured(kubeconfig=unreachable)
    managed = Managed(provider, CONFIG_MAP, "x", id="default/x", inputs=config_map("x"))
    with pytest.raises(ProviderError, match="deleteUnreachable"):
        managed.destroy()
    managed.provider = configured(kubeconfig=unreachable, deleteUnreachable="true")
    managed.destroy()


def test_a_client_that_is_not_let_in_says_so(server: ApiServer, configured: Configured) -> None:
    provider = configured(kubeconfig=server.token_kubeconfig.replace("token-of-tests", "wrong"))
    with pytest.raises(ProviderError, match="Unauthorized") as caught:
        Managed(provider, CONFIG_MAP, "x").preview(config_map("x", a="1"))
    assert "wrong" not in str(caught.value)


def test_a_cancelled_deletion_ends_at_once(provider: KubernetesProvider, api: Client) -> None:
    name = next(names)
    managed = Managed(provider, CONFIG_MAP, name)
    managed.up(config_map(name))
    merge(api, f"/api/v1/namespaces/default/configmaps/{name}", {"metadata": {"finalizers": ["example.com/hold"]}})
    threading.Timer(0.3, provider.cancelled.set).start()
    started = time.monotonic()
    with pytest.raises(ProviderError, match="cancelled while waiting"):
        managed.destroy(timeout=300)
    assert time.monotonic() - started < 60
