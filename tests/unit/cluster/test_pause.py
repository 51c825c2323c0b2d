"""The pause image and image archives in general."""

import hashlib
import io
import json
import tarfile

import pytest

from local.cluster import pause


def read(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar}  # type: ignore[union-attr]


def test_the_image_has_its_name_and_runs_the_binary_as_nobody() -> None:
    files = read(pause.archive(b"\x7fELF"))
    (manifest,) = json.loads(files["manifest.json"])
    config = json.loads(files[manifest["Config"]])
    assert manifest["RepoTags"] == ["localhost/pixel/pause:1"]
    assert config["config"] == {"Entrypoint": ["/pause", "-P"], "User": "65535:65535"}
    with tarfile.open(fileobj=io.BytesIO(files[manifest["Layers"][0]])) as layer:
        (entry,) = layer.getmembers()
    assert (entry.name, entry.mode) == ("pause", 0o755)


def test_the_configuration_has_the_layers_digest() -> None:
    files = read(pause.docker_archive("a/b:1", b"layer", {}))
    digest = hashlib.sha256(b"layer").hexdigest()
    assert json.loads(files["config.json"])["rootfs"]["diff_ids"] == [f"sha256:{digest}"]


def test_the_same_binary_gives_the_same_bytes() -> None:
    assert pause.archive(b"same") == pause.archive(b"same")
    assert pause.archive(b"same") != pause.archive(b"other")


@pytest.mark.parametrize(
    ("machine", "architecture"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("riscv64", "riscv64")]
)
def test_the_architecture_has_its_name_in_image_terms(machine: str, architecture: str) -> None:
    files = read(pause.docker_archive("a/b:1", b"", {}, machine))
    assert json.loads(files["config.json"])["architecture"] == architecture
