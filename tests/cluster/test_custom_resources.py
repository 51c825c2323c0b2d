"""Every object that a stack makes in the cluster is accepted by a real API server that knows the charts' real kinds."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from local.kubernetes.connection import Connection
from local.kubernetes.errors import ApiError
from local.kubernetes.kubeconfig import parse_kubeconfig
from local.kubernetes.objects import Kind
from local.provider import ProviderError
from tests.cluster.api_server import api_server
from tests.program.charts import CHARTS, needs_charts
from tests.program.recording import STACKS, record_of
from tests.program.rendering import Loader, whole_numbers

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300), needs_charts]


def kinds() -> Iterator[dict[str, Any]]:
    """The CustomResourceDefinitions of every chart, each once, and Gateway API's."""
    seen = set()
    for path in [*sorted(CHARTS.rglob("crds/*.yaml")), *sorted(CHARTS.glob("gateway-api-*.yaml"))]:
        for document in yaml.load_all(path.read_text(), Loader):
            if document and document.get("kind") == "CustomResourceDefinition":
                name = document["metadata"]["name"]
                if name not in seen:
                    seen.add(name)
                    yield document


def apply(server: Connection, document: dict[str, Any], *, dry_run: bool) -> None:
    kind = Kind(document["apiVersion"], document["kind"])

    def work() -> None:
        server.apply(server.target(kind, document), document, "test", force=True, dry_run=dry_run)

    server.patiently(work)


@pytest.fixture(scope="module")
def server() -> Iterator[Connection]:
    with api_server() as running:
        connection = Connection(parse_kubeconfig(running.kubeconfig), "default", threading.Event())
        try:
            for document in kinds():
                apply(connection, document, dry_run=False)
            yield connection
        finally:
            connection.client.close()


@pytest.mark.parametrize("stack", STACKS)
def test_every_object_is_accepted(server: Connection, stack: str) -> None:
    objects = [whole_numbers(each.inputs) for each in record_of(stack).objects()]
    # An object cannot even be tried in a namespace that is not there.
    for each in objects:
        if each["kind"] == "Namespace":
            apply(server, each, dry_run=False)
    refused = {}
    for each in objects:
        try:
            apply(server, each, dry_run=True)
        except (ApiError, ProviderError) as error:
            refused[f"{each['kind']} {each['metadata']['name']}"] = str(error)
    assert not refused


def test_a_wrong_custom_resource_is_refused(server: Connection) -> None:
    wrong = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "wrong", "namespace": "default"},
        "spec": {"groups": [{"name": "a", "rules": [{"alert": "NoExpression"}]}]},
    }
    with pytest.raises(ApiError, match="expr"):
        apply(server, wrong, dry_run=True)
