"""A cache of its own for every test, and small things to make tools of."""

import hashlib
import io
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from local.progress import Steps
from local.tools.catalogue import Fit, Release, Source, Tool

needs_go = pytest.mark.skipif(shutil.which("go") is None, reason="needs the go command")

MAIN = """package main

import "fmt"

var version = "0.0.0"

func main() { fmt.Println("sample v" + version) }
"""


def script(file: Path, body: str) -> Path:
    """An executable shell script."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


def go_module(folder: Path, *, go: str = "1.26", main: str = MAIN) -> Path:
    """A Go module without dependencies whose program prints its version."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "go.mod").write_text(f"module example.test/sample\n\ngo {go}\n")
    (folder / "main.go").write_text(main)
    return folder


def sample(
    folder: Path, *, name: str = "pixel-sample", version: str = "1.2.3", built: str | None = None, url: str = ""
) -> Tool:
    """A catalogue row: built from the module in ``folder``, released at ``url``."""
    base = url or "http://127.0.0.1:9"
    return Tool(
        name=name,
        version=version,
        ask=("version",),
        fit=Fit.SAME_MINOR_OR_NEWER,
        release=Release(f"{base}/{name}-{{version}}.tar.gz", f"{base}/SHA256SUMS", member=f"{name}-{{version}}/{name}"),
        source=Source(str(folder), ".", "sample", (("main.version", built or version),)),
    )


def archive(members: Mapping[str, str]) -> bytes:
    """A tar.gz of the given members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


def checksum_line(content: bytes, name: str) -> bytes:
    """One line of a SHA256SUMS file."""
    return f"{hashlib.sha256(content).hexdigest()}  {name}\n".encode()


@dataclass
class Server:
    """A release host on loopback: what it serves by path, what it was asked for, where it breaks an answer off."""

    files: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0
    cut: int | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def release(self, tool: Tool, text: str) -> None:
        """Serve a release of ``tool`` whose executable is a script."""
        file = f"{tool.name}-{tool.version}.tar.gz"
        content = archive({f"{tool.name}-{tool.version}/{tool.name}": f"#!/bin/sh\n{text}\n"})
        self.files |= {f"/{file}": content, "/SHA256SUMS": checksum_line(content, file)}

    @staticmethod
    def serve(server: "Server") -> ThreadingHTTPServer:
        """Start serving on ``server.port``, any port if it is 0."""

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.asked.append(self.path)
                content = server.files.get(self.path)
                self.send_response(200 if content is not None else 404)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write((content or b"")[: server.cut])

            def log_message(self, format, *args):
                pass

        http = ThreadingHTTPServer(("127.0.0.1", server.port), Handler)
        server.port = http.server_address[1]
        threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return http


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder of this test; no proxy and no preference of the machine reaches it."""
    monkeypatch.setenv("PIXEL_CACHE", str(tmp_path / "cache"))
    for name in ("PIXEL_TOOLS_FROM", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "cache"


@pytest.fixture
def binaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder at the front of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return folder


@pytest.fixture
def server() -> Iterator[Server]:
    """A running release host that serves nothing yet."""
    made = Server()
    http = Server.serve(made)
    yield made
    http.shutdown()
    http.server_close()


@pytest.fixture
def printed() -> tuple[Steps, Callable[[], str]]:
    """Steps, and what they have printed so far."""
    console = Console(file=io.StringIO(), width=200)
    file = console.file
    assert isinstance(file, io.StringIO)
    return Steps(console), file.getvalue


@pytest.fixture
def steps(printed: tuple[Steps, Callable[[], str]]) -> Steps:
    """Steps that print nowhere."""
    return printed[0]
