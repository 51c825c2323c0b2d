"""The whole program on the local stack: nothing changes the second time, and nothing is left when it is gone."""

import json
import os
import subprocess
import sys
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
