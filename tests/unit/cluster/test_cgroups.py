"""Finding, making and removing the cluster's cgroup, on trees that look like both versions of cgroups."""

from pathlib import Path

import pytest

from local.cluster import cgroups
from local.cluster.cgroups import Hierarchy
from local.cluster.errors import ClusterError

HYBRID = """\
tmpfs /sys/fs/cgroup tmpfs rw,relatime,mode=755 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/cpuset cgroup rw,relatime,cpuset 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0
cgroup /sys/fs/cgroup/pids cgroup rw,relatime,pids 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
"""
UNIFIED = """\
sysfs /sys sysfs rw 0 0
cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev,noexec,relatime,nsdelegate 0 0
"""


def test_version_one_and_hybrid() -> None:
    found = {hierarchy.mount.name: hierarchy for hierarchy in cgroups.parse_hierarchies(HYBRID)}
    assert found["cpu,cpuacct"].controllers == {"cpu", "cpuacct"}
    assert found["systemd"].controllers == frozenset()
    assert [name for name, hierarchy in found.items() if hierarchy.unified] == ["unified"]
    assert cgroups.available(found.values()) >= set(cgroups.REQUIRED)


def test_version_two() -> None:
    assert cgroups.parse_hierarchies(UNIFIED) == (Hierarchy(Path("/sys/fs/cgroup"), unified=True),)


def test_a_later_mount_hides_an_earlier_one() -> None:
    hidden = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\ntmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
    assert cgroups.parse_hierarchies(hidden) == ()


def test_a_missing_controller_is_named(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu pids\n")
    (problem,) = cgroups.problems([Hierarchy(tmp_path, unified=True)])
    assert problem.value == "cpuset, memory not available"
    assert "kernel command line" in problem.remedy


def test_without_any_cgroups_all_controllers_are_missing() -> None:
    (problem,) = cgroups.problems([])
    assert problem.value.startswith("cpu, cpuset, memory, pids")


def test_version_two_gets_its_controllers_at_both_levels(tmp_path: Path) -> None:
    group = tmp_path / "pixel"
    group.mkdir()
    for place in (tmp_path, group):
        (place / "cgroup.controllers").write_text("cpuset cpu io memory pids rdma")
        (place / "cgroup.subtree_control").write_text("memory")
    cgroups.create("pixel", [Hierarchy(tmp_path, unified=True)])
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+cpu +cpuset +io +pids"
    assert (group / "cgroup.subtree_control").read_text() == "+cpu +cpuset +io +pids"
    assert (group / cgroups.SYSTEM).is_dir()


def test_the_root_group_is_left_as_it_is_when_it_shares_everything_already(tmp_path: Path) -> None:
    group = tmp_path / "pixel"
    group.mkdir()
    for place in (tmp_path, group):
        (place / "cgroup.controllers").write_text("cpuset cpu memory pids")
        (place / "cgroup.subtree_control").write_text("cpuset cpu memory pids")
        (place / "cgroup.subtree_control").chmod(0o400)
    cgroups.create("pixel", [Hierarchy(tmp_path, unified=True)])
    assert (tmp_path / "cgroup.subtree_control").read_text() == "cpuset cpu memory pids"


def test_a_cpuset_of_version_one_gets_processors_and_memory(tmp_path: Path) -> None:
    (tmp_path / "cpuset.cpus").write_text("0-1")
    (tmp_path / "cpuset.mems").write_text("0")
    cgroups.create("pixel", [Hierarchy(tmp_path, unified=False, controllers=frozenset({"cpuset"}))])
    assert (tmp_path / "pixel" / "cpuset.cpus").read_text() == "0-1"
    assert (tmp_path / "pixel" / cgroups.SYSTEM / "cpuset.mems").read_text() == "0"


def test_removing_takes_the_whole_tree_and_only_that(tmp_path: Path) -> None:
    (tmp_path / "pixel" / "kubepods" / "burstable" / "pod1").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    hierarchy = Hierarchy(tmp_path, unified=True)
    cgroups.remove("pixel", [hierarchy])
    cgroups.remove("pixel", [hierarchy])
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_a_group_that_stays_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "REMOVAL_SECONDS", 0.0)
    (tmp_path / "pixel").mkdir()
    (tmp_path / "pixel" / "file").touch()
    with pytest.raises(ClusterError, match=r"pixel still has processes \[\]; end these processes"):
        cgroups.remove("pixel", [Hierarchy(tmp_path, unified=True)])
