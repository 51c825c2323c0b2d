"""The cache: its keys, whole tools or none, its lock and its record of downloads."""

import json
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from local.tools.errors import ToolError
from local.tools.store import Store, key
from tests.unit.tools.conftest import go_module, sample, script


@pytest.fixture
def tool(tmp_path):
    return sample(go_module(tmp_path / "module"))


@pytest.fixture
def store(cache):
    return Store(cache / "tools")


def test_the_key_is_the_same_for_the_same_pins(tool):
    assert key(tool) == key(replace(tool))
    assert key(tool).startswith("1.2.3-")


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "main.go", "inner/more.go"])
def test_the_key_changes_with_every_file_of_the_module(tool, file):
    before = key(tool)
    changed = Path(tool.source.module) / file
    changed.parent.mkdir(exist_ok=True)
    with changed.open("a") as content:
        content.write("// changed\n")
    assert key(tool) != before


def test_the_key_changes_with_version_flags_and_release(tool):
    others = [
        replace(tool, version="1.2.4"),
        replace(tool, source=replace(tool.source, variables=(("main.version", "9.9.9"),))),
        replace(tool, release=replace(tool.release, url="https://elsewhere.example/{version}")),
    ]
    assert len({key(other) for other in [tool, *others]}) == 4


def test_an_installed_tool_is_found_with_its_receipt(store, tool, tmp_path):
    beside = script(tmp_path / "helper", "exit 0")
    path = store.install(tool, script(tmp_path / "made", "echo 1.2.3"), "a test", (beside,))
    assert path == store.path(tool) == store.cached(tool)
    assert path.name == "pixel-sample"
    assert (path.parent / "helper").exists()
    receipt = json.loads((path.parent / "receipt.json").read_text())
    assert receipt["origin"] == "a test"
    assert receipt["version"] == "1.2.3"
    assert len(receipt["sha256"]) == 64


def test_a_tool_that_is_not_whole_is_not_found_and_can_be_installed_again(store, tool, tmp_path):
    path = store.install(tool, script(tmp_path / "made", "echo 1.2.3"), "a test")
    whole, receipt = path.read_bytes(), (path.parent / "receipt.json").read_text()

    path.write_bytes(whole[:-3])
    assert store.cached(tool) is None
    path.write_bytes(whole)
    assert store.cached(tool) == path
    path.chmod(0o644)
    assert store.cached(tool) is None
    path.chmod(0o755)
    for broken in ("", "{}", "[]", '{"size": 3}'):
        (path.parent / "receipt.json").write_text(broken)
        assert store.cached(tool) is None
    (path.parent / "receipt.json").write_text(receipt)
    assert store.cached(tool) == path

    path.unlink()
    assert store.cached(tool) is None
    assert store.install(tool, script(tmp_path / "again", "echo 1.2.3"), "a test") == store.cached(tool)
    assert [entry.name for entry in store.root.iterdir()] == ["pixel-sample"]


def test_the_lock_sweeps_what_a_killed_run_left(store, steps):
    left = store.root / ".staging-killed" / "tool"
    left.mkdir(parents=True)
    (left / "half").write_text("half")
    with store.locked(steps):
        assert not left.parent.exists()


def test_a_second_run_waits_for_the_first(store, printed):
    steps, text = printed
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path\n"
            "from local.progress import Steps; from local.tools.store import Store\n"
            f"with Store(Path({str(store.root)!r})).locked(Steps()): print('held', flush=True); sys.stdin.read()",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    entered = threading.Event()

    def second():
        with store.locked(steps):
            entered.set()

    with holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.3)
        holder.stdin.close()
        assert entered.wait(30)
        thread.join()
    assert "Wait for another run that installs tools" in text()


def test_a_cache_that_cannot_be_made_is_named_with_the_remedy(tmp_path, steps):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(ToolError, match=r"file/tools cannot be made .*PIXEL_CACHE"),
        Store(tmp_path / "file" / "tools").locked(steps),
    ):
        pass


def test_a_download_that_changed_is_refused(store):
    store.record("https://example.test/a", "sha256:1")
    store.record("https://example.test/b", "sha256:2")
    store.record("https://example.test/a", "sha256:1")
    with pytest.raises(ToolError, match=r"a is not the file it was before: sha256:3, recorded sha256:1"):
        store.record("https://example.test/a", "sha256:3")
    assert json.loads((store.root / "lock.json").read_text()) == {
        "https://example.test/a": "sha256:1",
        "https://example.test/b": "sha256:2",
    }
