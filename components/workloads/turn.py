"""The TURN pool: coturn on every node of its own pool, on the nodes' network, with credentials of a day at most."""

from dataclasses import dataclass
from typing import Any

import pulumi

from components import manifests, ports
from components.node_pools import TURN_LABEL
from components.secrets import SecretValue, kubernetes_secret
from components.settings import Settings
from components.settings.monitoring import turn_node_gbits
from components.settings.pools import PoolSettings
from components.workloads import (
    INSTANCES_NAMESPACE,
    PLATFORM_NAMESPACE,
    TURN_CERTIFICATE,
    TURN_REALM,
    TURN_SECRET,
    USER,
)
from components.workloads.ice_servers import ICE_SERVERS, ice_file
from components.workloads.namespaces import Namespaces

PEERS_USER = 10002
"""User of the one container that keeps a token, which coturn's user must not be able to read."""

_AFTER_DRAIN_SECONDS = 30
"""For what comes after a drain: coturn ends at once, and its companions after it."""


@dataclass
class TurnArgs:
    """What the TURN pool is made from."""

    its: Settings
    secret: SecretValue
    tls: bool
    """Whether it has a certificate, or will have one."""
    namespaces: Namespaces
    nodes: pulumi.Resource


class Turn(pulumi.ComponentResource):
    """coturn as a DaemonSet, the secret that it shares with the matchmaker, and those of TURN services elsewhere."""

    secret: manifests.KubernetesObject

    def __init__(self, name: str, args: TurnArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:turn:Turn", name, None, opts)
        self.secret = self._secret(args.secret, args.namespaces)
        elsewhere = ice_file(args.its.turn, args.its.apps)
        if elsewhere is not None:
            kubernetes_secret(
                ICE_SERVERS,
                PLATFORM_NAMESPACE,
                {f"{ICE_SERVERS}.json": elsewhere},
                parent=self,
                depends_on=[args.namespaces],
            )
        manifests.apply(
            "turn.yaml.j2",
            {
                "namespace": PLATFORM_NAMESPACE,
                "instances_namespace": INSTANCES_NAMESPACE,
                "images": args.its.images,
                "turn_label": TURN_LABEL,
                "secret": TURN_SECRET,
                "realm": TURN_REALM,
                "user": USER,
                "peers_user": PEERS_USER,
                "ports": {
                    "turn": ports.TURN,
                    "tls": ports.TURN_TLS,
                    "relay": ports.TURN_RELAY,
                    "metrics": ports.TURN_METRICS,
                    "control": ports.TURN_CONTROL,
                    "console": ports.TURN_CONSOLE,
                },
                "certificate": TURN_CERTIFICATE if args.tls else None,
                "turn": args.its.turn,
                "allowed_peers": [str(cidr) for cidr in args.its.turn.peers],
                "bandwidth_mbps": bandwidth_mbps(args.its),
                "limits": limits(args.its.pools.turn),
                **drain(args.its),
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


def drain(its: Settings) -> dict[str, Any]:
    """How long a pod waits for its players, and what follows for it, in seconds."""
    seconds = 60 * its.turn.drain_minutes_of(its.pools)
    return {"drain_seconds": seconds, "grace_seconds": seconds + _AFTER_DRAIN_SECONDS}


def bandwidth_mbps(its: Settings) -> int:
    """What one node can send in Mbit/s; 0 where nobody says so."""
    known = its.pools.turn.ocpus or its.monitoring.turn_node_gbits
    return 1000 * turn_node_gbits(its.monitoring, its.pools) if known else 0


def limits(pool: PoolSettings) -> dict[str, str]:
    """What coturn may take of a node that runs nothing else: all its cores (an OCPU is two) and half its memory."""
    cores = 2 * pool.ocpus if pool.ocpus else 2
    memory = max(pool.memory_gb // 2, 1) if pool.memory_gb else 1
    return {"cpu": str(cores), "memory": f"{memory}Gi"}
