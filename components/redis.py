"""Redis for what matchmakers share: one Valkey in the cluster with a volume, or OCI Cache.

Nothing in it is the only copy of what a session needs: Kubernetes holds the sessions, and tickets the places in the
queue. While it is away, sessions go on and new players wait.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import pulumi

from components import manifests, oci, ports
from components.addons.helm import Release, ReleaseArgs, pinned
from components.foundation import Foundation
from components.node_pools import DEFAULT_LABEL
from components.oci import OciResource
from components.secrets import SecretValue, kubernetes_secret
from components.settings import Settings
from components.settings.mirrors import MirrorsSettings
from components.settings.redis import RedisMode, RedisSettings
from components.settings.secrets import Secret
from components.versions import REDIS_ENGINE
from components.workloads import PLATFORM_NAMESPACE

REDIS_SECRET = "redis-users"  # noqa: S105 - the name of the object
_CHART = "valkey"


@dataclass
class ManagedRedisArgs:
    """What OCI Cache is made from."""

    compartment: str
    cluster_name: str
    settings: RedisSettings
    subnet_id: pulumi.Input[str]
    """The workers'. Nodes reach each other there on any port, so there is no rule to add; nobody else does."""
    protect: bool
    tags: Mapping[str, str]


class ManagedRedis(pulumi.ComponentResource):
    """OCI Cache: one node and its replicas, in different availability domains where there are several."""

    url: pulumi.Output[str]
    """With TLS, which the service always speaks. Its subnet is all that keeps others away: it knows no users."""
    users_secret: str | None = None

    def __init__(self, name: str, args: ManagedRedisArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:redis:ManagedRedis", name, None, opts)
        cache = OciResource(
            oci.REDIS_CLUSTER,
            name,
            {
                "compartmentId": args.compartment,
                "displayName": args.cluster_name,
                "subnetId": args.subnet_id,
                "nodeCount": args.settings.nodes,
                "nodeMemoryInGbs": args.settings.memory_gb,
                "softwareVersion": REDIS_ENGINE,
                "clusterMode": "NONSHARDED",
                "freeformTags": dict(args.tags),
            },
            pulumi.ResourceOptions(parent=self, protect=args.protect),
            outputs=["primaryFqdn"],
        )
        self.url = pulumi.Output.concat("rediss://", cache.output("primaryFqdn"), f":{ports.REDIS}")
        self.register_outputs({"url": self.url})


@dataclass
class ClusterRedisArgs:
    """What Valkey in the cluster is made from."""

    settings: RedisSettings
    mirrors: MirrorsSettings
    monitoring: pulumi.Resource | None
    """What brings the kind ServiceMonitor, and scrapes; None where nothing does."""
    password: SecretValue
    namespaces: pulumi.Resource
    nodes: pulumi.Resource


class ClusterRedis(pulumi.ComponentResource):
    """One Valkey that writes every change to its volume, and lets in one user with a password."""

    url: pulumi.Output[str]
    users_secret: str | None = REDIS_SECRET
    """The Secret with the password of each user, by name."""

    def __init__(self, name: str, args: ClusterRedisArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:redis:ClusterRedis", name, None, opts)
        users = kubernetes_secret(
            REDIS_SECRET,
            PLATFORM_NAMESPACE,
            {"default": args.password.current},
            parent=self,
            depends_on=[args.namespaces],
            drawn=args.password.drawn,
        )
        release = valkey_release(args.settings, args.mirrors, monitored=args.monitoring is not None)
        after = [args.namespaces, args.nodes, users, *([args.monitoring] if args.monitoring else [])]
        Release(release.chart, release, pulumi.ResourceOptions(parent=self, depends_on=after))
        self.url = pulumi.Output.from_input(f"redis://{_CHART}.{PLATFORM_NAMESPACE}:{ports.REDIS}")
        self.register_outputs({"url": self.url, "usersSecret": REDIS_SECRET})


def valkey_release(settings: RedisSettings, mirrors: MirrorsSettings, *, monitored: bool) -> ReleaseArgs:
    """The release of Valkey."""
    (rendered,) = manifests.render(f"values/{_CHART}.yaml.j2", valkey_values(settings, monitored=monitored))
    return pinned(_CHART, PLATFORM_NAMESPACE, rendered, mirrors)


def valkey_values(settings: RedisSettings, *, monitored: bool) -> dict[str, Any]:
    """What the values are rendered from."""
    return {
        "default_label": DEFAULT_LABEL,
        "port": ports.REDIS,
        "users_secret": REDIS_SECRET,
        "memory": f"{settings.memory_gb}Gi",
        # The rest is for the copy that a rewrite of the log makes, and for the clients' buffers.
        "data_bytes": settings.memory_gb * 2**30 * 6 // 10,
        "storage": f"{settings.storage_gb}Gi",
        "monitored": monitored,
    }


Redis: TypeAlias = ManagedRedis | ClusterRedis


def lay_redis(  # noqa: PLR0917 - as many things as it joins
    its: Settings,
    foundation: Foundation,
    values: Mapping[Secret, SecretValue],
    namespaces: pulumi.Resource,
    tags: Mapping[str, str],
    monitoring: pulumi.Resource | None,
    places: tuple[pulumi.ResourceOptions, pulumi.ResourceOptions],
) -> Redis | None:
    """The Redis that the stack asks for; `places` bring the region's provider and the cluster's."""
    in_oci, in_cluster = places
    if its.redis.mode is RedisMode.MANAGED and foundation.network is not None:
        subnet = foundation.network.workers_subnet_id
        managed = ManagedRedisArgs(its.compartment, its.cluster.name, its.redis, subnet, its.cluster.protect, tags)
        return ManagedRedis("redis", managed, in_oci)
    if its.redis.mode is RedisMode.IN_CLUSTER:
        password = values[Secret.REDIS]
        within = ClusterRedisArgs(its.redis, its.mirrors, monitoring, password, namespaces, foundation.nodes)
        return ClusterRedis("redis", within, in_cluster)
    return None
