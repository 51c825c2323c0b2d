"""Who hands out GPUs: OKE's NVIDIA GPU plugin, told how instances share them.

It is on every OKE cluster from the start and made for OKE's GPU images and container runtime, and Oracle documents
time-slicing with it; so it is told what to do. The chart `nvidia-device-plugin` would be a second one beside it, to be
kept apart by a label on every node, and upgraded by us.
https://docs.oracle.com/iaas/Content/ContEng/Tasks/contengsharinggpusonworkernodes.htm
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import yaml

from components import manifests
from components.addons.autoscaling import SYSTEM_NAMESPACE, addon
from components.node_pools import GPU_LABEL, gpu_tolerations
from components.settings.gpu import GPU_RESOURCE, Sharing, SharingMode
from components.settings.pools import PoolsSettings

CONFIGURATION = "nvidia-device-plugin-config"
"""The name under which OKE's plugin looks for its configuration, in kube-system."""


@dataclass
class GpuPluginArgs:
    """What the plugin's configuration is made from."""

    cluster_id: pulumi.Input[str]
    pools: PoolsSettings


class GpuPlugin(pulumi.ComponentResource):
    """The NvidiaGpuPlugin add-on, configured for the GPU pool's sharing mode.

    In the mode `cpu` nobody asks for GPUs, and the add-on is left as it came.
    """

    def __init__(self, name: str, args: GpuPluginArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:addons:GpuPlugin", name, None, opts)
        sharing = args.pools.sharing
        configuration = manifests.KubernetesObject(config_map(sharing), pulumi.ResourceOptions(parent=self))
        addon(
            "NvidiaGpuPlugin",
            args.cluster_id,
            plugin_arguments(args.pools),
            pulumi.ResourceOptions(parent=self, depends_on=[configuration]),
        )
        self.register_outputs({"mode": sharing.mode.value})


def plugin_arguments(pools: PoolsSettings) -> Mapping[str, str]:
    """Arguments of the add-on, all texts.

    https://docs.oracle.com/iaas/Content/ContEng/Tasks/configuration-arguments-nvidia-gpu-plugin.htm
    """
    return {
        "useConfigFile": "true",
        "migStrategy": _mig_strategy(pools.sharing),
        # By the variable that NVIDIA's runtime reads, which is how OKE's images are set up.
        "deviceListStrategy": "envvar",
        "nodeSelectors": json.dumps({GPU_LABEL: "true"}),
        "tolerations": json.dumps(gpu_tolerations(pools.preemptible)),
        "nvidia-gpu-device-plugin.ContainerResources": json.dumps(
            {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}}
        ),
    }


def plugin_configuration(sharing: Sharing) -> dict[str, Any]:
    """The device plugin's own configuration file: https://github.com/NVIDIA/k8s-device-plugin#as-a-configuration-file"""
    flags: dict[str, Any] = {"migStrategy": _mig_strategy(sharing), "failOnInitError": True}
    configuration: dict[str, Any] = {"version": "v1", "flags": flags}
    if sharing.mode is SharingMode.TIME_SLICING:
        configuration["sharing"] = {
            "timeSlicing": {
                # Two slots are not twice the GPU, so asking for two is a mistake.
                "failRequestsGreaterThanOne": True,
                "renameByDefault": False,
                "resources": [{"name": GPU_RESOURCE, "replicas": sharing.slots}],
            }
        }
    return configuration


def config_map(sharing: Sharing) -> dict[str, Any]:
    """The configuration where the add-on looks for it, one for all nodes."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIGURATION, "namespace": SYSTEM_NAMESPACE},
        # Oracle's text does not say which key: a plugin that reads a file takes the one, NVIDIA's manager of named
        # configurations the other.
        "data": dict.fromkeys(("config.yaml", "default"), yaml.safe_dump(plugin_configuration(sharing))),
    }


def _mig_strategy(sharing: Sharing) -> str:
    return "mixed" if sharing.mode is SharingMode.MIG else "none"
