"""What the Kubernetes plugin waits for, with the test in the place of kubelet and controllers."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from local.kubernetes.client import Client
from local.kubernetes.errors import ApiError
from local.kubernetes.provider import KubernetesProvider
from local.provider import InitializationFailed, ProviderError
from tests.cluster.api_server import ApiServer
from tests.cluster.kubernetes_plugin.calls import Managed

pytestmark = pytest.mark.cluster

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
names = (f"waits-{number}" for number in range(1, 10_000))


class Shown(KubernetesProvider):
    """The provider, with what it would show beside a resource kept."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def log(self, message: str, urn: str = "", severity: str = "info", ephemeral: bool = False) -> None:
        self.lines.append(message)


@pytest.fixture
def provider(server: ApiServer) -> Iterator[Shown]:
    made = Shown()
    made.configure({"kubeconfig": server.kubeconfig})
    yield made
    made.close()


def workload(name: str, **spec: Any) -> dict[str, Any]:
    labels = {"app": name}
    pod = {"containers": [{"name": "main", "image": "example.com/a:1"}]}
    return {
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
            **spec,
        },
    }


def path_of(plural: str, name: str, group: str = "apis/apps/v1") -> str:
    return f"/{group}/namespaces/default/{plural}/{name}"


def set_status(api: Client, path: str, status: dict[str, Any]) -> None:
    """Write an object's status as its controller would; the generation it speaks of is the current one."""
    generation = api.get(path)["metadata"].get("generation")
    observed = {"observedGeneration": generation} if generation else {}
    media_type = "application/merge-patch+json"
    api.request("PATCH", f"{path}/status", body={"status": {**observed, **status}}, media_type=media_type)


@contextmanager
def meanwhile(work: Callable[[], object], after: float = 0.4) -> Iterator[None]:
    """Do something else while the body waits; what it raises is raised here."""
    raised: list[BaseException] = []

    def run() -> None:
        time.sleep(after)
        try:
            work()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    if raised:
        raise raised[0]


ROLLED_OUT = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}


def test_a_deployment_is_made_when_its_pods_are_available(provider: Shown, api: Client) -> None:
    name = next(names)
    path = path_of("deployments", name)
    managed = Managed(provider, DEPLOYMENT, name)
    with (
        meanwhile(lambda: set_status(api, path, {"replicas": 1, "updatedReplicas": 1}), 0.3),
        meanwhile(lambda: set_status(api, path, ROLLED_OUT), 0.9),
    ):
        assert managed.up(workload(name)) == "create"
    assert managed.outputs["status"]["availableReplicas"] == 1
    assert "the deployment controller has not seen it yet" in provider.lines
    assert "0 of 1 pods available" in provider.lines


def test_an_update_waits_for_the_new_generation(provider: Shown, api: Client) -> None:
    name = next(names)
    path = path_of("deployments", name)
    managed = Managed(provider, DEPLOYMENT, name)
    with meanwhile(lambda: set_status(api, path, ROLLED_OUT)):
        managed.up(workload(name))
    changed = workload(name, minReadySeconds=1)
    with pytest.raises(InitializationFailed, match="has not seen it yet"):
        managed.up(changed, timeout=0.5)
    with meanwhile(lambda: set_status(api, path, ROLLED_OUT)):
        assert managed.up(changed) == "update"


def pod(api: Client, name: str, status: dict[str, Any]) -> None:
    labels = {"app": name}
    body = {
        "metadata": {"name": f"{name}-1", "labels": labels},
        "spec": {"containers": [{"name": "main", "image": "example.com/a:1"}]},
    }
    api.request("POST", "/api/v1/namespaces/default/pods", body=body)
    set_status(api, path_of("pods", f"{name}-1", "api/v1"), status)


def event(api: Client, kind: str, name: str, reason: str, message: str) -> None:
    body = {
        "metadata": {"generateName": "event-"},
        "involvedObject": {"kind": kind, "name": name, "namespace": "default"},
        "type": "Warning",
        "reason": reason,
        "message": message,
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }
    api.request("POST", "/api/v1/namespaces/default/events", body=body)


def test_a_deployment_that_is_late_says_why_and_is_taken_up_again(provider: Shown, api: Client) -> None:
    name = next(names)
    path = path_of("deployments", name)
    managed = Managed(provider, DEPLOYMENT, name)
    waits = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    container = {"name": "main", "image": "x", "imageID": "", "ready": False, "restartCount": 0, "state": waits}
    pod(api, name, {"phase": "Pending", "containerStatuses": [container]})
    event(api, "ReplicaSet", f"{name}-abc", "FailedCreate", "exceeded quota")
    event(api, "Pod", "somebody-elses", "Failed", "not ours")
    with pytest.raises(InitializationFailed) as caught:
        managed.up(workload(name), timeout=1)
    text = str(caught.value)
    assert f"Deployment default/{name} was not ready after 1 s" in text
    assert f"pod {name}-1: container main is waiting: ImagePullBackOff: no such image" in text
    assert f"event ReplicaSet {name}-abc: FailedCreate: exceeded quota" in text
    assert "not ours" not in text
    assert caught.value.id == f"default/{name}" and caught.value.outputs["metadata"]["uid"]
    uid = managed.outputs["metadata"]["uid"]
    with meanwhile(lambda: set_status(api, path, ROLLED_OUT)):
        assert managed.up(workload(name)) == "update"
    assert managed.outputs["metadata"]["uid"] == uid


def test_a_rollout_past_its_deadline_fails_without_waiting_longer(provider: Shown, api: Client) -> None:
    name = next(names)
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too slow"}
    with (
        meanwhile(lambda: set_status(api, path_of("deployments", name), {"conditions": [late]})),
        pytest.raises(InitializationFailed, match="failed: ProgressDeadlineExceeded: too slow"),
    ):
        Managed(provider, DEPLOYMENT, name).up(workload(name), timeout=300)


def test_the_annotations_skip_and_shorten_the_wait(provider: Shown) -> None:
    name, other = next(names), next(names)
    skipping, short = workload(name), workload(other)
    skipping["metadata"]["annotations"] = {"pulumi.com/skipAwait": "true"}
    short["metadata"]["annotations"] = {"pulumi.com/timeoutSeconds": "1"}
    assert Managed(provider, DEPLOYMENT, name).up(skipping) == "create"
    with pytest.raises(InitializationFailed, match="was not ready after 1 s"):
        Managed(provider, DEPLOYMENT, other).up(short, timeout=0)
    short["metadata"]["annotations"] = {"pulumi.com/timeoutSeconds": "soon"}
    with pytest.raises(ProviderError, match="timeoutSeconds is 'soon'; write a whole number"):
        Managed(provider, DEPLOYMENT, next(names)).up(short, timeout=0)


def test_cancelling_ends_a_wait_and_keeps_the_object(provider: Shown, api: Client) -> None:
    name = next(names)
    with (
        meanwhile(provider.cancelled.set),
        pytest.raises(InitializationFailed, match="cancelled while waiting for Deployment") as caught,
    ):
        Managed(provider, DEPLOYMENT, name).up(workload(name), timeout=300)
    assert caught.value.id == f"default/{name}"
    assert api.get(path_of("deployments", name))


def test_an_object_deleted_while_it_is_waited_for(provider: Shown, api: Client) -> None:
    name = next(names)
    with (
        meanwhile(lambda: api.delete(path_of("deployments", name), "Background")),
        pytest.raises(InitializationFailed, match="was deleted while it was being waited for"),
    ):
        Managed(provider, DEPLOYMENT, name).up(workload(name), timeout=300)


def test_a_refresh_keeps_an_unready_object_and_says_so(provider: Shown, api: Client) -> None:
    name = next(names)
    path = path_of("deployments", name)
    managed = Managed(provider, DEPLOYMENT, name)
    with meanwhile(lambda: set_status(api, path, ROLLED_OUT)):
        managed.up(workload(name))
    set_status(api, path, {"availableReplicas": 0, "readyReplicas": 0})
    with pytest.raises(InitializationFailed, match="0 of 1 pods available") as caught:
        managed.refresh()
    assert caught.value.inputs == managed.inputs


def test_a_daemon_set_waits_for_every_node(provider: Shown, api: Client) -> None:
    name = next(names)
    path = path_of("daemonsets", name)
    numbers = {"currentNumberScheduled": 2, "desiredNumberScheduled": 2, "numberMisscheduled": 0, "numberReady": 0}
    done = {**numbers, "updatedNumberScheduled": 2, "numberAvailable": 2, "numberReady": 2}
    managed = Managed(provider, "kubernetes:apps/v1:DaemonSet", name)
    with (
        meanwhile(lambda: set_status(api, path, {**numbers, "updatedNumberScheduled": 1}), 0.3),
        meanwhile(lambda: set_status(api, path, done), 1.0),
    ):
        managed.up(workload(name))
    assert "1 of 2 nodes have an updated pod" in provider.lines


def test_a_job_waits_for_its_end_and_tells_a_failure(provider: Shown, api: Client) -> None:
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "example.com/a:1"}]}}

    def finish(name: str, *types: str) -> None:
        now = "2026-01-01T00:00:00Z"
        conditions = [{"type": each, "status": "True", "reason": "R", "message": "because"} for each in types]
        over = {"startTime": now, **({"completionTime": now, "succeeded": 1} if "Complete" in types else {})}
        set_status(api, path_of("jobs", name, "apis/batch/v1"), {"conditions": conditions, **over})

    good, bad = next(names), next(names)
    with meanwhile(lambda: finish(good, "SuccessCriteriaMet", "Complete")):
        Managed(provider, "kubernetes:batch/v1:Job", good).up(
            {"metadata": {"name": good}, "spec": {"template": template}}
        )
    with (
        meanwhile(lambda: finish(bad, "FailureTarget", "Failed")),
        pytest.raises(InitializationFailed, match="failed: R: because"),
    ):
        Managed(provider, "kubernetes:batch/v1:Job", bad).up(
            {"metadata": {"name": bad}, "spec": {"template": template}}
        )


def test_a_service_waits_for_pods_behind_it(provider: Shown, api: Client) -> None:
    name = next(names)

    def answer() -> None:
        body = {
            "metadata": {"name": f"{name}-1", "labels": {"kubernetes.io/service-name": name}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": ["10.0.0.9"], "conditions": {"ready": True}}],
        }
        api.request("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", body=body)

    wanted = {"metadata": {"name": name}, "spec": {"selector": {"app": name}, "ports": [{"port": 80}]}}
    with meanwhile(answer):
        Managed(provider, "kubernetes:core/v1:Service", name).up(wanted)
    assert "no ready pod matches its selector yet" in provider.lines
    headless = next(names)
    wanted = {"metadata": {"name": headless}, "spec": {"clusterIP": "None", "selector": {"app": "x"}}}
    assert Managed(provider, "kubernetes:core/v1:Service", headless).up(wanted) == "create"


def test_a_load_balancer_waits_for_its_address(provider: Shown, api: Client) -> None:
    name = next(names)
    wanted = {"metadata": {"name": name}, "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}}
    given = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    managed = Managed(provider, "kubernetes:core/v1:Service", name)
    with meanwhile(lambda: set_status(api, path_of("services", name, "api/v1"), given)):
        managed.up(wanted)
    assert managed.outputs["status"] == {"loadBalancer": {"ingress": [{"ip": "192.0.2.1", "ipMode": "VIP"}]}}


@pytest.mark.parametrize("mode", ["Immediate", "WaitForFirstConsumer"])
def test_a_claim_waits_unless_its_class_waits_for_a_pod(provider: Shown, api: Client, mode: str) -> None:
    name = next(names)
    wanted = {
        "metadata": {"name": name},
        "spec": {
            "storageClassName": name,
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
    storage = {"metadata": {"name": name}, "provisioner": "example.com/a", "volumeBindingMode": mode}
    Managed(provider, "kubernetes:storage.k8s.io/v1:StorageClass", name).up(storage)
    claim = Managed(provider, "kubernetes:core/v1:PersistentVolumeClaim", name)
    if mode == "WaitForFirstConsumer":
        assert claim.up(wanted) == "create"
        return
    with meanwhile(lambda: set_status(api, path_of("persistentvolumeclaims", name, "api/v1"), {"phase": "Bound"})):
        claim.up(wanted)
    assert claim.outputs["status"]["phase"] == "Bound"


def test_a_pod_waits_until_it_is_ready(provider: Shown, api: Client) -> None:
    name = next(names)
    wanted = {"metadata": {"name": name}, "spec": {"containers": [{"name": "main", "image": "example.com/a:1"}]}}
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    with meanwhile(lambda: set_status(api, path_of("pods", name, "api/v1"), ready)):
        Managed(provider, "kubernetes:core/v1:Pod", name).up(wanted)


def test_a_condition_named_by_annotation_is_waited_for(provider: Shown, api: Client) -> None:
    name = next(names)
    wanted = {
        "metadata": {"name": name, "annotations": {"pulumi.com/waitFor": "jsonpath={.data.done}=yes"}},
        "data": {"a": "1"},
    }

    def finish() -> None:
        path = path_of("configmaps", name, "api/v1")
        api.request("PATCH", path, body={"data": {"done": "yes"}}, media_type="application/merge-patch+json")

    managed = Managed(provider, "kubernetes:core/v1:ConfigMap", name)
    with meanwhile(finish):
        managed.up(wanted)
    assert managed.outputs["data"] == {"a": "1", "done": "yes"}
    assert managed.up(wanted) == "same"


def test_deleting_a_namespace_waits_for_all_of_it(provider: Shown, api: Client) -> None:
    """Without a controller nothing empties the namespace, so the wait must end with what the namespace says."""
    name = next(names)
    namespace = Managed(provider, "kubernetes:core/v1:Namespace", name)
    namespace.up({"metadata": {"name": name}})
    with pytest.raises(ProviderError, match=r"was not gone after 1 s: finalizers kubernetes are still set"):
        namespace.destroy(timeout=1)

    def finalize() -> None:
        live = api.get(f"/api/v1/namespaces/{name}")
        live["spec"]["finalizers"] = []
        api.request("PUT", f"/api/v1/namespaces/{name}/finalize", body=live)

    with meanwhile(finalize):
        namespace.destroy()
    with pytest.raises(ApiError, match="not found"):
        api.get(f"/api/v1/namespaces/{name}")
