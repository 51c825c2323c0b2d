"""Builds from a Go module: what is needed, what is shown, what an interruption leaves."""

import base64
import hashlib
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from local.progress import Step
from local.tools.build import Batch, batches, build, require_go
from local.tools.catalogue import CATALOGUE
from local.tools.errors import ToolError
from tests.unit.tools.conftest import go_module, needs_go, sample, script


class Shown(Step):
    """A step that keeps what it was told."""

    def __init__(self) -> None:
        super().__init__("a step")
        self.said: list[tuple[str, float | None]] = []

    def update(self, text, done=None):
        self.said.append((text, done))


def batch(folder: Path, **more) -> Batch:
    (made,) = batches([sample(folder, **more)])
    return made


def test_tools_of_one_module_are_built_together():
    made = batches([CATALOGUE[name] for name in ("kubectl", "etcd", "kubelet", "pulumi", "kube-proxy")])
    assert [[tool.name for tool in batch.tools] for batch in made] == [
        ["kubectl", "kubelet", "kube-proxy"],
        ["etcd"],
        ["pulumi"],
    ]
    assert made[0].packages == (
        "k8s.io/kubernetes/cmd/kubectl",
        "k8s.io/kubernetes/cmd/kubelet",
        "k8s.io/kubernetes/cmd/kube-proxy",
    )


def test_tools_with_other_flags_are_built_apart(tmp_path):
    one, two = sample(tmp_path, name="one"), sample(tmp_path, name="two", version="2.0.0")
    assert len(batches([one, two])) == 2


@pytest.mark.parametrize(
    ("answer", "serves"),
    [
        ("go version go1.26.8 linux/amd64", True),
        ("go version go1.26 linux/amd64", True),
        ("go version go1.27rc1 linux/amd64", True),
        ("go version go1.100.0 linux/amd64", True),
        ("go version go1.25.9 linux/amd64", False),
        ("go version go1.19 linux/amd64", False),
        ("something else", False),
    ],
)
def test_the_go_command_must_be_as_new_as_the_module_says(tmp_path, answer, serves):
    made = batch(go_module(tmp_path / "module", go="1.26.0"))
    go = script(tmp_path / "bin" / "go", f"echo '{answer}'")
    environment = {"PATH": f"{go.parent}:{os.environ['PATH']}"}
    if serves:
        assert require_go(made, environment) == go
    else:
        with pytest.raises(
            ToolError, match=rf"pixel-sample 1\.2\.3 cannot be built: .*'{answer}'; install Go 1\.26 or newer"
        ):
            require_go(made, environment)


def test_a_go_command_that_fails_is_quoted(tmp_path):
    made = batch(go_module(tmp_path / "module"))
    go = script(tmp_path / "bin" / "go", "echo 'toolchain not available' >&2; exit 1")
    with pytest.raises(ToolError, match=r"`go version` says 'toolchain not available'; install Go"):
        require_go(made, {"PATH": f"{go.parent}:{os.environ['PATH']}"})


def test_without_go_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("local.tools.build._USUAL_PLACES", ())
    made = batch(go_module(tmp_path / "module"))
    with pytest.raises(ToolError, match=r"there is no go command; install Go 1\.26 or newer from https://go\.dev/dl/"):
        require_go(made, {"PATH": str(tmp_path)})


def test_a_module_that_names_no_go_is_an_error(tmp_path):
    folder = go_module(tmp_path / "module")
    (folder / "go.mod").write_text("module example.test/sample\n")
    with pytest.raises(ToolError, match=r"go\.mod has no go line"):
        require_go(batch(folder), dict(os.environ))


@needs_go
def test_a_build_shows_what_is_compiled(tmp_path, monkeypatch):
    folder = go_module(tmp_path / "module")
    # A package that no cache holds yet.
    inner = folder / "inner"
    inner.mkdir()
    (inner / "inner.go").write_text(f"package inner\n\nconst Nonce = {time.time_ns()}\n")
    (folder / "main.go").write_text(
        'package main\n\nimport "example.test/sample/inner"\n\nfunc main() { println(inner.Nonce) }\n'
    )
    monkeypatch.setenv("GOOS", "plan9")
    staging, step = tmp_path / "staging", Shown()
    staging.mkdir()
    built = build(batch(folder), staging, step)
    assert subprocess.run([built["pixel-sample"].executable], check=True, capture_output=True).stderr.strip().isdigit()
    texts = [text for text, _ in step.said]
    assert any(re.fullmatch(r"\d+ of \d+ packages: sample/inner", text) for text in texts)
    parts = [done for _, done in step.said if done is not None]
    assert parts == sorted(parts)
    assert parts[-1] == 1.0


@needs_go
def test_a_build_obeys_its_tags_and_brings_the_modules_files(tmp_path):
    folder = go_module(tmp_path / "module")
    (folder / "tagged.go").write_text('//go:build wanted\n\npackage main\n\nfunc init() { version = "tagged" }\n')
    (folder / "kinds").mkdir()
    (folder / "kinds" / "one.yaml").write_text("kind: One\n")
    tool = sample(folder)
    module = "example.test/sample"
    staging = tmp_path / "staging"
    staging.mkdir()
    source = replace(tool.source, tags=("wanted",), beside=((module, "kinds/*.yaml"),), variables=())
    (made,) = batches([replace(tool, source=source)])
    built = build(made, staging, Shown())["pixel-sample"]
    assert subprocess.check_output([built.executable], text=True) == "sample vtagged\n"
    assert [(file.name, file.read_text()) for file in built.beside] == [("one.yaml", "kind: One\n")]
    assert staging in built.beside[0].parents

    (other,) = batches([replace(tool, source=replace(tool.source, beside=((module, "nothing/*"),)))])
    again = tmp_path / "again"
    again.mkdir()
    with pytest.raises(ToolError, match=r"cannot be built: example\.test/sample has no nothing/\*"):
        build(other, again, Shown())


@needs_go
def test_the_compilers_words_are_in_the_error(tmp_path):
    folder = go_module(tmp_path / "module", main="package main\n\nfunc main() { undefinedThing() }\n")
    staging = tmp_path / "staging"
    staging.mkdir()
    with pytest.raises(ToolError, match=r"(?s)building pixel-sample 1\.2\.3 in .*undefined: undefinedThing"):
        build(batch(folder), staging, Shown())


@needs_go
def test_what_go_mod_does_not_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    monkeypatch.setenv("GOPROXY", "off")
    folder = go_module(tmp_path / "module", main='package main\n\nimport _ "example.test/other"\n\nfunc main() {}\n')
    staging = tmp_path / "staging"
    staging.mkdir()
    with pytest.raises(ToolError, match=r"(?s)package example\.test/other: import lookup disabled by -mod=readonly"):
        build(batch(folder), staging, Shown())


@needs_go
def test_a_module_whose_checksum_is_not_the_locked_one_is_refused(tmp_path, monkeypatch):
    proxy = tmp_path / "proxy" / "example.test" / "other" / "@v"
    proxy.mkdir(parents=True)
    (proxy / "v1.0.0.info").write_text('{"Version": "v1.0.0"}')
    (proxy / "v1.0.0.mod").write_text("module example.test/other\n")
    with zipfile.ZipFile(proxy / "v1.0.0.zip", "w") as archive:
        archive.writestr("example.test/other@v1.0.0/go.mod", "module example.test/other\n")
        archive.writestr("example.test/other@v1.0.0/other.go", "package other\n")
    monkeypatch.setenv("GOPROXY", proxy.parents[2].as_uri())
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "modules"))
    monkeypatch.setenv("GOFLAGS", "-modcacherw")
    monkeypatch.setenv("GONOSUMDB", "*")
    folder = go_module(tmp_path / "module", main='package main\n\nimport _ "example.test/other"\n\nfunc main() {}\n')
    with (folder / "go.mod").open("a") as file:
        file.write("\nrequire example.test/other v1.0.0\n")
    zero = f"h1:{base64.b64encode(bytes(32)).decode()}"
    text = "module example.test/other\n"
    module_file = hashlib.sha256(f"{hashlib.sha256(text.encode()).hexdigest()}  go.mod\n".encode()).digest()
    right = f"h1:{base64.b64encode(module_file).decode()}"
    (folder / "go.sum").write_text(f"example.test/other v1.0.0 {zero}\nexample.test/other v1.0.0/go.mod {right}\n")
    staging = tmp_path / "staging"
    staging.mkdir()
    with pytest.raises(ToolError, match=r"(?s)verifying example\.test/other@v1\.0\.0: checksum mismatch"):
        build(batch(folder), staging, Shown())


def test_too_little_disk_is_said_before_compiling(tmp_path, monkeypatch):
    monkeypatch.setattr("local.tools.build._BYTES_PER_EXECUTABLE", 1 << 60)
    folder = go_module(tmp_path / "module")
    calls = tmp_path / "calls"
    go = script(
        tmp_path / "bin" / "go",
        f'echo "$1" >> {calls}\n[ "$1" = version ] && echo go version go1.26.1\n[ "$1" != build ]',
    )
    monkeypatch.setenv("PATH", str(go.parent), prepend=":")
    staging = tmp_path / "staging"
    staging.mkdir()
    with pytest.raises(ToolError, match=r"MiB are needed and \d+ MiB are free in .*PIXEL_CACHE and GOCACHE"):
        build(batch(folder), staging, Shown())
    assert "build" not in calls.read_text().split()


RUN = """
import signal, sys
# Whoever runs the tests in the background has it ignored, and so would everything that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
from pathlib import Path
from local.progress import Steps
from local.tools import ensure_tools
from local.tools.releases import Releases
from tests.unit.tools.conftest import sample
tool = sample(Path(sys.argv[1]))
print(ensure_tools([tool.name], Steps(), catalogue={tool.name: tool}, releases=Releases())[tool.name])
"""


def gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return True
    return state == "Z"


def wait_for(condition) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


@needs_go
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_leaves_nothing_and_can_be_started_again(tmp_path, cache, how):
    """The go command is one that writes half an executable and then never ends; the second run has the real one."""
    folder = go_module(tmp_path / "module")
    marker = tmp_path / "pid"
    script(
        tmp_path / "slow" / "go",
        "case $1 in\n"
        "version) echo go version go1.26.1 ;;\n"
        "build)\n"
        '  while [ "$1" != -o ]; do shift; done\n'
        '  mkdir -p "$2" && echo half > "$2/sample"\n'
        f"  echo $$ > {marker}.new && mv {marker}.new {marker}\n"
        "  exec sleep 600 ;;\n"
        "esac",
    )
    command = [sys.executable, "-c", RUN, str(folder)]
    environment = os.environ | {"PATH": f"{tmp_path / 'slow'}:{os.environ['PATH']}"}
    run = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with run:
        assert wait_for(marker.exists)
        (staging,) = (cache / "tools").glob(".staging-*")
        assert (staging / "built" / "sample").exists()
        run.send_signal(how)
        run.communicate(timeout=60)
    assert run.returncode != 0
    assert wait_for(lambda: gone(int(marker.read_text())))
    left = {path.name for path in (cache / "tools").iterdir()}
    assert left == ({".lock"} if how is signal.SIGINT else {".lock", staging.name})

    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert (
        subprocess.run([again.stdout.strip()], capture_output=True, text=True, check=True).stdout == "sample v1.2.3\n"
    )
    assert {path.name for path in (cache / "tools").iterdir()} == {".lock", "pixel-sample"}
