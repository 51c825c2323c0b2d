"""Classes leave the least unused; nodes hold what fits; facts of shapes are those of the program."""

import re
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capacity import shapes, stack_file
from capacity.classification.classes import Need, classify, request_of
from capacity.classification.command import cpu_of, diff, fits
from capacity.classification.use import ROLES, by_role, games, role_of
from capacity.learning.prometheus import Prometheus, Series
from capacity.shapes import SHAPES, Size, fit
from components.settings import gpu
from components.workloads import capacity as program
from local.oci.shapes import SHAPES as OCI_SHAPES

STACKS = Path(__file__).resolve().parents[3] / "stacks"

needs = st.lists(st.tuples(st.floats(0.05, 12), st.floats(0.1, 100)), min_size=1, max_size=7).map(
    lambda each: [Need(f"game-{number}", *values) for number, values in enumerate(each)]
)


def waste(parts: list[list[Need]], headroom: float) -> float:
    return sum(
        (request_of(max(each.cores for each in part), headroom) - each.cores) * each.weight
        for part in parts
        for each in part
    )


@settings(deadline=None)
@given(needs, st.integers(1, 3), st.sampled_from([0.0, 0.1, 0.5]))
def test_no_other_division_leaves_less_unused(games: list[Need], most: int, headroom: float) -> None:
    found = classify(games, most, headroom)
    ordered = sorted(games, key=lambda each: each.cores)
    by_name = {each.game: each for each in games}
    ours = waste([[by_name[name] for name in each.games] for each in found], headroom)
    for count in range(min(most, len(games))):
        for cuts in combinations(range(1, len(ordered)), count):
            edges = [0, *cuts, len(ordered)]
            parts = [ordered[start:end] for start, end in pairwise(edges)]
            assert ours <= waste(parts, headroom) + 1e-6
    assert sorted(name for each in found for name in each.games) == sorted(by_name)
    for each in found:
        assert all(each.cores >= by_name[name].cores - 1e-6 for name in each.games)


def test_classes_have_names_by_their_number() -> None:
    alike = [Need("a", 1.0, 1), Need("b", 1.0, 1)]
    assert [each.name for each in classify(alike)] == ["Middle"]
    assert [each.name for each in classify([*alike, Need("c", 5, 1)])] == ["Low", "High"]
    assert [each.name for each in classify([*alike, Need("c", 5, 1), Need("d", 3, 1)])] == ["Low", "Middle", "High"]
    assert classify([]) == ()
    with pytest.raises(ValueError, match="4 classes have no names"):
        classify(alike, 4)


def test_processes_have_roles() -> None:
    assert [role_of(each, ROLES) for each in ("Arcade-Linux-Shipping", "gst-launch-1.0", "ffmpeg", "python3")] == [
        "game",
        "encoder",
        "encoder",
        "system",
    ]
    used = [(("a", "x"), "Arcade", 30.0), (("a", "x"), "gst-launch-1.0", 10.0), (("a", "y"), "Arcade", 0.0)]
    assert by_role(used, ROLES) == {("a", "x"): {"game": 0.75, "encoder": 0.25}}


def test_shapes_are_those_of_the_program() -> None:
    for name, shape in SHAPES.items():
        known, model = OCI_SHAPES[name], gpu.gpu_of(name)
        assert (shape.ocpus, shape.memory_gb, shape.gpus) == (known.ocpus, known.memory_gb, known.gpus)
        assert model is not None
        assert (shape.gpu_memory_gb, shape.encoders) == (model.memory_gb, model.encoders)
    assert shapes.ENCODER_PIXELS_PER_SECOND == gpu.ENCODER_PIXELS_PER_SECOND


FULL_HD = 1920 * 1080 * 60


@pytest.mark.parametrize(
    ("shape", "size", "slots", "instances", "bound"),
    [
        ("VM.GPU.A10.1", Size(3750, 8192, 2048, FULL_HD), 1, 1, "GPU slots"),
        ("VM.GPU.A10.1", Size(3750, 8192, 2048, FULL_HD), None, 7, "CPU"),
        ("VM.GPU.A10.1", Size(500, 65536, 2048, FULL_HD), None, 3, "memory"),
        ("VM.GPU.A10.1", Size(500, 2048, 6144, FULL_HD), None, 4, "GPU memory"),
        ("VM.GPU.A10.1", Size(500, 2048, 1024, FULL_HD), None, 8, "encoders"),
        ("VM.GPU.A10.2", Size(500, 2048, 1024, FULL_HD), None, 16, "encoders"),
        ("VM.GPU.A10.2", Size(3750, 8192, 2048, FULL_HD), 2, 4, "GPU slots"),
    ],
)
def test_a_node_holds_what_its_scarcest_part_holds(
    shape: str, size: Size, slots: int | None, instances: int, bound: str
) -> None:
    found = fit(SHAPES[shape], size, slots)
    assert (found.instances, found.bound) == (instances, bound)


def test_every_class_is_fitted_to_every_shape() -> None:
    (application, *_) = stack_file.read("production-us-ashburn-1", STACKS).applications
    found = classify([Need("a", 1, 1), Need("b", 4, 1)], headroom=0)
    by_class = fits(found, application, None)
    assert by_class["Low"]["VM.GPU.A10.1"].by_cpu == 29
    assert by_class["High"]["VM.GPU.A10.1"].by_cpu == 7
    assert by_class["Low"].keys() == SHAPES.keys()


def test_the_application_requests_what_its_pod_needs_less_what_stands_beside_it() -> None:
    (its,) = classify([Need("a", 2.0, 1)], headroom=0)
    assert cpu_of(its) == "1940m"
    (tiny,) = classify([Need("a", 0.05, 1)], headroom=0)
    assert cpu_of(tiny) == "50m"


def test_what_stands_beside_an_application_is_what_the_program_puts_there() -> None:
    beside = (shapes.COMPANIONS_MILLICORES, shapes.COMPANIONS_MEBIBYTES)
    assert beside == (program.COMPANIONS_CPU, program.COMPANIONS_MEMORY)
    template = (STACKS.parent / "manifests" / "fleet.yaml.j2").read_text()
    requests = re.findall(r"requests: \{cpu: (\d+)m, memory: (\d+)Mi\}", template)
    assert beside == tuple(sum(map(int, column)) for column in zip(*requests, strict=True))
    (application, *_) = stack_file.read("production-us-ashburn-1", STACKS).applications
    assert application.size.millicores == application.millicores + 60


def looks(request: str, session: str, begin: int, percent: float) -> Series:
    labels = {"application": "showroom", "game_id": "showroom", "session_id": session, "pod_cpu_request": request}
    times = tuple(60.0 * (begin + minute) for minute in range(61))
    return Series(labels, times, (percent,) * len(times))


class Seen:
    """A Prometheus that has seen sessions before a request was changed and after, in whatever order it tells them."""

    def during(self, *_: object) -> list[Series]:
        return [looks("1.810000", "b", 100, 160.0), looks("3.810000", "a", 0, 160.0)]

    def at(self, *_: object) -> list[Series]:
        return []


def test_a_request_that_was_changed_is_not_changed_again(tmp_path: Path) -> None:
    """The diff of last week was applied: what pods requested before is still in what is looked at."""
    played = games(cast("Prometheus", Seen()), 0, 9000)
    assert [each.request for each in played] == [1.81]
    path = tmp_path / "Pulumi.production-us-ashburn-1.yaml"
    text = (STACKS / path.name).read_text()
    found = classify([Need(each.title, each.quantile(0.95), each.hours) for each in played])
    path.write_text(text)
    stack = stack_file.read(str(path))
    assert "cpu: 1740m" in diff(stack, played, found)
    # Also while it was applied to the stack file only, and pods request what they did.
    before = [replace(each, request=3.81) for each in played]
    path.write_text(re.sub("cpu: 7500m", "cpu: 1740m", text, count=1))
    assert diff(stack_file.read(str(path)), before, found) == ""
