"""The whole program on the local stack: nothing changes the second time, and nothing is left when it is gone."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from local import cluster
from local.demo import down, local_stack_file, only_run, up
from local.images import build_images
from local.paths import CHECKOUT
from local.progress import Steps
from local.stack import LocalStack, StackFile
from tests.cluster.machine import leavings, left_over

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(os.geteuid() != 0, reason="the local stack needs root"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    with only_run():
        before = leavings()
        try:
            yield up(Steps())
        finally:
            down(Steps())
        assert left_over(before, leavings()) == {}


@pytest.fixture(scope="module")
def stack_file() -> StackFile:
    return local_stack_file(build_images(Steps()))


def changed_resources(stack: LocalStack, stack_file: StackFile) -> dict[str, str]:
    """What ``pulumi up`` does, by resource name: the operation, unless it is ``same``."""
    operations: dict[str, str] = {}

    def note(event: Any) -> None:
        step = event.res_outputs_event or event.res_op_failed_event
        if step and str(step.metadata.op) != "OpType.SAME" and getattr(step.metadata.op, "value", "") != "same":
            operations[step.metadata.urn.rpartition("::")[2]] = step.metadata.op.value

    stack.open(stack_file).up(on_event=note, color="never")
    return operations


def test_the_second_up_changes_nothing(stack: LocalStack, stack_file: StackFile) -> None:
    assert changed_resources(stack, stack_file) == {}


def test_a_refresh_finds_no_drift(stack: LocalStack, stack_file: StackFile) -> None:
    result = stack.open(stack_file).refresh(color="never")
    assert set(result.summary.resource_changes or {}) <= {"same"}


def test_a_new_image_tag_changes_only_the_fleet(stack: LocalStack, stack_file: StackFile) -> None:
    changed: StackFile = json.loads(json.dumps(stack_file))
    app = changed["config"]["pixel:apps"][0]
    old = f"{app['image']}:{app['versions'][0]['tag']}"
    app["versions"][0]["tag"] = "other"
    cluster.run_in_node(["ctr", "-n", "k8s.io", "images", "tag", "--force", old, f"{app['image']}:other"])

    operations = changed_resources(stack, changed)

    fleets = {name for name in operations if name.startswith("demo") or "fleet" in name}
    assert fleets, "the fleet follows the tag"
    # The matchmaker reads which versions there are from its ConfigMap, without a restart.
    assert set(operations) - fleets <= {"matchmaker-settings"}


def run_until(line: str) -> None:
    """Start ``local up`` and kill it, with all its children, when a step of that name begins or ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local", "up"],
        cwd=CHECKOUT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    watchdog = threading.Timer(300, process.kill)
    watchdog.start()
    assert process.stderr is not None
    try:
        for text in process.stderr:
            if line in text:
                break
        else:
            raise AssertionError(f"the run never printed '{line}'")
    finally:
        watchdog.cancel()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()


@pytest.mark.parametrize(
    "line", ["Start the control plane", "Start the node", "Load the images", "pulumi up", "Wait for the first"]
)
def test_a_killed_run_is_cleaned_up_by_the_next(line: str) -> None:
    """Each case leaves its killed run to the next one; the last `down` must find nothing left of any of them."""
    run_until(line)


def test_after_killed_runs_the_stack_comes_up_and_goes_without_trace() -> None:
    with only_run():
        try:
            up(Steps())
        finally:
            down(Steps())
        found = leavings()
    assert found.files == frozenset()
    assert "pixel-local" not in found.interfaces
    assert found.cgroups == frozenset()
