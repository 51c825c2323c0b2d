"""Each thing that a machine may lack is one clear problem, and nothing is made."""

from dataclasses import replace
from pathlib import Path

import pytest

from local.cluster import preflight
from local.cluster.errors import NotPossibleHereError, Problem
from local.cluster.plan import TOOLS
from local.cluster.preflight import CAPABILITIES, GIB, Machine, machine_problems

GOOD = Machine(
    system="linux",
    user=0,
    capabilities=(1 << 41) - 1,
    cache=Path("/cache"),
    disk_free=50 * GIB,
    executable_cache=True,
    memory_available=8 * GIB,
)


def test_a_good_machine_has_no_problem() -> None:
    assert list(machine_problems(GOOD)) == []


@pytest.mark.parametrize(
    ("machine", "key", "value", "remedy"),
    [
        (replace(GOOD, user=1000), "user", "1000", "sudo"),
        (replace(GOOD, capabilities=0), "capabilities", "CAP_SYS_ADMIN", "privileged"),
        (replace(GOOD, disk_free=2 * GIB), "disk", "2.0 GiB free at /cache", "PIXEL_CACHE"),
        (replace(GOOD, executable_cache=False), "disk", "does not allow programs", "noexec"),
        (replace(GOOD, memory_available=GIB), "memory", "1.0 GiB available", "1.5 GiB"),
    ],
)
def test_each_lack_is_one_problem(machine: Machine, key: str, value: str, remedy: str) -> None:
    (problem,) = machine_problems(machine)
    assert problem.key == key
    assert value in problem.value
    assert remedy in problem.remedy


@pytest.mark.parametrize("name", CAPABILITIES)
def test_each_capability_is_named_when_it_alone_is_missing(name: str) -> None:
    (problem,) = machine_problems(replace(GOOD, capabilities=GOOD.capabilities & ~(1 << CAPABILITIES[name])))
    assert problem.value == f"{name} not held"


def test_a_missing_program_is_named_with_its_package(tmp_path: Path) -> None:
    (tmp_path / "runc").touch(mode=0o755)
    (problem,) = preflight.binary_problems({"runc": "runc", "ctr": "containerd"}, str(tmp_path))
    assert problem.value.startswith("ctr not found")
    assert problem.remedy == "install it: apt-get install containerd"


def test_network_plugins_must_all_be_in_one_folder(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for folder, names in ((first, ("bridge", "loopback")), (second, preflight.CNI_PLUGINS)):
        folder.mkdir()
        for name in names:
            (folder / name).touch()
    assert preflight.find_cni_plugins([first, second]) == second
    assert preflight.find_cni_plugins([first]) is None


def test_a_tool_that_is_not_there_or_not_executable_is_named(tmp_path: Path) -> None:
    tools = {name: tmp_path / name for name in (*TOOLS, "kubectl")}
    for path in tools.values():
        path.touch(mode=0o755)
    assert list(preflight.tool_problems(tools)) == []
    tools["etcd"].chmod(0o644)
    del tools["kubectl"]
    assert [problem.value.split(" ")[0] for problem in preflight.tool_problems(tools)] == ["etcd", "kubectl"]


def test_the_error_lists_every_problem_on_a_line_of_its_own() -> None:
    error = NotPossibleHereError([Problem("disk", "full", "free some"), Problem("memory", "none", "buy some")])
    assert str(error).splitlines()[1:] == ["  - disk: full; free some", "  - memory: none; buy some"]
    assert "nothing was changed" in str(error)


def test_this_machine_is_read_although_the_cache_is_not_there_yet(tmp_path: Path) -> None:
    machine = preflight.read_machine(tmp_path / "not" / "yet")
    assert machine.disk_free > 0
    assert machine.memory_available > 0
    assert not (tmp_path / "not").exists()


def test_an_ordinary_user_is_told_before_anything_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(NotPossibleHereError, match="run it as root") as refused:
        preflight.check({}, tmp_path / "cache")
    assert "kernel" not in {problem.key for problem in refused.value.problems}
    assert not (tmp_path / "cache").exists()


def test_another_system_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(NotPossibleHereError, match=r"system: darwin; run it on Linux"):
        preflight.check({}, tmp_path)
