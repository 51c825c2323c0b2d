"""One simulated cluster for all tests of this folder; each finds it empty."""

from collections.abc import Iterator

import pytest

from tests.cluster.fleet_controller.simulated_cluster import SimulatedCluster, simulated_cluster


@pytest.fixture(scope="package")
def running() -> Iterator[SimulatedCluster]:
    """The control plane."""
    with simulated_cluster() as found:
        yield found


@pytest.fixture
def simulated(running: SimulatedCluster) -> Iterator[SimulatedCluster]:
    """The same without nodes, pods, or anything that a controller before has left."""
    yield running
    running.clear()
