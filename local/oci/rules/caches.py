"""Rules for OCI Cache. Source: https://docs.oracle.com/iaas/Content/ocicache/managingclusters.htm."""

from collections.abc import Iterator

from local.oci.model import Resource, World
from local.oci.refusal import INVALID, Refusal
from local.properties import UNKNOWN

ENGINES = ("REDIS_7_0", "VALKEY_7_2", "VALKEY_8_1")
MOST_NODES = 5
"""Of a cluster that is not sharded."""
MEMORY_GB = (2, 500)
FEWEST_SHARDS = 3


def engine_known(resource: Resource, world: World) -> Iterator[Refusal]:
    """The engine is one that the service offers."""
    del world
    engine = resource.inputs.get("softwareVersion")
    if isinstance(engine, str) and engine not in ENGINES:
        problem = "the service does not offer this engine"
        yield Refusal(INVALID, "softwareVersion", engine, problem, f"Choose one of {', '.join(ENGINES)}")


def size_fits(resource: Resource, world: World) -> Iterator[Refusal]:
    """Nodes and memory are in the service's bounds, and only a sharded cluster has shards."""
    del world
    nodes, memory = resource.inputs.get("nodeCount"), resource.inputs.get("nodeMemoryInGbs")
    mode = resource.inputs.get("clusterMode")
    if isinstance(nodes, int | float) and not 1 <= nodes <= MOST_NODES:
        yield Refusal(INVALID, "nodeCount", nodes, f"there are 1 to {MOST_NODES} nodes", "Change the number of nodes")
    low, high = MEMORY_GB
    if isinstance(memory, int | float) and not low <= memory <= high:
        yield Refusal(INVALID, "nodeMemoryInGbs", memory, f"a node has {low} to {high} GB", "Change the memory")
    shards = resource.inputs.get("shardCount")
    if isinstance(shards, int | float) and mode not in ("SHARDED", UNKNOWN):
        yield Refusal(INVALID, "shardCount", shards, "the cluster is not sharded", "Leave it out, or shard the cluster")
    if mode == "SHARDED" and isinstance(shards, int | float) and shards < FEWEST_SHARDS:
        problem = f"a sharded cluster has at least {FEWEST_SHARDS}"
        yield Refusal(INVALID, "shardCount", shards, problem, "Raise it, or do without shards")
