"""Redis, for what matchmakers share: whether there is one, and where it runs."""

from dataclasses import dataclass
from enum import StrEnum

from components.settings.cluster import ClusterSettings
from components.settings.reading import Reader, Refusals


class RedisMode(StrEnum):
    """Where Redis runs."""

    NONE = "none"
    IN_CLUSTER = "in-cluster"
    """One Valkey in the cluster, with a volume."""
    MANAGED = "managed"
    """OCI Cache."""


@dataclass(frozen=True)
class RedisSettings:
    """The `redis` key of a stack file; without it there is none."""

    mode: RedisMode = RedisMode.NONE
    """Where Redis runs."""
    nodes: int = 1
    """Of OCI Cache: one and its replicas."""
    memory_gb: int = 2
    """Of each node of OCI Cache; in the cluster, of the pod."""
    storage_gb: int = 50
    """The volume's, in the cluster: block volumes of Oracle Cloud have 50 GB at least."""


def read_redis(reader: Reader) -> RedisSettings:
    """Read the `redis` key."""
    mode = reader.choice("mode", RedisMode, RedisMode.NONE)
    managed, within = mode is RedisMode.MANAGED, mode is RedisMode.IN_CLUSTER
    settings = RedisSettings(
        mode=mode,
        nodes=reader.whole("nodes", 1, 5, 2) if managed else 1,
        memory_gb=reader.whole("memory_gb", 2, 500, 2)
        if managed
        else reader.whole("memory_gb", 1, 64, 2)
        if within
        else 2,
        storage_gb=reader.whole("storage_gb", 50, 32_768, 50) if within else 50,
    )
    reader.close()
    return settings


def check_redis(redis: RedisSettings, cluster: ClusterSettings, refusals: Refusals) -> None:
    """Refuse OCI Cache where the program does not know the subnet of the workers."""
    if redis.mode is RedisMode.MANAGED and cluster.existing is not None:
        refusals.add(
            "pixel:redis.mode",
            redis.mode.value,
            "to be put into a network that this stack does not make",
            "Use in-cluster, or none",
        )
