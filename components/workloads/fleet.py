"""One fleet: the instances of one version of one application."""

from dataclasses import dataclass

import pulumi

from components import manifests, ports
from components.node_pools import GPU_LABEL, gpu_tolerations
from components.settings.apps import AppSettings, ImagesSettings, Version
from components.settings.pools import PoolsSettings
from components.settings.turn import TurnSettings, stun_urls
from components.workloads import (
    CPU_EXPORTER_USER,
    INSTANCES_ACCOUNT,
    INSTANCES_NAMESPACE,
    SIDECAR_USER,
    TICKET_KEYS,
    USER,
)
from components.workloads.namespaces import Namespaces

_DEADLINE_MINUTES = 30


@dataclass
class FleetArgs:
    """What a fleet is made from."""

    app: AppSettings
    version: Version
    images: ImagesSettings
    pools: PoolsSettings
    turn: TurnSettings
    tickets: pulumi.Resource
    """The ConfigMap with what the sidecars prove tickets by."""
    namespaces: Namespaces
    nodes: pulumi.Resource
    controller: pulumi.Resource | None
    """What sets the number of its instances; None where the program does."""


class Fleet(pulumi.ComponentResource):
    """A Deployment that keeps the instance buffer and carries its weight; claimed instances leave it.

    How many that are the fleet controller says, or the horizontal autoscaler; where there is neither, the stack file.
    """

    deployment: pulumi.Output[str]

    def __init__(self, name: str, args: FleetArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:fleet:Fleet", name, None, opts)
        fleet_name = args.app.fleet_name(args.version)
        manifests.apply(
            "fleet.yaml.j2",
            {
                "name": fleet_name,
                "namespace": INSTANCES_NAMESPACE,
                "app": args.app,
                "version": args.version,
                "replicas": None if args.controller or args.app.shared else args.app.buffer.instances,
                "images": args.images,
                "gpu": args.pools.sharing.resource,
                "tolerations": gpu_tolerations(args.pools.preemptible),
                "gpu_label": GPU_LABEL,
                "account": INSTANCES_ACCOUNT,
                "user": USER,
                "exporter_user": CPU_EXPORTER_USER,
                "sidecar_user": SIDECAR_USER,
                "ticket_keys": TICKET_KEYS,
                "stun_urls": stun_urls(args.turn, args.app),
                "deadline_seconds": 60 * _DEADLINE_MINUTES,
                "ports": {
                    "sidecar_streamer": ports.SIDECAR_STREAMER,
                    "players": ports.PLAYERS,
                    "observation": ports.OBSERVATION,
                    "cpu_exporter": ports.CPU_EXPORTER,
                },
            },
            parent=self,
            depends_on=[args.namespaces],
            # Without a number Kubernetes begins with one instance; a controller that is there corrects it at once.
            rolls_out_after=[args.nodes, args.tickets, *([args.controller] if args.controller else [])],
            rollout_timeout=f"{_DEADLINE_MINUTES}m",
        )
        self.deployment = pulumi.Output.from_input(fleet_name)
        self.register_outputs({"deployment": self.deployment})
