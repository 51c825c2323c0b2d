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
from components.settings.pools import PoolSettings, PoolsSettings

DEFAULT_LABEL = "app.pixel/default"
TURN_LABEL = "app.pixel/turn"
GPU_LABEL = "app.pixel/gpu"

TURN_TAINT = f"{TURN_LABEL}=true:NoSchedule"

_OKE_INIT = "http://169.254.169.254/opc/v2/instance/metadata/oke_init_script"
_EPHEMERAL_STORAGE_TAG = "cluster-autoscaler/node-ephemeral-storage"
"""How the autoscaler learns the disk of a pool's nodes; without it no empty pool fits a pod that asks for disk."""
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


def plan_pools(pools: PoolsSettings, *, autoscaler: bool) -> tuple[PoolPlan, ...]:
    """The pools of a stack: one default, one TURN, and one GPU pool for each availability domain.

    The autoscaler takes a pool's first availability domain for all of it, and GPUs are often out of capacity in one.
    OKE itself taints nodes with a GPU (nvidia.com/gpu:NoSchedule), and the autoscaler knows that, so no taint is given.
    """

    def plan(name: str, pool: PoolSettings, subnet: str, label: str, grace: str, *taints: str) -> PoolPlan:
        grows = autoscaler and pool.max > pool.min
        return PoolPlan(name, pool, subnet, pool.availability_domains, pool.min, pool.max, label, taints, grows, grace)

    gpu = plan("gpu", pools.gpu, "workers", GPU_LABEL, _SESSION_GRACE)
    return (
        plan("default", pools.default, "workers", DEFAULT_LABEL, _PLATFORM_GRACE),
        plan("turn", pools.turn, "turn", TURN_LABEL, _SESSION_GRACE, TURN_TAINT),
        *_per_domain(gpu),
    )


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


def cloud_init(taints: tuple[str, ...]) -> str:
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
            init,
            "",
        )
    )


def node_pool(plan: PoolPlan, kubernetes_version: str, subnet_id: pulumi.Input[str]) -> dict[str, Any]:
    """A planned pool in the provider's terms, all but the identifiers that only the stack knows.

    Shapes with a GPU get no shape configuration: with one, the autoscaler takes the nodes for nodes without a GPU.
    """
    pool = plan.settings
    metadata = {"user_data": base64.b64encode(cloud_init(plan.taints).encode()).decode()}
    if plan.taints:
        metadata["kubelet-extra-args"] = kubelet_arguments(plan.taints)
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
                {"availabilityDomain": domain, "subnetId": subnet_id} for domain in sorted(plan.availability_domains)
            ],
        },
        # A list to OCI, not a set: an unsorted one would change the pool.
        "initialNodeLabels": [{"key": key, "value": "true"} for key in sorted({plan.label})],
        "nodeMetadata": metadata,
        "nodeEvictionNodePoolSettings": {
            "evictionGraceDuration": plan.eviction_grace,
            "isForceDeleteAfterGraceDuration": True,
        },
    }
    if pool.flexible:
        inputs["nodeShapeConfig"] = {"ocpus": pool.ocpus, "memoryInGbs": pool.memory_gb}
    return inputs


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

    ids: dict[str, pulumi.Output[str]]
    """By the name of the pool."""

    def __init__(self, name: str, args: NodePoolsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:node_pools:NodePools", name, None, opts)
        subnets = {"workers": args.network.workers_subnet_id, "turn": args.network.turn_subnet_id}
        self.ids = {}
        for plan in args.plans:
            storage = {_EPHEMERAL_STORAGE_TAG: f"{plan.settings.boot_volume_gb - _SYSTEM_DISK_GB}Gi"}
            pool = OciResource(
                oci.NODE_POOL,
                f"{name}-{plan.name}",
                {
                    "clusterId": args.cluster_id,
                    "compartmentId": args.compartment,
                    "freeformTags": dict(args.tags) | storage,
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
