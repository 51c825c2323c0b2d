"""Who may talk to whom in the cluster, as far as a stack decides it: the engine, and what applications may reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network

from components.settings.apps import AppSettings
from components.settings.network import PODS_CIDR, SERVICES_CIDR, NetworkSettings
from components.settings.reading import Reader, Refusals

LINK_LOCAL = IPv4Network("169.254.0.0/16")
"""Among them 169.254.169.254, where a node's metadata and its instance principal's key are."""


class Engine(StrEnum):
    """What makes nodes obey NetworkPolicies. OKE's flannel does not, and accepts them all the same."""

    NONE = "none"
    """The program installs none: somebody else has, such as Calico, or the policies are words."""
    KUBE_NETWORK_POLICIES = "kube-network-policies"
    """The Kubernetes project's own, beside whatever CNI there is."""


@dataclass(frozen=True)
class NetworkPoliciesSettings:
    """The `network_policies` key."""

    engine: Engine
    """What makes nodes obey."""
    policies: bool = True
    """Whether there are any. A cluster that obeys them, and has other networks than the file says, would do nothing."""


def read_network_policies(reader: Reader) -> NetworkPoliciesSettings:
    """Read the `network_policies` key; left out, policies are enforced."""
    settings = NetworkPoliciesSettings(
        engine=reader.choice("engine", Engine, Engine.KUBE_NETWORK_POLICIES),
        policies=reader.flag("policies") if reader.has("policies") else NetworkPoliciesSettings.policies,
    )
    if not settings.policies and settings.engine is not Engine.NONE:
        remedy = "Set network_policies.engine to none, or leave policies out"
        reader.refusals.add(reader.key("policies"), False, "an engine without policies to obey", remedy)
    reader.close()
    return settings


def closed_to_instances(network: NetworkSettings) -> tuple[tuple[IPv4Network, str], ...]:
    """Networks that no application's `egress` opens, and what is there."""
    return (
        (IPv4Network("127.0.0.0/8"), "loopback"),
        (LINK_LOCAL, "the metadata service"),
        (IPv4Network("224.0.0.0/3"), "multicast and reserved addresses"),
        (PODS_CIDR, "other pods"),
        (SERVICES_CIDR, "Services of the cluster"),
        (network.subnets.api, "the Kubernetes API"),
        (network.subnets.workers, "kubelets"),
        (network.subnets.turn, "the TURN pool"),
        (network.subnets.load_balancers, "the load balancers"),
    )


def check_egress(apps: Sequence[AppSettings], network: NetworkSettings, refusals: Refusals) -> None:
    """Refuse what an instance must not reach; of a wider network that part is left out without a word."""
    for i, app in enumerate(apps):
        for j, cidr in enumerate(app.egress):
            for closed, what in closed_to_instances(network):
                if cidr.subnet_of(closed):
                    refusals.add(
                        f"pixel:apps[{i}].egress[{j}]",
                        str(cidr),
                        f"within {closed}, {what}, which instances may not reach",
                        "Use addresses of the application's own servers, or leave it out",
                    )
                    break
