"""The engine that the program installs enforces the program's policies on a running cluster, row by row of the table.

The table is the one that the evaluator is held to (tests/program/test_network_policies.py), so the two agree. Nodes of
OKE queue each connection's first packet to the engine by nftables, as the engine itself sets it up. Where a kernel was
built without that (NFT_QUEUE), iptables queues the same packets to it; so the test does both, and the engine decides.
"""

import io
import json
import tarfile
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from components import manifests, ports
from components.settings import load
from components.settings.network import PODS_CIDR, SERVICES_CIDR
from local import cluster as local_cluster
from local.cluster import addresses, pause
from local.progress import Steps
from local.tools import ensure_tools
from tests.cluster.conftest import PYTHON, Kubectl, eventually
from tests.program.network_policy import Pod
from tests.program.recording import Record, record_of, stack_file
from tests.program.rendering import whole_numbers
from tests.program.test_network_policies import ADDON_ROWS, ROWS, ends

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

STACK = "production-us-ashburn-1"
ENGINE_IMAGE = "localhost/pixel/test-network-policies:1"
QUEUE = "98"
ON_ITS_NODES_NETWORK = ("TURN",)

SERVER = """
    import asyncio
    class Echo(asyncio.DatagramProtocol):
        def connection_made(self, transport): self.transport = transport
        def datagram_received(self, data, sender): self.transport.sendto(data, sender)
    async def serve():
        async def answer(reader, writer):
            writer.write(b"x"); await writer.drain(); writer.close()
        for port in {tcp}: await asyncio.start_server(answer, "0.0.0.0", port)
        loop = asyncio.get_running_loop()
        for port in {udp}: await loop.create_datagram_endpoint(Echo, ("0.0.0.0", port))
        print("serving", flush=True)
        await asyncio.Event().wait()
    asyncio.run(serve())
"""
CLIENT = """
    import json, socket
    from concurrent.futures import ThreadPoolExecutor
    def reaches(row):
        protocol, address, port = row
        kind = socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM
        with socket.socket(socket.AF_INET, kind) as client:
            client.settimeout({seconds})
            try:
                client.connect((address, port))
                if protocol == "UDP": client.send(b"x")
                return client.recv(1) == b"x"
            except OSError:
                return False
    rows = json.loads('''{rows}''')
    with ThreadPoolExecutor(len(rows)) as pool:
        print(json.dumps(list(pool.map(reaches, rows))))
"""

Row = tuple[str, str, str, int, bool]


@pytest.fixture(scope="module")
def record() -> Record:
    return record_of(STACK)


@pytest.fixture(scope="module")
def pods(record: Record) -> dict[str, Pod]:
    """The ends of the table that are pods with a network of their own; the cluster's DNS is none here."""
    found = ends(record, load(stack_file(STACK)))
    return {
        name: end
        for name, end in found.items()
        if isinstance(end, Pod) and name not in (*ON_ITS_NODES_NETWORK, "cluster DNS")
    }


def rows(pods: dict[str, Pod]) -> list[Row]:
    return [row for row in ROWS + ADDON_ROWS if {row[0], row[1]} <= pods.keys()]


def name_of(end: str) -> str:
    return end.lower().replace("'", "").replace(" ", "-")


def policies(record: Record) -> list[dict[str, Any]]:
    """The stack's policies, with this cluster's networks in the place of OKE's."""
    text = json.dumps([whole_numbers(each.inputs) for each in record.objects("NetworkPolicy")])
    for oke, here in ((PODS_CIDR, addresses.PODS), (SERVICES_CIDR, addresses.SERVICES)):
        text = text.replace(f'"{oke}"', f'"{here}"')
    found: list[dict[str, Any]] = json.loads(text.replace(f"{SERVICES_CIDR[1]}/32", f"{addresses.API_SERVICE}/32"))
    return [each for each in found if each["metadata"]["namespace"] != "kube-system"]


def server(name: str, pod: Pod, image: str, tcp: list[int], udp: list[int]) -> dict[str, Any]:
    code = textwrap.dedent(SERVER).format(tcp=tcp, udp=udp)
    container = {
        "name": "app",
        "image": image,
        "imagePullPolicy": "Never",
        "command": [PYTHON, "-c", code],
        "readinessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": 1, "failureThreshold": 60},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": pod.namespace, "labels": dict(pod.labels)},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "tolerations": [{"operator": "Exists"}],
            "containers": [container],
        },
    }


def engine_objects() -> list[dict[str, Any]]:
    """What the program installs; here the node's mounts are shared with nobody, so none propagate into a pod."""
    objects = manifests.render("network_policy_engine.yaml.j2", {"image": ENGINE_IMAGE})
    for each in objects:
        for container in each.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []):
            for mount in container["volumeMounts"]:
                mount.pop("mountPropagation", None)
    return objects


def engine_archive(folder: Path) -> Path:
    """The engine as an image: a static program, where the published image has it."""
    program = ensure_tools(["kube-network-policies"], Steps())["kube-network-policies"]
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.add(program, "bin/netpol")
    archive = folder / "engine.tar"
    archive.write_bytes(pause.docker_archive(ENGINE_IMAGE, layer.getvalue(), {}))
    return archive


@pytest.fixture(scope="module")
def placed(
    kubectl: Kubectl, python_image: str, record: Record, pods: dict[str, Pod]
) -> Iterator[dict[str, tuple[str, str]]]:
    """Every end of the table as a pod that answers on every port of the table: its name and address, by the end."""
    every = rows(pods)
    tcp = sorted({1, *(row[3] for row in every if row[2] == "TCP")})
    udp = sorted({row[3] for row in every if row[2] == "UDP"})
    spaces = sorted({pod.namespace for pod in pods.values()} - {"default"})
    kubectl.apply(*({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": each}} for each in spaces))
    try:
        kubectl.apply(*(server(name_of(end), pod, python_image, tcp, udp) for end, pod in pods.items()))
        for namespace in (*spaces, "default"):
            kubectl.wait("condition=Ready", f"--namespace={namespace}", "pod", "--all")
        found = {}
        for end, pod in pods.items():
            status = kubectl.json("get", "pod", f"--namespace={pod.namespace}", name_of(end))["status"]
            found[end] = (name_of(end), status["podIP"])
        yield found
    finally:
        kubectl("delete", "namespace", *spaces, "--timeout=60s")
        kubectl("delete", "pod", "--all", "--namespace=default", "--timeout=60s")


@pytest.fixture(scope="module")
def engine(
    kubectl: Kubectl, record: Record, placed: object, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """The engine as the program installs it, and the policies."""
    local_cluster.import_image(engine_archive(tmp_path_factory.mktemp("engine")))
    kubectl.apply(*engine_objects(), *policies(record))
    queued = ["-j", "NFQUEUE", "--queue-num", QUEUE, "--queue-bypass"]
    rules = [
        ["-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "RETURN"],
        ["-m", "owner", "--uid-owner", "0", "-j", "RETURN"],
        ["--source", str(addresses.PODS), *queued],
        ["--destination", str(addresses.PODS), *queued],
    ]
    kubectl("rollout", "status", "--namespace=kube-system", "daemonset/network-policy-engine", "--timeout=60s")
    table = ["iptables", "--table", "mangle"]
    try:
        for rule in rules:
            local_cluster.run_in_node([*table, "--append", "POSTROUTING", *rule])
        yield
    finally:
        local_cluster.run_in_node([*table, "--flush", "POSTROUTING"])
        kubectl("delete", "--namespace=kube-system", "daemonset/network-policy-engine", "--timeout=60s")


def reached(
    kubectl: Kubectl, pods: dict[str, Pod], placed: dict[str, tuple[str, str]], wanted: list[Row], seconds: float
) -> dict[Row, bool]:
    """Whether each row's connection comes through."""
    by_source: dict[str, list[Row]] = defaultdict(list)
    for row in wanted:
        by_source[row[0]].append(row)
    found: dict[Row, bool] = {}
    for source, its in by_source.items():
        asked = json.dumps([(row[2], placed[row[1]][1], row[3]) for row in its])
        code = textwrap.dedent(CLIENT).format(rows=asked, seconds=seconds)
        printed = kubectl.python(pods[source].namespace, placed[source][0], code)
        found |= dict(zip(its, json.loads(printed), strict=True))
    return found


def test_policies_are_enforced_row_by_row(
    kubectl: Kubectl, pods: dict[str, Pod], placed: dict[str, tuple[str, str]], engine: None
) -> None:
    wanted = rows(pods)
    assert {row[4] for row in wanted} == {True, False}
    assert len(wanted) > 50

    def wrong() -> list[Row]:
        found = reached(kubectl, pods, placed, wanted, 1.0)
        return [row for row in wanted if found[row] is not row[4]]

    left: list[Row] = []

    def none_is_wrong() -> bool:
        left[:] = wrong()
        return not left

    eventually(none_is_wrong, f"the engine and the table agree; not so {left}", 60)


def test_a_node_reaches_its_own_pods(placed: dict[str, tuple[str, str]], engine: None) -> None:
    """So kubelets probe."""
    address = placed["session instance"][1]
    code = textwrap.dedent(CLIENT).format(rows=json.dumps([("TCP", address, ports.OBSERVATION)]), seconds=2)
    assert json.loads(local_cluster.run_in_node([PYTHON, "-c", code]).stdout) == [True]


def test_without_the_engine_packets_pass(
    kubectl: Kubectl, pods: dict[str, Pod], placed: dict[str, tuple[str, str]], engine: None
) -> None:
    """It fails open, and it was the engine that kept them back."""
    forbidden = [row for row in rows(pods) if not row[4]]
    kubectl("delete", "--namespace=kube-system", "daemonset/network-policy-engine", "--timeout=60s")
    try:
        eventually(
            lambda: all(reached(kubectl, pods, placed, forbidden, 1.0).values()), "what was forbidden passes", 30
        )
    finally:
        kubectl.apply(*engine_objects())
