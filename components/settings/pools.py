"""The three node pools: default, TURN and GPU."""

from collections.abc import Iterator
from dataclasses import dataclass

from components.settings.cluster import ClusterSettings, given_away
from components.settings.gpu import (
    Sharing,
    check_gpu_shape,
    check_partitions,
    check_preemptible,
    profile_of,
    read_sharing,
    slots_per_gpu,
)
from components.settings.network import NetworkSettings, usable
from components.settings.reading import Reader, Refusals

DEFAULT_POOL_NODES = 3
"""The original's lower bound: what runs on this pool must survive the loss of a node and the upgrade of another."""

MEMORY_PER_OCPU_GB = (1, 64)
"""What Flex shapes accept, in GB for each OCPU."""

_REGION_OF_DOMAIN = {"us-ashburn-1": "US-ASHBURN", "us-phoenix-1": "PHX"}
_REGION_OF_OCID = {"us-ashburn-1": "iad", "us-phoenix-1": "phx"}
"""The two oldest regions go by other names in those of availability domains and in OCIDs."""


@dataclass(frozen=True)
class PoolSettings:
    """One key below `pools`."""

    shape: str
    """What Oracle calls the kind of machine. Only that of `gpu` has GPUs, with a video encoder."""
    ocpus: int | None
    """Cores of a node: for Flex shapes, and for no others."""
    memory_gb: int | None
    """Memory of a node: for Flex shapes, and for no others; 1 to 64 GB for each OCPU."""
    min: int
    """Nodes over all availability domains; the size while the autoscaler is off. `default` has 3 at least, `turn` 1."""
    max: int
    """Nodes at most, to which the autoscaler may grow the pool; the service limits of the tenancy have to allow it."""
    image_id: str
    """The node image, of the cluster's Kubernetes version. Pinned: Oracle publishes images each month, and a live
    look-up would change the pool each time. Left out where the cluster exists already."""
    boot_volume_gb: int
    """Of each node: the operating system and the images of two generations. Left out where the cluster exists
    already."""
    availability_domains: tuple[str, ...]
    """Where the nodes are. Left out where the cluster exists already."""

    @property
    def flexible(self) -> bool:
        """Whether the shape's OCPUs and memory are chosen."""
        return self.shape.endswith(".Flex")

    @property
    def has_gpu(self) -> bool:
        """Whether nodes of this shape carry GPUs."""
        return ".GPU" in self.shape

    @property
    def gpus(self) -> int:
        """GPUs of one node: the last figure of a GPU shape's name."""
        last = self.shape.rpartition(".")[2]
        return int(last) if self.has_gpu and last.isdigit() else 0


@dataclass(frozen=True)
class PoolsSettings:
    """The `pools` key of a stack file."""

    default: PoolSettings
    """For the platform: everything but coturn and instances."""
    turn: PoolSettings
    """For coturn: its nodes have public addresses."""
    gpu: PoolSettings
    """For instances."""
    sharing: Sharing
    """How instances share the GPUs of a node."""
    preemptible: bool
    """Whether GPU nodes are of capacity that OCI may take back within two minutes: half the price, for tests."""
    prepull: bool
    """Whether every GPU node fetches the image of every version before an instance needs it."""

    @property
    def slots(self) -> int | None:
        """Instances of one GPU node; nothing where CPU requests decide it."""
        per_gpu = slots_per_gpu(self.gpu.shape, self.sharing)
        return per_gpu * self.gpu.gpus if per_gpu and self.gpu.gpus else None

    def items(self) -> Iterator[tuple[str, PoolSettings]]:
        """Name and settings of each pool."""
        yield from (("default", self.default), ("turn", self.turn), ("gpu", self.gpu))


def domain_pattern(region: str) -> str:
    """What the names of a region's availability domains look like; the part before the colon is the tenancy's."""
    return rf"\w{{4}}:{_domain_stem(region) or '[A-Z0-9-]+'}-AD-[1-3]"


def _domain_stem(region: str) -> str:
    return _REGION_OF_DOMAIN.get(region, region.upper())


def read_pools(reader: Reader, region: str, *, existing: bool = False) -> PoolsSettings:
    """Read the `pools` key. Pools of an existing cluster are described, since limits and room follow from them."""
    default, turn, gpu = (reader.section(name) for name in ("default", "turn", "gpu"))
    settings = PoolsSettings(
        sharing=read_sharing(gpu.section("sharing", optional=True)),
        preemptible=gpu.flag("preemptible") if gpu.has("preemptible") else False,
        prepull=gpu.flag("prepull") if gpu.has("prepull") else True,
        default=_read_pool(default, region, 50, existing),
        turn=_read_pool(turn, region, 50, existing),
        # Packaged Unreal applications are images of 5 to 20 GB, and two versions stand side by side during a roll-out.
        gpu=_read_pool(gpu, region, 200, existing),
    )
    reader.close()
    return settings


def _read_pool(reader: Reader, region: str, boot_volume_gb: int, existing: bool) -> PoolSettings:
    if existing:
        given_away(reader, ("image_id", "boot_volume_gb", "availability_domains"))
    flexible = str(reader.values.get("shape")).endswith(".Flex")
    settings = PoolSettings(
        shape=reader.text(
            "shape", r"(VM|BM)\.[A-Za-z0-9.-]+", 'a shape such as "VM.Standard.E4.Flex" or "VM.GPU.A10.1"'
        ),
        ocpus=reader.whole("ocpus", 1, 114) if flexible or reader.has("ocpus") else None,
        memory_gb=reader.whole("memory_gb", 1, 1760) if flexible or reader.has("memory_gb") else None,
        min=reader.whole("min", 0, 1000),
        max=reader.whole("max", 1, 1000),
        image_id=""
        if existing
        else reader.text(
            "image_id",
            rf"ocid1\.image\.oc\d+\.{_REGION_OF_OCID.get(region, region) or '[a-z0-9-]+'}\.\w+",
            f"the OCID of an OKE image in {region}, from `oci ce node-pool-options get --node-pool-option-id all`",
        ),
        boot_volume_gb=reader.whole("boot_volume_gb", 50, 32768, boot_volume_gb),
        availability_domains=()
        if existing
        else reader.texts(
            "availability_domains",
            domain_pattern(region),
            f'the full name of an availability domain of {region}, such as "Uocm:{_domain_stem(region)}-AD-1"',
        ),
    )
    reader.close()
    return settings


def check_pools(
    pools: PoolsSettings,
    cluster: ClusterSettings,
    network: NetworkSettings,
    refusals: Refusals,
    *,
    other_turn: bool = False,
    cache_nodes: int = 0,
) -> None:
    """Check shapes, sizes, and that the subnets hold every node; with `other_turn` players have TURN elsewhere.

    The nodes of OCI Cache are among the workers.
    """
    for name, pool in pools.items():
        prefix = f"pixel:pools.{name}."
        _check_shape(pool, prefix, name == "gpu", refusals)
        if pool.min > pool.max:
            refusals.add(f"{prefix}min", pool.min, f"above max, {pool.max}", "Lower min or raise max")
        if len(set(pool.availability_domains)) < len(pool.availability_domains):
            refusals.add(
                f"{prefix}availability_domains", pool.availability_domains, "naming one twice", "Name each one once"
            )
    check_partitions(pools.gpu.shape, pools.sharing, refusals)
    check_preemptible(pools.gpu.shape, pools.preemptible, refusals)
    _check_sizes(pools, cluster, refusals)
    if pools.turn.min < 1 and not other_turn:
        remedy = "Use at least 1, or name another TURN service in turn.external"
        refusals.add("pixel:pools.turn.min", pools.turn.min, "no TURN node, so no media", remedy)
    for subnet, nodes, caches, key in (
        (network.subnets.workers, pools.default.max + pools.gpu.max, cache_nodes, "workers"),
        (network.subnets.turn, pools.turn.max, 0, "turn"),
    ):
        if nodes + caches > usable(subnet):
            beside = f" and the {caches} of OCI Cache" if caches else ""
            refusals.add(
                f"pixel:network.subnets.{key}",
                str(subnet),
                f"too small for the {nodes} nodes of its pools{beside} (it holds {usable(subnet)})",
                "Use a larger subnet, or lower max of the pools in it",
            )


def _check_shape(pool: PoolSettings, prefix: str, wants_gpu: bool, refusals: Refusals) -> None:
    key = f"{prefix}shape"
    if wants_gpu and not pool.has_gpu:
        refusals.add(key, pool.shape, "a shape without a GPU", 'Use a GPU shape such as "VM.GPU.A10.1"')
    elif wants_gpu:
        check_gpu_shape(pool.shape, refusals)
    elif pool.has_gpu and not wants_gpu:
        refusals.add(
            key, pool.shape, "a GPU shape", 'Use a shape such as "VM.Standard.E4.Flex"; only pools.gpu has GPUs'
        )
    if not pool.flexible:
        for name, value in (("ocpus", pool.ocpus), ("memory_gb", pool.memory_gb)):
            if value is not None:
                refusals.add(
                    prefix + name,
                    value,
                    f"set for {pool.shape}, which is not a Flex shape",
                    "Leave the key out: the shape fixes it",
                )
    elif pool.ocpus and pool.memory_gb:
        low, high = (bound * pool.ocpus for bound in MEMORY_PER_OCPU_GB)
        if not low <= pool.memory_gb <= high:
            refusals.add(
                f"{prefix}memory_gb",
                pool.memory_gb,
                f"not what {pool.ocpus} OCPUs can have",
                f"Use {low} to {high}, {MEMORY_PER_OCPU_GB[0]} to {MEMORY_PER_OCPU_GB[1]} GB for each OCPU",
            )


def _check_sizes(pools: PoolsSettings, cluster: ClusterSettings, refusals: Refusals) -> None:
    if pools.default.min < DEFAULT_POOL_NODES:
        refusals.add(
            "pixel:pools.default.min",
            pools.default.min,
            "too few for the platform to outlive one node during an upgrade",
            f"Use at least {DEFAULT_POOL_NODES}",
        )
    if pools.gpu.min < 1 and not cluster.autoscaler and not cluster.existing:
        refusals.add(
            "pixel:pools.gpu.min",
            pools.gpu.min,
            "no GPU node, and with cluster.autoscaler off none will ever start",
            "Use at least 1, or set cluster.autoscaler to true",
        )
    domains = len(pools.gpu.availability_domains)
    if profile_of(pools.gpu.shape, pools.sharing) and cluster.autoscaler and pools.gpu.min < domains:
        refusals.add(
            "pixel:pools.gpu.min",
            pools.gpu.min,
            "an availability domain with no node, and the autoscaler does not know the partitions of nodes yet to come",
            f"Use at least {domains}, one for each domain, or another sharing.mode",
        )
