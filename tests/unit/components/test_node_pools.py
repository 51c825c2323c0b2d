"""The plan of the pools, taints and the script of a node's first boot."""

import base64
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.node_pools import TURN_TAINT, cloud_init, kubelet_arguments, node_pool, plan_pools, spread
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
        ("default", "workers", 3, 10),
        ("turn", "turn", 1, 4),
        ("gpu-ad-1", "workers", 0, 3),
        ("gpu-ad-2", "workers", 0, 3),
        ("gpu-ad-3", "workers", 0, 2),
    ]
    assert plans[0].availability_domains == POOLS.default.availability_domains
    assert all(plan.autoscaled for plan in plans)


def test_a_domain_that_can_never_hold_a_gpu_gets_no_pool() -> None:
    config = patched("pixel:pools/gpu/max", 2)
    config["pixel:apps"][0]["buffer"]["instances"] = 1
    plans = plan_pools(load(config).pools, autoscaler=True)
    assert [plan.name for plan in plans if plan.name.startswith("gpu")] == ["gpu-ad-1", "gpu-ad-2"]


def test_a_pool_that_cannot_grow_is_not_autoscaled() -> None:
    pools = load(patched("pixel:pools/turn/max", 1)).pools
    assert [plan.autoscaled for plan in plan_pools(pools, autoscaler=True)][:2] == [True, False]
    assert not any(plan.autoscaled for plan in plan_pools(pools, autoscaler=False))


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
    assert grace == {"default": "PT20M", "turn": "PT60M", "gpu-ad-1": "PT60M", "gpu-ad-2": "PT60M", "gpu-ad-3": "PT60M"}


def test_domains_of_a_pool_are_sorted() -> None:
    config = patched(
        "pixel:pools/default/availability_domains", ["Uocm:EU-FRANKFURT-1-AD-3", "Uocm:EU-FRANKFURT-1-AD-1"]
    )
    plan = plan_pools(load(config).pools, autoscaler=True)[0]
    placements = node_pool(plan, "v1.36.1", "s")["nodeConfigDetails"]["placementConfigs"]
    assert [each["availabilityDomain"][-1] for each in placements] == ["1", "3"]
