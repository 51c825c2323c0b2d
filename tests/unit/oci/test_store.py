"""The state file: shared by processes, whole at every moment."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from local.oci.model import Resource
from local.oci.store import Store
from local.paths import CHECKOUT
from local.provider import ProviderError

ADD = """
import sys
from pathlib import Path
from local.oci.model import Resource
from local.oci.store import Store
store = Store(Path(sys.argv[1]))
for number in range(int(sys.argv[3])):
    with store.change() as resources:
        name = f"{sys.argv[2]}-{number}"
        resources[name] = Resource(name, "oci:Core/vcn:Vcn", name, {"n": number})
"""


def resource(name: str) -> Resource:
    return Resource(name, "oci:Core/vcn:Vcn", f"urn-{name}", {"a": [1, {"b": None}]}, {"c": 1.5}, "eu-milan-1", "owner")


def test_what_was_kept_is_found_again(tmp_path: Path):
    with Store(tmp_path / "deep" / "down").change() as resources:
        resources["a"] = resource("a")
    again = Store(tmp_path / "deep" / "down")
    assert again.resources() == {"a": resource("a")}


def test_a_change_that_fails_is_not_kept(tmp_path: Path):
    store = Store(tmp_path)
    with pytest.raises(RuntimeError), store.change() as resources:
        resources["a"] = resource("a")
        raise RuntimeError
    assert store.resources() == {}


def test_a_change_of_another_process_is_seen(tmp_path: Path):
    mine, theirs = Store(tmp_path), Store(tmp_path)
    assert mine.resources() == {}
    with theirs.change() as resources:
        resources["a"] = resource("a")
    assert "a" in mine.resources()
    (tmp_path / "oci.json").unlink()
    assert mine.resources() == {}


def test_processes_take_turns(tmp_path: Path):
    started = [
        subprocess.Popen([sys.executable, "-c", ADD, str(tmp_path), f"p{index}", "25"], cwd=CHECKOUT)
        for index in range(3)
    ]
    assert [process.wait() for process in started] == [0, 0, 0]
    with Store(tmp_path).change() as resources:
        assert len(resources) == 75
    assert sorted(path.name for path in tmp_path.iterdir()) == ["oci.json", "oci.lock"]


def test_a_kill_leaves_a_whole_file(tmp_path: Path):
    writer = subprocess.Popen([sys.executable, "-c", ADD, str(tmp_path), "p", "1000000"], cwd=CHECKOUT)
    try:
        while len(Store(tmp_path).resources()) < 20:
            assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
    left = len(Store(tmp_path).resources())
    with Store(tmp_path).change() as resources:
        assert len(resources) == left
        resources["next"] = resource("next")
    assert "next" in Store(tmp_path).resources()


def test_a_broken_file_is_named(tmp_path: Path):
    (tmp_path / "oci.json").write_text("{")
    with pytest.raises(ProviderError, match=r"oci\.json cannot be read .* remove it"):
        Store(tmp_path).resources()


def test_nobody_else_may_read_it(tmp_path: Path):
    with Store(tmp_path / "state").change() as resources:
        resources["a"] = resource("a")
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "state" / "oci.json").stat().st_mode & 0o777 == 0o600
    assert json.loads((tmp_path / "state" / "oci.json").read_text())["format"] == 1
