"""Official releases, from a host on loopback: what is offered, what is refused, what is checked."""

import hashlib
import socket

import pytest

from local.tools import releases
from local.tools.errors import ToolError
from local.tools.releases import Offer, Releases, published_digest, unpack
from tests.unit.tools.conftest import Server, archive, go_module, sample

ONE, TWO, LONG = "1" * 64, "a2" * 32, "b" * 128


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{ONE}", f"sha256:{ONE}"),
        (f"{ONE}\n", f"sha256:{ONE}"),
        (f"{LONG}", f"sha512:{LONG}"),
        (f"{ONE}  file.tgz\n{TWO}  other.tgz\n", f"sha256:{ONE}"),
        (f"{ONE}  other.tgz\n{TWO.upper()} *file.tgz\n", f"sha256:{TWO}"),
        (f"{LONG}  file.tgz\n", f"sha512:{LONG}"),
        (f"{ONE}  release/file.tgz", f"sha256:{ONE}"),
        (f"{ONE}  ./file.tgz", f"sha256:{ONE}"),
        (f"{ONE}  file.tgz.sbom\n", None),
        (f"{ONE}\n{TWO}\n", None),
        (f"{ONE[1:]}  file.tgz", None),
        (f"{ONE}  file.tgz and more", None),
        ("<html>Not Found</html>", None),
        ("", None),
    ],
)
def test_the_digest_is_read_from_the_usual_checksum_files(text, expected):
    assert published_digest(text, "file.tgz") == expected


@pytest.fixture
def tool(tmp_path, server):
    return sample(go_module(tmp_path / "module"), url=server.url)


def here() -> Releases:
    return Releases(system="linux-amd64")


def test_a_published_release_is_offered_with_its_digest(server, tool):
    server.release(tool, "echo 1.2.3")
    content = server.files["/pixel-sample-1.2.3.tar.gz"]
    asked = here()
    offer = asked.offers([tool])["pixel-sample"]
    assert offer.url == f"{server.url}/pixel-sample-1.2.3.tar.gz"
    assert offer.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert offer.member == "pixel-sample-1.2.3/pixel-sample"
    assert asked.refused == {}


@pytest.mark.parametrize("files", [{}, {"/SHA256SUMS": b""}, {"/SHA256SUMS": b"<html>"}])
def test_a_release_without_checksum_is_not_offered_but_its_host_is_there(server, tool, files):
    server.files = files
    asked = here()
    assert asked.offers([tool]) == {}
    assert asked.refused == {}
    assert server.asked == ["/SHA256SUMS"]


def test_nothing_is_asked_for_where_no_release_is_made(server, tool):
    assert Releases(system="plan9-mips").offers([tool]) == {}
    assert server.asked == []


def test_a_refusal_is_remembered_for_the_run(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    late = Server(port=port)
    tool = sample(go_module(tmp_path / "module"), url=late.url)
    late.release(tool, "echo 1.2.3")
    asked = here()
    assert asked.offers([tool]) == {}
    assert "refused" in asked.refused["127.0.0.1"]
    http = Server.serve(late)
    try:
        assert asked.offers([tool]) == {}
        assert late.asked == []
        assert set(here().offers([tool])) == {"pixel-sample"}
    finally:
        http.shutdown()
        http.server_close()


def test_a_host_that_says_nothing_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(releases, "_SECONDS_TO_DECIDE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        tool = sample(go_module(tmp_path / "module"), url=f"http://127.0.0.1:{silent.getsockname()[1]}")
        asked = here()
        assert asked.offers([tool]) == {}
        assert asked.refused == {"127.0.0.1": "no answer"}


def test_a_download_is_checked_and_its_progress_shown(server, tool, tmp_path):
    server.release(tool, "echo 1.2.3")
    asked, shown = here(), []
    offer = asked.offers([tool])["pixel-sample"]
    file = asked.download(tool, offer, tmp_path, lambda text, done: shown.append(done))
    assert file == tmp_path / "pixel-sample-1.2.3.tar.gz"
    assert shown[-1] == 1.0


def test_a_wrong_checksum_is_an_error_that_names_both(server, tool, tmp_path):
    server.release(tool, "echo 1.2.3")
    asked = here()
    offer = asked.offers([tool])["pixel-sample"]
    server.files["/pixel-sample-1.2.3.tar.gz"] += b"!"
    got = hashlib.sha256(server.files["/pixel-sample-1.2.3.tar.gz"]).hexdigest()
    with pytest.raises(ToolError, match=f"{got}.*say {offer.digest[7:]}.*PIXEL_TOOLS_FROM=path,build"):
        asked.download(tool, offer, tmp_path, lambda text, done: None)


@pytest.mark.parametrize("size", ["not found", "cut short"])
def test_a_download_that_breaks_off_gives_nothing_and_the_host_up(server, tool, tmp_path, size):
    server.release(tool, "echo 1.2.3")
    asked = here()
    offer = asked.offers([tool])["pixel-sample"]
    if size == "not found":
        del server.files["/pixel-sample-1.2.3.tar.gz"]
    else:
        server.cut = 10
    assert asked.download(tool, offer, tmp_path, lambda text, done: None) is None
    assert "127.0.0.1" in asked.refused


def offer(member: str | None, *beside: str) -> Offer:
    return Offer("https://example.test/a.tgz", f"sha256:{ONE}", member, beside)


def test_an_executable_and_what_belongs_beside_it_are_unpacked(tmp_path):
    file = tmp_path / "a.tgz"
    file.write_bytes(archive({"./p/tool": "tool", "./p/helper": "helper", "./p/large": "unused", "../evil": "evil"}))
    out = tmp_path / "out"
    out.mkdir()
    executable, beside = unpack(offer("p/tool", "p/helper", "p/absent"), file, out)
    assert (executable.read_text(), [path.read_text() for path in beside]) == ("tool", ["helper"])
    assert sorted(path.name for path in out.iterdir()) == ["helper", "tool"]


def test_a_download_that_is_the_executable_is_not_unpacked(tmp_path):
    assert unpack(offer(None), tmp_path / "kubectl", tmp_path) == (tmp_path / "kubectl", ())


def test_an_archive_without_the_executable_is_an_error(tmp_path):
    file = tmp_path / "a.tgz"
    file.write_bytes(archive({"p/other": "x"}))
    with pytest.raises(ToolError, match=r"holds no p/tool; it holds p/other"):
        unpack(offer("p/tool"), file, tmp_path)
    file.write_bytes(b"no archive")
    with pytest.raises(ToolError, match="not an archive that can be read"):
        unpack(offer("p/tool"), file, tmp_path)
