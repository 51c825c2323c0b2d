"""Telling the node's processes from all others, and ending none but them."""

import subprocess
import sys
from pathlib import Path

import pytest

from local.cluster import processes
from local.cluster.processes import NodeProcess, directory_of, is_first


@pytest.mark.parametrize(
    ("arguments", "directory"),
    [
        (["python", "-m", "local.cluster.node", "/cache/cluster"], "/cache/cluster"),
        (["unshare", "--net", "--", "python", "-m", "local.cluster.node", "/cache/a b"], "/cache/a b"),
        (["python", "-m", "local.cluster.node"], None),
        (["grep", "-r", "local.cluster.node", "/cache/cluster"], None),
        (["vim", "local.cluster.node", "/cache/cluster"], None),
        (["python", "-m", "local.cluster.node", "/cache/cluster", "more"], None),
        ([""], None),
    ],
)
def test_a_command_line_names_its_cluster(arguments: list[str], directory: str | None) -> None:
    line = b"\0".join(argument.encode() for argument in arguments) + b"\0"
    assert directory_of(line) == (Path(directory) if directory else None)


@pytest.mark.parametrize(
    ("numbers", "first"), [("4242\t1", True), ("4242", False), ("4242\t17", False), ("1", False), ("9\t8\t1", True)]
)
def test_the_first_process_is_number_one_below(numbers: str, first: bool) -> None:
    assert is_first(f"Name:\tpython\nNSpid:\t{numbers}\nThreads:\t1\n") == first


def test_a_number_that_another_program_has_now_is_not_signalled(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        assert processes.kill(NodeProcess(other.pid, tmp_path, first=True))
        assert other.poll() is None
        other.communicate(b"\n")
        assert other.returncode == 0


def test_a_process_that_has_ended_is_no_error(tmp_path: Path) -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    assert processes.kill(NodeProcess(ended.pid, tmp_path, first=True))


def test_no_cluster_in_a_new_folder(tmp_path: Path) -> None:
    assert processes.first_process(tmp_path) is None
