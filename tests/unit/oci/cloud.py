"""A simulated cloud in a folder, with one of everything a rule may need."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.oci.kinds import (
    CLUSTER,
    HTTP_MONITOR,
    INTERNET_GATEWAY,
    KEY,
    NAT_GATEWAY,
    NSG,
    ROUTE_TABLE,
    SECURITY_LIST,
    SERVICE_GATEWAY,
    STEERING_POLICY,
    STEERING_POLICY_ATTACHMENT,
    SUBNET,
    VAULT,
    VAULT_SECRET,
    VCN,
)
from local.oci.model import Resource
from local.oci.regions import REGIONS
from local.oci.services import services_of
from local.oci.simulation import Simulation, Surroundings
from local.oci.store import Store
from local.provider import Failure

COMPARTMENT = "ocid1.compartment.oc1..example"
TENANCY = "ocid1.tenancy.oc1..example"
ZONE = "ocid1.dns-zone.oc1..there"
EXISTING_VAULT = "ocid1.vault.oc1.fra.b.there"
EXISTING_KEY = "ocid1.key.oc1.fra.b.there"
IMAGE = "ocid1.image.oc1.eu-frankfurt-1.example"
ALL_SERVICES, OBJECT_STORAGE = services_of(REGIONS["eu-frankfurt-1"])

Inputs = dict[str, Any]


class Cloud:
    """Creates resources under made-up URNs; ids by name in ``ids``."""

    def __init__(self, folder: Path, region: str = "eu-frankfurt-1", **surroundings: Any) -> None:
        self.simulation = Simulation(Surroundings(state=folder, **surroundings))
        self.simulation.configure({"region": region})
        self.folder = folder
        self.ids: dict[str, str] = {}

    def urn(self, kind: str, name: str) -> str:
        return f"urn:pulumi:dev::pixel::{kind}::{name}"

    def __getitem__(self, name: str) -> str:
        return self.ids[name]

    def resources(self) -> Mapping[str, Resource]:
        return Store(self.folder).resources()

    def check(self, kind: str, inputs: Inputs, name: str = "new", olds: Inputs | None = None) -> list[Failure]:
        return self.simulation.check(self.urn(kind, name), kind, olds or {}, inputs)[1]

    def checked(self, kind: str, inputs: Inputs, name: str = "new") -> Inputs:
        return self.simulation.check(self.urn(kind, name), kind, {}, inputs)[0]

    def make(self, kind: str, label: str, /, **inputs: Any) -> Inputs:
        inputs = self.checked(kind, {"compartmentId": COMPARTMENT, **inputs}, label)
        made, outputs = self.simulation.create(self.urn(kind, label), kind, inputs, timeout=0, preview=False)
        self.ids[label] = made
        return outputs

    def plan(self, kind: str, label: str, /, **inputs: Any) -> Inputs:
        inputs = self.checked(kind, {"compartmentId": COMPARTMENT, **inputs}, label)
        return self.simulation.create(self.urn(kind, label), kind, inputs, timeout=0, preview=True)[1]

    def create(self, kind: str, inputs: Inputs, name: str = "new") -> str:
        return self.simulation.create(self.urn(kind, name), kind, inputs, timeout=0, preview=False)[0]

    def update(self, kind: str, name: str, olds: Inputs, news: Inputs, preview: bool = False) -> Inputs:
        return self.simulation.update(
            self.ids[name],
            self.urn(kind, name),
            kind,
            old_inputs=olds,
            old_outputs=olds,
            news=news,
            timeout=0,
            preview=preview,
        )

    def delete(self, kind: str, name: str) -> None:
        self.simulation.delete(self.ids[name], self.urn(kind, name), kind, inputs={}, outputs={}, timeout=0)

    def read(self, kind: str, name: str) -> tuple[Inputs, Inputs] | None:
        return self.simulation.read(self.ids[name], self.urn(kind, name), kind, {}, {})


def furnished(cloud: Cloud) -> Cloud:
    """A VCN with gateways, tables, a public and a private subnet, and clusters of both types."""
    vcn = cloud.make(VCN, "vcn", cidrBlocks=["10.0.0.0/16"], dnsLabel="pixel", displayName="main")
    cloud.ids["default_list"] = vcn["defaultSecurityListId"]
    here = {"vcnId": cloud["vcn"]}
    cloud.make(INTERNET_GATEWAY, "igw", **here)
    cloud.make(NAT_GATEWAY, "nat", **here)
    cloud.make(SERVICE_GATEWAY, "sgw", services=[{"serviceId": ALL_SERVICES.id}], **here)
    cloud.make(ROUTE_TABLE, "table", routeRules=[route(cloud["igw"], "0.0.0.0/0")], **here)
    cloud.make(SECURITY_LIST, "list", ingressSecurityRules=[], egressSecurityRules=[], **here)
    cloud.make(SUBNET, "public", cidrBlock="10.0.1.0/24", dnsLabel="public", displayName="public", **here)
    cloud.make(SUBNET, "private", cidrBlock="10.0.2.0/24", prohibitPublicIpOnVnic=True, displayName="private", **here)
    cloud.make(VCN, "other_vcn", cidrBlocks=["10.9.0.0/16"], displayName="other")
    cloud.make(SUBNET, "other_subnet", cidrBlock="10.9.1.0/24", vcnId=cloud["other_vcn"])
    cloud.make(ROUTE_TABLE, "other_table", vcnId=cloud["other_vcn"])
    cloud.make(NSG, "nsg", **here)
    for name, kind in (("cluster", "ENHANCED_CLUSTER"), ("basic", "BASIC_CLUSTER")):
        cloud.make(CLUSTER, name, **{**cluster(cloud), "name": name, "type": kind, "kubernetesVersion": "v1.35.1"})
    cloud.make(CLUSTER, "native", **cluster(cloud, clusterPodNetworkOptions=[{"cniType": "OCI_VCN_IP_NATIVE"}]))
    for name in ("vault", "other_vault"):
        endpoint = cloud.make(VAULT, name, **vault(displayName=name))["managementEndpoint"]
        made = "key" if name == "vault" else "other_key"
        cloud.ids[f"{name}_endpoint"] = endpoint
        cloud.make(KEY, made, **key(cloud, managementEndpoint=endpoint))
    cloud.make(KEY, "signing_key", **key(cloud, keyShape={"algorithm": "RSA", "length": 256}))
    cloud.make(VAULT_SECRET, "secret", **vault_secret(cloud, secretName="taken"))
    cloud.make(HTTP_MONITOR, "monitor", **monitor())
    cloud.make(STEERING_POLICY, "policy", **steering(cloud))
    attached = attachment(cloud, domainName="Taken.example.com")
    cloud.ids["attachment"] = cloud.create(STEERING_POLICY_ATTACHMENT, attached, "attachment")
    return cloud


def vault(**changes: Any) -> Inputs:
    return {"compartmentId": COMPARTMENT, "displayName": "vault", "vaultType": "DEFAULT", **changes}


def key(cloud: Cloud, **changes: Any) -> Inputs:
    return {
        "compartmentId": COMPARTMENT,
        "displayName": "key",
        "managementEndpoint": cloud["vault_endpoint"],
        "keyShape": {"algorithm": "AES", "length": 32},
        "protectionMode": "HSM",
        **changes,
    }


def vault_secret(cloud: Cloud, **changes: Any) -> Inputs:
    found = {
        "compartmentId": COMPARTMENT,
        "vaultId": cloud["vault"],
        "keyId": cloud["key"],
        "secretName": "turn-1",
        "enableAutoGeneration": True,
        "secretGenerationContext": {"generationType": "BYTES", "generationTemplate": "BYTES_512"},
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def cache(cloud: Cloud, **changes: Any) -> Inputs:
    return {
        "compartmentId": COMPARTMENT,
        "displayName": "cache",
        "subnetId": cloud["private"],
        "nodeCount": 2,
        "nodeMemoryInGbs": 2,
        "softwareVersion": "VALKEY_7_2",
        "clusterMode": "NONSHARDED",
        **changes,
    }


def monitor(**changes: Any) -> Inputs:
    return {
        "compartmentId": COMPARTMENT,
        "displayName": "regions",
        "targets": ["play-eu.example.com"],
        "protocol": "HTTPS",
        "intervalInSeconds": 30,
        **changes,
    }


def steering(cloud: Cloud, **changes: Any) -> Inputs:
    found = {
        "compartmentId": COMPARTMENT,
        "displayName": "regions",
        "template": "ROUTE_BY_GEO",
        "ttl": 30,
        "healthCheckMonitorId": cloud["monitor"],
        "answers": [
            {"name": name, "rtype": "CNAME", "rdata": f"play-{name}.example.com", "pool": name} for name in ("eu", "us")
        ],
        "rules": [
            {
                "ruleType": "FILTER",
                "defaultAnswerDatas": [{"answerCondition": "answer.isDisabled != true", "shouldKeep": True}],
            },
            {"ruleType": "HEALTH"},
            {
                "ruleType": "PRIORITY",
                "cases": [{"answerDatas": [{"answerCondition": "answer.pool == 'eu'", "value": 1}]}],
            },
            {"ruleType": "LIMIT", "defaultCount": 1},
        ],
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def attachment(cloud: Cloud, **changes: Any) -> Inputs:
    return {"domainName": "play.example.com", "zoneId": ZONE, "steeringPolicyId": cloud["policy"], **changes}


def route(target: str, destination: str, kind: str = "CIDR_BLOCK") -> Inputs:
    return {"networkEntityId": target, "destination": destination, "destinationType": kind}


def subnet(cloud: Cloud, **changes: Any) -> Inputs:
    return {"compartmentId": COMPARTMENT, "vcnId": cloud["vcn"], "cidrBlock": "10.0.50.0/24", **changes}


def cluster(cloud: Cloud, **changes: Any) -> Inputs:
    return {
        "compartmentId": COMPARTMENT,
        "name": "new",
        "vcnId": cloud["vcn"],
        "kubernetesVersion": "v1.36.1",
        "type": "ENHANCED_CLUSTER",
        "clusterPodNetworkOptions": [{"cniType": "FLANNEL_OVERLAY"}],
        "endpointConfig": {"subnetId": cloud["public"], "isPublicIpEnabled": True},
        **changes,
    }


def pool(cloud: Cloud, placement: Inputs | None = None, details: Inputs | None = None, **changes: Any) -> Inputs:
    place = {
        "availabilityDomain": "Uocm:EU-FRANKFURT-1-AD-1",
        "subnetId": cloud["private"],
        **(placement or {}),
    }
    found = {
        "compartmentId": COMPARTMENT,
        "clusterId": cloud["cluster"],
        "name": "pool",
        "kubernetesVersion": "v1.35.1",
        "nodeShape": "VM.Standard.E4.Flex",
        "nodeShapeConfig": {"ocpus": 2, "memoryInGbs": 16},
        "nodeSourceDetails": {"sourceType": "IMAGE", "imageId": IMAGE, "bootVolumeSizeInGbs": "100"},
        "nodeConfigDetails": {"size": 1, "placementConfigs": [place], **(details or {})},
        **changes,
    }
    return {key: value for key, value in found.items() if value is not None}


def security_list(cloud: Cloud, *ingress: Inputs, egress: list[Inputs] | None = None) -> Inputs:
    return {
        "compartmentId": COMPARTMENT,
        "vcnId": cloud["vcn"],
        "ingressSecurityRules": list(ingress),
        "egressSecurityRules": egress or [],
    }


def route_table(cloud: Cloud, *rules: Inputs) -> Inputs:
    return {"compartmentId": COMPARTMENT, "vcnId": cloud["vcn"], "routeRules": list(rules)}


def policy(*statements: str, **changes: Any) -> Inputs:
    return {
        "compartmentId": COMPARTMENT,
        "name": "pixel",
        "description": "Pixel",
        "statements": list(statements),
        **changes,
    }


@dataclass(frozen=True)
class Case:
    """A request that differs from an accepted one in one thing, and what its refusal says."""

    name: str
    kind: str
    request: Callable[[Cloud], Inputs]
    code: str
    words: tuple[str, ...]


def case(name: str, kind: str, request: Callable[[Cloud], Inputs], code: str, *words: str) -> Case:
    return Case(name, kind, request, code, words)
