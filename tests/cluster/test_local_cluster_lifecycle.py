"""The local cluster comes up after whatever happened before, and leaves nothing of itself."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from local import cluster as local_cluster
from local import paths
from local.cluster import addresses, processes
from local.progress import Steps
from tests.cluster.conftest import eventually, skip_unless_root, tools
from tests.cluster.machine import Leavings, leavings, left_over

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

START = """
import sys
from pathlib import Path
from local.cluster import start
from local.progress import Steps
start(dict(zip(sys.argv[1::2], map(Path, sys.argv[2::2]))), Steps())
"""


@pytest.fixture(scope="module")
def found_tools() -> dict[str, Path]:
    skip_unless_root()
    return tools()


@pytest.fixture
def machine(found_tools: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Leavings]:
    """The machine before the test; afterwards nothing may be left on it. The cluster gets a cache of its own."""
    if processes.find():
        pytest.skip("a local cluster runs; stop it first (make demo-down)")
    monkeypatch.setenv("PIXEL_CACHE", str(tmp_path / "cache"))
    before = leavings()
    try:
        yield before
    finally:
        local_cluster.stop(Steps())
    assert left_over(before, leavings()) == {}
    assert processes.find() == ()


def start_elsewhere(found_tools: dict[str, Path]) -> subprocess.Popen[bytes]:
    """``start`` in a process that can be killed."""
    arguments = [text for name, path in found_tools.items() for text in (name, str(path))]
    return subprocess.Popen([sys.executable, "-c", START, *arguments], cwd=paths.CHECKOUT, stderr=subprocess.DEVNULL)


def first() -> int:
    pid = processes.first_process(paths.cluster_dir())
    assert pid is not None
    return pid


def test_start_twice_and_stop_twice(machine: Leavings, found_tools: dict[str, Path]) -> None:
    kubeconfig = local_cluster.start(found_tools, Steps())
    pid = first()
    assert local_cluster.start(found_tools, Steps()) == kubeconfig
    assert first() == pid
    local_cluster.stop(Steps())
    assert left_over(machine, leavings()) == {}
    assert not paths.cluster_dir().exists()
    local_cluster.stop(Steps())


def test_two_starts_at_once_make_one_cluster(machine: Leavings, found_tools: dict[str, Path]) -> None:
    other = start_elsewhere(found_tools)
    local_cluster.start(found_tools, Steps())
    assert other.wait(60) == 0
    assert sum(process.first for process in processes.find()) == 1


def test_another_cache_folder_neither_starts_nor_stops_it(
    machine: Leavings, found_tools: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubeconfig = local_cluster.start(found_tools, Steps())
    with monkeypatch.context() as patch:
        patch.setenv("PIXEL_CACHE", str(tmp_path / "other"))
        assert local_cluster.running() is None
        with pytest.raises(local_cluster.NotPossibleHereError, match=f"PIXEL_CACHE={tmp_path}/cache"):
            local_cluster.start(found_tools, Steps())
        local_cluster.stop(Steps())
    assert local_cluster.running() == kubeconfig


@pytest.mark.parametrize("first_process", [True, False], ids=["first process", "its parent"])
def test_a_killed_cluster_is_replaced(machine: Leavings, found_tools: dict[str, Path], first_process: bool) -> None:
    local_cluster.start(found_tools, Steps())
    killed = first()
    victim = next(process for process in processes.find() if process.first == first_process)
    os.kill(victim.pid, signal.SIGKILL)
    eventually(lambda: processes.first_process(paths.cluster_dir()) is None, "the first process is gone")
    assert local_cluster.running() is None
    local_cluster.start(found_tools, Steps())
    assert first() != killed


def log_of(component: str) -> Path:
    return paths.cluster_dir() / "logs" / f"{component}.log"


MOMENTS: dict[str, Callable[[], object]] = {
    "cgroups": lambda: list(Path("/sys/fs/cgroup").glob(f"**/{addresses.CGROUP}")),
    "keys": lambda: list(paths.cluster_dir().glob("pki/*")),
    "first process": lambda: processes.first_process(paths.cluster_dir()),
    "interface": lambda: Path("/sys/class/net", addresses.HOST_INTERFACE).exists(),
    "components": lambda: log_of("kube-apiserver").exists(),
    "kubelet": lambda: log_of("kubelet").exists(),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_start_that_was_killed_is_made_good_by_the_next(
    machine: Leavings, found_tools: dict[str, Path], moment: str
) -> None:
    starting = start_elsewhere(found_tools)
    eventually(MOMENTS[moment], moment)
    starting.kill()
    starting.wait()
    assert local_cluster.start(found_tools, Steps()) == local_cluster.running()


@pytest.mark.parametrize("moment", ["interface", "kubelet"])
def test_a_start_and_its_cluster_that_were_killed_are_made_good(
    machine: Leavings, found_tools: dict[str, Path], moment: str
) -> None:
    starting = start_elsewhere(found_tools)
    eventually(MOMENTS[moment], moment)
    starting.kill()
    for process in processes.find():
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
    starting.wait()
    assert local_cluster.start(found_tools, Steps()) == local_cluster.running()


def test_an_interrupted_start_leaves_only_its_logs(machine: Leavings, found_tools: dict[str, Path]) -> None:
    starting = start_elsewhere(found_tools)
    eventually(MOMENTS["components"], "components")
    starting.send_signal(signal.SIGINT)
    assert starting.wait(30) != 0
    left = left_over(machine, leavings())
    assert set(left) <= {"files"}
    assert log_of("kube-apiserver").exists()


def test_stray_mount_interface_and_process_are_cleaned_away(machine: Leavings, found_tools: dict[str, Path]) -> None:
    place = paths.cluster_dir() / "with a space"
    place.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(place)], check=True)
    subprocess.run(["ip", "link", "add", addresses.HOST_INTERFACE, "type", "veth"], check=True)
    with subprocess.Popen(["sleep", "300"]) as stray:
        for controller in ("memory", "pids", "unified", ""):
            members = Path("/sys/fs/cgroup", controller, addresses.CGROUP, "left", "cgroup.procs")
            if (members.parents[2] / "cgroup.procs").exists():
                members.parent.mkdir(parents=True)
                members.write_text(str(stray.pid))
        assert local_cluster.start(found_tools, Steps()) == local_cluster.running()
        assert stray.wait(5) == -signal.SIGKILL


def test_an_address_in_use_is_an_error_before_anything_is_made(machine: Leavings, found_tools: dict[str, Path]) -> None:
    subprocess.run(["ip", "link", "add", "pixel-test", "type", "veth", "peer", "name", "pixel-test2"], check=True)
    try:
        subprocess.run(["ip", "address", "add", "10.89.3.1/24", "dev", "pixel-test"], check=True)
        before = leavings()
        with pytest.raises(local_cluster.NotPossibleHereError, match=r"10\.89\.3\.1 on interface pixel-test"):
            local_cluster.start(found_tools, Steps())
        assert left_over(before, leavings()) == {}
    finally:
        subprocess.run(["ip", "link", "delete", "pixel-test"], check=True)


def test_a_component_that_cannot_start_is_named_with_its_log(
    machine: Leavings, found_tools: dict[str, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "kube-scheduler"
    broken.write_text("#!/bin/sh\necho no such flag >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(local_cluster.ClusterError, match=r"(?s)kube-scheduler did not start.*no such flag"):
        local_cluster.start({**found_tools, "kube-scheduler": broken}, Steps())
    assert set(left_over(machine, leavings())) <= {"files"}
