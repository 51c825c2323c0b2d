"""The OKE cluster."""

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network

from components.settings.network import NetworkSettings
from components.settings.reading import Reader, Refusals
from components.versions import KUBERNETES_MINORS

EVERYWHERE = IPv4Network("0.0.0.0/0")


class Endpoint(StrEnum):
    """Where the Kubernetes API listens."""

    PUBLIC = "public"
    PRIVATE = "private"


@dataclass(frozen=True)
class ClusterSettings:
    """The `cluster` key of a stack file."""

    name: str
    kubernetes_version: str
    """As OKE writes it, with a leading v and the patch level."""
    endpoint: Endpoint
    protect: bool
    """Whether Pulumi refuses to delete or replace the VCN, its subnets and the cluster."""
    autoscaler: bool
    """Whether the cluster autoscaler, rather than this program, sets the size of pools between min and max."""


def read_cluster(reader: Reader) -> ClusterSettings:
    """Read the `cluster` key."""
    settings = ClusterSettings(
        name=reader.text(
            "name",
            r"[a-z][a-z0-9-]{0,29}",
            'at most 30 lower-case letters, digits and hyphens, such as "pixel-staging"',
        ),
        kubernetes_version=reader.text(
            "kubernetes_version", r"v\d+\.\d+\.\d+", f'a full version such as "v{KUBERNETES_MINORS[-1]}.1"'
        ),
        endpoint=reader.choice("endpoint", Endpoint),
        protect=reader.flag("protect"),
        autoscaler=reader.flag("autoscaler"),
    )
    reader.close()
    return settings


def check_cluster(cluster: ClusterSettings, network: NetworkSettings, refusals: Refusals) -> None:
    """Check the version, and that a public endpoint is open to named networks only."""
    if cluster.kubernetes_version.removeprefix("v").rpartition(".")[0] not in KUBERNETES_MINORS:
        refusals.add(
            "pixel:cluster.kubernetes_version",
            cluster.kubernetes_version,
            "not a version that OKE offers",
            f"Use a patch level of {', '.join(KUBERNETES_MINORS)}",
        )
    key = "pixel:network.admin_cidrs"
    if cluster.endpoint is Endpoint.PUBLIC and not network.admin_cidrs:
        refusals.missing(
            key,
            "A public API endpoint that nobody may reach is of no use: list the networks of your people and CI, "
            "or set cluster.endpoint to private",
        )
    for i, admin in enumerate(network.admin_cidrs):
        if admin == EVERYWHERE:
            refusals.add(
                f"{key}[{i}]", str(admin), "the whole internet", "List the networks of your people and CI instead"
            )
