"""The engine that makes every node obey NetworkPolicies.

OKE's flannel routes and enforces nothing. Oracle's documentation names Calico, whose manifests take over the nodes' CNI
settings and have to be fitted to each version of flannel; this engine leaves them alone. It looks at the first packet
of each connection, in user space, beside any CNI.
"""

from dataclasses import dataclass

import pulumi

from components import manifests, mirrors
from components.settings.mirrors import MirrorsSettings
from components.versions import NETWORK_POLICY_ENGINE


@dataclass
class NetworkPolicyEngineArgs:
    """What the engine is made from."""

    mirrors: MirrorsSettings
    nodes: pulumi.Resource


class NetworkPolicyEngine(pulumi.ComponentResource):
    """One pod on every node, TURN and GPU nodes too."""

    def __init__(self, name: str, args: NetworkPolicyEngineArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:addons:NetworkPolicyEngine", name, None, opts)
        image = mirrors.image(NETWORK_POLICY_ENGINE, args.mirrors)
        manifests.apply(
            "network_policy_engine.yaml.j2",
            {"image": image},
            parent=self,
            rolls_out_after=[args.nodes],
        )
        self.register_outputs({"image": image})
