"""The node pools: a pure plan of what each is, and the component that makes it so.

OKE's managed pools have no field for taints. They are registered by the kubelet when a node boots, and are named in two
places: in cloud-init, which starts the kubelet, and in the pool's metadata, the only place where the cluster autoscaler
looks for the taints of an empty pool.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pulumi

from components import oci
from components.network import Network
from components.oci import OciResource
from components.settings.gpu import MigProfile, profile_of
from components.settings.pools import PoolSettings, PoolsSettings

DEFAULT_LABEL = "app.pixel/default"
TURN_LABEL = "app.pixel/turn"
GPU_LABEL = "app.pixel/gpu"

TURN_TAINT = f"{TURN_LABEL}=true:NoSchedule"

KIND_LABEL = "app.pixel/node-pool"
"""Default, TURN or GPU: by it alone the autoscaler tells which pools are alike. OKE's own labels differ by node."""

GPU_TAINT_KEY = "nvidia.com/gpu"
"""OKE gives it to every node with a GPU."""
PREEMPTIBLE_TAINT_KEY = "oci.oraclecloud.com/oke-is-preemptible"
"""OKE gives it to every node of preemptible capacity.

https://docs.oracle.com/iaas/Content/ContEng/Tasks/contengusingpreemptiblecapacity.htm
"""

_OKE_INIT = "http://169.254.169.254/opc/v2/instance/metadata/oke_init_script"
_EPHEMERAL_STORAGE_TAG = "cluster-autoscaler/node-ephemeral-storage"
"""How the autoscaler learns the disk of a pool's nodes; without it no empty pool fits a pod that asks for disk."""
_GPUS_TAG = "cluster-autoscaler/node-template/resources/gpu"
"""How autoscalers since 2026 learn what an empty pool's nodes offer, where that is not a GPU for each GPU.

The resource is named in the value, so that the tag's key holds no dots. Older ones do not read it: from an empty pool
they start a node for each slot, and take the ones too many away again.
"""
_SYSTEM_DISK_GB = 20
"""What the operating system, the kubelet and its reserve keep of a boot volume."""

_SESSION_GRACE = "PT60M"
"""The longest time that OKE waits for a drained node's pods: sessions end by themselves before it."""
_PLATFORM_GRACE = "PT20M"


@dataclass(frozen=True)
class PoolPlan:
    """One OKE node pool."""

    name: str
    settings: PoolSettings
    subnet: str
    """`workers` or `turn`."""
    availability_domains: tuple[str, ...]
    min: int
    max: int
    label: str
    taints: tuple[str, ...]
    autoscaled: bool
    eviction_grace: str
    """ISO 8601 duration."""
    preemptible: bool = False
    partition: MigProfile | None = None
    """How each GPU is cut when a node boots."""
    offers: str = ""
    """What a node offers to the scheduler in place of whole GPUs, as `resource=quantity`."""

    @property
    def kind(self) -> str:
        """`default`, `turn` or `gpu`."""
        return self.label.rpartition("/")[2]


def gpu_tolerations(preemptible: bool) -> list[dict[str, str]]:
    """What a pod must tolerate to run on GPU nodes."""
    keys = [GPU_TAINT_KEY, *([PREEMPTIBLE_TAINT_KEY] if preemptible else [])]
    return [{"key": key, "operator": "Exists"} for key in keys]


def plan_pools(pools: PoolsSettings, *, autoscaler: bool) -> tuple[PoolPlan, ...]:
    """The pools of a stack: one default, one TURN, and one GPU pool for each availability domain.

    Oracle asks for one pool that the autoscaler does not manage, for what must never be moved. That is the default pool
    at its smallest size; what it may grow by is in pools of its own, from zero.
    https://docs.oracle.com/iaas/Content/ContEng/Tasks/contengusingclusterautoscaler.htm
    The autoscaler takes a pool's first availability domain for all of it, so pools from zero have one domain each; GPUs
    are often out of capacity in one, too.
    OKE itself taints nodes with a GPU (nvidia.com/gpu:NoSchedule), and the autoscaler knows that, so no taint is given.
    """

    def plan(name: str, pool: PoolSettings, subnet: str, label: str, grace: str, *taints: str) -> PoolPlan:
        grows = autoscaler and pool.max > pool.min
        return PoolPlan(name, pool, subnet, pool.availability_domains, pool.min, pool.max, label, taints, grows, grace)

    default = plan("default", pools.default, "workers", DEFAULT_LABEL, _PLATFORM_GRACE)
    growth = replace(default, name="default-more", min=0, max=default.max - default.min)
    gpu = replace(
        plan("gpu", pools.gpu, "workers", GPU_LABEL, _SESSION_GRACE),
        preemptible=pools.preemptible,
        partition=profile_of(pools.gpu.shape, pools.sharing),
        offers=_offers(pools),
    )
    return (
        replace(default, max=default.min, autoscaled=False) if default.autoscaled else default,
        *(_per_domain(growth) if growth.autoscaled else ()),
        plan("turn", pools.turn, "turn", TURN_LABEL, _SESSION_GRACE, TURN_TAINT),
        *_per_domain(gpu),
    )


def _offers(pools: PoolsSettings) -> str:
    if pools.sharing.resource is None or pools.slots in (None, pools.gpu.gpus):
        return ""
    return f"{pools.sharing.resource}={pools.slots}"


def _per_domain(plan: PoolPlan) -> list[PoolPlan]:
    domains = plan.availability_domains
    sizes = zip(spread(plan.min, len(domains)), spread(plan.max, len(domains)), domains, strict=True)
    return [
        replace(
            plan,
            name=f"{plan.name}-ad-{domain.rpartition('-AD-')[2]}",
            availability_domains=(domain,),
            min=low,
            max=high,
            autoscaled=plan.autoscaled and high > low,
        )
        for low, high, domain in sizes
        if high > 0
    ]


def spread(total: int, parts: int) -> list[int]:
    """A number of nodes over availability domains as evenly as can be, the first ones taking the rest."""
    share, rest = divmod(total, parts)
    return [share + (i < rest) for i in range(parts)]


def kubelet_arguments(taints: tuple[str, ...]) -> str:
    """The kubelet's arguments that register taints; empty if there are none."""
    return f"--register-with-taints={','.join(sorted(taints))}" if taints else ""


def cloud_init(taints: tuple[str, ...], partition: MigProfile | None = None) -> str:
    """The script of a node's first boot.

    It takes the place of OKE's own, so it must fetch and call oke-init, or the node never joins. oci-growfs gives the
    root file system the whole boot volume, of which images leave all but 36 GB unused.
    https://docs.oracle.com/iaas/Content/ContEng/Tasks/contengusingcustomcloudinitscripts.htm
    """
    arguments = kubelet_arguments(taints)
    init = "bash /var/run/oke-init.sh" + (f' --kubelet-extra-args "{arguments}"' if arguments else "")
    return "\n".join(
        (
            "#!/bin/bash",
            "set -o errexit -o pipefail",
            f"curl --fail --retry 10 --header 'Authorization: Bearer Oracle' --location {_OKE_INIT} \\",
            "  | base64 --decode > /var/run/oke-init.sh",
            # A node with a small disk is worth more than none.
            "/usr/libexec/oci-growfs -y || echo 'the root file system keeps its size' >&2",
            *(_partitioning(partition) if partition else ()),
            init,
            "",
        )
    )


def _partitioning(profile: MigProfile) -> tuple[str, ...]:
    """Cut every GPU into partitions now, and at each boot before the kubelet starts: they do not outlast a restart.

    A node whose GPUs cannot be cut does not join: it would cost as much and run nothing.
    https://docs.nvidia.com/datacenter/tesla/mig-user-guide/getting-started-with-mig.html
    """
    parts = ",".join([profile.name] * profile.per_gpu)
    return (
        "cat > /etc/systemd/system/pixel-gpu-partitions.service <<'UNIT'",
        "[Unit]",
        "Description=Partition the GPUs, one part for each instance",
        "Before=kubelet.service",
        "[Service]",
        "Type=oneshot",
        "RemainAfterExit=yes",
        "ExecStart=/usr/bin/nvidia-smi --multi-instance-gpu=1",
        "ExecStart=-/usr/bin/nvidia-smi mig --destroy-compute-instance",
        "ExecStart=-/usr/bin/nvidia-smi mig --destroy-gpu-instance",
        f"ExecStart=/usr/bin/nvidia-smi mig --create-gpu-instance {parts} --default-compute-instance",
        "[Install]",
        "WantedBy=multi-user.target",
        "UNIT",
        "systemctl daemon-reload",
        "systemctl enable --now pixel-gpu-partitions.service",
    )


def node_pool(plan: PoolPlan, kubernetes_version: str, subnet_id: pulumi.Input[str]) -> dict[str, Any]:
    """A planned pool in the provider's terms, all but the identifiers that only the stack knows.

    Shapes with a GPU get no shape configuration: with one, the autoscaler takes the nodes for nodes without a GPU.
    """
    pool = plan.settings
    metadata = {"user_data": base64.b64encode(cloud_init(plan.taints, plan.partition).encode()).decode()}
    if plan.taints:
        metadata["kubelet-extra-args"] = kubelet_arguments(plan.taints)
    # Nothing on a boot volume is worth keeping.
    reclaimed = {"preemptionAction": {"type": "TERMINATE", "isPreserveBootVolume": False}}
    capacity = {"preemptibleNodeConfig": reclaimed} if plan.preemptible else {}
    labels = {plan.label: "true"} | ({KIND_LABEL: plan.kind} if plan.autoscaled else {})
    inputs: dict[str, Any] = {
        "name": plan.name,
        "kubernetesVersion": kubernetes_version,
        "nodeShape": pool.shape,
        "nodeSourceDetails": {
            "sourceType": "IMAGE",
            "imageId": pool.image_id,
            "bootVolumeSizeInGbs": str(pool.boot_volume_gb),
        },
        "nodeConfigDetails": {
            "size": plan.min,
            "placementConfigs": [
                {"availabilityDomain": domain, "subnetId": subnet_id, **capacity}
                for domain in sorted(plan.availability_domains)
            ],
        },
        # A list to OCI, not a set: an unsorted one would change the pool.
        "initialNodeLabels": [{"key": key, "value": labels[key]} for key in sorted(labels)],
        "nodeMetadata": metadata,
        "nodeEvictionNodePoolSettings": {
            "evictionGraceDuration": plan.eviction_grace,
            "isForceDeleteAfterGraceDuration": True,
        },
    }
    if pool.flexible:
        inputs["nodeShapeConfig"] = {"ocpus": pool.ocpus, "memoryInGbs": pool.memory_gb}
    return inputs


def template_tags(plan: PoolPlan) -> dict[str, str]:
    """What the autoscaler is told of nodes that a pool does not have yet."""
    storage = {_EPHEMERAL_STORAGE_TAG: f"{plan.settings.boot_volume_gb - _SYSTEM_DISK_GB}Gi"}
    return storage | ({_GPUS_TAG: plan.offers} if plan.offers else {})


@dataclass
class NodePoolsArgs:
    """What the pools are made from."""

    compartment: str
    cluster_id: pulumi.Output[str]
    kubernetes_version: str
    network: Network
    plans: tuple[PoolPlan, ...]
    tags: Mapping[str, str]


class NodePools(pulumi.ComponentResource):
    """Every node pool of the cluster.

    Node cycling stays off: it would end sessions. A new image or version reaches GPU and TURN nodes by a new pool.
    """

    plans: tuple[PoolPlan, ...]
    ids: dict[str, pulumi.Output[str]]
    """By the name of the pool."""

    def __init__(self, name: str, args: NodePoolsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:node_pools:NodePools", name, None, opts)
        subnets = {"workers": args.network.workers_subnet_id, "turn": args.network.turn_subnet_id}
        self.plans = args.plans
        self.ids = {}
        for plan in args.plans:
            pool = OciResource(
                oci.NODE_POOL,
                f"{name}-{plan.name}",
                {
                    "clusterId": args.cluster_id,
                    "compartmentId": args.compartment,
                    "freeformTags": dict(args.tags) | template_tags(plan),
                    **node_pool(plan, args.kubernetes_version, subnets[plan.subnet]),
                },
                pulumi.ResourceOptions(
                    parent=self,
                    # The autoscaler owns the size; setting it back would end sessions.
                    ignore_changes=["nodeConfigDetails.size"] if plan.autoscaled else None,
                ),
            )
            self.ids[plan.name] = pool.id
        self.register_outputs({"ids": self.ids})
