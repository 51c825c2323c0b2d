"""Rules for OKE node pools.

Sources: https://docs.oracle.com/en-us/iaas/Content/ContEng/Concepts/contengaboutk8sversions.htm (version skew) and
https://docs.oracle.com/en-us/iaas/Content/ContEng/Tasks/contengupgradingimageworkernode_topic-In-Place_Upgrade_By_Cycling.htm.
"""

import re
from collections.abc import Iterator

from local.oci.kinds import CLUSTER
from local.oci.model import Resource, World
from local.oci.paths import value_at, walk
from local.oci.refusal import INVALID, LIMIT, MISSING, Refusal
from local.oci.rules.clusters import BASIC, ENHANCED, NATIVE, cluster_type, network_plugin
from local.oci.shapes import NODE_POOL_SKEW, parse_version
from local.properties import UNKNOWN

NODES_PER_POOL = 1000
PODS_PER_NODE = (1, 110)
GRACE_MINUTES = 60

_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?")
_LABEL_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_LABEL_PREFIX = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


def _cluster(resource: Resource, world: World) -> Resource | None:
    return world.one(resource.inputs.get("clusterId"), CLUSTER)


def pool_not_ahead(resource: Resource, world: World) -> Iterator[Refusal]:
    """A pool is not newer than its cluster, and not more than three minors older."""
    cluster = _cluster(resource, world)
    text = resource.inputs.get("kubernetesVersion")
    if cluster is None or not isinstance(text, str):
        return
    control = cluster.inputs.get("kubernetesVersion")
    ours, theirs = parse_version(text), parse_version(str(control))
    if ours is None or theirs is None:
        return
    if ours > theirs:
        yield Refusal(
            INVALID,
            "kubernetesVersion",
            text,
            f"a node pool cannot be newer than its cluster, which runs {control}",
            "Upgrade the cluster first, or give the pool the cluster's version",
        )
    elif theirs[1] - ours[1] > NODE_POOL_SKEW:
        yield Refusal(
            INVALID,
            "kubernetesVersion",
            text,
            f"a node pool may be {NODE_POOL_SKEW} minors older than its cluster, which runs {control}",
            "Upgrade the pool before the cluster",
        )


def pool_size_fits(resource: Resource, world: World) -> Iterator[Refusal]:
    """A pool has no fewer than none and no more than 1000 nodes."""
    del world
    size = value_at(resource.inputs, "nodeConfigDetails.size")
    if isinstance(size, int | float) and not 0 <= size <= NODES_PER_POOL:
        yield Refusal(
            LIMIT, "nodeConfigDetails.size", size, f"a pool has 0 to {NODES_PER_POOL} nodes", "Correct the size"
        )


def placement_once(resource: Resource, world: World) -> Iterator[Refusal]:
    """A pool names each availability domain once."""
    del world
    seen: set[str] = set()
    for at, domain in walk(resource.inputs, "nodeConfigDetails.placementConfigs[].availabilityDomain"):
        if isinstance(domain, str) and domain in seen:
            yield Refusal(INVALID, at, domain, "this availability domain is placed in already", "Remove one placement")
        if isinstance(domain, str):
            seen.add(domain)


def pod_network_fits(resource: Resource, world: World) -> Iterator[Refusal]:
    """A pool's pod network is its cluster's, and the native one has pod subnets."""
    path = "nodeConfigDetails.nodePoolPodNetworkOptionDetails"
    options, cluster = value_at(resource.inputs, path), _cluster(resource, world)
    if options is UNKNOWN:
        return
    plugin = options.get("cniType") if isinstance(options, dict) else None
    theirs = network_plugin(cluster) if cluster is not None else None
    if isinstance(plugin, str) and isinstance(theirs, str) and plugin != theirs:
        problem = f"the cluster's network plugin is {theirs}"
        yield Refusal(INVALID, f"{path}.cniType", plugin, problem, f"Write {theirs}")
    if (plugin or theirs) == NATIVE and not (isinstance(options, dict) and options.get("podSubnetIds")):
        yield Refusal(MISSING, f"{path}.podSubnetIds", None, f"{NATIVE} needs subnets for pods", "Give podSubnetIds")
    most = options.get("maxPodsPerNode") if isinstance(options, dict) else None
    if isinstance(most, int) and not PODS_PER_NODE[0] <= most <= PODS_PER_NODE[1]:
        yield Refusal(INVALID, f"{path}.maxPodsPerNode", most, "a node has 1 to 110 pods", "Correct the number")


def cycling_on_enhanced(resource: Resource, world: World) -> Iterator[Refusal]:
    """Cycling the nodes of a pool needs an enhanced cluster."""
    cluster = _cluster(resource, world)
    path = "nodePoolCyclingDetails.isNodeCyclingEnabled"
    if value_at(resource.inputs, path) is True and cluster is not None and cluster_type(cluster) == BASIC:
        problem = f"node cycling needs an enhanced cluster, and {cluster.get('name')} is a basic one"
        yield Refusal(INVALID, path, True, problem, f"Set the cluster's type to {ENHANCED}, or turn cycling off")


def grace_fits(resource: Resource, world: World) -> Iterator[Refusal]:
    """The grace time of an eviction is a duration of at most an hour."""
    del world
    path = "nodeEvictionNodePoolSettings.evictionGraceDuration"
    text = value_at(resource.inputs, path)
    if not isinstance(text, str):
        return
    found = _DURATION.fullmatch(text)
    if found is None or not any(found.groups()):
        yield Refusal(
            INVALID, path, text, "this is not an ISO 8601 duration of hours and minutes", "Write it like PT20M"
        )
        return
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    if hours * 60 + minutes + seconds / 60 > GRACE_MINUTES:
        yield Refusal(INVALID, path, text, f"the most is PT{GRACE_MINUTES}M", "Shorten it")


def labels_well_formed(resource: Resource, world: World) -> Iterator[Refusal]:
    """Initial labels are labels that Kubernetes takes, each key once."""
    del world
    seen: set[str] = set()
    labels = resource.inputs.get("initialNodeLabels")
    for index, label in enumerate(labels if isinstance(labels, list) else []):
        key = label.get("key") if isinstance(label, dict) else None
        value = label.get("value") if isinstance(label, dict) else None
        at = f"initialNodeLabels[{index}]"
        if isinstance(key, str):
            prefix, slash, name = key.rpartition("/")
            if not _LABEL_NAME.fullmatch(name) or (slash and not _LABEL_PREFIX.fullmatch(prefix)):
                yield Refusal(INVALID, f"{at}.key", key, "this is no label key", "Write it like app.pixel/turn")
            if key in seen:
                yield Refusal(INVALID, f"{at}.key", key, "this label is given already", "Keep one value")
            seen.add(key)
        if isinstance(value, str) and value and not _LABEL_NAME.fullmatch(value):
            problem = "a label's value has at most 63 letters, digits, dots, dashes and underscores"
            yield Refusal(INVALID, f"{at}.value", value, problem, "Shorten or clean it")
