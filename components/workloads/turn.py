"""The TURN pool: coturn on every node of its own pool, on the nodes' network, with credentials of a day at most."""

from dataclasses import dataclass

import pulumi

from components import manifests, ports
from components.node_pools import TURN_LABEL
from components.secrets import SecretValue, kubernetes_secret
from components.settings.apps import ImagesSettings
from components.settings.network import SERVICES_CIDR, NetworkSettings
from components.settings.pools import PoolSettings
from components.workloads import PLATFORM_NAMESPACE, TURN_CERTIFICATE, TURN_REALM, TURN_SECRET, USER
from components.workloads.namespaces import Namespaces


@dataclass
class TurnArgs:
    """What the TURN pool is made from."""

    images: ImagesSettings
    network: NetworkSettings
    pool: PoolSettings
    secret: SecretValue
    tls: bool
    """Whether it has a certificate, or will have one."""
    namespaces: Namespaces
    nodes: pulumi.Resource


class Turn(pulumi.ComponentResource):
    """coturn as a DaemonSet, and the secret that it shares with the matchmaker."""

    secret: manifests.KubernetesObject

    def __init__(self, name: str, args: TurnArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:turn:Turn", name, None, opts)
        self.secret = self._secret(args.secret, args.namespaces)
        manifests.apply(
            "turn.yaml.j2",
            {
                "namespace": PLATFORM_NAMESPACE,
                "images": args.images,
                "turn_label": TURN_LABEL,
                "secret": TURN_SECRET,
                "realm": TURN_REALM,
                "user": USER,
                "ports": {"turn": ports.TURN, "tls": ports.TURN_TLS, "relay": ports.TURN_RELAY},
                "certificate": TURN_CERTIFICATE if args.tls else None,
                "denied_peers": denied_peers(args.network),
                "limits": limits(args.pool),
            },
            parent=self,
            depends_on=[args.namespaces],
            rolls_out_after=[args.nodes, self.secret],
        )
        self.register_outputs({"secretName": TURN_SECRET})

    def _secret(self, value: SecretValue, namespaces: Namespaces) -> manifests.KubernetesObject:
        previous = {} if value.previous is None else {"previous": value.previous}
        return kubernetes_secret(
            TURN_SECRET,
            PLATFORM_NAMESPACE,
            {"secret": value.current, **previous},
            parent=self,
            depends_on=[namespaces],
            drawn=value.drawn,
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
