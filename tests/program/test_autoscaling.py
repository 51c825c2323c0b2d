"""Nodes that come and go, what scales pods, how GPUs are handed out, and images that are there before an instance."""

import json
import re
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest

from components.addons import helm
from components.oci import ADDON
from components.settings import Settings, load
from components.settings.apps import mebibytes, millicores
from local.oci.shapes import SHAPES
from tests.program.recording import Record, Registered, run, stack_file

POOL = "oci:ContainerEngine/nodePool:NodePool"
CLOUD = "staging-eu-frankfurt-1"


def addon(record: Record, name: str) -> dict[str, str]:
    found = record.one(ADDON, addonName=name).inputs
    assert found["removeAddonResourcesOnDelete"] is True
    assert found["overrideExisting"] is True
    assert "version" not in found, "Oracle keeps it at one that fits the cluster's"
    keys = [each["key"] for each in found["configurations"]]
    assert keys == sorted(keys)
    assert all(isinstance(each["value"], str) for each in found["configurations"])
    return {each["key"]: each["value"] for each in found["configurations"]}


def with_gpu(stack: str, **changes: Any) -> Record:
    config = stack_file(stack)
    config["pixel:pools"]["gpu"] |= changes
    return run(stack, config)


def daemons(record: Record) -> list[Registered]:
    return [each for each in record.objects("DaemonSet") if each.inputs["metadata"]["name"].startswith("prepull-")]


def test_the_autoscaler_manages_every_pool_but_one(record: Record, its: Settings) -> None:
    if not its.cluster.autoscaler:
        assert not [each for each in record.of(ADDON) if each.inputs["addonName"] == "ClusterAutoscaler"]
        return
    arguments = addon(record, "ClusterAutoscaler")
    groups = [group.split(":", 2) for group in arguments["nodes"].split(", ")]
    names = {f"{each.name}-id": each.inputs["name"] for each in record.of(POOL)}
    managed = {names[pool]: (int(low), int(high)) for low, high, pool in groups}
    assert set(names.values()) - set(managed) == {"default"}
    for kind in ("gpu", "turn"):
        bounds = [value for name, value in managed.items() if name.startswith(kind)]
        pool = getattr(its.pools, kind)
        assert (sum(low for low, _ in bounds), sum(high for _, high in bounds)) == (pool.min, pool.max)
    more = sum(high for name, (_, high) in managed.items() if name.startswith("default"))
    assert its.pools.default.min + more == its.pools.default.max
    for each in record.of(POOL):
        if each.inputs["name"] in managed:
            assert len(each.inputs["nodeConfigDetails"]["placementConfigs"]) == 1 or managed[each.inputs["name"]][0]


def test_the_autoscaler_may_do_what_it_must_and_waits_for_gpus(record: Record, its: Settings) -> None:
    if not its.cluster.autoscaler:
        return
    arguments = addon(record, "ClusterAutoscaler")
    assert arguments["authType"] == "workload"
    assert arguments["maxNodeProvisionTime"] == "25m"
    assert arguments["balancingLabel"] == "app.pixel/node-pool"
    assert arguments["enforceNodeGroupMinSize"] == "true", "or a larger min would do nothing"
    assert json.loads(arguments["nodeSelectors"]) == {"app.pixel/default": "true"}
    registered = record.one(ADDON, addonName="ClusterAutoscaler")
    assert registered.create_timeout == "30m"
    (policy,) = (each for each in record.of("oci:Identity/policy:Policy") if "autoscaler" in each.name)
    assert policy.urn in registered.dependencies
    labels = {label["key"] for each in record.of(POOL) for label in each.inputs["initialNodeLabels"]}
    assert arguments["balancingLabel"] in labels


def test_what_scales_pods_is_there_where_the_stack_wants_it(record: Record, its: Settings) -> None:
    found = {each.name: each.inputs for each in record.of(helm.TOKEN)}
    assert ("metrics-server" in found) == its.autoscaling.metrics_server
    assert ("keda" in found) == its.autoscaling.keda
    assert not [each for each in record.of(ADDON) if each.inputs["addonName"] == "KubernetesMetricsServer"]
    if keda := found.get("keda"):
        assert keda["namespace"] == "keda"
        assert keda["values"]["watchNamespace"] == "pixel-instances"
        monitors = keda["values"]["prometheus"]["operator"]
        assert monitors["enabled"] is monitors["serviceMonitor"]["enabled"] is its.monitoring.enabled
    if metrics := found.get("metrics-server"):
        assert metrics["namespace"] == "kube-system"
        assert metrics["values"]["apiService"]["insecureSkipTLSVerify"] is False


def test_monitored_charts_follow_what_brings_their_monitors(record: Record, its: Settings) -> None:
    if its.monitoring.enabled:
        (prometheus,) = (each for each in record.of(helm.TOKEN) if each.name == "kube-prometheus-stack")
        for name in ("metrics-server", "keda"):
            assert prometheus.urn in record.one(helm.TOKEN, name=name).dependencies


MODES: list[tuple[dict[str, Any], dict[str, int], str | None]] = [
    ({"sharing": {"mode": "exclusive"}}, {"nvidia.com/gpu": 1}, "none"),
    ({"sharing": {"mode": "time-slicing", "slots": 3}}, {"nvidia.com/gpu": 1}, "none"),
    (
        {"shape": "BM.GPU.RTXPRO.8", "min": 2, "sharing": {"mode": "mig", "profile": "1g.24gb+gfx"}},
        {"nvidia.com/mig-1g.24gb.gfx": 1},
        "mixed",
    ),
    ({"sharing": {"mode": "cpu"}}, {}, None),
]


@pytest.mark.parametrize(("changes", "limits", "strategy"), MODES, ids=[m[0]["sharing"]["mode"] for m in MODES])
def test_every_sharing_mode_has_its_requests_and_its_plugin(
    changes: dict[str, Any], limits: dict[str, int], strategy: str | None
) -> None:
    record = with_gpu(CLOUD, **changes)
    fleets = [container for path, container, _ in record.containers() if path.endswith("/app")]
    assert fleets
    for app in fleets:
        asked = {key: n for key, n in app["resources"]["limits"].items() if key.startswith("nvidia.com/")}
        assert asked == limits
        environment = {each["name"]: each["value"] for each in app["env"]}
        assert environment["NVIDIA_DRIVER_CAPABILITIES"] == "all"
        assert environment.get("NVIDIA_VISIBLE_DEVICES") == (None if limits else "all")
    plugins = [each for each in record.of(ADDON) if each.inputs["addonName"] == "NvidiaGpuPlugin"]
    configurations = [each for each in record.objects("ConfigMap") if "nvidia" in each.name]
    if strategy is None:
        assert not plugins
        assert not configurations
        return
    (configuration,) = configurations
    assert configuration.urn in plugins[0].dependencies
    assert addon(record, "NvidiaGpuPlugin")["migStrategy"] == strategy
    assert not [each for each in record.of(helm.TOKEN) if "nvidia" in each.name], "one owner of GPUs"


def test_preemptible_nodes_are_tolerated_by_all_that_runs_on_them() -> None:
    key = "oci.oraclecloud.com/oke-is-preemptible"
    record = with_gpu(CLOUD, shape="VM.GPU3.1", preemptible=True)
    for name, template in record.pods():
        if template["spec"].get("nodeSelector", {}).get("app.pixel/gpu"):
            assert {"key": key, "operator": "Exists"} in template["spec"]["tolerations"], name
    assert key in addon(record, "NvidiaGpuPlugin")["tolerations"]
    assert not any(key in str(template) for _, template in with_gpu(CLOUD).pods() if "prepull" in str(template))


def test_images_are_fetched_for_every_version_and_by_nothing_of_theirs(record: Record, its: Settings) -> None:
    wanted = {f"prepull-{app.fleet_name(v)}": f"{app.image}:{v.tag}" for app in its.apps for v in app.versions}
    found = {each.inputs["metadata"]["name"]: each.inputs for each in daemons(record)}
    assert set(found) == (set(wanted) if its.pools.prepull else set())
    for name, daemon in found.items():
        assert len(name) <= 63 - len("-abcde")
        pod = daemon["spec"]["template"]["spec"]
        fetch = pod["initContainers"][-1]
        assert fetch["image"] == wanted[name]
        assert fetch["command"][0].startswith("/brought/")
        others = [*pod["initContainers"][:-1], *pod["containers"]]
        assert {each["image"] for each in others} == {its.images.signalling}
        assert pod["nodeSelector"] == {"app.pixel/gpu": "true"}
        assert daemon["metadata"]["annotations"]["pulumi.com/skipAwait"] == "true"
        labels = daemon["spec"]["template"]["metadata"]["labels"]
        assert not {"app.pixel/pool", "app.pixel/app", "app.pixel/version"} & set(labels), "it is no instance"


def test_what_is_brought_into_an_image_needs_nothing_of_it(tmp_path: Path) -> None:
    """Run the program of Debian's that the manifest brings along, alone in an empty root where this test may."""
    (daemon, *_) = daemons(with_gpu(CLOUD))
    bring, fetch = daemon.inputs["spec"]["template"]["spec"]["initContainers"]
    program = Path(bring["command"][1])
    if not program.exists():
        pytest.skip(f"this machine is no Debian: there is no {program}")
    assert not has_interpreter(program.read_bytes()), f"{program} is linked dynamically"
    brought = tmp_path / "brought" / Path(fetch["command"][0]).name
    brought.parent.mkdir()
    shutil.copy(program, brought)
    subprocess.run([brought, *fetch["command"][1:]], check=True, capture_output=True, env={})


def has_interpreter(elf: bytes) -> bool:
    """Whether a 64-bit ELF file names a dynamic linker (a program header of type PT_INTERP)."""
    assert elf[:5] == b"\x7fELF\x02"
    start, size, count = struct.unpack_from("<Q", elf, 32)[0], *struct.unpack_from("<HH", elf, 54)
    return any(struct.unpack_from("<I", elf, start + i * size)[0] == 3 for i in range(count))


def test_the_check_for_static_programs_can_fail() -> None:
    assert has_interpreter(Path(shutil.which("true") or "/bin/true").read_bytes())


KUBELET_SHARE = 0.9
"""What OKE leaves of a large node's cores and memory to pods, less what daemons take: a rough lower bound."""


def test_instances_fit_the_nodes_that_they_are_meant_for(record: Record, its: Settings) -> None:
    shape = SHAPES[its.pools.gpu.shape]
    cores, memory = 2000 * shape.ocpus * KUBELET_SHARE, 1024 * shape.memory_gb * KUBELET_SHARE
    for each in record.objects("Deployment"):
        if each.inputs["metadata"]["namespace"] != "pixel-instances" or each.name.endswith("placeholder-turn"):
            continue
        pod = each.inputs["spec"]["template"]["spec"]
        asked = [c["resources"]["requests"] for c in [*pod.get("initContainers", []), *pod["containers"]]]
        slots = its.pools.slots or 1
        assert slots * sum(millicores(request["cpu"]) for request in asked) <= cores, each.name
        assert slots * sum(mebibytes(request["memory"]) for request in asked) <= memory, each.name


def test_the_scheduler_finds_what_the_fleets_ask_for_on_some_pool(record: Record, its: Settings) -> None:
    labels = [{label["key"]: label["value"] for label in each.inputs["initialNodeLabels"]} for each in record.of(POOL)]
    for name, template in record.pods():
        selector = template["spec"].get("nodeSelector", {})
        ours = {key: value for key, value in selector.items() if key.startswith("app.pixel/")}
        assert any(ours.items() <= each.items() for each in labels), name


def test_docs_name_every_mode_and_every_known_gpu() -> None:
    text = (Path(__file__).parents[2] / "docs" / "gpu.md").read_text()
    for changes, *_ in MODES:
        assert f"mode: {changes['sharing']['mode']}" in text
    its = load(stack_file(CLOUD))
    assert its.pools.gpu.shape.split(".")[-2] in text
    assert re.search(r"not tried on a GPU", text, re.I)
