"""Starting, finding and removing the local cluster."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from local import paths
from local.cluster import addresses, cgroups, network, pause, plan, preflight, processes, removal
from local.cluster.api import Api
from local.cluster.errors import ClusterError, NotPossibleHereError, Problem
from local.cluster.inside import open_archive, run_in_node

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    # Not imported for the node's first process, which stays in memory and needs neither.
    from local.progress import Step, Steps

START_SECONDS = 180.0
RECOVERY_SECONDS = 20.0
"""How long a cluster that does not answer may take to recover before it is made anew."""
POLL_SECONDS = 0.05
LOG_LINES = 15


def start(tools: Mapping[str, Path], steps: Steps) -> Path:
    """Start the cluster unless it runs, and return the administrator's kubeconfig when everything in it answers.

    Leavings of a killed run are removed first. Raises NotPossibleHereError before anything is made where this
    machine lacks something, ClusterError with the end of the failing component's log when one does not start.
    """
    if os.geteuid() != 0:
        preflight.check(tools, paths.cache_root())
    with _lock(steps):
        if (found := _await_running(steps)) is not None:
            return found
        directory = paths.cluster_dir()
        try:
            with steps.step("Start the control plane") as step:
                _refuse_other(directory)
                step.update("removing what an earlier run left")
                removal.remove(directory)
                preflight.check(tools, paths.cache_root())
                _prepare(directory, tools, step)
                pid = _launch(directory)
                _wait(directory, pid, plan.CONTROL_PLANE, step)
            with steps.step("Start the node") as step:
                _wait(directory, pid, [component.name for component in plan.components("")], step)
                _wait_until_usable(directory, pid, step)
        except BaseException:
            # The folder stays, with the logs, until the next start or stop.
            removal.end(directory)
            raise
    return directory / "admin.kubeconfig"


def stop(steps: Steps) -> None:
    """Remove the cluster with every process, mount, interface, rule, cgroup and file of it; harmless without one."""
    with _lock(steps), steps.step("Remove the local cluster"):
        removal.remove(paths.cluster_dir())


def running() -> Path | None:
    """The administrator's kubeconfig when the cluster runs and everything in it answers, else None."""
    directory = paths.cluster_dir()
    if processes.first_process(directory) is None:
        return None
    try:
        answers = not _waiting(directory) and Api(directory).missing() is None
    except OSError:
        return None
    return directory / "admin.kubeconfig" if answers else None


def import_image(archive: Path) -> None:
    """Load a docker-archive or oci-archive into the node's containerd; its names are kept.

    ClusterError when the cluster does not run or containerd refuses the archive.
    """
    try:
        snapshotter = json.loads((paths.cluster_dir() / "plan.json").read_text())["snapshotter"]
    except OSError as error:
        raise ClusterError(f"the local cluster of {paths.cluster_dir()} is not running; start it first") from error
    with open_archive(archive) as content:
        run_in_node(plan.import_command("-", snapshotter), stdin=content)


def _await_running(steps: Steps) -> Path | None:
    """The kubeconfig of a cluster that runs, or that is about to: one whose start was interrupted goes on by itself,
    and a component that ended is started again."""
    if (found := running()) is not None or processes.first_process(paths.cluster_dir()) is None:
        return found
    with steps.step("Wait for the cluster that is there"):
        deadline = time.monotonic() + RECOVERY_SECONDS
        while (found := running()) is None and time.monotonic() < deadline:
            if processes.first_process(paths.cluster_dir()) is None:
                return None
            time.sleep(POLL_SECONDS)
    return found


@contextmanager
def _lock(steps: Steps) -> Iterator[None]:
    """Only one start or stop at a time for one cache folder; the lock ends with its process, however that ends."""
    root = paths.cache_root()
    root.mkdir(parents=True, exist_ok=True)
    with (root / "cluster.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with steps.step("Wait for another start or stop of the local cluster"):
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _refuse_other(directory: Path) -> None:
    """There is one range of addresses, so there is one cluster a machine."""
    other = next((process.directory for process in processes.find() if process.directory != directory), None)
    if other is not None:
        remedy = f"stop it first, with PIXEL_CACHE={other.parent}"
        raise NotPossibleHereError([Problem("local cluster", f"another one runs, of {other}", remedy)])


def _prepare(directory: Path, tools: Mapping[str, Path], step: Step) -> None:
    """Write everything that the node's first process reads, and make its cgroups."""
    # Imported here because it is large and the node's first process, which imports this module, needs none of it.
    from local.cluster import certificates  # noqa: PLC0415

    step.update("writing keys and configuration")
    for folder in ("", "bin", "cni", "containerd", "kubelet", "pods", "logs"):
        (directory / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
    certificates.write_all(directory)
    snapshotter = _snapshotter(directory)
    hierarchies = cgroups.hierarchies()
    for name, content in plan.files(str(preflight.find_cni_plugins()), snapshotter).items():
        (directory / name).write_text(content)
    binary = pause.find_binary()
    assert binary is not None, "preflight found it"  # noqa: S101
    (directory / "pause.tar").write_bytes(pause.archive(binary.read_bytes()))
    used = {name: str(tools[name].resolve()) for name in (*plan.TOOLS, "kubectl")}
    own = network.host_addresses(network.interfaces())
    (directory / "plan.json").write_text(plan.document(used, hierarchies, snapshotter, own))
    cgroups.create(addresses.CGROUP, hierarchies)


def _snapshotter(directory: Path) -> str:
    """containerd's way to stack image layers: overlays where this folder's file system can hold one, else copies."""
    trial = directory / "trial"
    for folder in ("lower", "upper", "work", "merged"):
        (trial / folder).mkdir(parents=True)
    options = "lowerdir=lower,upperdir=upper,workdir=work"
    command = ["unshare", "--mount", "mount", "-t", "overlay", "overlay", "-o", options, "merged"]
    works = subprocess.run(command, cwd=trial, capture_output=True, check=False).returncode == 0
    shutil.rmtree(trial)
    return "overlayfs" if works else "native"


def _launch(directory: Path) -> int:
    """Start the node's first process in namespaces of its own, connect it, and return the host's number of it."""
    command = ["unshare", *preflight.NAMESPACES, "--kill-child", "--"]
    command += [sys.executable, "-m", processes.NODE_MODULE, str(directory)]
    with (directory / "logs" / "node.log").open("ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=paths.CHECKOUT,
            env={**plan.ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
        )
    assert process.stdin is not None  # noqa: S101
    with process.stdin:
        while (pid := processes.first_process(directory)) is None:
            if process.poll() is not None:
                raise ClusterError(f"the node's first process did not start:\n{_log_end(directory, 'node')}")
            time.sleep(0.01)
        network.connect(pid)
        process.stdin.write(b"connected\n")
    # It outlives this process on purpose; ``stop`` ends it.
    process.returncode = 0
    return pid


def _wait(directory: Path, pid: int, names: Collection[str], step: Step) -> None:
    """Wait until these components are ready."""
    deadline = time.monotonic() + START_SECONDS
    while waiting := [name for name in _waiting(directory) if name in names]:
        step.update(f"waiting for {', '.join(waiting)}", 1 - len(waiting) / len(names))
        _check(directory, pid, deadline, ", ".join(waiting))
        time.sleep(POLL_SECONDS)


def _wait_until_usable(directory: Path, pid: int, step: Step) -> None:
    """Wait until pods can be made and names be resolved."""
    deadline = time.monotonic() + START_SECONDS
    api = Api(directory)
    while lacking := api.missing():
        step.update(f"waiting for the {lacking}")
        _check(directory, pid, deadline, lacking)
        time.sleep(POLL_SECONDS)


def _check(directory: Path, pid: int, deadline: float, lacking: str) -> None:
    if processes.read(pid) is None:
        failed = str(_status(directory).get("failed") or "node")
        raise ClusterError(f"{failed} did not start; the end of its log:\n{_log_end(directory, failed)}")
    if time.monotonic() > deadline:
        logs = directory / "logs"
        raise ClusterError(f"not ready after {START_SECONDS:.0f} s: {lacking}; see the logs in {logs}")


def _status(directory: Path) -> dict[str, Any]:
    """What the node's first process says; empty before it has said anything."""
    try:
        found: dict[str, Any] = json.loads((directory / "status.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def _waiting(directory: Path) -> list[str]:
    """The components that are not ready yet."""
    waiting: list[str] = _status(directory).get("waiting", [component.name for component in plan.components("")])
    return waiting


def _log_end(directory: Path, name: str) -> str:
    try:
        lines = (directory / "logs" / f"{name}.log").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    return "\n".join(lines[-LOG_LINES:]) or "(empty)"
