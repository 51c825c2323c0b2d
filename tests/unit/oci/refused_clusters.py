"""Requests the simulated cloud refuses: clusters and node pools."""

from local.oci import kinds as k
from local.oci.refusal import INVALID, LIMIT, MISSING
from tests.unit.oci.cloud import COMPARTMENT, IMAGE, Inputs, case, cluster, pool

AD1 = "Uocm:EU-FRANKFURT-1-AD-1"


def vcn(**changes: object) -> Inputs:
    return {"compartmentId": COMPARTMENT, "cidrBlocks": ["10.5.0.0/16"], **changes}


def network_config(**blocks: str) -> Inputs:
    return {"kubernetesNetworkConfig": blocks}


CASES = (
    # Clusters
    case("version without v", k.CLUSTER, lambda c: cluster(c, kubernetesVersion="1.36.1"), INVALID, "with the v"),
    case(
        "version too old",
        k.CLUSTER,
        lambda c: cluster(c, kubernetesVersion="v1.31.1"),
        INVALID,
        "v1.34, v1.35, v1.36",
    ),
    case("version too new", k.CLUSTER, lambda c: cluster(c, kubernetesVersion="v1.40.0"), INVALID, "v1.40.0"),
    case("cluster type", k.CLUSTER, lambda c: cluster(c, type="LARGE"), INVALID, "ENHANCED_CLUSTER or BASIC_CLUSTER"),
    case(
        "network plugin",
        k.CLUSTER,
        lambda c: cluster(c, clusterPodNetworkOptions=[{"cniType": "CALICO"}]),
        INVALID,
        "CALICO",
        "FLANNEL_OVERLAY",
    ),
    case(
        "public endpoint in private subnet",
        k.CLUSTER,
        lambda c: cluster(c, endpointConfig={"subnetId": c["private"], "isPublicIpEnabled": True}),
        INVALID,
        "isPublicIpEnabled",
        "subnet private is private",
    ),
    case(
        "pods overlap vcn",
        k.CLUSTER,
        lambda c: cluster(c, options=network_config(podsCidr="10.0.64.0/18")),
        INVALID,
        "podsCidr",
        "the VCN",
    ),
    case(
        "services overlap vcn",
        k.CLUSTER,
        lambda c: cluster(c, options=network_config(servicesCidr="10.0.0.0/16")),
        INVALID,
        "servicesCidr",
    ),
    case(
        "services overlap pods",
        k.CLUSTER,
        lambda c: cluster(c, options=network_config(podsCidr="10.96.0.0/12")),
        INVALID,
        "servicesCidr = 10.96.0.0/16",
        "the pods",
    ),
    case(
        "endpoint nowhere",
        k.CLUSTER,
        lambda c: cluster(c, endpointConfig={"isPublicIpEnabled": True}),
        MISSING,
        "endpointConfig.subnetId",
    ),
    case(
        "addon on basic",
        k.ADDON,
        lambda c: {"addonName": "CertManager", "clusterId": c["basic"], "removeAddonResourcesOnDelete": True},
        INVALID,
        "need an enhanced cluster",
        "basic",
    ),
    case(
        "unknown addon",
        k.ADDON,
        lambda c: {"addonName": "Certs", "clusterId": c["cluster"], "removeAddonResourcesOnDelete": True},
        INVALID,
        "addonName = Certs",
        "CertManager",
    ),
    case(
        "addon undecided",
        k.ADDON,
        lambda c: {"addonName": "CertManager", "clusterId": c["cluster"]},
        MISSING,
        "removeAddonResourcesOnDelete",
    ),
    # Node pools
    case(
        "pool newer",
        k.NODE_POOL,
        lambda c: pool(c, kubernetesVersion="v1.36.1"),
        INVALID,
        "newer than its cluster",
        "v1.35.1",
    ),
    case("pool far older", k.NODE_POOL, lambda c: pool(c, kubernetesVersion="v1.31.1"), INVALID, "3 minors older"),
    case("flex without config", k.NODE_POOL, lambda c: pool(c, nodeShapeConfig=None), INVALID, "flexible and needs"),
    case(
        "config without flex",
        k.NODE_POOL,
        lambda c: pool(c, nodeShape="VM.GPU.A10.1"),
        INVALID,
        "takes no shape config",
        "VM.GPU.A10.1",
    ),
    case(
        "unknown shape",
        k.NODE_POOL,
        lambda c: pool(c, nodeShape="VM.GPU.A11.1"),
        INVALID,
        "nodeShape = VM.GPU.A11.1",
        "no such shape",
    ),
    case(
        "much memory",
        k.NODE_POOL,
        lambda c: pool(c, nodeShapeConfig={"ocpus": 1, "memoryInGbs": 65}),
        INVALID,
        "1 to 64 GB",
    ),
    case(
        "little memory",
        k.NODE_POOL,
        lambda c: pool(c, nodeShapeConfig={"ocpus": 8, "memoryInGbs": 7}),
        INVALID,
        "8 to 512 GB",
    ),
    case(
        "many ocpus",
        k.NODE_POOL,
        lambda c: pool(c, nodeShapeConfig={"ocpus": 200, "memoryInGbs": 200}),
        INVALID,
        "1 to 114",
    ),
    case(
        "small boot volume",
        k.NODE_POOL,
        lambda c: pool(c, nodeSourceDetails={"sourceType": "IMAGE", "imageId": IMAGE, "bootVolumeSizeInGbs": "47"}),
        INVALID,
        "bootVolumeSizeInGbs = 47",
        "50 to 32768",
    ),
    case(
        "large boot volume",
        k.NODE_POOL,
        lambda c: pool(c, nodeSourceDetails={"sourceType": "IMAGE", "imageId": IMAGE, "bootVolumeSizeInGbs": "40000"}),
        INVALID,
        "40000",
    ),
    case(
        "no image",
        k.NODE_POOL,
        lambda c: pool(c, nodeSourceDetails=None),
        MISSING,
        "nodeSourceDetails or nodeImageId",
    ),
    case(
        "image without type",
        k.NODE_POOL,
        lambda c: pool(c, nodeSourceDetails={"imageId": "i"}),
        MISSING,
        "sourceType",
    ),
    case("no placement", k.NODE_POOL, lambda c: pool(c, details={"placementConfigs": []}), MISSING, "placementConfigs"),
    case(
        "domain of another region",
        k.NODE_POOL,
        lambda c: pool(c, {"availabilityDomain": "Uocm:US-ASHBURN-AD-1"}),
        INVALID,
        "US-ASHBURN-AD-1",
        "eu-frankfurt-1",
    ),
    case(
        "fourth domain",
        k.NODE_POOL,
        lambda c: pool(c, {"availabilityDomain": "Uocm:EU-FRANKFURT-1-AD-4"}),
        INVALID,
        "AD-4",
    ),
    case("short domain", k.NODE_POOL, lambda c: pool(c, {"availabilityDomain": "AD-1"}), INVALID, "AD-1", "AD-3"),
    case(
        "fault domain",
        k.NODE_POOL,
        lambda c: pool(c, {"faultDomains": ["FAULT-DOMAIN-4"]}),
        INVALID,
        "FAULT-DOMAIN-4",
    ),
    case(
        "domain twice",
        k.NODE_POOL,
        lambda c: pool(c, details={"placementConfigs": [{"availabilityDomain": AD1, "subnetId": c["private"]}] * 2}),
        INVALID,
        "placementConfigs[1]",
    ),
    case("too many nodes", k.NODE_POOL, lambda c: pool(c, details={"size": 1001}), LIMIT, "size = 1001"),
    case("negative size", k.NODE_POOL, lambda c: pool(c, details={"size": -1}), LIMIT, "size = -1"),
    case(
        "user data in the clear",
        k.NODE_POOL,
        lambda c: pool(c, nodeMetadata={"user_data": "#!/bin/bash"}),
        INVALID,
        "not base64",
    ),
    case(
        "much metadata",
        k.NODE_POOL,
        lambda c: pool(c, nodeMetadata={"user_data": "QUFB" * 8001}),
        LIMIT,
        "32000 bytes",
    ),
    case(
        "label key",
        k.NODE_POOL,
        lambda c: pool(c, initialNodeLabels=[{"key": "app.pixel/", "value": "x"}]),
        INVALID,
        "label key",
    ),
    case(
        "label value",
        k.NODE_POOL,
        lambda c: pool(c, initialNodeLabels=[{"key": "a", "value": "not so"}]),
        INVALID,
        "value = not so",
    ),
    case(
        "label twice",
        k.NODE_POOL,
        lambda c: pool(c, initialNodeLabels=[{"key": "a", "value": "1"}] * 2),
        INVALID,
        "given already",
    ),
    case(
        "long grace",
        k.NODE_POOL,
        lambda c: pool(c, nodeEvictionNodePoolSettings={"evictionGraceDuration": "PT2H"}),
        INVALID,
        "PT60M",
    ),
    case(
        "no grace",
        k.NODE_POOL,
        lambda c: pool(c, nodeEvictionNodePoolSettings={"evictionGraceDuration": "20"}),
        INVALID,
        "PT20M",
    ),
    case(
        "cycling on basic",
        k.NODE_POOL,
        lambda c: pool(c, clusterId=c["basic"], nodePoolCyclingDetails={"isNodeCyclingEnabled": True}),
        INVALID,
        "node cycling needs an enhanced",
    ),
    case(
        "other pod network",
        k.NODE_POOL,
        lambda c: pool(
            c,
            details={
                "nodePoolPodNetworkOptionDetails": {"cniType": "OCI_VCN_IP_NATIVE", "podSubnetIds": [c["private"]]}
            },
        ),
        INVALID,
        "cluster's network plugin is FLANNEL_OVERLAY",
    ),
    case("native without pod subnets", k.NODE_POOL, lambda c: pool(c, clusterId=c["native"]), MISSING, "podSubnetIds"),
    case("six groups", k.NODE_POOL, lambda c: pool(c, details={"nsgIds": [c["nsg"]] * 6}), LIMIT, "at most 5 groups"),
)
