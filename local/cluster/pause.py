"""The image of the process that holds a pod's namespaces, made from a static binary of this machine."""

import hashlib
import io
import json
import platform
import shutil
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from local.cluster import addresses

BINARY = "catatonit"
"""Debian's package of this name; ``-P`` makes it wait for a signal and reap: https://github.com/openSUSE/catatonit."""

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def find_binary() -> Path | None:
    """Where the static binary lies, or None."""
    found = shutil.which(BINARY, path="/usr/bin:/usr/local/bin:/usr/libexec/podman:/usr/libexec/catatonit")
    return Path(found) if found else None


def archive(binary: bytes) -> bytes:
    """The image as a docker-archive; the same bytes for the same binary."""
    layer = _tar([("pause", binary, 0o755)])
    return docker_archive(addresses.PAUSE_IMAGE, layer, {"Entrypoint": ["/pause", "-P"], "User": "65535:65535"})


def docker_archive(name: str, layer: bytes, settings: Mapping[str, object], machine: str = platform.machine()) -> bytes:
    """An image of one layer (a tar) as ``docker save`` would write it.

    Format: https://github.com/moby/moby/blob/master/image/spec/v1.2.md, "Combined Image JSON + Filesystem Changeset".
    """
    config = {
        "architecture": ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [],
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    texts = [("config.json", json.dumps(config)), ("manifest.json", json.dumps(manifest))]
    return _tar([("layer.tar", layer, 0o644), *((file, text.encode(), 0o644) for file, text in texts)])


def _tar(files: Iterable[tuple[str, bytes, int]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content, mode in files:
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
