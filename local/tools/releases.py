"""Official releases: which can be reached, their published checksums, and the download."""

import hashlib
import re
import tarfile
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

import httpx

from local.tools.catalogue import Release, Tool
from local.tools.errors import ToolError
from local.tools.store import machine

_TIMEOUT: Final = httpx.Timeout(30.0, connect=2.0)
_SECONDS_TO_DECIDE: Final = 6.0
_CHUNK: Final = 1 << 20
_ALGORITHMS: Final = {64: "sha256", 128: "sha512"}
_HASH: Final = re.compile(r"[0-9a-fA-F]{64}|[0-9a-fA-F]{128}")
_RELEASED_FOR: Final = {"linux-amd64": ("amd64", "x64"), "linux-arm64": ("arm64", "arm64")}


@dataclass(frozen=True)
class Offer:
    """A release that can be had: resolved addresses and the checksum it must have, as ``sha256:…`` or ``sha512:…``."""

    url: str
    digest: str
    member: str | None
    beside: tuple[str, ...]


def resolve(release: Release, version: str, system: str) -> Release | None:
    """The release with its texts filled in for a machine (``linux-amd64``), None if it is not published for it."""
    if system not in _RELEASED_FOR:
        return None
    arch, arch_x64 = _RELEASED_FOR[system]

    def fill(text: str) -> str:
        return text.format(version=version, arch=arch, arch_x64=arch_x64)

    member = None if release.member is None else fill(release.member)
    return Release(fill(release.url), fill(release.checksums), member, tuple(map(fill, release.beside)))


def published_digest(checksums: str, file: str) -> str | None:
    """The digest of ``file`` in a checksum file: lines of hash and file name, or one hash alone."""
    rows = [line.split() for line in checksums.splitlines() if line.strip()]
    for row in rows:
        named = len(row) == 2 and PurePosixPath(row[1].lstrip("*")).name == file
        alone = len(row) == 1 and len(rows) == 1
        if (named or alone) and _HASH.fullmatch(row[0]):
            return f"{_ALGORITHMS[len(row[0])]}:{row[0].lower()}"
    return None


@dataclass
class Releases:
    """What was learnt of the release hosts in this run; ``refused`` maps a host to why it cannot be reached."""

    refused: dict[str, str] = field(default_factory=dict)
    system: str = field(default_factory=machine)

    def offers(self, tools: Iterable[Tool]) -> dict[str, Offer]:
        """Which of the tools can be downloaded, asked of all hosts at once.

        A host that does not answer within two seconds (six with its name looked up) is not asked again in this run.
        """
        found: dict[str, Offer] = {}
        with httpx.Client(timeout=_TIMEOUT, follow_redirects=True) as client:
            threads = []
            for tool in tools:
                release = resolve(tool.release, tool.version, self.system) if tool.release else None
                if release is None or self._refusal(release):
                    continue
                # Daemons: a name server that does not answer holds a thread for longer than is worth waiting for.
                thread = threading.Thread(
                    target=self._ask, args=(client, tool.name, release, found), name=tool.name, daemon=True
                )
                thread.start()
                threads.append((thread, release))
            deadline = time.monotonic() + _SECONDS_TO_DECIDE
            for thread, release in threads:
                thread.join(max(0.0, deadline - time.monotonic()))
                if thread.is_alive():
                    self.refused.setdefault(httpx.URL(release.checksums).host, "no answer")
            return dict(found)

    def download(self, tool: Tool, offer: Offer, folder: Path, show: Callable[[str, float], None]) -> Path | None:
        """The release's file in ``folder``, its checksum verified; None if the host went away.

        ToolError if the file is not the one the release's checksums name.
        """
        target = folder / PurePosixPath(httpx.URL(offer.url).path).name
        algorithm, _, expected = offer.digest.partition(":")
        digest = hashlib.new(algorithm)
        try:
            with (
                httpx.stream("GET", offer.url, timeout=_TIMEOUT, follow_redirects=True) as answer,
                target.open("wb") as file,
            ):
                answer.raise_for_status()
                total = int(answer.headers.get("content-length", 0))
                for chunk in answer.iter_raw(_CHUNK):
                    file.write(chunk)
                    digest.update(chunk)
                    show(f"{file.tell() >> 20} MiB", file.tell() / total if total else 0.0)
        except httpx.HTTPError as error:
            self.refused.setdefault(httpx.URL(offer.url).host, _reason(error))
            return None
        if digest.hexdigest() != expected:
            raise ToolError(
                f"{tool.name} {tool.version}: {offer.url} has {algorithm} {digest.hexdigest()}, "
                f"the release's checksums say {expected}; try again, and if it stays so "
                "build it instead with PIXEL_TOOLS_FROM=path,build"
            )
        return target

    def _refusal(self, release: Release) -> str | None:
        hosts = (httpx.URL(release.checksums).host, httpx.URL(release.url).host)
        return next((self.refused[host] for host in hosts if host in self.refused), None)

    def _ask(self, client: httpx.Client, name: str, release: Release, found: dict[str, Offer]) -> None:
        try:
            answer = client.get(release.checksums)
        except (httpx.HTTPError, RuntimeError) as error:
            # RuntimeError: the client was closed because this took too long.
            self.refused.setdefault(httpx.URL(release.checksums).host, _reason(error))
            return
        file = PurePosixPath(httpx.URL(release.url).path).name
        if answer.is_success and (digest := published_digest(answer.text, file)):
            found[name] = Offer(release.url, digest, release.member, release.beside)


def unpack(offer: Offer, file: Path, folder: Path) -> tuple[Path, tuple[Path, ...]]:
    """The executable of a verified download, and the files that belong beside it; ToolError if it is not in there."""
    if offer.member is None:
        return file, ()
    try:
        with tarfile.open(file) as archive:
            names = {member.name.removeprefix("./"): member for member in archive.getmembers() if member.isfile()}
            wanted = [name for name in (offer.member, *offer.beside) if name in names]
            taken = [_take(archive, names[name], folder) for name in wanted]
    except tarfile.TarError as error:
        raise ToolError(f"{offer.url} is not an archive that can be read: {error}") from error
    if offer.member not in wanted:
        raise ToolError(f"{offer.url} holds no {offer.member}; it holds {', '.join(sorted(names)[:20])}")
    return taken[0], tuple(taken[1:])


def _take(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> Path:
    target = folder / PurePosixPath(member.name).name
    content = archive.extractfile(member)
    assert content is not None  # noqa: S101 -- regular files only, for the type checker
    with content, target.open("wb") as file:
        while chunk := content.read(_CHUNK):
            file.write(chunk)
    return target


def _reason(error: Exception) -> str:
    return str(error).strip() or type(error).__name__
