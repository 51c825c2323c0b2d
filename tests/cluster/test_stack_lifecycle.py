"""The whole program on the local stack: nothing changes the second time, and nothing is left when it is gone."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from local.paths import CHECKOUT
from tests.cluster.machine import leavings, left_over

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(os.geteuid() != 0, reason="the local stack needs root"),
    pytest.mark.timeout(900),
]


def local(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "local", *arguments], cwd=CHECKOUT, check=True)


def engine(*arguments: str) -> dict[str, str | int]:
    """What one engine operation changed."""
    command = [sys.executable, "-m", "tests.cluster.stack_program", *arguments]
    output = subprocess.run(command, cwd=CHECKOUT, check=True, stdout=subprocess.PIPE, text=True).stdout
    changed: dict[str, str | int] = json.loads(output.splitlines()[-1])
    return changed


@pytest.fixture(scope="module")
def stack() -> Iterator[None]:
    before = leavings()
    try:
        local("up")
        yield
    finally:
        local("down")
    assert left_over(before, leavings()) == {}


@pytest.mark.usefixtures("stack")
def test_the_second_up_changes_nothing() -> None:
    assert engine("up") == {}


@pytest.mark.usefixtures("stack")
def test_a_refresh_finds_no_drift() -> None:
    assert set(engine("refresh")) <= {"same"}


@pytest.mark.usefixtures("stack")
def test_a_new_image_tag_changes_only_the_fleet() -> None:
    changed = engine("up", "other")
    assert changed
    assert {name for name in changed if "demo" not in name} == set()


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
    try:
        local("up")
    finally:
        local("down")
    found = leavings()
    assert found.files == frozenset()
    assert "pixel-local" not in found.interfaces
    assert found.cgroups == frozenset()
