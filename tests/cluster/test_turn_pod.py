"""The TURN pod of the program on the local cluster, with a real kubelet: who is a peer, and how the pod ends."""

import asyncio
import base64
import json
import time
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import aioice.stun
import pytest
from lightkube.resources.core_v1 import Node, Pod

from local import cluster as local_cluster
from local.cluster import addresses
from local.images import build_images
from local.progress import Steps
from signalling.ice.nodes import turn_nodes
from tests.cluster.conftest import PYTHON, SECONDS, Kubectl
from tests.cluster.test_isolation import whole
from tests.program.recording import run, stack_file
from tests.unit.signalling.coturn import NEEDS_COTURN, Allocation, allocate, refused

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600), NEEDS_COTURN]

HOST = str(addresses.NODE)
PORT = 3478
PLATFORM, INSTANCES = "--namespace=pixel", "--namespace=pixel-instances"
TURN = "--selector=app.kubernetes.io/name=turn"
KINDS = (
    "Namespace",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
    "Secret",
    "DaemonSet",
)
DRAIN_MINUTES = 5


def documents(images: dict[str, str]) -> list[dict[str, Any]]:
    """What the program makes for TURN, in a stack whose pods drain, with the images that were built here."""
    config = stack_file("local")
    config["pixel:turn"] = {"drain_minutes": DRAIN_MINUTES}
    config["pixel:images"] = images
    record = run("local", config)
    found = [whole(each.inputs) for each in record.objects(*KINDS)]
    return [each for each in found if each["kind"] == "Namespace" or "turn" in each["metadata"]["name"]]


@pytest.fixture(scope="module")
def pool(kubectl: Kubectl) -> Iterator[str]:
    """The running pool; what its secret is."""
    built = {name: image for name, image in build_images(Steps()).items() if name != "streamer"}
    for image in built.values():
        local_cluster.import_image(image.archive)
    made = documents({name: image.reference for name, image in built.items()})
    kubectl("label", "node", addresses.NODE_NAME, "app.pixel/turn=true", "--overwrite")
    try:
        for wave in ("Namespace", ""):
            kubectl.apply(*(each for each in made if (each["kind"] == "Namespace") == bool(wave)))
        kubectl("rollout", "status", PLATFORM, "daemonset/turn", f"--timeout={SECONDS:.0f}s")
        secret = kubectl.json("get", "secret", "turn-secret", PLATFORM)["data"]["secret"]
        yield base64.b64decode(secret).decode()
    finally:
        kubectl("delete", "daemonset", "turn", PLATFORM, "--ignore-not-found", "--wait=false")
        kubectl("delete", "pods", PLATFORM, TURN, "--grace-period=0", "--force", "--ignore-not-found")
        kubectl("delete", "namespace", "pixel", "pixel-instances", "--timeout=60s", "--ignore-not-found")
        kubectl("label", "node", addresses.NODE_NAME, "app.pixel/turn-")


def status() -> dict[str, Any]:
    """What the companion says to matchmakers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://{HOST}:9641/status", timeout=5) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


async def until(holds: Callable[[], Awaitable[bool]], what: str, seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, f"never happened: {what}"
        await asyncio.sleep(0.2)


def known(kubectl: Kubectl) -> tuple[list[str], list[str]]:
    """The pods of coturn, and the nodes that a matchmaker would send players to."""
    pods = kubectl.json("get", "pods", PLATFORM, TURN)["items"]
    nodes = kubectl.json("get", "nodes")["items"]
    serving = turn_nodes([Node.from_dict(each) for each in nodes], [Pod.from_dict(each) for each in pods])  # type: ignore[misc]
    return [each["metadata"]["name"] for each in pods], [each.name for each in serving]


async def attempt(secret: str, user: str) -> Allocation | None:
    try:
        return await allocate(HOST, PORT, secret, user=user)
    except (aioice.stun.TransactionFailed, aioice.stun.TransactionTimeout):
        return None


async def gone(allocation: Allocation) -> None:
    allocation.close()
    await asyncio.wait_for(allocation.player.gone.wait(), SECONDS)


async def reaches(secret: str, address: str) -> bool:
    mine = await allocate(HOST, PORT, secret)
    try:
        await mine.permit(address)
    except aioice.stun.TransactionFailed:
        return False
    finally:
        await gone(mine)
    return True


def plain_pod(name: str, namespace: str, labels: dict[str, str], image: str) -> dict[str, Any]:
    security = {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {
        "name": "app",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": [PYTHON, "-c", "import signal; signal.pause()"],
        "securityContext": security,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"containers": [container], "terminationGracePeriodSeconds": 1, "automountServiceAccountToken": False},
    }


async def test_pods_are_peers_where_they_are_instances(kubectl: Kubectl, pool: str, python_image: str) -> None:
    kubectl.apply(
        plain_pod("instance", "pixel-instances", {"app.pixel/app": "demo"}, python_image),
        plain_pod("other", "pixel-instances", {"app.pixel/prepull": "demo"}, python_image),
        plain_pod("stranger", "default", {"app.pixel/app": "demo"}, python_image),
    )
    kubectl.wait("condition=Ready", INSTANCES, "pod/instance", "pod/other")
    kubectl.wait("condition=Ready", "--namespace=default", "pod/stranger")
    address = {
        name: kubectl.json("get", "pod", name, f"--namespace={namespace}")["status"]["podIP"]
        for name, namespace in (("instance", "pixel-instances"), ("other", "pixel-instances"), ("stranger", "default"))
    }
    await until(lambda: reaches(pool, address["instance"]), "the instance is a peer")
    for name in ("other", "stranger"):
        assert not await reaches(pool, address[name])
    for elsewhere in ("169.254.169.254", HOST, str(addresses.API_SERVICE), "127.0.0.1"):
        assert not await reaches(pool, elsewhere)
    kubectl("delete", "pod", "instance", INSTANCES, "--wait")
    kubectl("delete", "pod", "stranger", "--namespace=default", "--wait=false")

    async def is_none() -> bool:
        return not await reaches(pool, address["instance"])

    await until(is_none, "who is deleted is no peer")


async def test_a_pod_that_is_deleted_waits_for_its_players_and_takes_no_new_ones(kubectl: Kubectl, pool: str) -> None:
    mine = await allocate(HOST, PORT, pool, user="s1")
    (before,), serving = known(kubectl)
    assert serving == [addresses.NODE_NAME]
    kubectl("delete", "pod", before, PLATFORM, "--wait=false")

    async def refuses() -> bool:
        late = await attempt(pool, "s2")
        if late is not None:
            await gone(late)
        return late is None

    async def only_mine_is_left() -> bool:
        return bool(status()["allocations"] == 1)

    await until(refuses, "the pod drains")
    assert status()["draining"] is True
    # coturn frees what was given back a moment later.
    await until(only_mine_is_left, "those of others end")
    assert known(kubectl) == ([before], [])
    await mine.refresh()
    with refused(403):
        await mine.permit("169.254.169.254")
    await gone(mine)

    async def follows() -> bool:
        names, nodes = known(kubectl)
        return before not in names and nodes == [addresses.NODE_NAME]

    await until(follows, "the next pod takes its place", 2 * SECONDS)
    after = await allocate(HOST, PORT, pool, user="s3")
    assert status()["draining"] is False
    await gone(after)


async def test_coturn_s_user_cannot_read_the_token(kubectl: Kubectl, pool: str) -> None:
    """All of the pod's processes see each other; the one with a token has a user of its own."""
    (pod,), _ = known(kubectl)
    look = (
        "import os, pathlib\n"
        "for each in pathlib.Path('/proc').glob('[0-9]*'):\n"
        "    words = (each / 'cmdline').read_bytes().split(b'\\0')\n"
        "    if b'signalling.turn.peers' in words:\n"
        "        try:\n"
        "            print((each / 'root/var/run/secrets/kubernetes.io/serviceaccount/token').read_text()[:3])\n"
        "        except OSError as error:\n"
        "            print(type(error).__name__)\n"
    )
    command = ("exec", PLATFORM, pod, "--container=companion", "--", "python3", "-c", look)
    assert kubectl(*command).split() == ["PermissionError"]
