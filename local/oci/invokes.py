"""Functions of the provider: what the cloud offers, and who one is."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from local.oci.identifiers import NAMESPACE, TENANCY, ocid
from local.oci.kinds import CLUSTER, VAULT_SECRET
from local.oci.kubeconfig import cluster_kubeconfig
from local.oci.model import World
from local.oci.refusal import INVALID, NOT_FOUND, Refusal
from local.oci.regions import REGIONS, Region
from local.oci.rules.clusters import ADDONS, FLANNEL, NATIVE
from local.oci.services import services_of
from local.oci.shapes import KUBERNETES_VERSIONS, MEMORY_PER_OCPU_GB, SHAPES
from local.properties import Properties
from local.provider import ProviderError

_IMAGE_BUILD = "2026.08.20-1"


@dataclass(frozen=True)
class Question:
    """One call of a function."""

    token: str
    args: Properties
    world: World
    region: Region
    kubeconfig: str | None
    """Path of the local cluster's kubeconfig, if there is one."""

    def refuse(self, code: str, field: str, problem: str, remedy: str) -> ProviderError:
        """An error about one argument."""
        refusal = Refusal(code, field, self.args.get(field), problem, remedy)
        return ProviderError(refusal.text(self.token, ""))


Answer = Callable[[Question], Properties]


def _services(question: Question) -> Properties:
    found = [
        {"id": each.id, "name": each.name, "cidrBlock": each.cidr_block, "description": each.description}
        for each in services_of(question.region)
    ]
    return {"services": found}


def _availability_domains(question: Question) -> Properties:
    place = question.args.get("compartmentId")
    names = question.region.domain_names()
    domains = [
        {
            "id": ocid("oci:x:AvailabilityDomain", question.region.name, name.encode()),
            "name": name,
            "compartmentId": place,
        }
        for name in names
    ]
    return {"availabilityDomains": domains}


def _kubeconfig(question: Question) -> Properties:
    cluster = question.world.find(question.args.get("clusterId"))
    if cluster is None or cluster.kind != CLUSTER:
        raise question.refuse(
            NOT_FOUND, "clusterId", "there is no such cluster", "Give the id of a cluster of this stack"
        )
    return {"content": cluster_kubeconfig(question.kubeconfig)}


def _cluster_option(question: Question) -> Properties:
    del question
    plugins = [{"cniType": plugin} for plugin in (NATIVE, FLANNEL)]
    return {"kubernetesVersions": list(KUBERNETES_VERSIONS), "clusterPodNetworkOptions": plugins}


def _node_pool_option(question: Question) -> Properties:
    wanted = question.args.get("nodePoolK8sVersion")
    versions = [each for each in KUBERNETES_VERSIONS if wanted in (None, each)]
    if not versions:
        offered = ", ".join(KUBERNETES_VERSIONS)
        raise question.refuse(INVALID, "nodePoolK8sVersion", "OKE does not offer it", f"Choose one of {offered}")
    families = ("Oracle-Linux-8.10", "Oracle-Linux-8.10-Gen2-GPU", "Oracle-Linux-8.10-aarch64")
    names = [f"{family}-{_IMAGE_BUILD}-OKE-{version[1:]}-1200" for version in versions for family in families]
    sources = [
        {"imageId": ocid("oci:x:Image", question.region.name, name.encode()), "sourceName": name, "sourceType": "IMAGE"}
        for name in names
    ]
    return {
        "kubernetesVersions": list(KUBERNETES_VERSIONS),
        "shapes": sorted(SHAPES),
        "images": names,
        "sources": sources,
    }


def _addon_options(question: Question) -> Properties:
    name = question.args.get("addonName")
    version = {"versionNumber": "v1.0.0", "status": "ACTIVE", "description": "", "configurations": []}
    return {
        "addonOptions": [
            {"name": each, "state": "ACTIVE", "isEssential": each in ("CoreDNS", "KubeProxy"), "versions": [version]}
            for each in ADDONS
            if name in (None, each)
        ]
    }


def _namespace(question: Question) -> Properties:
    del question
    return {"namespace": NAMESPACE}


def _regions(question: Question) -> Properties:
    del question
    return {"regions": [{"key": each.key.upper(), "name": each.name} for each in REGIONS.values()]}


def _tenancy(question: Question) -> Properties:
    home = REGIONS[question.world.home_region]
    tenancy = question.args.get("tenancyId") or TENANCY
    return {
        "tenancyId": tenancy,
        "name": NAMESPACE,
        "description": "Simulated tenancy",
        "homeRegionKey": home.key.upper(),
    }


def _subscriptions(question: Question) -> Properties:
    home, tenancy = question.world.home_region, question.args.get("tenancyId") or TENANCY
    return {
        "regionSubscriptions": [
            {
                "regionKey": each.key.upper(),
                "regionName": each.name,
                "isHomeRegion": each.name == home,
                "state": "READY",
                "tenancyId": tenancy,
            }
            for each in REGIONS.values()
        ]
    }


def _shapes(question: Question) -> Properties:
    domain = question.args.get("availabilityDomain")
    if isinstance(domain, str) and not question.region.has_domain(domain):
        names = ", ".join(question.region.domain_names())
        raise question.refuse(INVALID, "availabilityDomain", "there is no such domain", f"Choose one of {names}")
    low, high = MEMORY_PER_OCPU_GB
    listed = [
        {
            "name": shape.name,
            "ocpus": shape.ocpus,
            "memoryInGbs": shape.memory_gb,
            "gpus": shape.gpus,
            "isFlexible": shape.flexible,
            "ocpuOptions": [{"min": 1, "max": shape.ocpus}] if shape.flexible else [],
            "memoryOptions": [{"minPerOcpuInGbs": low, "maxPerOcpuInGbs": high, "maxInGbs": shape.memory_gb}]
            if shape.flexible
            else [],
        }
        for shape in SHAPES.values()
        if question.args.get("shape") in (None, shape.name)
    ]
    return {"shapes": listed}


def _secret_bundle(question: Question) -> Properties:
    reference = question.args.get("secretId")
    secret = question.world.find(reference)
    if (secret is None or secret.kind != VAULT_SECRET) and reference not in question.world.known_elsewhere:
        raise question.refuse(
            NOT_FOUND,
            "secretId",
            "there is no such secret, or you may not read it",
            "Give the id of a secret of this stack; list OCIDs made outside of it in PIXEL_OCI_EXISTING",
        )
    given = (secret.inputs.get("secretContent") or {}).get("content") if secret else None
    # What the cloud draws is made of the id here: the same at each answer, and nowhere in the simulation's state.
    digest = hashlib.sha512(str(reference).encode()).digest()
    # A secret that somebody made by hand holds a text.
    drawn = base64.b64encode(digest if secret else digest.hex().encode()).decode()
    return {
        "secretBundleContents": [{"content": given or drawn, "contentType": "BASE64"}],
        "stages": ["CURRENT", "LATEST"],
        "versionNumber": "1",
    }


ANSWERS: Mapping[str, Answer] = {
    "oci:Core/getServices:getServices": _services,
    "oci:Core/getShapes:getShapes": _shapes,
    "oci:Identity/getAvailabilityDomains:getAvailabilityDomains": _availability_domains,
    "oci:Identity/getRegions:getRegions": _regions,
    "oci:Identity/getTenancy:getTenancy": _tenancy,
    "oci:Identity/getRegionSubscriptions:getRegionSubscriptions": _subscriptions,
    "oci:ContainerEngine/getClusterKubeConfig:getClusterKubeConfig": _kubeconfig,
    "oci:ContainerEngine/getClusterOption:getClusterOption": _cluster_option,
    "oci:ContainerEngine/getNodePoolOption:getNodePoolOption": _node_pool_option,
    "oci:ContainerEngine/getAddonOptions:getAddonOptions": _addon_options,
    "oci:ObjectStorage/getNamespace:getNamespace": _namespace,
    "oci:Secrets/getSecretbundle:getSecretbundle": _secret_bundle,
}
"""Every function the simulation answers, by token."""


def answer(question: Question) -> Properties:
    """The function's result, with its arguments in it as the SDK expects."""
    found = ANSWERS.get(question.token)
    if found is None:
        known = ", ".join(sorted(token.rsplit(":", maxsplit=1)[-1] for token in ANSWERS))
        raise ProviderError(
            f"the simulated OCI has no function {question.token}; it answers {known} (see local/oci/invokes.py)"
        )
    result = {**question.args, **found(question)}
    for key, value in result.items():
        if key != "filters" and isinstance(value, list) and all(isinstance(item, dict) for item in value):
            result[key] = _filtered(value, question.args.get("filters"))
    return {"id": question.token.rsplit(":", maxsplit=1)[-1], **result}


def _filtered(items: list[object], filters: object) -> list[object]:
    """Items whose field has one of a filter's values, or matches one as a pattern; every filter must agree."""
    kept = items
    for each in filters if isinstance(filters, list) else []:
        name, values, pattern = each.get("name"), each.get("values") or [], bool(each.get("regex"))
        key = re.sub(r"_(.)", lambda found: found[1].upper(), str(name))
        kept = [item for item in kept if isinstance(item, dict) and _matches(item.get(key), values, pattern)]
    return kept


def _matches(value: object, wanted: list[str], pattern: bool) -> bool:
    text = str(value)
    return any(re.search(each, text) if pattern else each == text for each in wanted)
