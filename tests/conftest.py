"""What holds for every test, and which tests run one after the other when several processes share the work."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings

# A property is no slower for being tried on a busy machine: no test asserts on a clock.
settings.register_profile("project", deadline=None)
settings.load_profile("project")

ONE_OF_A_MACHINE: Final = (
    "tests/browser",
    "tests/cluster/test_interrupted_runs.py",
    "tests/cluster/test_local_cluster.py",
    "tests/cluster/test_local_cluster_lifecycle.py",
    "tests/cluster/test_policies_enforced.py",
    "tests/cluster/test_stack_lifecycle.py",
    "tests/cluster/test_turn_pod.py",
    "tests/unit/cluster",
    "tests/unit/signalling/test_turn_network.py",
    "tests/unit/streamer/test_cpu_exporter.py",
)
"""Tests of the local cluster and stack, and those that make namespaces, interfaces or control groups of their own: the
former look at the whole machine for what the cluster has left."""
WHOLE_FOLDERS: Final = ("tests/cluster/fleet_controller", "tests/cluster/kubernetes_plugin")
"""Their tests share fixtures that take long."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give every test its group for ``--dist loadgroup``: one process runs a group, in the usual order.

    First, since the plugin looks for groups in a hook of the same name.
    """
    for item in items:
        path = item.path.relative_to(config.rootpath)
        item.add_marker(pytest.mark.xdist_group(_group_of(path)))


def _group_of(path: Path) -> str:
    if _below(path, ONE_OF_A_MACHINE):
        return "the machine"
    return _below(path, WHOLE_FOLDERS) or str(path)


def _below(path: Path, places: tuple[str, ...]) -> str | None:
    return next((place for place in places if path.is_relative_to(place)), None)
