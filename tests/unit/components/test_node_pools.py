"""The plan of the pools, taints and the script of a node's first boot."""

import base64
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.node_pools import (
    TURN_TAINT,
    PoolPlan,
    cloud_init,
    gpu_tolerations,
    kubelet_arguments,
    node_pool,
    plan_pools,
    spread,
    template_tags,
)
from components.settings import load
from tests.unit.components.settings_cases import GOOD, patched

POOLS = load(GOOD).pools


@given(st.integers(0, 1000), st.integers(1, 3))
def test_nodes_are_spread_evenly_and_none_is_lost(total: int, parts: int) -> None:
    shares = spread(total, parts)
    assert sum(shares) == total
    assert len(shares) == parts
    assert max(shares) - min(shares) <= 1
    assert shares == sorted(shares, reverse=True)


def test_there_is_one_pool_for_each_domain_of_the_gpus_only() -> None:
    plans = plan_pools(POOLS, autoscaler=True)
    assert [(plan.name, plan.subnet, plan.min, plan.max) for plan in plans] == [
        ("default", "workers", 3, 3),
        ("default-more-ad-1", "workers", 0, 4),
        ("default-more-ad-2", "workers", 0, 3),
        ("turn", "turn", 1, 4),
        ("gpu-ad-1", "workers", 0, 3),
        ("gpu-ad-2", "workers", 0, 3),
        ("gpu-ad-3", "workers", 0, 2),
    ]
    assert plans[0].availability_domains == POOLS.default.availability_domains
    assert [plan.name for plan in plans if not plan.autoscaled] == ["default"]


def test_without_the_autoscaler_every_pool_keeps_its_bounds_and_the_default_one_is_whole() -> None:
    config = patched("pixel:cluster/autoscaler", False)
    config["pixel:pools"]["gpu"]["min"] = 4
    plans = plan_pools(load(config).pools, autoscaler=False)
    assert [(plan.name, plan.min, plan.max) for plan in plans][:2] == [("default", 3, 10), ("turn", 1, 4)]
    assert not any(plan.autoscaled for plan in plans)


def test_a_domain_that_can_never_hold_a_gpu_gets_no_pool() -> None:
    config = patched("pixel:pools/gpu/max", 2)
    config["pixel:apps"][0]["buffer"]["instances"] = 1
    plans = plan_pools(load(config).pools, autoscaler=True)
    assert [plan.name for plan in plans if plan.name.startswith("gpu")] == ["gpu-ad-1", "gpu-ad-2"]


def test_a_pool_that_cannot_grow_is_not_autoscaled() -> None:
    pools = load(patched("pixel:pools/turn/max", 1)).pools
    by_name = {plan.name: plan.autoscaled for plan in plan_pools(pools, autoscaler=True)}
    assert by_name["default-more-ad-1"]
    assert not by_name["turn"]


def test_only_turn_is_tainted_by_us() -> None:
    taints = {plan.name: plan.taints for plan in plan_pools(POOLS, autoscaler=True)}
    assert taints.pop("turn") == (TURN_TAINT,)
    assert not any(taints.values())


def test_taints_are_sorted_whatever_their_order() -> None:
    assert kubelet_arguments(("b=1:NoSchedule", "a=1:NoSchedule")) == kubelet_arguments(
        ("a=1:NoSchedule", "b=1:NoSchedule")
    )
    assert kubelet_arguments(()) == ""


@pytest.mark.parametrize("taints", [(), (TURN_TAINT,), (TURN_TAINT, "a/b=c:NoExecute")])
def test_the_boot_script_is_bash_and_registers_taints(taints: tuple[str, ...]) -> None:
    script = cloud_init(taints)
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    last = script.rstrip().splitlines()[-1]
    arguments = shlex.split(last)
    assert arguments[:2] == ["bash", "/var/run/oke-init.sh"]
    assert arguments[2:] == (["--kubelet-extra-args", kubelet_arguments(taints)] if taints else [])


@pytest.mark.parametrize("growfs", ["exit 0", "exit 1"])
def test_the_boot_script_runs_oke_init_even_if_the_disk_does_not_grow(growfs: str, tmp_path: Path) -> None:
    """Run for real, with the three programs of an OKE image that it calls replaced by ones that say what they got."""
    script = cloud_init((TURN_TAINT,))
    init = base64.b64encode(b'echo "init: $*"').decode()
    script = script.replace("/usr/libexec/oci-growfs -y", f"bash -c '{growfs}'")
    script = script.replace("/var/run/oke-init.sh", f"{tmp_path}/oke-init.sh")
    run = subprocess.run(
        ["bash"], input=f"curl() {{ echo {init}; }}\n{script}", text=True, capture_output=True, check=True
    )
    assert run.stdout == f"init: --kubelet-extra-args --register-with-taints={TURN_TAINT}\n"


def test_a_failed_download_stops_the_boot_script() -> None:
    script = "curl() { return 22; }\n" + cloud_init(()).replace("/var/run", "/nonexistent")
    assert subprocess.run(["bash"], input=script, text=True, capture_output=True, check=False).returncode != 0


def test_gpu_pools_have_no_shape_configuration() -> None:
    by_name = {plan.name: node_pool(plan, "v1.36.1", "subnet") for plan in plan_pools(POOLS, autoscaler=True)}
    assert by_name["default"]["nodeShapeConfig"] == {"ocpus": 2, "memoryInGbs": 16}
    assert "nodeShapeConfig" not in by_name["gpu-ad-1"]
    assert by_name["gpu-ad-1"]["nodeSourceDetails"]["bootVolumeSizeInGbs"] == "200"


def test_sessions_get_an_hour_before_a_node_goes() -> None:
    grace = {plan.name: plan.eviction_grace for plan in plan_pools(POOLS, autoscaler=True)}
    assert {name: at for name, at in grace.items() if name.startswith("default")}.keys() == {
        name for name, at in grace.items() if at == "PT20M"
    }
    assert {at for name, at in grace.items() if name.startswith(("turn", "gpu"))} == {"PT60M"}


def test_domains_of_a_pool_are_sorted() -> None:
    config = patched(
        "pixel:pools/default/availability_domains", ["Uocm:EU-FRANKFURT-1-AD-3", "Uocm:EU-FRANKFURT-1-AD-1"]
    )
    plan = plan_pools(load(config).pools, autoscaler=True)[0]
    placements = node_pool(plan, "v1.36.1", "s")["nodeConfigDetails"]["placementConfigs"]
    assert [each["availabilityDomain"][-1] for each in placements] == ["1", "3"]


def gpu_pools(**changes: Any) -> list[PoolPlan]:
    config = patched("pixel:pools/gpu", GOOD["pixel:pools"]["gpu"] | changes)
    return [plan for plan in plan_pools(load(config).pools, autoscaler=True) if plan.kind == "gpu"]


def test_gpu_pools_from_zero_are_what_the_autoscaler_can_read() -> None:
    """B9 of the pitfalls: no shape configuration, one domain each, taints in the metadata, disk in a tag."""
    for plan in gpu_pools():
        pool = node_pool(plan, "v1.36.1", "subnet")
        assert (plan.min, pool["nodeConfigDetails"]["size"]) == (0, 0)
        assert len(pool["nodeConfigDetails"]["placementConfigs"]) == 1
        assert "nodeShapeConfig" not in pool
        assert template_tags(plan) == {"cluster-autoscaler/node-ephemeral-storage": "180Gi"}
    (turn,) = (plan for plan in plan_pools(POOLS, autoscaler=True) if plan.kind == "turn")
    assert TURN_TAINT in node_pool(turn, "v1.36.1", "subnet")["nodeMetadata"]["kubelet-extra-args"]


def test_alike_pools_are_told_by_one_label() -> None:
    kinds = {}
    for plan in plan_pools(POOLS, autoscaler=True):
        labels = {each["key"]: each["value"] for each in node_pool(plan, "v1.36.1", "s")["initialNodeLabels"]}
        assert labels[f"app.pixel/{plan.kind}"] == "true"
        kinds[plan.name] = labels.get("app.pixel/node-pool")
    assert kinds.pop("default") is None, "the autoscaler does not manage it"
    assert all(name.startswith(str(kind)) for name, kind in kinds.items())


def test_preemptible_nodes_end_with_their_disks_and_are_tolerated() -> None:
    (plan, *_) = gpu_pools(shape="VM.GPU3.1", preemptible=True)
    (placement,) = node_pool(plan, "v1.36.1", "s")["nodeConfigDetails"]["placementConfigs"]
    assert placement["preemptibleNodeConfig"] == {
        "preemptionAction": {"type": "TERMINATE", "isPreserveBootVolume": False}
    }
    assert [each["key"] for each in gpu_tolerations(True)] == [
        "nvidia.com/gpu",
        "oci.oraclecloud.com/oke-is-preemptible",
    ]
    (usual, *_) = gpu_pools()
    assert "preemptible" not in str(node_pool(usual, "v1.36.1", "s"))


@pytest.mark.parametrize(
    ("shape", "sharing", "offers"),
    [
        ("VM.GPU.A10.2", {"mode": "exclusive"}, None),
        ("VM.GPU.A10.2", {"mode": "cpu"}, None),
        ("VM.GPU.A10.2", {"mode": "time-slicing", "slots": 4}, "nvidia.com/gpu=8"),
        ("BM.GPU.RTXPRO.8", {"mode": "mig", "profile": "1g.24gb+gfx"}, "nvidia.com/mig-1g.24gb.gfx=32"),
    ],
)
def test_the_autoscaler_is_told_what_a_shared_node_offers(
    shape: str, sharing: dict[str, Any], offers: str | None
) -> None:
    tags = template_tags(gpu_pools(shape=shape, sharing=sharing, min=3)[0])
    assert tags.get("cluster-autoscaler/node-template/resources/gpu") == offers


def test_partitions_are_cut_before_the_kubelet_starts_and_at_every_boot(tmp_path: Path) -> None:
    """Run for real, with the programs of a GPU node replaced by ones that say what they were asked."""
    (plan, *_) = gpu_pools(shape="BM.GPU.RTXPRO.8", sharing={"mode": "mig", "profile": "2g.48gb+gfx"}, min=3)
    script = cloud_init((), plan.partition)
    unit = tmp_path / "unit"
    script = script.replace("/etc/systemd/system/pixel-gpu-partitions.service", str(unit))
    script = script.replace("/usr/libexec/oci-growfs -y", "true").replace("/var/run/oke-init.sh", f"{tmp_path}/init.sh")
    init = base64.b64encode(b"echo joined").decode()
    said = f"curl() {{ echo {init}; }}\nsystemctl() {{ echo systemctl $*; }}\n"
    run = subprocess.run(["bash"], input=said + script, text=True, capture_output=True, check=True)
    lines = ["systemctl daemon-reload", "systemctl enable --now pixel-gpu-partitions.service", "joined"]
    assert run.stdout.splitlines() == lines
    assert "Before=kubelet.service" in unit.read_text()
    assert "mig --create-gpu-instance 2g.48gb+gfx,2g.48gb+gfx --default-compute-instance" in unit.read_text()
    failed = f"curl() {{ echo {init}; }}\nsystemctl() {{ return 1; }}\n"
    refused = subprocess.run(["bash"], input=failed + script, text=True, capture_output=True, check=False)
    assert refused.returncode != 0
    assert "joined" not in refused.stdout, "a node that runs nothing must not join"
