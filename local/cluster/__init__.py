"""A real Kubernetes control plane with one real node, in namespaces of its own on this machine."""

from local.cluster.errors import ClusterError, NotPossibleHereError
from local.cluster.inside import run_in_node
from local.cluster.lifecycle import import_image, running, start, stop

__all__ = [
    "ClusterError",
    "NotPossibleHereError",
    "import_image",
    "run_in_node",
    "running",
    "start",
    "stop",
]
