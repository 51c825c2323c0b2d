"""The Kubernetes plugin under the real engine: a program of typed classes, made, left alone, changed and removed."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.kubernetes.client import Client
from local.kubernetes.errors import ApiError
from local.kubernetes.kubeconfig import parse_kubeconfig
from local.paths import CHECKOUT
from tests.cluster.api_server import ApiServer, api_server
from tests.cluster.kubernetes_plugin.program import World

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def server() -> Iterator[ApiServer]:
    with api_server(controllers=True) as running:
        yield running


@pytest.fixture(scope="module")
def api(server: ApiServer) -> Iterator[Client]:
    client = Client(parse_kubeconfig(server.kubeconfig))
    yield client
    client.close()


class EngineError(Exception):
    """The engine ended a command with an error."""


@dataclass
class Engine:
    """One stack, run by the engine."""

    world: World
    process: subprocess.Popen[str]
    outputs: dict[str, Any] = field(default_factory=dict)

    def run(self, command: str) -> dict[str, str]:
        """Run a command; each resource that does not stay as it is, by name, with the operation."""
        assert self.process.stdin is not None and self.process.stdout is not None
        print(json.dumps({"command": command, "world": asdict(self.world)}), file=self.process.stdin, flush=True)
        told = json.loads(self.process.stdout.readline())
        if told["error"]:
            raise EngineError(told["error"])
        self.outputs = told["outputs"]
        changes: dict[str, str] = told["changes"]
        return changes

    def state(self) -> str:
        """The stack's state as it lies on the disk, secrets encrypted."""
        return (Path(self.world.folder) / "state/.pulumi/stacks/plugin/test.json").read_text()


@pytest.fixture
def engine(server: ApiServer, tmp_path: Path) -> Iterator[Engine]:
    command = [sys.executable, "-m", "tests.cluster.kubernetes_plugin.program"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=CHECKOUT, text=True) as process:
        made = Engine(World(folder=str(tmp_path), kubeconfig=server.kubeconfig), process)
        yield made
        made.run("destroy")
    assert not json.loads(made.state())["checkpoint"]["latest"].get("resources")


def test_a_program_lives_its_whole_life(engine: Engine, api: Client, server: ApiServer) -> None:
    everything = {"space", "config", "secret", "web", "things", "thing"}
    assert everything <= engine.run("preview").keys()
    assert everything <= engine.run("up").keys()
    outputs = engine.outputs
    assert api.get("/apis/engine.example.com/v1/namespaces/space/things/thing")["metadata"]["uid"] == outputs["uid"]
    assert outputs["config"].startswith("config-")
    assert "hidden-word" not in engine.state() and "aGlkZGVuLXdvcmQ" not in engine.state()

    assert engine.run("up") == {}
    assert engine.run("preview") == {}
    assert engine.run("refresh") == {}
    assert engine.run("up") == {}

    engine.world.image = "example.com/web:2"
    assert engine.run("preview") == {"web": "update"}
    assert engine.run("up") == {"web": "update"}

    path = f"/api/v1/namespaces/space/configmaps/{outputs['config']}"
    api.request("PATCH", path, body={"data": {"a": None}}, media_type="application/merge-patch+json")
    assert engine.run("refresh") == {}
    assert engine.run("up") == {"config": "update"}
    assert api.get(path)["data"] == {"a": "1"}

    engine.world.app = "other"
    assert engine.run("up")["web"] in {"replace", "create-replacement", "delete-replaced"}
    assert api.get("/apis/apps/v1/namespaces/space/deployments/web")["spec"]["selector"] == {
        "matchLabels": {"app": "other"}
    }

    # Another way to the same cluster changes the provider, and none of its resources.
    engine.world.kubeconfig = server.token_kubeconfig
    assert engine.run("up") == {"cluster": "update"}

    engine.world.with_extra = False
    assert {"things", "thing"} == engine.run("up").keys()
    with pytest.raises(ApiError, match="not found"):
        api.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/things.engine.example.com")

    engine.run("destroy")
    with pytest.raises(ApiError, match="not found"):
        api.get("/api/v1/namespaces/space")


def test_what_did_not_become_ready_is_kept_and_taken_up_by_the_next_run(engine: Engine, api: Client) -> None:
    engine.world.with_extra = False
    engine.world.replicas = 1
    engine.world.timeout = "3s"
    with pytest.raises(EngineError, match=r"Deployment space/web was not ready after 3 s: 0 of 1 pods available"):
        engine.run("up")
    path = "/apis/apps/v1/namespaces/space/deployments/web"
    uid = api.get(path)["metadata"]["uid"]
    engine.world.timeout = "60s"
    kubelet = threading.Thread(target=act_as_kubelet, args=(api,))
    kubelet.start()
    assert engine.run("up") == {"web": "update"}
    kubelet.join()
    assert api.get(path)["metadata"]["uid"] == uid
    assert engine.run("up") == {}


def act_as_kubelet(api: Client) -> None:
    """Say of the workload's pod that it is ready."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pods = api.get("/api/v1/namespaces/space/pods", {"labelSelector": "app=web"})["items"]
        if pods:
            conditions = [{"type": kind, "status": "True"} for kind in ("Initialized", "ContainersReady", "Ready")]
            status = {"phase": "Running", "conditions": conditions}
            api.request(
                "PATCH",
                f"/api/v1/namespaces/space/pods/{pods[0]['metadata']['name']}/status",
                body={"status": status},
                media_type="application/merge-patch+json",
            )
            return
        time.sleep(0.1)
