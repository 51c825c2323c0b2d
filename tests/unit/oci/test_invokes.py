"""Functions of the simulated cloud."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from local.kubernetes.kubeconfig import parse_kubeconfig
from local.oci import kinds as k
from local.oci.invokes import ANSWERS
from local.oci.regions import REGIONS
from local.oci.simulation import Surroundings
from local.provider import ProviderError
from tests.unit.oci.cloud import COMPARTMENT, Cloud, furnished, vault_secret


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return furnished(Cloud(tmp_path))


def ask(cloud: Cloud, name: str, **args: Any) -> dict[str, Any]:
    (token,) = [token for token in ANSWERS if token.endswith(f":{name}")]
    return cloud.simulation.invoke(token, args, False)


def test_services_can_be_filtered_by_pattern(cloud: Cloud):
    pattern = {"name": "name", "values": ["All .* Services In Oracle Services Network"], "regex": True}
    (service,) = ask(cloud, "getServices", filters=[pattern])["services"]
    assert service["cidrBlock"] == "all-fra-services-in-oracle-services-network"
    assert len(ask(cloud, "getServices")["services"]) == 2
    by_label = {"name": "cidr_block", "values": ["oci-fra-objectstorage"]}
    assert len(ask(cloud, "getServices", filters=[by_label])["services"]) == 1


def test_availability_domains_are_the_regions(cloud: Cloud, tmp_path: Path):
    found = ask(cloud, "getAvailabilityDomains", compartmentId=COMPARTMENT)["availabilityDomains"]
    assert [each["name"] for each in found] == [f"Uocm:EU-FRANKFURT-1-AD-{n}" for n in (1, 2, 3)]
    assert len(ask(Cloud(tmp_path, "eu-milan-1"), "getAvailabilityDomains")["availabilityDomains"]) == 1


def test_home_region_is_found_by_tenancy_and_regions(tmp_path: Path):
    cloud = Cloud(tmp_path, "us-ashburn-1", home_region="uk-london-1")
    key = ask(cloud, "getTenancy", tenancyId="ocid1.tenancy.oc1..x")["homeRegionKey"]
    names = [each["name"] for each in ask(cloud, "getRegions")["regions"] if each["key"] == key]
    home = [each for each in ask(cloud, "getRegionSubscriptions")["regionSubscriptions"] if each["isHomeRegion"]]
    assert names == [home[0]["regionName"]] == ["uk-london-1"]


def test_options_agree_with_the_rules(cloud: Cloud):
    versions = ask(cloud, "getClusterOption", clusterOptionId="all")["kubernetesVersions"]
    assert versions[-1] == "v1.36.1"
    options = ask(cloud, "getNodePoolOption", nodePoolOptionId="all", nodePoolK8sVersion="v1.36.1")
    assert "VM.GPU.A10.1" in options["shapes"]
    names = [each["sourceName"] for each in options["sources"]]
    assert any("-Gen2-GPU-" in name for name in names)
    assert all("OKE-1.36.1" in name for name in names)
    with pytest.raises(ProviderError, match=r"nodePoolK8sVersion = v1\.2\.0"):
        ask(cloud, "getNodePoolOption", nodePoolK8sVersion="v1.2.0")


def test_addons_shapes_and_namespace(cloud: Cloud):
    (addon,) = ask(cloud, "getAddonOptions", kubernetesVersion="v1.36.1", addonName="CertManager")["addonOptions"]
    assert addon["name"] == "CertManager"
    (shape,) = ask(cloud, "getShapes", compartmentId=COMPARTMENT, shape="VM.GPU.A10.1")["shapes"]
    assert shape["gpus"] == 1
    assert not shape["isFlexible"]
    with pytest.raises(ProviderError, match="availabilityDomain = AD-1"):
        ask(cloud, "getShapes", availabilityDomain="AD-1")
    assert ask(cloud, "getNamespace")["namespace"] == "simulated"


def test_a_kubeconfig_without_a_cluster_is_well_formed(cloud: Cloud):
    content = ask(cloud, "getClusterKubeConfig", clusterId=cloud["cluster"])["content"]
    access = parse_kubeconfig(content)
    assert access.server == "https://simulated.invalid:6443"
    assert access.exec_plugin is None
    assert yaml.safe_load(content)["kind"] == "Config"


def test_a_kubeconfig_of_the_local_cluster_is_its_own(tmp_path: Path):
    (tmp_path / "admin.kubeconfig").write_text("apiVersion: v1\n")
    cloud = furnished(Cloud(tmp_path, kubeconfig=str(tmp_path / "admin.kubeconfig")))
    assert ask(cloud, "getClusterKubeConfig", clusterId=cloud["cluster"])["content"] == "apiVersion: v1\n"
    (tmp_path / "admin.kubeconfig").unlink()
    with pytest.raises(ProviderError, match=r"PIXEL_OCI_KUBECONFIG = .* start the local cluster"):
        ask(cloud, "getClusterKubeConfig", clusterId=cloud["cluster"])


def test_a_kubeconfig_of_nothing_is_refused(cloud: Cloud):
    with pytest.raises(ProviderError, match=r"404-NotAuthorizedOrNotFound: .*clusterId = ocid1\.x"):
        ask(cloud, "getClusterKubeConfig", clusterId="ocid1.x")


def test_an_unknown_function_is_named(cloud: Cloud):
    with pytest.raises(ProviderError, match=r"no function oci:Core/getVnic:getVnic; it answers getAddonOptions"):
        cloud.simulation.invoke("oci:Core/getVnic:getVnic", {}, False)


def test_surroundings_come_from_the_environment(tmp_path: Path):
    found = Surroundings.of(
        {
            "PIXEL_OCI_STATE": str(tmp_path),
            "PIXEL_OCI_HOME_REGION": "us-ashburn-1",
            "PIXEL_OCI_EXISTING": "ocid1.vcn.oc1..a, ocid1.vcn.oc1..b",
            "OCI_REGION": "eu-milan-1",
        }
    )
    assert found == Surroundings(
        tmp_path, None, "us-ashburn-1", "eu-milan-1", frozenset({"ocid1.vcn.oc1..a", "ocid1.vcn.oc1..b"})
    )
    with pytest.raises(ProviderError, match="PIXEL_OCI_HOME_REGION = berlin"):
        Surroundings.of({"PIXEL_OCI_HOME_REGION": "berlin"})


def test_regions_have_keys_of_their_own():
    assert len({region.key for region in REGIONS.values()}) == len(REGIONS) > 40


def test_a_secret_is_read_back_as_it_was_given_or_drawn(cloud: Cloud):
    def content(secret: str) -> bytes:
        bundle = ask(cloud, "getSecretbundle", secretId=secret, stage="CURRENT")
        return base64.b64decode(bundle["secretBundleContents"][0]["content"])

    nothing = {"enableAutoGeneration": None, "secretGenerationContext": None}
    given = {"contentType": "BASE64", "content": base64.b64encode(b"given").decode()}
    cloud.make(k.VAULT_SECRET, "given", **vault_secret(cloud, secretName="given", secretContent=given, **nothing))
    cloud.make(k.VAULT_SECRET, "drawn", **vault_secret(cloud, secretName="drawn"))
    assert content(cloud["given"]) == b"given"
    assert content(cloud["drawn"]) == content(cloud["drawn"]) != content(cloud["secret"])
    assert len(content(cloud["drawn"])) == 64
    assert not any(content(cloud["drawn"]).hex() in str(each) for each in cloud.resources().values())


def test_a_secret_that_is_not_there_cannot_be_read(cloud: Cloud, tmp_path: Path):
    by_hand = "ocid1.vaultsecret.oc1.fra.made.by.hand"
    for nothing in (by_hand, cloud["vault"]):
        with pytest.raises(ProviderError, match=r"404.*no such secret"):
            ask(cloud, "getSecretbundle", secretId=nothing)
    told = Cloud(tmp_path, known_elsewhere=frozenset({by_hand}))
    assert ask(told, "getSecretbundle", secretId=by_hand)["secretBundleContents"][0]["content"]
