"""One API server for all tests of the Kubernetes plugin that need no controllers."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.kubernetes.client import Client
from local.kubernetes.kubeconfig import parse_kubeconfig
from local.kubernetes.provider import KubernetesProvider
from tests.cluster.api_server import ApiServer, api_server


@pytest.fixture(scope="package")
def server() -> Iterator[ApiServer]:
    with api_server() as running:
        yield running


@pytest.fixture(scope="package")
def api(server: ApiServer) -> Iterator[Client]:
    """The cluster as somebody else sees it."""
    client = Client(parse_kubeconfig(server.token_kubeconfig))
    yield client
    client.close()


@pytest.fixture
def configured(server: ApiServer) -> Iterator[Callable[..., KubernetesProvider]]:
    """Makes providers for the cluster, with arguments besides its kubeconfig, or with another kubeconfig."""
    made: list[KubernetesProvider] = []

    def make(**config: Any) -> KubernetesProvider:
        made.append(KubernetesProvider())
        made[-1].configure({"kubeconfig": server.kubeconfig, **config})
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def provider(configured: Callable[..., KubernetesProvider]) -> KubernetesProvider:
    return configured()


@pytest.fixture
def unreachable(server: ApiServer) -> str:
    """A kubeconfig of an API server that does not run."""
    return server.kubeconfig.replace(server.url, "https://127.0.0.1:1")
