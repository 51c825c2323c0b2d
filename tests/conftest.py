"""What holds for every test, and which tests run one after the other when several processes share the work."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

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


class ByPlace(LoadScopeScheduling):
    """Gives whole groups of tests to processes, in the usual order within each."""

    def _split_scope(self, nodeid: str) -> str:
        path = Path(nodeid.partition("::")[0])
        if _below(path, ONE_OF_A_MACHINE):
            return "the machine"
        return _below(path, WHOLE_FOLDERS) or str(path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByPlace:
    """Several processes, if there are, share the tests in this way."""
    return ByPlace(config, log)


def _below(path: Path, places: tuple[str, ...]) -> str | None:
    return next((place for place in places if path.is_relative_to(place)), None)
