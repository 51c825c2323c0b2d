"""The image of one version on every GPU node before an instance needs it: an Unreal image of 20 GB takes minutes."""

from dataclasses import dataclass

import pulumi

from components import manifests
from components.node_pools import GPU_LABEL, gpu_tolerations
from components.settings.apps import AppSettings, ImagesSettings, Version
from components.settings.pools import PoolsSettings
from components.workloads import INSTANCES_ACCOUNT, INSTANCES_NAMESPACE, USER
from components.workloads.namespaces import Namespaces


@dataclass
class PrepullArgs:
    """What the pre-pull of a version is made from."""

    app: AppSettings
    version: Version
    images: ImagesSettings
    pools: PoolsSettings
    namespaces: Namespaces
    nodes: pulumi.Resource


class Prepull(pulumi.ComponentResource):
    """A DaemonSet that fetches and holds an image, and goes with its version.

    Nobody waits for it: instances fetch their images themselves, only later.
    """

    def __init__(self, name: str, args: PrepullArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:prepull:Prepull", name, None, opts)
        manifests.apply(
            "prepull.yaml.j2",
            {
                "name": f"prepull-{args.app.fleet_name(args.version)}",
                "namespace": INSTANCES_NAMESPACE,
                "account": INSTANCES_ACCOUNT,
                "image": f"{args.app.image}:{args.version.tag}",
                "images": args.images,
                "gpu_label": GPU_LABEL,
                "tolerations": gpu_tolerations(args.pools.preemptible),
                "user": USER,
            },
            parent=self,
            depends_on=[args.namespaces],
            rolls_out_after=[args.nodes],
        )
        self.register_outputs({"image": f"{args.app.image}:{args.version.tag}"})
