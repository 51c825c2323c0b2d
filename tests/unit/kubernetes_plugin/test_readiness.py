"""When each kind is ready."""

import re
from typing import Any

import pytest

from local.kubernetes.explain import deletion_text, events_text, pod_problem, pods_text, selector_text
from local.kubernetes.objects import Kind
from local.kubernetes.readiness import RULES, Facts, Readiness, State, needs_endpoints, readiness
from local.provider import ProviderError

NO_FACTS = Facts()


def state(kind: Kind, live: dict[str, Any], facts: Facts = NO_FACTS, inputs: dict[str, Any] | None = None) -> Readiness:
    return readiness(kind, inputs or {}, {"metadata": {"name": "x", "generation": 2}, **live}, facts)


def conditions(**types: str) -> list[dict[str, str]]:
    return [{"type": name, "status": status, "reason": "Why", "message": "because"} for name, status in types.items()]


DEPLOYMENT = Kind("apps/v1", "Deployment")
DONE = {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}


@pytest.mark.parametrize(
    ("status", "expected", "text"),
    [
        ({}, State.WAITING, "has not seen it"),
        ({**DONE, "observedGeneration": 1}, State.WAITING, "has not seen it"),
        ({**DONE, "updatedReplicas": 1}, State.WAITING, "1 of 2 pods updated"),
        ({**DONE, "replicas": 3}, State.WAITING, "1 old pods still to go"),
        ({**DONE, "availableReplicas": 0}, State.WAITING, "0 of 2 pods available"),
        (
            {**DONE, "updatedReplicas": 0, "conditions": conditions(ReplicaFailure="True")},
            State.WAITING,
            r"0 of 2 pods updated \(Why: because\)",
        ),
        (
            {**DONE, "conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]},
            State.FAILED,
            "ProgressDeadlineExceeded",
        ),
        (DONE, State.READY, ""),
    ],
)
def test_a_deployment(status: dict[str, Any], expected: State, text: str) -> None:
    found = state(DEPLOYMENT, {"spec": {"replicas": 2}, "status": status})
    assert found.state is expected
    assert re.search(text, found.message)


def test_a_deployment_of_none_and_a_paused_one() -> None:
    assert state(DEPLOYMENT, {"spec": {"replicas": 0}, "status": {"observedGeneration": 2}}).state is State.READY
    assert state(DEPLOYMENT, {"spec": {"paused": True}}).state is State.READY


@pytest.mark.parametrize(
    ("kind", "live", "expected"),
    [
        (Kind("apps/v1", "DaemonSet"), {"status": {"observedGeneration": 2, "desiredNumberScheduled": 0}}, State.READY),
        (Kind("apps/v1", "DaemonSet"), {"status": {"desiredNumberScheduled": 0}}, State.WAITING),
        (
            Kind("apps/v1", "DaemonSet"),
            {"status": {"observedGeneration": 2, "desiredNumberScheduled": 1, "updatedNumberScheduled": 1}},
            State.WAITING,
        ),
        (
            Kind("apps/v1", "DaemonSet"),
            {
                "spec": {"updateStrategy": {"type": "OnDelete"}},
                "status": {"observedGeneration": 2, "desiredNumberScheduled": 1, "numberAvailable": 1},
            },
            State.READY,
        ),
        (
            Kind("apps/v1", "StatefulSet"),
            {"spec": {"replicas": 2}, "status": {"observedGeneration": 2, "updatedReplicas": 2, "readyReplicas": 1}},
            State.WAITING,
        ),
        (
            Kind("apps/v1", "StatefulSet"),
            {
                "spec": {"replicas": 2, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
                "status": {"observedGeneration": 2, "updatedReplicas": 1, "readyReplicas": 2},
            },
            State.READY,
        ),
        (
            Kind("apps/v1", "ReplicaSet"),
            {"spec": {}, "status": {"observedGeneration": 2, "readyReplicas": 1}},
            State.READY,
        ),
        (Kind("batch/v1", "Job"), {"status": {}}, State.WAITING),
        (Kind("batch/v1", "Job"), {"status": {"conditions": conditions(Complete="True")}}, State.READY),
        (Kind("batch/v1", "Job"), {"status": {"conditions": conditions(Failed="True")}}, State.FAILED),
        (Kind("batch/v1", "Job"), {"spec": {"suspend": True}}, State.READY),
        (Kind("v1", "Pod"), {"status": {"phase": "Pending"}}, State.WAITING),
        (Kind("v1", "Pod"), {"status": {"phase": "Running", "conditions": conditions(Ready="True")}}, State.READY),
        (Kind("v1", "Pod"), {"status": {"phase": "Running", "conditions": conditions(Ready="False")}}, State.WAITING),
        (Kind("v1", "Pod"), {"status": {"phase": "Succeeded"}}, State.READY),
        (Kind("v1", "Pod"), {"status": {"phase": "Failed", "reason": "Evicted"}}, State.FAILED),
        (Kind("v1", "PersistentVolumeClaim"), {"status": {"phase": "Pending"}}, State.WAITING),
        (Kind("v1", "PersistentVolumeClaim"), {"status": {"phase": "Bound"}}, State.READY),
        (Kind("v1", "PersistentVolumeClaim"), {"status": {"phase": "Lost"}}, State.FAILED),
        (Kind("v1", "PersistentVolume"), {"status": {"phase": "Available"}}, State.READY),
        (Kind("v1", "Namespace"), {"status": {"phase": "Terminating"}}, State.WAITING),
        (Kind("v1", "Namespace"), {"status": {"phase": "Active"}}, State.READY),
        (Kind("v1", "Service"), {"spec": {"selector": {"a": "b"}}}, State.WAITING),
        (Kind("v1", "Service"), {"spec": {"selector": {}}}, State.READY),
        (Kind("v1", "Service"), {"spec": {"type": "LoadBalancer"}, "status": {"loadBalancer": {}}}, State.WAITING),
        (Kind("v1", "Service"), {"spec": {"type": "ExternalName", "selector": {"a": "b"}}}, State.READY),
        (Kind("v1", "Secret"), {"type": "kubernetes.io/service-account-token"}, State.WAITING),
        (Kind("v1", "Secret"), {"type": "Opaque"}, State.READY),
        (Kind("networking.k8s.io/v1", "Ingress"), {"status": {"loadBalancer": {}}}, State.WAITING),
        (
            Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
            {"status": {"conditions": conditions(NamesAccepted="True")}},
            State.WAITING,
        ),
        (
            Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
            {"status": {"conditions": conditions(NamesAccepted="True", Established="True")}},
            State.READY,
        ),
        (
            Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
            {"status": {"conditions": conditions(NamesAccepted="False")}},
            State.FAILED,
        ),
        (
            Kind("apiregistration.k8s.io/v1", "APIService"),
            {"status": {"conditions": conditions(Available="False")}},
            State.WAITING,
        ),
        (Kind("v1", "ConfigMap"), {}, State.READY),
        (Kind("test.example.com/v1", "Deployment"), {}, State.READY),
    ],
)
def test_the_other_kinds(kind: Kind, live: dict[str, Any], expected: State) -> None:
    found = state(kind, live)
    assert found.state is expected
    assert bool(found.message) is (expected is not State.READY)


def test_every_rule_waits_for_an_object_just_made() -> None:
    """No kind of the table is ready before its controller said anything, but those with nothing to wait for."""
    at_once = {("", "Secret"), ("", "Service")}
    for group, kind in RULES.keys() - at_once:
        assert state(Kind(f"{group}/v1" if group else "v1", kind), {"spec": {}}).state is State.WAITING, kind


def test_facts_beside_the_object() -> None:
    service = {"spec": {"selector": {"a": "b"}, "clusterIP": "10.0.0.1"}}
    assert needs_endpoints(service) and not needs_endpoints({"spec": {"selector": {"a": "b"}, "clusterIP": "None"}})
    assert state(Kind("v1", "Service"), service, Facts(ready_endpoints=1)).state is State.READY
    claim = {"status": {"phase": "Pending"}}
    assert state(Kind("v1", "PersistentVolumeClaim"), claim, Facts(waits_for_consumer=True)).state is State.READY


@pytest.mark.parametrize(
    ("text", "live", "expected"),
    [
        ("condition=Ready", {"status": {"conditions": conditions(Ready="True")}}, State.READY),
        ("condition=Ready", {"status": {}}, State.WAITING),
        ("condition=Stalled=False", {"status": {"conditions": conditions(Stalled="False")}}, State.READY),
        ("jsonpath={.status.phase}=Up", {"status": {"phase": "Up"}}, State.READY),
        ("jsonpath={.status.phase}=Up", {"status": {"phase": "Down"}}, State.WAITING),
        ("jsonpath={.status.address}", {"status": {"address": "a"}}, State.READY),
        ("jsonpath={.status.address}", {}, State.WAITING),
    ],
)
def test_a_wait_of_the_programs_own(text: str, live: dict[str, Any], expected: State) -> None:
    inputs = {"metadata": {"annotations": {"pulumi.com/waitFor": text}}}
    assert state(Kind("example.com/v1", "Thing"), live, inputs=inputs).state is expected


def test_a_wait_that_cannot_be_read_is_refused() -> None:
    inputs = {"metadata": {"annotations": {"pulumi.com/waitFor": "a while"}}}
    with pytest.raises(ProviderError, match="'a while'; write condition="):
        state(DEPLOYMENT, {}, inputs=inputs)


def test_no_wait_where_the_program_wants_none_or_owns_a_part_only() -> None:
    inputs = {"metadata": {"annotations": {"pulumi.com/skipAwait": "true"}}}
    assert state(DEPLOYMENT, {}, inputs=inputs).state is State.READY
    assert state(Kind("apps/v1", "Deployment", patch=True), {}).state is State.READY


def pod(name: str, created: str = "", **status: Any) -> dict[str, Any]:
    return {"metadata": {"name": name, "creationTimestamp": created}, "status": status}


def container(name: str = "main", **state: Any) -> dict[str, Any]:
    last = state.pop("last", None)
    return {"name": name, "state": state, "lastState": {"terminated": last} if last else {}}


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ({"conditions": conditions(Ready="True")}, None),
        ({"phase": "Succeeded"}, None),
        (
            {"containerStatuses": [container(waiting={"reason": "ImagePullBackOff", "message": "no such image"})]},
            "container main is waiting: ImagePullBackOff: no such image",
        ),
        (
            {
                "containerStatuses": [
                    container(waiting={"reason": "CrashLoopBackOff"}, last={"exitCode": 1, "reason": "Error"})
                ]
            },
            "container main is waiting: CrashLoopBackOff (last ended with 1, Error)",
        ),
        (
            {"initContainerStatuses": [container("init", terminated={"exitCode": 2, "reason": "Error"})]},
            "container init ended with 2: Error",
        ),
        (
            {
                "containerStatuses": [container(waiting={"reason": "ContainerCreating"})],
                "conditions": conditions(PodScheduled="False"),
            },
            "Why: because",
        ),
        ({"containerStatuses": [container(running={"startedAt": "t"})]}, "container main runs but is not ready"),
        ({"phase": "Failed", "reason": "Evicted", "message": "disk"}, "Evicted: disk"),
        ({"phase": "Pending"}, "phase Pending"),
    ],
)
def test_what_keeps_a_pod_from_being_ready(status: dict[str, Any], text: str | None) -> None:
    assert pod_problem(pod("x", **status)) == text


def test_the_newest_pods_come_first_and_not_all_of_them() -> None:
    lines = pods_text([pod(f"p{number}", f"2026-01-0{number}", phase="Pending") for number in range(1, 9)])
    assert lines[0] == "pod p8: phase Pending"
    assert lines[-1] == "and 3 more pods" and len(lines) == 6


def event(name: str, message: str, kind: str = "Warning", time: str = "2026") -> dict[str, Any]:
    involved = {"kind": "Pod", "name": name}
    return {"involvedObject": involved, "type": kind, "reason": "Why", "message": message, "lastTimestamp": time}


def test_events_of_the_object_and_its_own_only() -> None:
    events = [
        event("web", "second", time="2"),
        event("web-abc-1", "first", time="1"),
        event("web-abc-1", "first", time="1"),
        event("website", "another's"),
        event("web", "fine", kind="Normal"),
    ]
    assert events_text(events, ["web"]) == ["event Pod web-abc-1: Why: first", "event Pod web: Why: second"]


def test_selectors() -> None:
    assert selector_text({"spec": {"selector": {"matchLabels": {"b": "2", "a": "1"}}}}) == "a=1,b=2"
    assert selector_text({"spec": {"selector": {"a": "1"}}}) == "a=1"
    assert selector_text({"spec": {}}) is None
    assert selector_text({}) is None


def test_what_keeps_a_deleted_object() -> None:
    remaining = {"type": "NamespaceContentRemaining", "status": "True", "message": "pods. has 1 resource instances"}
    assert deletion_text({"metadata": {}, "status": {"conditions": [remaining]}}) == "pods. has 1 resource instances"
    assert "finalizers a, b" in deletion_text({"metadata": {"finalizers": ["a", "b"]}})
    assert deletion_text({"metadata": {}}) == "it is still there"
