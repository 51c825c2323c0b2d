"""A running local cluster, kubectl on it, and an image made of this machine's own Python."""

import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local import cluster as local_cluster
from local.cluster import pause
from local.demo import CLUSTER_TOOLS
from local.progress import Steps
from local.tools import ensure_tools

PYTHON_IMAGE = "localhost/pixel/test-python:1"
# Not the environment's link to it: a checkout below /tmp would be hidden by the pods' own /tmp.
PYTHON = str(Path(sys.executable).resolve())
SECONDS = 60.0


@dataclass(frozen=True)
class Kubectl:
    """kubectl with one kubeconfig; its cache stays out of the home folder."""

    program: Path
    kubeconfig: Path
    cache: Path

    def command(self, *arguments: str) -> list[str]:
        """The argument list, for a process that the test handles itself."""
        return [str(self.program), f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self.cache}", *arguments]

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(self.command(*arguments), input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def json(self, *arguments: str) -> dict[str, Any]:
        """What a command prints with ``--output=json``."""
        found: dict[str, Any] = json.loads(self(*arguments, "--output=json"))
        return found

    def apply(self, *objects: Mapping[str, Any]) -> None:
        """Apply objects on the server's side."""
        document = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
        self("apply", "--server-side", "--filename=-", stdin=json.dumps(document))

    def python(self, namespace: str, pod: str, code: str, container: str = "app") -> str:
        """What a Python program prints inside a container."""
        return self("exec", f"--namespace={namespace}", pod, f"--container={container}", "--", PYTHON, "-c", code)

    def wait(self, condition: str, *arguments: str) -> None:
        """Wait for a condition of objects, and show them when it does not come."""
        command = self.command("wait", f"--for={condition}", f"--timeout={SECONDS:.0f}s", *arguments)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr + self("get", "pods,events", "--all-namespaces", "--output=wide")


def tools() -> dict[str, Path]:
    """The tools that the cluster is made of."""
    return ensure_tools(CLUSTER_TOOLS, Steps())


def skip_unless_root() -> None:
    """Skip for an ordinary user; continuous integration is root."""
    if os.geteuid() != 0:
        pytest.skip("the local cluster needs root")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """The administrator's kubeconfig of a running local cluster; stopped again if it was started for this."""
    skip_unless_root()
    found = local_cluster.running()
    if found is not None:
        yield found
        return
    try:
        yield local_cluster.start(tools(), Steps())
    finally:
        local_cluster.stop(Steps())


@pytest.fixture(scope="module")
def kubectl(cluster: Path, tmp_path_factory: pytest.TempPathFactory) -> Kubectl:
    """kubectl as the administrator of the local cluster."""
    return Kubectl(ensure_tools(["kubectl"], Steps())["kubectl"], cluster, tmp_path_factory.mktemp("kubectl"))


@pytest.fixture(scope="module")
def python_image(cluster: Path, python_archive: Path) -> str:
    """The name of an image with this machine's Python, loaded into the cluster."""
    local_cluster.import_image(python_archive)
    return PYTHON_IMAGE


@pytest.fixture(scope="session")
def python_archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A docker-archive with this machine's Python at its usual path: its program, libraries and standard library."""
    folder = tmp_path_factory.mktemp("image")
    layer = folder / "layer.tar"
    program = Path(PYTHON)
    library = Path(os.__file__).parent
    with tarfile.open(layer, "w") as tar:
        tar.add(program, str(program))
        for needed in _shared_libraries(program):
            tar.add(needed.resolve(), str(needed))
        tar.add(library, str(library), filter=_without_bulk)
    archive = folder / "python.tar"
    archive.write_bytes(pause.docker_archive(PYTHON_IMAGE, layer.read_bytes(), {"Entrypoint": [PYTHON]}))
    return archive


def _without_bulk(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    bulk = {"test", "tests", "idlelib", "tkinter", "lib2to3", "ensurepip", "site-packages", "__pycache__"}
    return None if bulk & set(Path(entry.name).parts) or "/config-" in entry.name else entry


def _shared_libraries(program: Path) -> list[Path]:
    modules = list((Path(os.__file__).parent / "lib-dynload").glob("*.so"))
    printed = subprocess.run(["ldd", program, *modules], capture_output=True, text=True, check=True).stdout
    words = (word for line in printed.splitlines() if not line.endswith(":") for word in line.split())
    return sorted({Path(word) for word in words if word.startswith("/")})


def eventually(check: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"never happened: {what}"
        time.sleep(0.05)
