"""A real API server, scheduler and controller manager of a test's own, with kwok in place of every kubelet.

Pods are real objects that nothing runs: they become ready, and end, as `stages.yaml` says. Needs no root.
"""

import json
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local.progress import Steps
from local.tools import ensure_tools
from tests.cluster.api_server import api_server, kubeconfig, process

STAGES = Path(__file__).with_name("stages.yaml")
SIMULATED = "test.pixel/simulated"
"""The label of nodes that kwok plays."""
STARTS_IN = "test.pixel/starts-in"
"""The annotation of pods that says how long one takes to be ready, such as `800ms`."""
NO_LONGER_THAN = "test.pixel/starts-within"
"""With it, any time between the two, each as likely as the other."""


@dataclass(frozen=True)
class SimulatedCluster:
    """A running one."""

    folder: Path
    kubectl: Path
    admin: str
    """Content of the administrator's kubeconfig."""

    @property
    def _config(self) -> Path:
        return self.folder / "admin.kubeconfig"

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """kubectl, whatever comes of it."""
        command = [str(self.kubectl), f"--kubeconfig={self._config}", f"--cache-dir={self.folder / 'cache'}"]
        return subprocess.run([*command, *arguments], input=stdin, capture_output=True, text=True, check=False)

    def apply(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Apply objects as the program does: on the server's side, in a name of its own."""
        document = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        done = self.run("apply", "--server-side", "--field-manager=program", "--filename=-", stdin=document)
        assert done.returncode == 0, done.stderr

    def account(self, namespace: str, name: str) -> str:
        """Content of a kubeconfig with the rights of a service account, and no others."""
        done = self.run("create", "token", name, f"--namespace={namespace}", "--duration=1h")
        assert done.returncode == 0, done.stderr
        (cluster,) = yaml.safe_load(self.admin)["clusters"]
        found = yaml.safe_load(kubeconfig(cluster["cluster"]["server"], b"", {"token": done.stdout.strip()}))
        found["clusters"] = [cluster]
        return yaml.safe_dump(found)

    def clear(self) -> None:
        """Remove nodes and everything that runs, was decided or is remembered."""
        instances, platform = "namespaces/pixel-instances", "namespaces/pixel"
        for path in (
            f"/apis/apps/v1/{instances}/deployments",
            f"/apis/apps/v1/{instances}/replicasets",
            f"/api/v1/{instances}/pods?gracePeriodSeconds=0",
            "/api/v1/nodes",
            f"/apis/coordination.k8s.io/v1/{platform}/leases",
            f"/api/v1/{platform}/configmaps",
            f"/apis/events.k8s.io/v1/{platform}/events",
            f"/apis/events.k8s.io/v1/{instances}/events",
        ):
            done = self.run("delete", "--raw", path)
            assert done.returncode == 0, done.stderr
        deadline = time.monotonic() + 30
        # A ReplicaSet may have started one more before it heard of its own end.
        while self.run("get", "pods", "--namespace=pixel-instances", "--output=name").stdout:
            assert time.monotonic() < deadline, "pods that do not go"
            self.run("delete", "--raw", f"/api/v1/{instances}/pods?gracePeriodSeconds=0")


@contextmanager
def simulated_cluster() -> Iterator[SimulatedCluster]:
    """A cluster without nodes, gone with its files afterwards."""
    tools = ensure_tools(("kube-scheduler", "kwok", "kubectl"), Steps())
    with (
        api_server(controllers=True) as server,
        tempfile.TemporaryDirectory(prefix="simulated-cluster-") as name,
        ExitStack() as running,
    ):
        folder = Path(name)
        config = folder / "admin.kubeconfig"
        config.write_text(server.kubeconfig)
        fast = ("--kube-api-qps=300", "--kube-api-burst=600")
        scheduler = [
            str(tools["kube-scheduler"]),
            f"--kubeconfig={config}",
            "--leader-elect=false",
            "--secure-port=0",
            # What has found no room is looked at again after this time though nothing seems to have changed. Of the
            # usual five minutes no test waits for the end, and in a cluster this quiet nothing else comes to its help.
            "--pod-max-in-unschedulable-pods-duration=10s",
        ]
        running.enter_context(process([*scheduler, *fast], folder))
        kwok = [
            str(tools["kwok"]),
            f"--kubeconfig={config}",
            f"--config={STAGES}",
            "--manage-all-nodes=false",
            f"--manage-nodes-with-label-selector={SIMULATED}=true",
            "--node-lease-duration-seconds=40",
        ]
        running.enter_context(process(kwok, folder))
        yield SimulatedCluster(folder, tools["kubectl"], server.kubeconfig)
