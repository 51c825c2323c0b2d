"""Resources from creation to deletion, and what stands in the way."""

from pathlib import Path

import pytest

from local.oci import kinds as k
from local.provider import ProviderError
from tests.unit.oci.cloud import COMPARTMENT, TENANCY, Cloud, cluster, furnished, policy, pool, route_table, subnet


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return furnished(Cloud(tmp_path))


def test_ids_have_the_form_of_their_type(cloud: Cloud):
    assert cloud["vcn"].startswith("ocid1.vcn.oc1.fra.aaaaaaaa")
    assert cloud["public"].startswith("ocid1.subnet.oc1.fra.")
    assert cloud["default_list"].startswith("ocid1.securitylist.oc1.fra.")
    cloud.make(k.POLICY, "policy", **policy("Allow group A to use vnics in tenancy"))
    assert cloud["policy"].startswith("ocid1.policy.oc1..aaaaaaaa")
    cloud.make("oci:Nosql/table:Table", "table_of_scores")
    assert cloud["table_of_scores"].startswith("ocid1.table.oc1.fra.")
    cloud.make(k.ADDON, "addon", addonName="CertManager", clusterId=cloud["cluster"], removeAddonResourcesOnDelete=True)
    assert cloud["addon"] == f"clusters/{cloud['cluster']}/addons/CertManager"
    assert len(set(cloud.ids.values())) == len(cloud.ids)


def test_another_process_sees_the_same_cloud(cloud: Cloud, tmp_path: Path):
    again = Cloud(tmp_path)
    assert again.check(k.SUBNET, subnet(cloud)) == []
    assert len(again.check(k.SUBNET, subnet(cloud, cidrBlock="10.0.1.0/24"))) == 1


def test_outputs_are_inputs_and_what_the_cloud_adds(cloud: Cloud):
    public = cloud.resources()[cloud["public"]].outputs
    assert public["cidrBlock"] == "10.0.1.0/24"
    assert public["virtualRouterIp"] == "10.0.1.1"
    assert public["subnetDomainName"] == "public.pixel.oraclevcn.com"
    assert public["securityListIds"] == [cloud["default_list"]]
    assert public["state"] == "AVAILABLE"
    made = cloud.resources()[cloud["cluster"]].outputs
    assert made["state"] == "ACTIVE"
    assert made["endpoints"][0]["privateEndpoint"].startswith("10.0.1.")
    assert made["endpoints"][0]["publicEndpoint"].startswith("203.0.113.")
    assert made["availableKubernetesUpgrades"] == ["v1.36.0", "v1.36.1"]
    nodes = cloud.make(k.NODE_POOL, "pool", **pool(cloud, details={"size": 3}))["nodes"]
    assert len({node["id"] for node in nodes}) == 3
    assert all(node["privateIp"].startswith("10.0.2.") for node in nodes)


def test_an_update_keeps_what_the_cloud_gave(cloud: Cloud):
    olds = dict(cloud.resources()[cloud["vcn"]].inputs)
    before = dict(cloud.resources()[cloud["vcn"]].outputs)
    after = cloud.update(k.VCN, "vcn", olds, {**olds, "displayName": "renamed"})
    assert {key for key in after if after[key] != before.get(key)} == {"displayName"}
    assert cloud.read(k.VCN, "vcn") == ({**olds, "displayName": "renamed"}, after)


def test_an_update_is_checked(cloud: Cloud):
    olds = dict(cloud.resources()[cloud["public"]].inputs)
    with pytest.raises(ProviderError, match=r"overlaps 10\.0\.2\.0/24 of subnet private"):
        cloud.update(k.SUBNET, "public", olds, {**olds, "cidrBlock": "10.0.2.0/25"})
    assert cloud.resources()[cloud["public"]].inputs == olds


def test_an_unchanged_resource_does_not_stand_in_its_own_way(cloud: Cloud):
    for name, kind in (("public", k.SUBNET), ("igw", k.INTERNET_GATEWAY), ("cluster", k.CLUSTER)):
        olds = dict(cloud.resources()[cloud[name]].inputs)
        assert cloud.check(kind, olds, name, olds) == []
        # Under an alias the engine knows it by another URN than the cloud does.
        assert cloud.check(kind, olds, f"{name}-renamed", olds) == []


def test_a_replacement_made_before_the_deletion_meets_the_old_subnet(cloud: Cloud):
    request = subnet(cloud, cidrBlock="10.0.1.0/24", dnsLabel="again")
    # The engine checks twice: against what there is, then as something new.
    assert cloud.check(k.SUBNET, request, "public", dict(cloud.resources()[cloud["public"]].inputs)) == []
    assert cloud.check(k.SUBNET, request, "public") == []
    with pytest.raises(ProviderError, match=r"overlaps 10\.0\.1\.0/24 of subnet public"):
        cloud.create(k.SUBNET, request, "public")


@pytest.mark.parametrize(
    ("kind", "name", "user"),
    [
        (k.VCN, "vcn", "internetgateway"),
        (k.SUBNET, "public", "cluster"),
        (k.INTERNET_GATEWAY, "igw", "routetable"),
        (k.VCN, "other_vcn", "subnet"),
    ],
)
def test_what_is_in_use_is_not_deleted(cloud: Cloud, kind: str, name: str, user: str):
    with pytest.raises(ProviderError, match=rf"^409-Conflict: .* is used by {user}"):
        cloud.delete(kind, name)
    assert cloud[name] in cloud.resources()


def test_a_cluster_with_a_pool_is_not_deleted(cloud: Cloud):
    cloud.make(k.NODE_POOL, "pool", **pool(cloud))
    with pytest.raises(ProviderError, match="is used by nodepool pool"):
        cloud.delete(k.CLUSTER, "cluster")
    cloud.delete(k.NODE_POOL, "pool")
    cloud.delete(k.CLUSTER, "cluster")


def test_everything_goes_in_order(cloud: Cloud):
    for name in reversed(list(cloud.ids)):
        resource = cloud.resources().get(cloud[name])
        if resource is not None:
            cloud.delete(resource.kind, name)
    assert cloud.resources() == {}


def test_deleting_what_is_gone_is_no_error(cloud: Cloud):
    cloud.make(k.PUBLIC_IP, "ip", lifetime="RESERVED")
    cloud.delete(k.PUBLIC_IP, "ip")
    cloud.delete(k.PUBLIC_IP, "ip")
    assert cloud.read(k.PUBLIC_IP, "ip") is None


def test_updating_what_is_gone_says_so(cloud: Cloud):
    cloud.ids["lost"] = "ocid1.publicip.oc1.fra.lost"
    with pytest.raises(ProviderError, match=r"404-NotAuthorizedOrNotFound: .*pulumi refresh"):
        cloud.update(k.PUBLIC_IP, "lost", {}, {"compartmentId": COMPARTMENT, "lifetime": "RESERVED"})


def test_a_default_list_is_emptied_and_given_back(cloud: Cloud):
    opened = cloud.resources()[cloud["default_list"]].inputs["ingressSecurityRules"]
    assert opened[0]["tcpOptions"] == {"min": 22, "max": 22}
    cloud.make(k.DEFAULT_SECURITY_LIST, "emptied", manageDefaultResourceId=cloud["default_list"])
    assert cloud["emptied"] == cloud["default_list"]
    assert "ingressSecurityRules" not in cloud.resources()[cloud["default_list"]].inputs
    with pytest.raises(ProviderError, match="another resource manages it"):
        cloud.make(k.DEFAULT_SECURITY_LIST, "again", manageDefaultResourceId=cloud["default_list"])
    cloud.delete(k.DEFAULT_SECURITY_LIST, "emptied")
    assert cloud.resources()[cloud["default_list"]].inputs["ingressSecurityRules"] == opened


def test_names_of_policies_are_taken_once(cloud: Cloud):
    cloud.make(k.POLICY, "first", **policy("Allow group A to use vnics in tenancy"))
    (failure,) = cloud.check(k.POLICY, policy("Allow group B to use vnics in tenancy"))
    assert failure.reason.startswith("409-Conflict: Identity CreatePolicy name = pixel")
    assert cloud.check(k.POLICY, policy("Allow group B to use vnics in tenancy", compartmentId=TENANCY)) == []


def test_a_name_is_made_up_and_kept(cloud: Cloud):
    request = {key: value for key, value in cluster(cloud).items() if key != "name"}
    first = cloud.checked(k.CLUSTER, request)["name"]
    assert first.startswith("new-")
    again, _ = cloud.simulation.check(cloud.urn(k.CLUSTER, "new"), k.CLUSTER, {**request, "name": "old"}, request)
    assert again["name"] == "old"


def test_an_addon_is_there_once(cloud: Cloud):
    request = {"addonName": "CertManager", "clusterId": cloud["cluster"], "removeAddonResourcesOnDelete": True}
    cloud.make(k.ADDON, "first", **request)
    (failure,) = cloud.check(k.ADDON, request)
    assert failure.reason.startswith("409-Conflict")


@pytest.mark.parametrize(
    ("version", "said"),
    [("v1.34.1", ["cannot go back"]), ("v1.36.1", []), ("v1.35.2", [])],
)
def test_a_control_plane_goes_up_in_steps(cloud: Cloud, version: str, said: list[str]):
    olds = dict(cloud.resources()[cloud["cluster"]].inputs)
    reasons = [each.reason for each in cloud.check(k.CLUSTER, {**olds, "kubernetesVersion": version}, "cluster", olds)]
    assert len(reasons) == len(said)
    assert all(words in reason for words, reason in zip(said, reasons, strict=True))


def test_an_enhanced_cluster_stays_enhanced(cloud: Cloud):
    olds = dict(cloud.resources()[cloud["cluster"]].inputs)
    (failure,) = cloud.check(k.CLUSTER, {**olds, "type": "BASIC_CLUSTER"}, "cluster", olds)
    assert "cannot become a basic one" in failure.reason


def test_fifteen_clusters_are_enough(cloud: Cloud):
    for index in range(12):
        cloud.make(k.CLUSTER, f"more-{index}", **cluster(cloud, name=f"more-{index}"))
    (failure,) = cloud.check(k.CLUSTER, cluster(cloud))
    assert failure.reason.startswith("400-LimitExceeded")


def test_identity_changes_at_home_only(tmp_path: Path):
    away = Cloud(tmp_path, region="us-ashburn-1")
    request = policy("Allow group A to use vnics in tenancy")
    (failure,) = away.check(k.POLICY, request)
    assert failure.reason.startswith("403-NotAllowed")
    assert "eu-frankfurt-1" in failure.reason
    home = Cloud(tmp_path, region="us-ashburn-1", home_region="us-ashburn-1")
    assert home.check(k.POLICY, request) == []
    made = Cloud(tmp_path)
    made.make(k.POLICY, "policy", **request)
    away.ids = made.ids
    with pytest.raises(ProviderError, match="403-NotAllowed"):
        away.delete(k.POLICY, "policy")


@pytest.mark.parametrize(
    ("region", "good", "bad"),
    [
        ("us-ashburn-1", "abcd:US-ASHBURN-AD-3", "abcd:US-ASHBURN-1-AD-3"),
        ("us-phoenix-1", "abcd:PHX-AD-1", "abcd:US-PHOENIX-1-AD-1"),
        ("eu-milan-1", "abcd:EU-MILAN-1-AD-1", "abcd:EU-MILAN-1-AD-2"),
    ],
)
def test_availability_domains_follow_the_region(tmp_path: Path, region: str, good: str, bad: str):
    cloud = Cloud(tmp_path, region=region)
    cloud.make(k.VCN, "vcn", cidrBlocks=["10.0.0.0/16"])
    assert cloud.check(k.SUBNET, subnet(cloud, availabilityDomain=good)) == []
    (failure,) = cloud.check(k.SUBNET, subnet(cloud, availabilityDomain=bad))
    assert f"availabilityDomain = {bad}: there is no such availability domain in {region}" in failure.reason


def test_a_resource_of_another_region_is_out_of_reach(cloud: Cloud, tmp_path: Path):
    away = Cloud(tmp_path, region="us-ashburn-1")
    (failure,) = away.check(k.SUBNET, subnet(cloud))
    assert failure.reason.startswith("404-NotAuthorizedOrNotFound")
    assert "is in eu-frankfurt-1, the request goes to us-ashburn-1" in failure.reason
    for each in (cloud, away):
        each.make(k.CONTAINER_REPOSITORY, "repository", displayName="pixel/streamer")
    (failure,) = away.check(k.CONTAINER_REPOSITORY, {"compartmentId": COMPARTMENT, "displayName": "pixel/streamer"})
    assert "this name is taken" in failure.reason


def test_an_unknown_region_is_refused_before_anything_else(tmp_path: Path):
    cloud = Cloud(tmp_path)
    assert cloud.simulation.check_config("urn", {}, {"region": "eu-berlin-1"})[1][0].property == "region"
    assert cloud.simulation.check_config("urn", {}, {})[1][0].reason.startswith("region is required")
    assert cloud.simulation.check_config("urn", {}, {"region": "eu-milan-1"})[1] == []
    nowhere = Cloud(tmp_path, region="eu-berlin-1")
    failures = nowhere.check(k.VCN, {"compartmentId": COMPARTMENT, "cidrBlock": "10.0.0.0/16"})
    assert [failure.reason.split(":")[0] for failure in failures] == ["400-InvalidParameter"]


def test_an_empty_table_may_become_a_full_one(cloud: Cloud):
    olds = dict(cloud.resources()[cloud["table"]].inputs)
    assert cloud.update(k.ROUTE_TABLE, "table", olds, route_table(cloud))["routeRules"] == []


def test_what_an_interrupted_run_left_is_made_anew(cloud: Cloud, tmp_path: Path):
    # The engine never heard of this subnet, so that the next run asks for it as if for the first time.
    request = subnet(cloud, cidrBlock="10.0.60.0/24")
    left = cloud.create(k.SUBNET, request, "interrupted")
    again = Cloud(tmp_path)
    assert again.check(k.SUBNET, request, "interrupted") == []
    made = again.create(k.SUBNET, request, "interrupted")
    assert left not in again.resources()
    assert made in again.resources()
    # One that the engine knows is in the way, under its own URN as well.
    known = Cloud(tmp_path)
    assert known.check(k.SUBNET, request, "interrupted", request) == []
    with pytest.raises(ProviderError, match="overlaps"):
        known.create(k.SUBNET, request, "interrupted")


def test_a_pool_can_be_deleted_after_its_cluster_died(cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    cloud.make(k.NODE_POOL, "pool", **pool(cloud))
    config = tmp_path / "admin.kubeconfig"
    dead = Cloud(tmp_path, kubeconfig=str(config))
    dead.ids = cloud.ids
    with pytest.raises(ProviderError, match="start the local cluster"):
        dead.make(k.NODE_POOL, "second", **pool(cloud, name="second"))
    assert "second" not in {each.get("name") for each in dead.resources().values()}
    # Port 1 of the loopback interface is nobody's.
    config.write_text(
        "{clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}], users: [{name: u, user: {token: t}}], "
        "contexts: [{name: x, context: {cluster: c, user: u}}], current-context: x}"
    )
    dead.delete(k.NODE_POOL, "pool")
    assert "the nodes keep the labels of pool for now: " in capsys.readouterr().err
    assert cloud["pool"] not in dead.resources()
