"""Sharing of GPUs: what an instance asks for, what the plugin is told, what a GPU bears."""

import json
import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from components.addons.gpu import config_map, plugin_arguments, plugin_configuration
from components.settings import SettingsError, load
from components.settings.gpu import (
    ENCODER_PIXELS_PER_SECOND,
    GPUS,
    Gpu,
    Sharing,
    SharingMode,
    gpu_of,
    most_instances,
    slots_per_gpu,
)
from local.oci.shapes import SHAPES
from tests.unit.components.settings_cases import GOOD, patched

EXCLUSIVE = Sharing(SharingMode.EXCLUSIVE)
SLICED = Sharing(SharingMode.TIME_SLICING, 4)
CUT = Sharing(SharingMode.MIG, 1, "1g.24gb+gfx")
BY_CPU = Sharing(SharingMode.CPU)


@pytest.mark.parametrize(
    ("sharing", "resource", "slots", "strategy"),
    [
        (EXCLUSIVE, "nvidia.com/gpu", 1, "none"),
        (SLICED, "nvidia.com/gpu", 4, "none"),
        (CUT, "nvidia.com/mig-1g.24gb.gfx", 4, "mixed"),
        (BY_CPU, None, None, "none"),
    ],
)
def test_each_mode_has_its_resource(sharing: Sharing, resource: str | None, slots: int | None, strategy: str) -> None:
    assert sharing.resource == resource
    assert slots_per_gpu("BM.GPU.RTXPRO.8", sharing) == slots
    assert plugin_configuration(sharing)["flags"]["migStrategy"] == strategy


def test_time_slicing_makes_slots_of_one_gpu_and_refuses_two() -> None:
    (data,) = set(config_map(SLICED)["data"].values())
    slicing = yaml.safe_load(data)["sharing"]["timeSlicing"]
    assert slicing["resources"] == [{"name": "nvidia.com/gpu", "replicas": 4}]
    assert slicing["failRequestsGreaterThanOne"] is True
    assert slicing["renameByDefault"] is False
    assert not any("sharing" in plugin_configuration(each) for each in (EXCLUSIVE, CUT))


def pools(**changes: Any) -> Any:
    return load(patched("pixel:pools/gpu", GOOD["pixel:pools"]["gpu"] | changes)).pools


def test_the_plugin_is_told_in_texts_where_to_run_and_what_to_read() -> None:
    arguments = plugin_arguments(pools(shape="VM.GPU3.1", preemptible=True))
    assert all(isinstance(value, str) for value in arguments.values())
    assert arguments["useConfigFile"] == "true"
    assert json.loads(arguments["nodeSelectors"]) == {"app.pixel/gpu": "true"}
    assert [each["key"] for each in json.loads(arguments["tolerations"])] == [
        "nvidia.com/gpu",
        "oci.oraclecloud.com/oke-is-preemptible",
    ]
    assert json.loads(arguments["nvidia-gpu-device-plugin.ContainerResources"]).keys() == {"requests", "limits"}
    cut = pools(shape="BM.GPU.RTXPRO.8", sharing={"mode": "mig", "profile": "1g.24gb+gfx"}, min=3)
    assert plugin_arguments(cut)["migStrategy"] == "mixed"


@given(st.integers(1, 64 * 1024), st.integers(1, 10**10))
def test_what_a_gpu_bears_fits_both_its_memory_and_its_encoders(memory_mb: int, pixels: int) -> None:
    gpu = Gpu("some", 24, 1)
    most, bound = most_instances(gpu, memory_mb, pixels)
    assert most * memory_mb <= gpu.memory_gb * 1024
    assert most * pixels <= gpu.encoders * ENCODER_PIXELS_PER_SECOND
    one_more = {"memory": (most + 1) * memory_mb > 24 * 1024, "video": (most + 1) * pixels > ENCODER_PIXELS_PER_SECOND}
    assert one_more[bound.split(" ")[0].rstrip(":")]


def test_eight_players_in_full_hd_at_sixty_are_what_one_encoder_does() -> None:
    assert most_instances(Gpu("some", 48, 1), 1024, 1920 * 1080 * 60)[0] == 8


def test_every_gpu_shape_of_the_cloud_has_one_model() -> None:
    """Against the shapes that the simulated OCI knows, which were read from another page of Oracle's."""
    shapes = [name for name, shape in SHAPES.items() if shape.gpus]
    assert len(shapes) > 20
    assert all(gpu_of(shape) for shape in shapes)
    for shape in shapes:
        assert sum(bool(re.fullmatch(pattern, shape)) for pattern, _ in GPUS) == 1, shape


@pytest.mark.parametrize("shape", ["VM.GPU.A100.40G.1", "BM.GPU.A100-v2.8", "BM.GPU.H200.8", "BM.GPU.MI300X.8"])
def test_a_gpu_that_only_computes_is_refused_and_once(shape: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(patched("pixel:pools/gpu/shape", shape))
    assert [line for line in caught.value.refusals if "without a video encoder" in line] == list(caught.value.refusals)


def test_a_shape_that_is_not_known_yet_is_taken_as_it_is() -> None:
    its = pools(shape="VM.GPU.L90.1", sharing={"mode": "time-slicing", "slots": 40})
    assert its.slots == 40


def test_a_partition_is_one_that_draws_and_its_bounds_are_its_own() -> None:
    config = patched("pixel:pools/gpu/sharing", {"mode": "mig", "profile": "1g.24gb"})
    config["pixel:pools"]["gpu"] |= {"shape": "BM.GPU.RTXPRO.8", "min": 3}
    with pytest.raises(SettingsError, match=r"no partition of the RTX PRO 6000.*1g\.24gb\+gfx, 2g\.48gb\+gfx"):
        load(config)
    config["pixel:pools"]["gpu"]["sharing"]["profile"] = "1g.24gb+gfx"
    assert load(config).pools.slots == 32
    config["pixel:apps"][0]["resources"]["gpu_memory"] = "24Gi"
    with pytest.raises(SettingsError, match=r'gpu_memory is "24Gi": more than the 1g\.24gb\+gfx of RTX PRO 6000 has'):
        load(config)


def test_partitions_cannot_start_from_no_node() -> None:
    config = patched("pixel:pools/gpu/sharing", {"mode": "mig", "profile": "1g.24gb+gfx"})
    config["pixel:pools"]["gpu"] |= {"shape": "BM.GPU.RTXPRO.8", "min": 2}
    with pytest.raises(SettingsError, match="at least 3, one for each domain"):
        load(config)


def test_buffers_fit_the_slots_of_the_pool() -> None:
    config = patched("pixel:pools/gpu/max", 1)
    config["pixel:pools"]["gpu"]["availability_domains"] = config["pixel:pools"]["gpu"]["availability_domains"][:1]
    with pytest.raises(SettingsError, match="room for 1 instances, and the buffers of all versions ask for 4"):
        load(config)
    config["pixel:pools"]["gpu"]["sharing"] = {"mode": "time-slicing", "slots": 4}
    assert load(config).pools.slots == 4
