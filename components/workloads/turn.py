"""The TURN pool: coturn on every node of its own pool, on the nodes' network, with credentials of a day at most."""

import base64
import secrets
from dataclasses import dataclass

import pulumi

from components import manifests, ports
from components.node_pools import TURN_LABEL
from components.settings.apps import ImagesSettings
from components.settings.network import SERVICES_CIDR, NetworkSettings
from components.settings.pools import PoolSettings
from components.workloads import PLATFORM_NAMESPACE, TURN_REALM, TURN_SECRET, USER
from components.workloads.namespaces import Namespaces

_SECRET_BYTES = 32


@dataclass
class TurnArgs:
    """What the TURN pool is made from."""

    images: ImagesSettings
    network: NetworkSettings
    pool: PoolSettings
    namespaces: Namespaces
    nodes: pulumi.Resource


class Turn(pulumi.ComponentResource):
    """coturn as a DaemonSet, and the secret that it shares with the matchmaker."""

    secret: manifests.KubernetesObject

    def __init__(self, name: str, args: TurnArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:turn:Turn", name, None, opts)
        self.secret = self._secret(args.namespaces)
        manifests.apply(
            "turn.yaml.j2",
            {
                "namespace": PLATFORM_NAMESPACE,
                "images": args.images,
                "turn_label": TURN_LABEL,
                "secret": TURN_SECRET,
                "realm": TURN_REALM,
                "user": USER,
                "ports": {"turn": ports.TURN, "relay": ports.TURN_RELAY},
                "denied_peers": denied_peers(args.network),
                "limits": limits(args.pool),
            },
            parent=self,
            depends_on=[args.namespaces],
            rolls_out_after=[args.nodes, self.secret],
        )
        self.register_outputs({"secretName": TURN_SECRET})

    def _secret(self, namespaces: Namespaces) -> manifests.KubernetesObject:
        key = base64.b64encode(secrets.token_hex(_SECRET_BYTES).encode()).decode()
        return manifests.KubernetesObject(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": TURN_SECRET, "namespace": PLATFORM_NAMESPACE},
                "type": "Opaque",
                "data": pulumi.Output.secret({"secret": key}),
            },
            pulumi.ResourceOptions(
                parent=self,
                depends_on=[namespaces],
                additional_secret_outputs=["data"],
                # Each run draws a new key; only the first one counts, or every run would end the players' media.
                ignore_changes=["data"],
            ),
        )


def denied_peers(network: NetworkSettings) -> list[str]:
    """Networks that nobody has business with through a relay: not the workers', where the instances are.

    What is never anybody's peer, such as the metadata service, coturn's configuration denies by itself.
    """
    return [str(network.subnets.api), str(network.subnets.load_balancers), str(SERVICES_CIDR)]


def limits(pool: PoolSettings) -> dict[str, str]:
    """What coturn may take of a node that runs nothing else: all its cores (an OCPU is two) and half its memory."""
    cores = 2 * pool.ocpus if pool.ocpus else 2
    memory = max(pool.memory_gb // 2, 1) if pool.memory_gb else 1
    return {"cpu": str(cores), "memory": f"{memory}Gi"}
