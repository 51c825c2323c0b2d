"""Rules for OKE clusters and add-ons.

Sources: https://docs.oracle.com/en-us/iaas/Content/ContEng/Concepts/contengcidrblocks.htm,
https://docs.oracle.com/en-us/iaas/Content/ContEng/Tasks/contengworkingwithenhancedclusters.htm and the arguments of the
API at https://docs.oracle.com/en-us/iaas/api/#/en/containerengine/.
"""

from collections.abc import Iterator

from local.oci.kinds import ADDON, CLUSTER, VCN
from local.oci.model import Resource, World
from local.oci.paths import value_at
from local.oci.refusal import CONFLICT, INVALID, LIMIT, Refusal
from local.oci.rules.network import parse_network, vcn_networks
from local.oci.shapes import KUBERNETES_VERSIONS, parse_version, supported_minors

ENHANCED, BASIC = "ENHANCED_CLUSTER", "BASIC_CLUSTER"
FLANNEL, NATIVE = "FLANNEL_OVERLAY", "OCI_VCN_IP_NATIVE"
PODS_CIDR, SERVICES_CIDR = "10.244.0.0/16", "10.96.0.0/16"
"""What OKE takes where none is given."""

CLUSTERS_PER_REGION = 15

ADDONS = (
    "AlbIngressController",
    "CertManager",
    "ClusterAutoscaler",
    "CoreDNS",
    "Flannel",
    "IstioServiceMesh",
    "KubeProxy",
    "KubernetesDashboard",
    "KubernetesMetricsServer",
    "NativeIngressController",
    "NodeFeatureDiscovery",
    "NodeProblemDetector",
    "NvidiaGpuOperator",
    "NvidiaGpuPlugin",
    "AmdGpuPlugin",
    "OciVcnIpNative",
    "OracleDatabaseOperator",
    "WeblogicKubernetesOperator",
)


def cluster_type(cluster: Resource) -> object:
    """Basic unless something else is asked for, as in the API."""
    return cluster.inputs.get("type") or BASIC


def network_plugin(cluster: Resource) -> object:
    """The cluster's network plugin; flannel where none is given."""
    options = cluster.inputs.get("clusterPodNetworkOptions")
    if options is None or options == []:
        return FLANNEL
    first = options[0] if isinstance(options, list) else options
    return first.get("cniType", FLANNEL) if isinstance(first, dict) else first


def version_supported(resource: Resource, world: World) -> Iterator[Refusal]:
    """A Kubernetes version is one OKE offers; what runs already may stay."""
    version = resource.inputs.get("kubernetesVersion")
    if not isinstance(version, str):
        return
    running = world.find(resource.id)
    if running is not None and running.inputs.get("kubernetesVersion") == version:
        return
    parsed = parse_version(version)
    offered = ", ".join(f"v{major}.{minor}" for major, minor in supported_minors())
    if parsed is None:
        yield Refusal(INVALID, "kubernetesVersion", version, "this is no version", "Write it like v1.36.1, with the v")
    elif parsed[:2] not in supported_minors():
        newest = KUBERNETES_VERSIONS[-1]
        yield Refusal(
            INVALID,
            "kubernetesVersion",
            version,
            f"OKE offers {offered} only",
            f"Choose one of these, such as {newest}",
        )


def upgrade_in_steps(resource: Resource, world: World) -> Iterator[Refusal]:
    """A control plane goes up one minor at a time, and never down."""
    running = world.find(resource.id)
    before = parse_version(str(running.inputs.get("kubernetesVersion"))) if running else None
    after = parse_version(str(resource.inputs.get("kubernetesVersion")))
    if before is None or after is None:
        return
    if after < before:
        yield Refusal(
            INVALID,
            "kubernetesVersion",
            resource.inputs["kubernetesVersion"],
            f"the cluster runs v{'.'.join(map(str, before))}, and a control plane cannot go back",
            "Keep the version, or make a new cluster",
        )
    elif after[1] > before[1] + 1:
        yield Refusal(
            INVALID,
            "kubernetesVersion",
            resource.inputs["kubernetesVersion"],
            f"the cluster runs v{'.'.join(map(str, before))}, and a control plane goes up one minor at a time",
            f"Upgrade to v1.{before[1] + 1} first",
        )


def cluster_type_known(resource: Resource, world: World) -> Iterator[Refusal]:
    """A cluster is basic or enhanced, and an enhanced one stays so."""
    kind = resource.inputs.get("type")
    if isinstance(kind, str) and kind not in (ENHANCED, BASIC):
        yield Refusal(INVALID, "type", kind, "there is no such cluster type", f"Write {ENHANCED} or {BASIC}")
    running = world.find(resource.id)
    if running is not None and cluster_type(running) == ENHANCED and kind in (None, BASIC):
        yield Refusal(
            INVALID, "type", kind or BASIC, "an enhanced cluster cannot become a basic one", f"Keep {ENHANCED}"
        )


def plugin_known(resource: Resource, world: World) -> Iterator[Refusal]:
    """The pod network is one of the two that OKE has."""
    del world
    plugin = network_plugin(resource)
    if isinstance(plugin, str) and plugin not in (FLANNEL, NATIVE):
        path = "clusterPodNetworkOptions[0].cniType"
        yield Refusal(INVALID, path, plugin, "there is no such network plugin", f"Write {FLANNEL} or {NATIVE}")


def cluster_blocks_apart(resource: Resource, world: World) -> Iterator[Refusal]:
    """The blocks of pods and services overlap neither each other nor the VCN."""
    config = value_at(resource.inputs, "options.kubernetesNetworkConfig") or {}
    if not isinstance(config, dict):
        return
    base = "options.kubernetesNetworkConfig"
    asked = [("servicesCidr", config.get("servicesCidr") or SERVICES_CIDR)]
    if network_plugin(resource) == FLANNEL:
        asked.insert(0, ("podsCidr", config.get("podsCidr") or PODS_CIDR))
    vcn = world.one(resource.inputs.get("vcnId"), VCN)
    taken = [(str(block), "the VCN") for block in (vcn_networks(vcn) or [] if vcn else [])]
    for key, text in asked:
        if not isinstance(text, str):
            continue
        network = parse_network(text)
        if network is None:
            yield Refusal(INVALID, f"{base}.{key}", text, "this is not a CIDR block", "Write it like 10.244.0.0/16")
            continue
        for other, owner in taken:
            block = parse_network(other)
            if block is not None and network.overlaps(block):
                yield Refusal(
                    INVALID, f"{base}.{key}", text, f"it overlaps {other} of {owner}", "Choose a block used by neither"
                )
        taken.append((text, "the pods"))


def clusters_few(resource: Resource, world: World) -> Iterator[Refusal]:
    """A region has at most 15 clusters."""
    if resource.id:
        return
    here = [each for each in world.others(resource, CLUSTER) if each.region in ("", world.region)]
    if len(here) >= CLUSTERS_PER_REGION:
        problem = f"the region has {len(here)} clusters, its limit is {CLUSTERS_PER_REGION}"
        yield Refusal(LIMIT, "", None, problem, "Ask for a higher limit, or delete a cluster")


def addon_known(resource: Resource, world: World) -> Iterator[Refusal]:
    """An add-on is one OKE has."""
    del world
    name = resource.inputs.get("addonName")
    if isinstance(name, str) and name not in ADDONS:
        yield Refusal(INVALID, "addonName", name, "there is no such add-on", f"Choose one of {', '.join(ADDONS)}")


def addon_on_enhanced(resource: Resource, world: World) -> Iterator[Refusal]:
    """Add-ons and virtual nodes need an enhanced cluster."""
    cluster = world.one(resource.inputs.get("clusterId"), CLUSTER)
    if cluster is not None and cluster_type(cluster) == BASIC:
        what = "add-ons need" if resource.kind == ADDON else "virtual nodes need"
        yield Refusal(
            INVALID,
            "clusterId",
            cluster.id or None,
            f"{what} an enhanced cluster, and {cluster.get('name')} is a basic one",
            f"Set the cluster's type to {ENHANCED}",
        )


def addon_once(resource: Resource, world: World) -> Iterator[Refusal]:
    """A cluster has an add-on once."""
    cluster = world.one(resource.inputs.get("clusterId"), CLUSTER)
    for other in world.others(resource, ADDON):
        theirs = world.one(other.inputs.get("clusterId"), CLUSTER)
        same = cluster is not None and theirs is not None and cluster.identity == theirs.identity
        if same and other.inputs.get("addonName") == resource.inputs.get("addonName"):
            name = resource.inputs.get("addonName")
            yield Refusal(CONFLICT, "addonName", name, "the cluster has this add-on already", "Keep one of them")
