"""The program on a cluster that exists already, and with mirrors in the place of the internet."""

import copy
from pathlib import Path
from typing import Any

import pytest

from components.mirrors import CHART_IMAGES
from components.settings import SettingsError, load
from components.versions import CHARTS
from tests.program.charts import CHARTS as CHARTS_FOLDER
from tests.program.charts import needs_charts, problems, read_chart
from tests.program.recording import Record, is_secret, run, stack_file

STACK = "production-us-ashburn-1"
CLUSTER = "ocid1.cluster.oc1.iad.aaaaexample"
KUBECONFIG = (
    "apiVersion: v1\nkind: Config\nclusters: [{name: a, cluster: {server: 'https://a.example'}}]\n"
    "users: [{name: a, user: {token: t0p-s3cret}}]\n"
)
MADE = ("oci:Core/vcn:", "oci:Core/subnet:", "oci:Core/routeTable:", "oci:Core/securityList:", "oci:ContainerEngine/")


def existing(value: dict[str, Any]) -> dict[str, Any]:
    """A production stack with a cluster of its own in place of the program's."""
    config = copy.deepcopy(stack_file(STACK))
    cluster = config["pixel:cluster"]
    config["pixel:cluster"] = {"name": cluster["name"], "existing": value}
    if "id" in value:
        config["pixel:cluster"]["endpoint"] = "private"
    config["pixel:network"].pop("admin_cidrs")
    # OCI Cache would have to be in a network that this stack does not make.
    config["pixel:redis"] = {"mode": "in-cluster"}
    for pool in config["pixel:pools"].values():
        for key in ("image_id", "boot_volume_gb", "availability_domains"):
            pool.pop(key, None)
    return config


def bare(value: dict[str, Any]) -> dict[str, Any]:
    """The same with every add-on off that needs OCI."""
    config = existing(value)
    for key in ("ingress", "certificates", "dns", "monitoring", "autoscaling", "regions"):
        config.pop(f"pixel:{key}", None)
    return config


def test_a_cluster_of_oke_is_used_and_nothing_below_it_is_made() -> None:
    record = run(STACK, existing({"id": CLUSTER}))
    assert not [each.token for each in record.resources if each.token.startswith(MADE)]
    assert {each.token for each in record.resources} >= {"pixel:cluster:GivenCluster", "pixel:matchmaker:Matchmaker"}
    provider = record.one("pulumi:providers:kubernetes")
    assert provider.inputs["clusterIdentifier"] == CLUSTER
    (call,) = [each for each in record.calls if each.token.endswith(":getClusterKubeConfig")]
    assert (call.args["clusterId"], call.args["endpoint"]) == (CLUSTER, "PRIVATE_ENDPOINT")
    assert record.exports()["clusterId"] == CLUSTER
    assert_workloads(record)


def test_any_other_cluster_is_reached_by_its_kubeconfig_which_stays_secret() -> None:
    record = run(STACK, bare({"kubeconfig": KUBECONFIG}))
    provider = record.one("pulumi:providers:kubernetes")
    assert provider.inputs["kubeconfig"] == KUBECONFIG
    assert "kubeconfig" in provider.secrets
    assert is_secret(record.exports()["kubeconfig"])
    assert not [each for each in record.calls if each.token.endswith(":getClusterKubeConfig")]
    assert not [each.token for each in record.resources if each.token.startswith(MADE)]
    others = [each for each in record.resources if each.token != "pulumi:providers:kubernetes"]
    assert "t0p-s3cret" not in str([each.inputs for each in others])
    assert_workloads(record)


def assert_workloads(record: Record) -> None:
    made = {each.inputs["metadata"]["name"] for each in record.objects("Deployment", "DaemonSet")}
    assert {"matchmaker", "turn", "showroom-1-4-2", "showroom-1-5-0", "configurator-2-0-1"} <= made


CONTRADICTIONS: list[tuple[str, Any, str]] = [
    ("pixel:cluster/kubernetes_version", "v1.36.1", "Leave it out"),
    ("pixel:cluster/protect", True, "Leave it out"),
    ("pixel:cluster/autoscaler", True, "Leave it out"),
    ("pixel:network/admin_cidrs", ["10.200.0.0/16"], "Leave it out"),
    ("pixel:pools/gpu/image_id", "ocid1.image.oc1.iad.example", "Leave it out"),
    ("pixel:pools/turn/availability_domains", ["Uocm:US-ASHBURN-AD-1"], "Leave it out"),
    ("pixel:pools/default/boot_volume_gb", 100, "Leave it out"),
    ("pixel:cluster/existing", {}, "existing"),
    ("pixel:cluster/existing", {"id": CLUSTER, "kubeconfig": KUBECONFIG}, "not one of id and kubeconfig"),
    ("pixel:cluster/existing/id", "my-cluster", "ocid1.cluster"),
    ("pixel:cluster/existing/name", "my-cluster", "unknown"),
]


@pytest.mark.parametrize(("path", "value", "words"), CONTRADICTIONS)
def test_a_contradiction_is_one_refusal(path: str, value: Any, words: str) -> None:
    config = existing({"id": CLUSTER})
    *way, last = path.split("/")
    at: Any = config
    for part in way:
        at = at[part]
    at[last] = value
    with pytest.raises(SettingsError) as caught:
        load(config)
    (refusal,) = caught.value.refusals
    assert words in refusal
    assert path.rpartition("/")[2].split("[")[0] in refusal


@pytest.mark.parametrize("content", ["~/.kube/config", "a: b: c", "[]", "clusters: []\nusers: []", 7])
def test_a_kubeconfig_that_is_none_is_refused_without_being_shown(content: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        load(bare({"kubeconfig": content}))
    (refusal,) = caught.value.refusals
    assert "not the content of a kubeconfig" in refusal
    assert str(content) not in refusal.replace("[", "").replace("]", "") or content in (7, "[]")


def test_a_kubeconfig_at_rest_is_taken_for_one_and_shown_nowhere() -> None:
    config = bare({"kubeconfig": {"secure": "v1:abc:def"}})
    assert load(config).cluster.existing is not None
    assert "t0p" not in repr(load(bare({"kubeconfig": KUBECONFIG})))


def test_an_ingress_of_okes_is_refused_elsewhere() -> None:
    config = bare({"kubeconfig": KUBECONFIG}) | {"pixel:ingress": {"enabled": True}}
    with pytest.raises(SettingsError) as caught:
        load(config)
    assert any(line.startswith("pixel:ingress.enabled is true: made of OKE's") for line in caught.value.refusals)


MIRROR = "registry.example.com/mirror"


def mirrored(stack: str) -> Record:
    charts = {chart.repository: f"oci://registry.example.com/charts/{name}" for name, chart in CHARTS.items()}
    return run(stack, stack_file(stack) | {"pixel:mirrors": {"charts": charts, "images": MIRROR}})


def test_with_mirrors_no_chart_and_no_foreign_image_comes_from_elsewhere(stack: str) -> None:
    record = mirrored(stack)
    own = {image.partition("/")[0] for image in stack_file(stack)["pixel:images"].values()}
    for release in record.of("kubernetes:helm.sh/v3:Release"):
        assert release.inputs["chart"].startswith("oci://registry.example.com/charts/"), release.name
        name = Path(release.inputs["chart"]).name
        for path in CHART_IMAGES[name]:
            value: Any = release.inputs["values"]
            for key in path.split("."):
                value = value[key]
            assert value.startswith(f"{MIRROR}/"), f"{release.name}: {path} is {value}"
    for name, container, _ in record.containers():
        registry = container["image"].partition("/")[0]
        assert registry in own | {"registry.example.com"}, f"{name}: {container['image']}"


def images_of(values: Any, way: str = "") -> set[str]:
    """The paths of a chart's values that say from which registry, or repository with its registry, an image comes."""
    found: set[str] = set()
    if isinstance(values, dict):
        named = isinstance(values.get("repository"), str) or way.rpartition(".")[2] == "image"
        for key, value in values.items():
            path = f"{way}.{key}" if way else key
            host = isinstance(value, str) and "." in value.partition("/")[0]
            if host and ((key == "registry") or (key == "repository" and named) or key == "imageRegistry"):
                found.add(path)
            found |= images_of(value, path)
    return found


UNUSED = {
    "kube-prometheus-stack": {
        "grafana.imageRenderer.image.registry",
        "grafana.testFramework.image.registry",
        "prometheus-node-exporter.permissionInitContainer.image.registry",
        "prometheus-windows-exporter.image.registry",
        "windowsMonitoring",
    },
    "traefik": {"global.azure.images.proxy.registry", "global.azure.images.hub.registry"},
}
"""Images of parts that are off in each of our stacks: pictures of dashboards, tests of the chart, Windows, Azure."""


@needs_charts
@pytest.mark.parametrize("name", sorted(CHART_IMAGES))
def test_the_table_names_every_image_that_a_chart_has(name: str) -> None:
    chart = read_chart(CHARTS_FOLDER / name)
    assert images_of(chart.defaults) - UNUSED.get(name, set()) <= set(CHART_IMAGES[name])
    assert not problems(chart, nested(CHART_IMAGES[name]))


def nested(flat: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for path, text in flat.items():
        at = values
        *way, last = path.split(".")
        for key in way:
            at = at.setdefault(key, {})
        at[last] = text
    return values
