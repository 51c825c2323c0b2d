"""The OKE cluster."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network

import yaml

from components.settings.network import NetworkSettings
from components.settings.reading import Reader, Refusals
from components.versions import KUBERNETES_MINORS

EVERYWHERE = IPv4Network("0.0.0.0/0")


class Endpoint(StrEnum):
    """Where the Kubernetes API listens."""

    PUBLIC = "public"
    """It has a public address, which the networks in `network.admin_cidrs` may reach."""
    PRIVATE = "private"
    """It is reached from within the VCN, or by whatever is joined to it."""


@dataclass(frozen=True)
class ExistingCluster:
    """A cluster that is there already: nothing of it, its network or its nodes is made. One of the two is set."""

    id: str | None
    """OCID of an OKE cluster, whose kubeconfig comes from OCI. Either this or `kubeconfig`."""
    kubeconfig: str | None = field(repr=False)
    """Content of the kubeconfig of any other cluster, as a secret. Either this or `id`."""


@dataclass(frozen=True)
class ClusterSettings:
    """The `cluster` key of a stack file."""

    name: str
    """Of the cluster; what else OCI shows of the stack begins with it. Another one later makes nothing anew, but with
    `dns` the records made before are kept up no more: they belong to whom the old name says."""
    existing: ExistingCluster | None
    kubernetes_version: str
    """As OKE writes it, with a leading v and the patch level; left out where the cluster exists already."""
    endpoint: Endpoint
    """Where the Kubernetes API listens, decided once: OCI makes no subnet private or public later. Left out with
    `existing.kubeconfig`."""
    protect: bool
    """Whether Pulumi refuses to delete or replace what holds state: VCN, subnets, cluster, vault, repositories. Left
    out where the cluster exists already."""
    autoscaler: bool
    """Whether the cluster autoscaler, rather than this program, sets the size of pools between `min` and `max`. Left
    out where the cluster exists already."""


def read_cluster(reader: Reader) -> ClusterSettings:
    """Read the `cluster` key."""
    existing = _read_existing(reader.section("existing")) if reader.has("existing") else None
    name = reader.text(
        "name",
        r"[a-z][a-z0-9-]{0,29}",
        'at most 30 lower-case letters, digits and hyphens, such as "pixel-staging"',
    )
    if existing is not None:
        given_away(reader, ("kubernetes_version", "protect", "autoscaler"))
        if existing.kubeconfig is not None:
            given_away(reader, ("endpoint",))
        endpoint = reader.choice("endpoint", Endpoint) if existing.kubeconfig is None else Endpoint.PRIVATE
        settings = ClusterSettings(name, existing, "", endpoint, protect=False, autoscaler=False)
    else:
        settings = ClusterSettings(
            name=name,
            existing=None,
            kubernetes_version=reader.text(
                "kubernetes_version", r"v\d+\.\d+\.\d+", f'a full version such as "v{KUBERNETES_MINORS[-1]}.1"'
            ),
            endpoint=reader.choice("endpoint", Endpoint),
            protect=reader.flag("protect"),
            autoscaler=reader.flag("autoscaler"),
        )
    reader.close()
    return settings


def given_away(reader: Reader, names: tuple[str, ...]) -> None:
    """Refuse keys that decide how something is made, where the cluster exists already."""
    for name in names:
        if reader.has(name):
            reader.refusals.add(
                reader.key(name),
                reader.values[name],
                "set, while cluster.existing says that the cluster is there already",
                "Leave it out: it is decided where the cluster was made",
            )


def _read_existing(reader: Reader) -> ExistingCluster:
    form = 'the OCID of an OKE cluster, "ocid1.cluster.oc1.…"'
    identifier = reader.text("id", r"ocid1\.cluster\.oc\d+\.[a-z0-9-]+\.\w+", form) if reader.has("id") else None
    kubeconfig = _read_kubeconfig(reader) if reader.has("kubeconfig") else None
    if (identifier is None) == (kubeconfig is None):
        reader.refusals.add(
            reader.prefix.rstrip("."),
            sorted(str(key) for key in reader.values),
            "not one of id and kubeconfig",
            "Set id for an OKE cluster, else kubeconfig as a secret: "
            "pulumi config set --secret --path pixel:cluster.existing.kubeconfig < kubeconfig.yaml",
        )
        kubeconfig = None
    reader.close()
    return ExistingCluster(identifier, kubeconfig)


def _read_kubeconfig(reader: Reader) -> str:
    """The kubeconfig as text; no refusal shows it. At rest, in the stack file, it is `{secure: …}`."""
    value = reader.values["kubeconfig"]
    if isinstance(value, Mapping) and set(value) == {"secure"}:
        return ""
    try:
        read = yaml.safe_load(value) if isinstance(value, str) else None
    except yaml.YAMLError:
        read = None
    if not isinstance(read, Mapping) or not read.get("clusters") or not read.get("users"):
        reader.refusals.add(
            reader.key("kubeconfig"),
            "(hidden)",
            "not the content of a kubeconfig with clusters and users",
            "Give the file's content, not its name",
        )
    return str(value)


def check_cluster(cluster: ClusterSettings, network: NetworkSettings, refusals: Refusals) -> None:
    """Check the version, and that a public endpoint is open to named networks only."""
    if cluster.existing is not None:
        _check_existing(network, refusals)
        return
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


def _check_existing(network: NetworkSettings, refusals: Refusals) -> None:
    if network.admin_cidrs:
        refusals.add(
            "pixel:network.admin_cidrs",
            [str(admin) for admin in network.admin_cidrs],
            "set, while cluster.existing says that the cluster is there already",
            "Leave it out: the rules of its endpoint are made with the cluster",
        )


def check_elsewhere(cluster: ClusterSettings, ingress: bool, refusals: Refusals) -> None:
    """Refuse what only OKE has, for a cluster that is reached by its kubeconfig."""
    if cluster.existing is not None and cluster.existing.kubeconfig is not None and ingress:
        refusals.add(
            "pixel:ingress.enabled",
            True,
            "made of OKE's load balancer and an OCI address, while cluster.existing.kubeconfig names another cluster",
            "Set it to false, and lead your own ingress to the Service matchmaker in the namespace pixel, port 3000",
        )
