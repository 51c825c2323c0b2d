"""Takes this machine from nothing to a running stack and back: tools, images, cluster, ``pulumi up``, the page."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from filelock import FileLock, Timeout
from pulumi import automation as auto

from local import cluster
from local.images import Image, build_images
from local.official_plugin import ensure_official_plugin
from local.paths import cache_root, stacks_dir
from local.progress import Steps
from local.stack import LocalStack, StackFile, read_stack_file, with_built_images
from local.tools import ensure_tools
from local.tools.packages import CLUSTER, GROUPS, IMAGES, ensure_packages

CLUSTER_TOOLS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
    "coredns",
)
TEST_TOOLS = (
    *("prometheus", "promtool", "kube-state-metrics", "cert-manager", "kube-network-policies", "kwok"),
    "actionlint",
)
"""For tests: what the program installs in a real cluster by charts and images, nodes without machines, a linter."""


class DemoError(Exception):
    """The demo cannot go on; the message says what to do."""


@dataclass(frozen=True)
class ExistingCluster:
    """A cluster that somebody else runs (kind, minikube, any), given by its kubeconfig."""

    kubeconfig: Path
    load: str | None = None
    """A command that brings an image archive into the cluster, with ``{archive}`` where its path goes."""

    def load_command(self, archive: Path) -> list[str]:
        """The command that loads one archive; kind and minikube are known by their context's name."""
        template = self.load or self._known_loader()
        return [word.format(archive=archive) for word in template.split()]

    def _known_loader(self) -> str:
        context = yaml.safe_load(self.kubeconfig.read_text()).get("current-context", "")
        if context.startswith("kind-"):
            return f"kind load image-archive --name {context.removeprefix('kind-')} {{archive}}"
        if context == "minikube":
            return "minikube image load {archive}"
        raise DemoError(
            f"--kubeconfig {self.kubeconfig}: no way is known to load images into its context '{context}'; "
            "name a command with --load, for example --load 'ctr -n k8s.io images import {archive}'"
        )


@contextmanager
def only_run() -> Iterator[None]:
    """Hold the machine-wide lock of the local stack; a second run at once is refused."""
    cache_root().mkdir(parents=True, exist_ok=True)
    lock = FileLock(cache_root() / "local-stack.lock")
    try:
        with lock.acquire(timeout=0):
            yield
    except Timeout as error:
        raise DemoError(
            "another run of the local stack is under way on this machine; wait for it, or stop it with Ctrl-C"
        ) from error


def up(steps: Steps, existing: ExistingCluster | None = None) -> LocalStack:
    """Bring the local stack up; returns once an instance is ready for a player.

    What a killed run left behind is removed first, so an interrupted run can simply be started again.
    """
    ensure_packages(steps, (CLUSTER, IMAGES) if existing is None else (IMAGES,))
    if existing is None and not cluster.running():
        remove_leavings(steps)
    tools = dict(ensure_tools(("pulumi", *(CLUSTER_TOOLS if existing is None else ("kubectl",))), steps))
    ensure_official_plugin(tools["pulumi"], steps)
    with ThreadPoolExecutor(max_workers=1) as pool:
        images = pool.submit(build_images, steps)
        kubeconfig = cluster.start(tools, steps) if existing is None else existing.kubeconfig
        built = images.result()
    with steps.step("Load the images into the cluster"):
        for image in built.values():
            _load(image, existing)
    stack = LocalStack("local", tools["pulumi"], kubeconfig.absolute())
    with steps.step("pulumi up") as step:
        apply(stack, local_stack_file(built, existing), step.update)
    with steps.step("Wait for the first ready instance"):
        wait_for_instance(tools["kubectl"], kubeconfig)
    return stack


def prepare(steps: Steps) -> None:
    """Install every package and tool that the local stack and the tests use."""
    ensure_packages(steps, GROUPS)
    ensure_tools(("pulumi", *CLUSTER_TOOLS, *TEST_TOOLS), steps)


def local_stack_file(built: Mapping[str, Image], existing: ExistingCluster | None = None) -> StackFile:
    """The local stack's file with the images that were built for it."""
    tags = dict(image.reference.rsplit(":", 1) for image in built.values())
    stack_file = with_built_images(read_stack_file("local"), tags)
    if existing is not None:
        # kind obeys NetworkPolicies, and ours name the addresses of the simulated OCI: nothing would get through.
        stack_file["config"]["pixel:network_policies"]["policies"] = False
    return stack_file


def apply(stack: LocalStack, stack_file: StackFile, show: Callable[[str], None]) -> None:
    """``pulumi up`` with every line the engine prints handed to ``show``."""
    try:
        stack.open(stack_file).up(on_output=show, color="never")
    except auto.CommandError as error:
        raise DemoError(f"pulumi up failed:\n{error}") from error


def _load(image: Image, existing: ExistingCluster | None) -> None:
    if existing is None:
        cluster.import_image(image.archive)
        return
    result = subprocess.run(existing.load_command(image.archive), capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise DemoError(f"loading {image.reference} into the cluster failed: {result.stderr.strip()}")


def kubectl_of(kubectl: Path, kubeconfig: Path) -> list[str]:
    """kubectl on one cluster; what it remembers of the API goes with the stack, not into the home folder."""
    return [str(kubectl), f"--kubeconfig={kubeconfig}", f"--cache-dir={stacks_dir() / 'local' / 'kubectl'}"]


def wait_for_instance(kubectl: Path, kubeconfig: Path) -> None:
    """Wait until a pod of the fleet is ready, which it is once its streamer has connected to the sidecar."""
    wait = ["wait", "pod", "--namespace", "pixel-instances", "--selector", "app.pixel/pool=idle"]
    result = subprocess.run(
        [*kubectl_of(kubectl, kubeconfig), *wait, "--for=condition=Ready", "--timeout=120s"],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise DemoError(f"no instance became ready: {result.stderr.strip()}; see: kubectl get pods -n pixel-instances")


def down(steps: Steps, existing: ExistingCluster | None = None) -> None:
    """Remove everything ``up`` made, and what a killed run may have left; the caches stay."""
    kubeconfig = existing.kubeconfig if existing else cluster.running()
    if kubeconfig and (stacks_dir() / "local").exists():
        pulumi = ensure_tools(("pulumi",), steps)["pulumi"]
        stack = LocalStack("local", pulumi, kubeconfig.absolute())
        with steps.step("pulumi destroy") as step:
            try:
                stack.open(read_stack_file("local")).destroy(on_output=step.update, color="never")
            except auto.CommandError as error:
                if existing:
                    raise DemoError(f"pulumi destroy failed; its state is kept for another try:\n{error}") from error
                print(f"pulumi destroy failed, the cluster goes as a whole instead:\n{error}", file=sys.stderr)
    remove_leavings(steps) if existing is None else LocalStack("local", Path()).remove()


def remove_leavings(steps: Steps) -> None:
    """Stop whatever of the cluster still runs and forget the state that described it."""
    cluster.stop(steps)
    LocalStack("local", Path()).remove()


class PortForward:
    """Serves the matchmaker's page at ``http://localhost:<port>``, and the operator's at the port after it, through the
    API server, for as long as it is open.

    kubectl gives up when the pod it forwards to goes away; it is then started again.
    """

    def __init__(self, kubectl: Path, kubeconfig: Path, port: int) -> None:
        target = ["--namespace", "pixel", "port-forward", "--address", "127.0.0.1", "service/matchmaker"]
        self._command = [*kubectl_of(kubectl, kubeconfig), *target, f"{port}:3000", f"{port + 1}:8080"]
        self._closing = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="port-forward", daemon=True)
        self.url = f"http://localhost:{port}/"
        self.operator_url = f"http://localhost:{port + 1}/operator/"

    def __enter__(self) -> "PortForward":
        self._thread.start()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self.url, timeout=2):  # noqa: S310 - our own address
                    return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        self.close()
        raise DemoError(f"the page does not answer at {self.url}; is the port used by another program? Try --port")

    def _run(self) -> None:
        while not self._closing.is_set():
            # A group of its own, so that Ctrl-C ends this program's wait first and the forward in its turn.
            self._process = subprocess.Popen(
                self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
            )
            self._process.wait()
            self._closing.wait(0.5)

    def close(self) -> None:
        """Stop forwarding."""
        self._closing.set()
        if self._process is not None:
            self._process.terminate()
        self._thread.join(timeout=5)

    def __exit__(self, *_: object) -> None:
        self.close()


def check_port(port: int) -> None:
    """Refuse a port that another program listens on, it or the one after it, before anything is made."""
    for each in (port, port + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", each))
            except OSError as error:
                raise DemoError(
                    f"--port {port}: another program listens on {each} ({error.strerror}); name another port"
                ) from error


def demo(steps: Steps, port: int, existing: ExistingCluster | None = None) -> None:
    """Bring the stack up, print the page's address, wait for Ctrl-C, remove everything."""
    check_port(port)
    try:
        stack = up(steps, existing)
        assert stack.kubeconfig is not None  # noqa: S101 - up() always sets it
        kubectl = ensure_tools(("kubectl",), steps)["kubectl"]
        with PortForward(kubectl, stack.kubeconfig, port) as forward:
            total = sum(steps.times.values())
            key = [*kubectl_of(kubectl, stack.kubeconfig), "-n", "pixel", "get", "secret", "admin-key"]
            print(
                f"\nThe stream is at {forward.url} (after {total:.0f} s of work). Ctrl-C removes everything."
                f"\nThe operator's view is at {forward.operator_url}, and asks for the key that this shows:"
                f"\n  {shlex.join(key)} -o jsonpath='{{.data.key}}' | base64 -d",
                flush=True,
            )
            _wait_for_interrupt()
    finally:
        with _interrupts_held():
            down(steps, existing)


def _wait_for_interrupt() -> None:
    waiting = threading.Event()
    previous = signal.signal(signal.SIGTERM, lambda *_: waiting.set())
    try:
        while not waiting.wait(3600):
            pass
    except KeyboardInterrupt:
        print(file=sys.stderr)
    finally:
        signal.signal(signal.SIGTERM, previous)


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Let the clean-up finish: a second Ctrl-C is answered with a word, not obeyed."""

    def explain(*_: object) -> None:
        os.write(2, b"\nstill removing what was made; this ends by itself\n")

    previous = signal.signal(signal.SIGINT, explain)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
