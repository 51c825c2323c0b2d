"""The namespaces that the program makes, each with the Pod Security level that its pods really meet.

What bounds a namespace is made with it: NetworkPolicies, quota and default limits are there before its first pod.
"""

from dataclasses import dataclass
from enum import StrEnum

import pulumi

from components import manifests
from components.settings.apps import AppSettings
from components.settings.network import NetworkSettings
from components.settings.pools import PoolsSettings
from components.settings.redis import RedisMode
from components.settings.turn import TurnSettings
from components.workloads import (
    CERTIFICATES_NAMESPACE,
    DNS_NAMESPACE,
    INGRESS_NAMESPACE,
    INSTANCES_ACCOUNT,
    INSTANCES_NAMESPACE,
    KEDA_NAMESPACE,
    MONITORING_NAMESPACE,
    PLATFORM_NAMESPACE,
)
from components.workloads.addon_network_policies import addon_openings
from components.workloads.network_policies import Opening, openings, policies

_PODS_OF_A_NODE = 110
"""The kubelet's bound, and so that of instances that share a node by CPU alone."""


class Level(StrEnum):
    """The Pod Security Standards, from the strictest."""

    RESTRICTED = "restricted"
    BASELINE = "baseline"
    PRIVILEGED = "privileged"


@dataclass(frozen=True)
class Namespace:
    """One row: what a namespace admits, and why it cannot be stricter."""

    name: str
    level: Level
    reason: str
    """Which pod needs the level; of a restricted namespace, what it holds."""
    always: bool = False
    """Whether every stack has it; the others come with their add-on."""


NAMESPACES = (
    Namespace(
        PLATFORM_NAMESPACE,
        Level.PRIVILEGED,
        "coturn uses its node's network, so that a player's media is not translated once more",
        always=True,
    ),
    Namespace(INSTANCES_NAMESPACE, Level.RESTRICTED, "instances, which run a customer's binary", always=True),
    Namespace(INGRESS_NAMESPACE, Level.RESTRICTED, "Traefik, on unprivileged ports"),
    Namespace(CERTIFICATES_NAMESPACE, Level.RESTRICTED, "cert-manager"),
    Namespace(
        MONITORING_NAMESPACE,
        Level.PRIVILEGED,
        "node-exporter reads its node's files on its node's network, the DCGM exporter asks the driver as root",
    ),
    Namespace(KEDA_NAMESPACE, Level.RESTRICTED, "KEDA"),
    Namespace(DNS_NAMESPACE, Level.RESTRICTED, "external-dns"),
)


@dataclass
class NamespacesArgs:
    """What the namespaces are made from."""

    network: NetworkSettings
    apps: tuple[AppSettings, ...]
    pools: PoolsSettings
    redis: RedisMode
    turn: TurnSettings
    particular: tuple[Opening, ...] = ()
    """The rows of NetworkPolicies that only this stack needs: for its front, and for servers that it names."""
    controlled: bool = False
    """Whether the fleet controller keeps instances and placeholders."""
    addons: frozenset[str] = frozenset()
    """Which of the namespaces that come with an add-on are wanted, by name."""
    policies: bool = True
    """Whether they get NetworkPolicies."""


class Namespaces(pulumi.ComponentResource):
    """Where the platform runs, where instances do, and where the add-ons do."""

    def __init__(self, name: str, args: NamespacesArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:namespaces:Namespaces", name, None, opts)
        options = pulumi.ResourceOptions(parent=self)
        made = [
            manifests.KubernetesObject(document, options)
            for document in manifests.render("namespaces.yaml.j2", {"namespaces": rows(args.addons)})
        ]
        own = openings(
            args.network,
            args.apps,
            args.redis,
            args.turn,
            controlled=args.controlled,
            ingress=INGRESS_NAMESPACE in args.addons,
        )
        table = (*own, *args.particular, *addon_openings(args.network, args.addons))
        manifests.apply(
            "isolation.yaml.j2",
            {
                "instances_namespace": INSTANCES_NAMESPACE,
                "instances_account": INSTANCES_ACCOUNT,
                "policies": policies(table) if args.policies else [],
                "most_pods": most_pods(args.apps, args.pools, controlled=args.controlled),
            },
            parent=self,
            depends_on=made,
        )
        self.register_outputs({"platform": PLATFORM_NAMESPACE, "instances": INSTANCES_NAMESPACE})


def rows(addons: frozenset[str]) -> list[Namespace]:
    """The namespaces of a stack.

    Raises:
        ValueError: an add-on's namespace has no row, and so no level.
    """
    if unknown := addons - {each.name for each in NAMESPACES}:
        raise ValueError(f"no Pod Security level is decided for {', '.join(sorted(unknown))}: add a row to NAMESPACES")
    return [each for each in NAMESPACES if each.always or each.name in addons]


def most_pods(apps: tuple[AppSettings, ...], pools: PoolsSettings, *, controlled: bool) -> int:
    """How many pods there may be before something is wrong: a bound on mistakes, not a means of scheduling.

    Twice what the GPU pool can run, since ended sessions take their grace time while their successors start, and the
    buffers once more: they must be able to wait for a node, or the autoscaler would not add one. Each version has one
    pod more on each node, which holds its image. A controller keeps one placeholder for each slot and each TURN node.
    """
    slots = pools.gpu.max * (pools.slots or _PODS_OF_A_NODE)
    surge = 1
    held = pools.gpu.max if pools.prepull else 0
    buffers = sum((app.buffer.most_instances + surge + held) * len(app.versions) for app in apps)
    placeholders = slots + pools.turn.max if controlled else 0
    return 2 * slots + buffers + placeholders
