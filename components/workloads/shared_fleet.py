"""Scaling of fleets whose instances players share: as many as there are players for, by a horizontal autoscaler."""

from dataclasses import dataclass

import pulumi

from components import manifests
from components.addons.monitoring import PROMETHEUS
from components.settings.apps import AppSettings, Version
from components.workloads import INSTANCES_NAMESPACE
from components.workloads.fleet import Fleet


@dataclass
class SharedFleetScalingArgs:
    """What the scaling of a fleet is made from."""

    app: AppSettings
    version: Version
    fleet: Fleet
    scaler: pulumi.Resource
    """What brings the kind ScaledObject, and carries it out."""


class SharedFleetScaling(pulumi.ComponentResource):
    """Keeps a fleet at 0.90 players for each place on its instances, between the application's minimum and maximum."""

    def __init__(self, name: str, args: SharedFleetScalingArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:shared_fleet:SharedFleetScaling", name, None, opts)
        buffer = args.app.buffer
        manifests.apply(
            "shared_fleet.yaml.j2",
            {
                "fleet": args.app.fleet_name(args.version),
                "namespace": INSTANCES_NAMESPACE,
                "minimum": buffer.minimum,
                "maximum": buffer.maximum,
                "prometheus": PROMETHEUS,
                "query": f'player_stream_pool_ratio{{application="{args.app.name}"}}',
            },
            parent=self,
            depends_on=[args.fleet, args.scaler],
        )
        self.register_outputs({"fleet": args.app.fleet_name(args.version)})
