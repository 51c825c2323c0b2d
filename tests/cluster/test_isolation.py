"""A real API server admits the program's own pods where they stand, refuses looser ones, and takes every policy."""

import base64
import copy
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from components.workloads.network_policies import openings, policies
from tests.cluster.api_server import api_server
from tests.program.recording import STACKS, record_of
from tests.program.test_network_policies import with_egress

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(180)]

Create = Callable[[str, dict[str, Any]], tuple[int, str]]


@pytest.fixture(scope="module")
def create() -> Iterator[Create]:
    """Creates an object below a path, and hands back the answer's status and text."""
    with api_server() as server:
        config = yaml.safe_load(server.token_kubeconfig)
        authority = config["clusters"][0]["cluster"]["certificate-authority-data"]
        trusted = ssl.create_default_context(cadata=base64.b64decode(authority).decode())
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {config['users'][0]['user']['token']}"}

        def ask(path: str, document: dict[str, Any]) -> tuple[int, str]:
            request = urllib.request.Request(server.url + path, json.dumps(document).encode(), headers, method="POST")
            try:
                with urllib.request.urlopen(request, context=trusted, timeout=20) as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as refused:
                with refused:
                    return refused.code, refused.read().decode()

        yield ask


@pytest.fixture(scope="module")
def namespaces(create: Create) -> set[str]:
    """The namespaces of all stacks, with their levels; and what pods there have to name."""
    priorities = {
        each.inputs["metadata"]["name"]: each.inputs for each in record_of(STACKS[0]).objects("PriorityClass")
    }
    for priority in priorities.values():
        status, text = create("/apis/scheduling.k8s.io/v1/priorityclasses", whole(priority))
        assert status == 201, text
    made: dict[str, dict[str, Any]] = {
        each.inputs["metadata"]["name"]: each.inputs
        for stack in STACKS
        for each in record_of(stack).objects("Namespace")
    }
    for namespace in made.values():
        status, text = create("/api/v1/namespaces", namespace)
        assert status == 201, text
    return set(made)


def pods(stack: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name, namespace and pod of everything of ours that starts pods."""
    record = record_of(stack)
    spaces = {
        each.name: each.inputs["metadata"]["namespace"]
        for each in record.objects()
        if "spec" in each.inputs and "namespace" in each.inputs["metadata"]
    }
    for name, template in record.pods():
        pod = {"apiVersion": "v1", "kind": "Pod", **whole(copy.deepcopy(template))}
        pod["metadata"] = {**pod["metadata"], "generateName": "tried-"}
        yield name, spaces[name], pod


def whole(value: Any) -> Any:
    """Numbers as the API wants them: on the engine's wire all are floats."""
    if isinstance(value, dict):
        return {key: whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@pytest.mark.parametrize("stack", STACKS)
def test_every_pod_is_admitted_where_it_stands(create: Create, namespaces: set[str], stack: str) -> None:
    tried = 0
    for name, namespace, pod in pods(stack):
        status, text = create(f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod)
        assert status == 201, f"{name}: {text}"
        tried += 1
    assert tried >= 3


LOOSER: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    # what is looser, of the pod, of its first container
    ("hostNetwork", {"hostNetwork": True}, {}),
    ("hostPath", {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}, {}),
    ("privileged", {}, {"privileged": True, "allowPrivilegeEscalation": True}),
    ("root", {"securityContext": {"runAsNonRoot": False, "seccompProfile": {"type": "RuntimeDefault"}}}, {}),
    ("capability", {}, {"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}}),
    ("seccomp", {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "Unconfined"}}}, {}),
]


@pytest.mark.parametrize(("what", "of_pod", "of_container"), LOOSER, ids=[each[0] for each in LOOSER])
def test_an_instance_cannot_be_looser(
    create: Create, namespaces: set[str], what: str, of_pod: dict[str, Any], of_container: dict[str, Any]
) -> None:
    pod = next(pod for _, _, pod in pods(STACKS[0]) if "app.pixel/app" in pod["metadata"]["labels"])
    spec = pod["spec"]
    spec["containers"][0]["volumeMounts"] = []
    spec |= of_pod
    spec["containers"][0]["securityContext"] |= of_container
    if "volumes" in of_pod:
        spec["initContainers"] = []
    status, text = create("/api/v1/namespaces/pixel-instances/pods?dryRun=All", pod)
    assert status == 403, text
    assert "violates PodSecurity" in text


def test_every_policy_quota_and_limit_is_accepted(create: Create, namespaces: set[str]) -> None:
    its = with_egress("0.0.0.0/0", "10.0.0.0/8", "203.0.113.0/24")
    wanted = policies(openings(its.network, its.apps))
    for each in record_of(STACKS[0]).objects("NetworkPolicy", "ResourceQuota", "LimitRange", "ServiceAccount"):
        wanted.append(whole(each.inputs))
    for document in wanted:
        plural = {"NetworkPolicy": "networkpolicies", "ResourceQuota": "resourcequotas", "LimitRange": "limitranges"}
        group = "/api/v1" if document["apiVersion"] == "v1" else f"/apis/{document['apiVersion']}"
        kind = plural.get(document["kind"], f"{document['kind'].lower()}s")
        query = "dryRun=All&fieldValidation=Strict"
        status, text = create(f"{group}/namespaces/{document['metadata']['namespace']}/{kind}?{query}", document)
        assert status == 201, f"{document['metadata']['name']}: {text}"
