"""What the real charts make of our values: accepted by a real API server, admitted where it stands, and confined.

Skips where Helm or the charts are not: `make charts`.
"""

import copy
import functools
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from components import versions
from components.addons import helm
from components.workloads.namespaces import NAMESPACES, Level
from local.kubernetes.connection import Connection
from local.kubernetes.errors import ApiError
from local.kubernetes.kubeconfig import parse_kubeconfig
from local.provider import ProviderError
from tests.cluster.api_server import api_server
from tests.cluster.test_custom_resources import apply
from tests.program.confinement import of_container, of_pod
from tests.program.recording import STACKS, Record, Registered, record_of, run, stack_file
from tests.program.rendering import needs_helm, pods, rendered

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600), needs_helm]

REDIS = "with redis"
MIRRORED = "with a mirror"
MIRROR = "registry.example.com/mirror"
CASES = [each for each in STACKS if each != "local"] + [REDIS, MIRRORED]

API = "asks the API server"
EXCUSED: Mapping[tuple[str, str], str] = {
    ("daemonset-dcgm-exporter", "hostPath"): "asks the kubelet which pod has which GPU",
    ("daemonset-dcgm-exporter/exporter", "capabilities"): "the driver's profiling counters need SYS_ADMIN",
    ("daemonset-dcgm-exporter/exporter", "may be root"): "the driver's profiling counters",
    ("daemonset-dcgm-exporter/exporter", "writes its image"): "NVIDIA's libraries keep files where they like",
    ("daemonset-kube-prometheus-stack-prometheus-node-exporter", "hostNetwork"): "counts its node's packets",
    ("daemonset-kube-prometheus-stack-prometheus-node-exporter", "hostPID"): "counts its node's processes",
    ("daemonset-kube-prometheus-stack-prometheus-node-exporter", "hostPath"): "reads its node's /proc and /sys",
    ("deployment-kube-prometheus-stack-grafana/grafana", "secret in its environment"): "the chart has no other way",
    ("deployment-kube-prometheus-stack-grafana/grafana-sc-dashboard", "secret in its environment"): "the same",
    ("deployment-kube-prometheus-stack-grafana/grafana-sc-datasources", "secret in its environment"): "the same",
    ("deployment-valkey/metrics", "secret in its environment"): "the chart has no other way",
    **{
        (container, "token"): API
        for container in (
            "deployment-cert-manager-cainjector/cert-manager-cainjector",
            "deployment-cert-manager-webhook/cert-manager-webhook",
            "deployment-cert-manager/cert-manager-controller",
            "deployment-external-dns/external-dns",
            "deployment-keda-admission-webhooks/keda-admission-webhooks",
            "deployment-keda-operator-metrics-apiserver/keda-operator-metrics-apiserver",
            "deployment-keda-operator/keda-operator",
            "deployment-kube-prometheus-stack-grafana/grafana",
            "deployment-kube-prometheus-stack-grafana/grafana-sc-dashboard",
            "deployment-kube-prometheus-stack-grafana/grafana-sc-datasources",
            "deployment-kube-prometheus-stack-kube-state-metrics/kube-state-metrics",
            "deployment-kube-prometheus-stack-operator/kube-prometheus-stack",
            "deployment-metrics-server/metrics-server",
            "deployment-traefik/traefik",
            "job-cert-manager-startupapicheck/cert-manager-startupapicheck",
            "job-kube-prometheus-stack-admission-create/create",
            "job-kube-prometheus-stack-admission-patch/patch",
        )
    },
}
"""What containers of charts are excused from, and why. An entry that no stack needs fails too."""


@functools.cache
def case(name: str) -> Record:
    """A stack, or one that shows what no stack has."""
    base = next(each for each in STACKS if each.startswith("production"))
    if name == REDIS:
        return run(base, stack_file(base) | {"pixel:redis": {"mode": "in-cluster"}})
    if name == MIRRORED:
        return run(
            base, stack_file(base) | {"pixel:redis": {"mode": "in-cluster"}, "pixel:mirrors": {"images": MIRROR}}
        )
    return record_of(name)


def releases(name: str) -> list[Registered]:
    return case(name).of(helm.TOKEN)


@functools.cache
def newest(name: str) -> list[dict[str, Any]]:
    """All objects of a case, for the newest Kubernetes; nobody changes them."""
    return [each for release in releases(name) for each in rendered(release, f"{versions.KUBERNETES_MINORS[-1]}.0")]


@pytest.fixture(scope="module")
def server() -> Iterator[Connection]:
    """An API server with the charts' own kinds, and the namespaces of all stacks."""
    with api_server() as running:
        connection = Connection(parse_kubeconfig(running.kubeconfig), "default", threading.Event())
        try:
            for stack in CASES:
                kinds = [each for each in newest(stack) if each["kind"] == "CustomResourceDefinition"]
                for each in kinds + [each.inputs for each in case(stack).objects("Namespace")]:
                    apply(connection, each, dry_run=False)
            yield connection
        finally:
            connection.client.close()


@pytest.mark.parametrize("stack", CASES)
@pytest.mark.parametrize("minor", versions.KUBERNETES_MINORS)
def test_every_release_renders_for_every_version_of_kubernetes(stack: str, minor: str) -> None:
    """Also without a cluster to ask, as `helm template` does it for whoever wants to read what comes."""
    for release in releases(stack):
        objects = rendered(release, f"{minor}.0")
        assert any(each["kind"] in ("Deployment", "DaemonSet") for each in objects), release.name
        assert not [each for each in objects if "beta" in each["apiVersion"].partition("/")[2]], release.name


@pytest.mark.parametrize("stack", CASES)
def test_every_object_is_accepted(server: Connection, stack: str) -> None:
    refused = {}
    # The kinds themselves have been accepted for good.
    for each in (each for each in newest(stack) if each["kind"] != "CustomResourceDefinition"):
        try:
            apply(server, each, dry_run=True)
        except (ApiError, ProviderError) as error:
            refused[f"{each['kind']} {each['metadata']['name']}"] = str(error)
    assert not refused


@pytest.mark.parametrize("stack", CASES)
def test_every_pod_is_admitted_where_it_stands(server: Connection, stack: str) -> None:
    for name, namespace, template in pods(newest(stack)):
        pod = {"apiVersion": "v1", "kind": "Pod", **copy.deepcopy(template)}
        pod["metadata"] = {"name": "tried", "namespace": namespace, "labels": template["metadata"].get("labels", {})}
        try:
            apply(server, pod, dry_run=True)
        except (ApiError, ProviderError) as error:
            raise AssertionError(f"{name} in {namespace}: {error}") from error


def test_a_pod_of_a_chart_that_is_looser_is_not_admitted(server: Connection) -> None:
    (traefik,) = (each for each in pods(newest(CASES[0])) if each[0] == "deployment-traefik")
    _, namespace, template = traefik
    pod = {"apiVersion": "v1", "kind": "Pod", **copy.deepcopy(template)}
    pod["metadata"] = {"name": "tried", "namespace": namespace}
    pod["spec"]["hostNetwork"] = True
    with pytest.raises((ApiError, ProviderError), match="PodSecurity"):
        apply(server, pod, dry_run=True)


def findings(stack: str) -> Iterator[tuple[str, str]]:
    for name, _, template in pods(newest(stack)):
        spec = template["spec"]
        yield from ((name, finding) for finding in of_pod(spec))
        for container in spec.get("initContainers", []) + spec["containers"]:
            yield from ((f"{name}/{container['name']}", finding) for finding in of_container(container, spec))


@pytest.mark.parametrize("stack", CASES)
def test_every_container_is_confined_but_for_the_table(stack: str) -> None:
    assert set(findings(stack)) - EXCUSED.keys() == set()


def test_the_table_is_not_stale() -> None:
    assert EXCUSED.keys() - {finding for stack in CASES for finding in findings(stack)} == set()
    assert all(EXCUSED.values())


@pytest.mark.parametrize("stack", CASES)
def test_every_pod_has_a_pool_to_be_on(stack: str) -> None:
    """Or is on every node, as what watches nodes is."""
    pools = {"app.pixel/default", "app.pixel/gpu"}
    loose = {name for name, _, template in pods(newest(stack)) if not pools & template["spec"]["nodeSelector"].keys()}
    assert loose <= {"daemonset-kube-prometheus-stack-prometheus-node-exporter"}


@pytest.mark.parametrize("stack", CASES)
def test_one_load_balancer_and_no_port_of_a_node(stack: str) -> None:
    services = [each for each in newest(stack) if each["kind"] == "Service"]
    open_ones = {each["metadata"]["name"] for each in services if each["spec"].get("type", "ClusterIP") != "ClusterIP"}
    assert open_ones == {"traefik"}


def test_a_mirror_has_every_image() -> None:
    """Whether it stands in a pod, in an operator's object, or in an argument."""
    for release in releases(MIRRORED):
        plain = next(each for each in releases(REDIS) if each.name == release.name)
        mirrored = [image for each in rendered(release, "1.36.0") for image in images(each)]
        published = [image for each in rendered(plain, "1.36.0") for image in images(each)]
        assert published, release.name
        for image, original in zip(mirrored, published, strict=True):
            assert image.startswith(f"{MIRROR}/"), f"{release.name}: {image}"
            assert image.endswith(original.rpartition("/")[2]), f"{release.name}: {image} for {original}"


_IMAGE_ARGUMENT = re.compile(r"--[a-z0-9-]*(image|config-reloader)=")


def images(value: Any) -> Iterator[str]:
    """Every image that an object names."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "image" and isinstance(each, str):
                yield each
            else:
                yield from images(each)
    elif isinstance(value, list):
        for each in value:
            yield from images(each)
    elif (
        isinstance(value, str) and value.startswith("--") and value.partition("=")[0].endswith(("-image", "-reloader"))
    ):
        yield value.partition("=")[2]


def test_objects_stand_in_namespaces_that_have_a_level() -> None:
    levels = {each.name: each.level for each in NAMESPACES}
    for stack in CASES:
        for name, namespace, template in pods(newest(stack)):
            if namespace == "kube-system":
                assert name == "deployment-metrics-server"
            elif set(of_pod(template["spec"])):
                assert levels[namespace] is Level.PRIVILEGED, name
