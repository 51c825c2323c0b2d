"""What a pod can do on the local cluster, and what the host can reach of it."""

import json
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import cluster as local_cluster
from local.cluster import addresses
from tests.cluster.conftest import PYTHON, Kubectl, eventually

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

NAMESPACE = "test-cluster"

SERVER = """
import http.server, socketserver, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print('asked for', self.path, flush=True)
        self.send_response(200); self.end_headers(); self.wfile.write(sys.argv[2].encode())
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer((sys.argv[3], int(sys.argv[1])), Handler).serve_forever()
"""

RESTRICTED = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}


def container(image: str, name: str, port: int, answer: str, host: str = "0.0.0.0", **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": [PYTHON, "-c", SERVER, str(port), answer, host],
        "securityContext": RESTRICTED,
        "resources": {"limits": {"cpu": "200m", "memory": "64Mi", "ephemeral-storage": "10Mi"}},
        "readinessProbe": {"tcpSocket": {"port": port, "host": host if host != "0.0.0.0" else ""}, "periodSeconds": 1},
        **more,
    }


@pytest.fixture(scope="module", autouse=True)
def workloads(kubectl: Kubectl, python_image: str) -> Iterator[None]:
    """A pod with a native sidecar behind a Service, and a pod on every node's own network."""
    sidecar = container(python_image, "sidecar", 8888, "from the sidecar", restartPolicy="Always")
    sidecar["startupProbe"] = {"tcpSocket": {"port": 8888}, "periodSeconds": 1, "failureThreshold": 60}
    mounts = [{"name": "tmp", "mountPath": "/tmp"}]
    app = container(python_image, "app", 3000, "from the application", volumeMounts=mounts)
    instance = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "instance", "namespace": NAMESPACE, "labels": {"app.pixel/app": "test"}},
        "spec": {
            "serviceAccountName": "reader",
            "terminationGracePeriodSeconds": 1,
            "initContainers": [sidecar],
            "containers": [app],
            "volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}}],
        },
    }
    labels = {"app.pixel/app": "host"}
    on_host = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "host", "namespace": NAMESPACE},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "hostNetwork": True,
                    "terminationGracePeriodSeconds": 1,
                    "nodeSelector": {"test.pixel/turn": "true"},
                    "automountServiceAccountToken": False,
                    "containers": [container(python_image, "app", 13478, "from the node", str(addresses.NODE))],
                },
            },
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": NAMESPACE},
        "spec": {"selector": {"app.pixel/app": "test"}, "ports": [{"port": 80, "targetPort": 3000}]},
    }
    kubectl.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
    kubectl("label", "node", addresses.NODE_NAME, "test.pixel/turn=true", "--overwrite")
    kubectl.apply(*may_read_pods(), service, instance, on_host)
    try:
        kubectl.wait("condition=Ready", f"--namespace={NAMESPACE}", "pod/instance")
        kubectl("rollout", "status", f"--namespace={NAMESPACE}", "daemonset/host", "--timeout=60s")
        yield
    finally:
        kubectl("delete", "namespace", NAMESPACE, "--timeout=60s")
        kubectl("label", "node", addresses.NODE_NAME, "test.pixel/turn-")


def may_read_pods() -> list[dict[str, Any]]:
    group = "rbac.authorization.k8s.io"
    place = {"name": "reader", "namespace": NAMESPACE}
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": place}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": place},
        {**role, "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]},
        {
            **role,
            "kind": "RoleBinding",
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "reader"},
            "subjects": [{"kind": "ServiceAccount", **place}],
        },
    ]


def fetch(address: str, port: int) -> str:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
        f"http://{address}:{port}/", timeout=5
    ) as got:
        return str(got.read().decode())


def pod_address(kubectl: Kubectl) -> str:
    return str(kubectl.json("get", "pod", "instance", f"--namespace={NAMESPACE}")["status"]["podIP"])


def cluster_address(kubectl: Kubectl) -> str:
    return str(kubectl.json("get", "service", "web", f"--namespace={NAMESPACE}")["spec"]["clusterIP"])


def test_the_kubeconfig_is_the_owners_alone(cluster: Path) -> None:
    assert cluster.stat().st_mode & 0o777 == 0o600
    assert cluster.parent.stat().st_mode & 0o077 == 0


def test_a_second_start_finds_the_running_cluster(cluster: Path) -> None:
    assert local_cluster.running() == cluster


def test_both_containers_of_an_instance_run_and_share_localhost(kubectl: Kubectl) -> None:
    status = kubectl.json("get", "pod", "instance", f"--namespace={NAMESPACE}")["status"]
    assert [entry["started"] for entry in (*status["initContainerStatuses"], *status["containerStatuses"])] == [
        True
    ] * 2
    code = "import urllib.request; print(urllib.request.urlopen('http://localhost:8888/').read().decode())"
    assert kubectl.python(NAMESPACE, "instance", code).strip() == "from the sidecar"


def test_a_container_is_not_root_and_writes_only_to_its_volumes(kubectl: Kubectl) -> None:
    code = """
import os, pathlib
print(os.getuid())
try: pathlib.Path('/here').write_text('x')
except OSError as error: print(error.strerror)
print(pathlib.Path('/tmp/here').write_text('x'))
try: pathlib.Path('/tmp/much').write_bytes(bytes(1 << 21))
except OSError as error: print(error.strerror)
"""
    printed = kubectl.python(NAMESPACE, "instance", code).split("\n")
    assert printed[:4] == ["10001", "Read-only file system", "1", "No space left on device"]


def test_the_host_reaches_pod_and_service(kubectl: Kubectl) -> None:
    assert fetch(pod_address(kubectl), 3000) == "from the application"
    eventually(lambda: answers(cluster_address(kubectl), 80), "the ClusterIP answers the host")
    assert fetch(cluster_address(kubectl), 80) == "from the application"


def answers(address: str, port: int) -> bool:
    try:
        return bool(fetch(address, port))
    except OSError:
        return False


@pytest.mark.parametrize("name", ["web", f"web.{NAMESPACE}", f"web.{NAMESPACE}.svc.cluster.local"])
def test_a_pod_reaches_a_service_by_name(kubectl: Kubectl, name: str) -> None:
    """Its own, so the answer has to find its way back through the same address translation."""
    code = f"import urllib.request; print(urllib.request.urlopen('http://{name}/', timeout=5).read().decode())"
    assert kubectl.python(NAMESPACE, "instance", code).strip() == "from the application"


def test_the_host_reaches_a_pod_on_the_nodes_own_network(kubectl: Kubectl) -> None:
    assert fetch(str(addresses.NODE), 13478) == "from the node"
    pods = kubectl.json("get", "pods", f"--namespace={NAMESPACE}", "--selector=app.pixel/app=host")["items"]
    assert [pod["status"]["podIP"] for pod in pods] == [str(addresses.NODE)]


def test_a_pod_on_the_nodes_own_network_reaches_services(kubectl: Kubectl) -> None:
    code = f"import urllib.request; print(urllib.request.urlopen('http://{cluster_address(kubectl)}/').read().decode())"
    assert kubectl.python(NAMESPACE, "daemonset/host", code).strip() == "from the application"


def test_a_pod_uses_its_service_account_at_the_api(kubectl: Kubectl) -> None:
    code = f"""
import json, ssl, urllib.error, urllib.request
place = '/var/run/secrets/kubernetes.io/serviceaccount/'
context = ssl.create_default_context(cafile=place + 'ca.crt')
for namespace in ('{NAMESPACE}', 'kube-system'):
    url = 'https://kubernetes.default.svc/api/v1/namespaces/' + namespace + '/pods'
    headers = {{'Authorization': 'Bearer ' + open(place + 'token').read()}}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), context=context) as answer:
            print(sorted(pod['metadata']['name'] for pod in json.load(answer)['items'])[-1])
    except urllib.error.HTTPError as error:
        print(error.code)
"""
    assert kubectl.python(NAMESPACE, "instance", code).split() == ["instance", "403"]


def test_logs_of_a_container(kubectl: Kubectl) -> None:
    fetch(pod_address(kubectl), 3000)
    printed = kubectl("logs", f"--namespace={NAMESPACE}", "instance", "--container=app")
    assert "asked for /" in printed


def test_exec_passes_standard_input_and_the_exit_code(kubectl: Kubectl) -> None:
    code = "import sys; print(sys.stdin.read().upper()); sys.exit(7)"
    place = (f"--namespace={NAMESPACE}", "instance", "--container=app", "--stdin")
    command = kubectl.command("exec", *place, "--", PYTHON, "-c", code)
    done = subprocess.run(command, input="typed", capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("TYPED", 7)


def test_port_forward(kubectl: Kubectl) -> None:
    command = kubectl.command("port-forward", f"--namespace={NAMESPACE}", "service/web", ":80", "--address=127.0.0.1")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as forwarding:
        try:
            assert forwarding.stdout is not None
            port = int(forwarding.stdout.readline().split("->")[0].rpartition(":")[2])
            assert fetch("127.0.0.1", port) == "from the application"
        finally:
            forwarding.terminate()


def test_a_network_policy_is_accepted(kubectl: Kubectl) -> None:
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "none", "namespace": NAMESPACE},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"]},
    }
    kubectl.apply(policy)


def test_a_pod_reaches_this_machine_and_nothing_beyond(kubectl: Kubectl) -> None:
    code = """
import socket, sys
for address in sys.argv[1:]:
    try: socket.create_connection((address, 9), timeout=10)
    except OSError as error: print(error.strerror)
"""
    place = (f"--namespace={NAMESPACE}", "instance", "--container=app", "--", PYTHON, "-c", code)
    printed = kubectl("exec", *place, str(addresses.HOST), "198.51.100.1").splitlines()
    assert printed[0] == "Connection refused"
    assert "unreachable" in printed[1] or "No route" in printed[1]


def test_what_comes_from_beyond_this_machine_is_dropped(cluster: Path) -> None:
    """A query that reaches the node's interface with a foreign sender's address gets into no program of the node."""
    question = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\nkubernetes\x07default\x03svc\x07cluster\x05local\0\0\x01\0\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        before = dropped()
        for _ in range(5):
            raw.sendto(datagram("198.51.100.7", str(addresses.NODE), 53, question), (str(addresses.NODE), 0))
        eventually(lambda: dropped() >= before + 5, "five packets fail the reverse-path check", 5)


def dropped() -> int:
    """The node's count of packets whose sender it has no route to."""
    printed = local_cluster.run_in_node(["cat", "/proc/self/net/netstat"]).stdout.splitlines()
    names, values = (line.split()[1:] for line in printed if line.startswith("TcpExt:"))
    return int(dict(zip(names, values, strict=True))["IPReversePathFilter"])


def datagram(source: str, target: str, port: int, payload: bytes) -> bytes:
    """An IPv4 packet with a UDP datagram in it; the kernel fills in length and checksum."""
    udp = b"\xc0\0" + port.to_bytes(2) + (8 + len(payload)).to_bytes(2) + b"\0\0" + payload
    head = b"\x45\0\0\0" + b"\0\0\0\0" + b"\x40\x11\0\0" + socket.inet_aton(source) + socket.inet_aton(target)
    return head + udp


def test_the_api_knows_nobody_without_a_certificate(cluster: Path) -> None:
    context = ssl.create_default_context(cafile=str(cluster.parent / "pki" / "ca.crt"))
    for url in (f"{addresses.API_URL}/api/v1/pods", f"https://{addresses.NODE}:{addresses.KUBELET_PORT}/pods"):
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            opener.open(url, timeout=5)
        assert refused.value.code in {401, 403}
        refused.value.close()


def test_etcd_does_not_listen_on_the_nodes_address(cluster: Path) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((str(addresses.NODE), addresses.ETCD_PORT), 5)


def test_a_component_that_ends_is_started_again(kubectl: Kubectl) -> None:
    kubectl.wait("condition=Ready", "node", addresses.NODE_NAME)
    local_cluster.run_in_node(
        ["sh", "-c", "kill -9 $(cat /proc/[0-9]*/stat | grep '(kube-scheduler)' | cut -d' ' -f1)"]
    )
    eventually(lambda: local_cluster.running() is None, "the missing scheduler is noticed")
    eventually(lambda: local_cluster.running() is not None, "the scheduler is back")


def test_images_keep_their_names(kubectl: Kubectl, python_image: str) -> None:
    node = kubectl.json("get", "node", addresses.NODE_NAME)
    printed = local_cluster.run_in_node(["ctr", "--namespace=k8s.io", "images", "list", "--quiet"]).stdout.split()
    assert {python_image, addresses.PAUSE_IMAGE} <= set(printed)
    assert node["status"]["nodeInfo"]["containerRuntimeVersion"].startswith("containerd://")


def test_an_archive_that_is_none_is_refused_by_name(cluster: Path, tmp_path: Path) -> None:
    with pytest.raises(local_cluster.ClusterError, match=r"nothing\.tar"):
        local_cluster.import_image(tmp_path / "nothing.tar")
    (tmp_path / "text.tar").write_text(json.dumps({}))
    with pytest.raises(local_cluster.ClusterError, match="ctr failed"):
        local_cluster.import_image(tmp_path / "text.tar")
