"""Where a tool is taken from, in which order, with fake binaries, a host on loopback and a real small Go module."""

import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from local.progress import Steps
from local.tools import ToolError, ensure_tools
from local.tools.ensure import allowed_origins
from local.tools.releases import Releases
from tests.unit.tools.conftest import MAIN, go_module, needs_go, sample, script


@pytest.fixture
def module(tmp_path):
    return go_module(tmp_path / "module")


@pytest.fixture
def tool(module, server):
    return sample(module, url=server.url)


@pytest.fixture
def ensure(steps, tool):
    def run(*, of=tool, releases=None):
        reached = releases or Releases(system="linux-amd64")
        return ensure_tools([of.name], steps, catalogue={of.name: of}, releases=reached)[of.name]

    return run


def says(executable: Path) -> str:
    return subprocess.run([executable, "version"], capture_output=True, text=True, check=True).stdout.strip()


def test_path_comes_first_if_the_version_fits(ensure, binaries, server, tool, cache):
    server.release(tool, "echo v1.2.3")
    on_path = script(binaries / "pixel-sample", "echo pixel-sample v1.4.0")
    assert ensure() == on_path
    assert server.asked == []
    assert not cache.exists()


@pytest.mark.parametrize("body", ["echo v1.1.9", "echo v2.2.3", "echo nothing", "exit 1"])
def test_another_version_on_path_is_passed_over(ensure, binaries, server, tool, body):
    server.release(tool, "echo v1.2.3")
    script(binaries / "pixel-sample", body)
    assert says(ensure()) == "v1.2.3"


@needs_go
def test_one_that_cannot_tell_its_version_is_built_and_nowhere_else_looked_for(ensure, binaries, server, tool):
    script(binaries / "pixel-sample", "echo v1.2.3")
    found = ensure(of=replace(tool, ask=(), release=None))
    assert found.parent.parent.name == "pixel-sample"
    assert "go build" in (found.parent / "receipt.json").read_text()
    assert server.asked == []


def test_a_release_is_installed_once_and_its_origin_written_down(ensure, server, tool, cache):
    server.release(tool, "echo v1.2.3")
    first = ensure()
    assert first.is_relative_to(cache / "tools" / "pixel-sample")
    assert says(first) == "v1.2.3"
    assert f"{server.url}/pixel-sample-1.2.3.tar.gz sha256:" in (first.parent / "receipt.json").read_text()
    server.asked.clear()
    assert ensure() == first
    assert server.asked == []
    assert sorted(path.name for path in (cache / "tools").iterdir()) == [".lock", "lock.json", "pixel-sample"]


def test_a_wrong_checksum_is_never_answered_by_a_build(ensure, server, tool, cache):
    server.release(tool, "echo v1.2.3")
    server.files["/pixel-sample-1.2.3.tar.gz"] += b"!"
    with pytest.raises(ToolError, match="the release's checksums say"):
        ensure()
    assert sorted(path.name for path in (cache / "tools").iterdir()) == [".lock"]


def test_a_release_replaced_after_it_was_recorded_is_refused(ensure, server, tool):
    server.release(tool, "echo v1.2.3")
    ensure().unlink()
    server.release(tool, "echo v1.2.3; echo replaced")
    with pytest.raises(ToolError, match="not the file it was before"):
        ensure()


def test_a_release_that_says_another_version_is_refused(ensure, server, tool):
    server.release(tool, "echo v1.2.4")
    with pytest.raises(ToolError, match=r"says it is version 1\.2\.4, not 1\.2\.3"):
        ensure()


@needs_go
def test_without_a_release_it_is_built(ensure, cache, printed):
    built = ensure()
    assert says(built) == "sample v1.2.3"
    assert '"go build"' in (built.parent / "receipt.json").read_text()
    assert ensure() == built
    assert sorted(path.name for path in (cache / "tools").iterdir()) == [".lock", "pixel-sample"]
    assert "pixel-sample: no official release to be had (none published)" in printed[1]()


@needs_go
def test_an_unreachable_host_is_named_and_the_tool_built(steps, module, printed):
    tool = sample(module)
    found = ensure_tools([tool.name], steps, catalogue={tool.name: tool}, releases=Releases(system="linux-amd64"))
    assert says(found["pixel-sample"]) == "sample v1.2.3"
    assert "no official release to be had (127.0.0.1: " in printed[1]()


@needs_go
def test_a_download_that_breaks_off_is_answered_by_a_build(ensure, server, tool):
    server.release(tool, "echo v1.2.3")
    content = server.files.pop("/pixel-sample-1.2.3.tar.gz")
    assert says(ensure()) == "sample v1.2.3"
    assert content


@needs_go
def test_a_changed_module_is_built_again_beside_the_old_one(ensure, module):
    first = ensure()
    (module / "main.go").write_text(MAIN.replace('"sample v"', '"changed v"'))
    second = ensure()
    assert (says(first), says(second)) == ("sample v1.2.3", "changed v1.2.3")


@needs_go
def test_a_build_that_says_another_version_is_refused(ensure, module):
    with pytest.raises(ToolError, match=r"pixel-sample \(built in .*\) says it is version 9\.9\.9, not 1\.2\.3"):
        ensure(of=sample(module, built="9.9.9"))


@needs_go
def test_two_runs_at_once_build_once(binaries, tmp_path, module, steps):
    calls = tmp_path / "calls"
    real = subprocess.run(["sh", "-c", "command -v go"], capture_output=True, text=True, check=True).stdout.strip()
    script(binaries / "go", f'echo "$1" >> {calls}\nexec {real} "$@"')
    tool = sample(module)
    paths = []

    def run():
        found = ensure_tools([tool.name], Steps(steps.console), catalogue={tool.name: tool}, releases=Releases())
        paths.append(found["pixel-sample"])

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 3
    assert len(set(paths)) == 1
    assert calls.read_text().split().count("build") == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("path", "release", "build")),
        (" , ", ("path", "release", "build")),
        ("build", ("build",)),
        ("path, build", ("path", "build")),
    ],
)
def test_the_origins_can_be_chosen(text, expected):
    assert allowed_origins({"PIXEL_TOOLS_FROM": text}) == expected
    assert allowed_origins({}) == ("path", "release", "build")


def test_an_unknown_origin_is_named(ensure, monkeypatch):
    monkeypatch.setenv("PIXEL_TOOLS_FROM", "path,source")
    with pytest.raises(ToolError, match=r"'path,source': 'source' is none of path, release, build"):
        ensure()


def test_origins_that_are_left_out_are_not_used(ensure, binaries, server, tool, monkeypatch):
    server.release(tool, "echo v1.2.3")
    on_path = script(binaries / "pixel-sample", "echo v1.2.5")
    monkeypatch.setenv("PIXEL_TOOLS_FROM", "release")
    assert ensure() != on_path
    monkeypatch.setenv("PIXEL_TOOLS_FROM", "path")
    assert ensure() == on_path
    server.asked.clear()
    on_path.unlink()
    ensure().unlink()
    with pytest.raises(ToolError, match=r"pixel-sample 1\.2\.3: not found, and PIXEL_TOOLS_FROM=path allows no build"):
        ensure()
    assert server.asked == []


def test_an_unknown_tool_is_named(steps):
    with pytest.raises(ToolError, match=r"there is no tool 'kubeadm'; there are pulumi, etcd, .*coredns"):
        ensure_tools(["etcd", "kubeadm"], steps)


def test_a_tool_named_twice_is_looked_for_once(binaries, steps, tool):
    on_path = script(binaries / "pixel-sample", "echo v1.2.3")
    assert ensure_tools([tool.name, tool.name], steps, catalogue={tool.name: tool}) == {"pixel-sample": on_path}


def test_the_package_is_imported_without_side_effects(cache):
    subprocess.run([sys.executable, "-c", "import local.tools, local.tools.packages"], check=True)
    assert not cache.exists()
