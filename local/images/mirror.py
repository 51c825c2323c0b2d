"""Where this machine gets its Debian packages: read from apt's own files, so that no host stands in the project."""

import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

COMPONENT = "main"
_KEYS = "debian-archive"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
"""Debian's keys as every Debian has them, the base included."""


@dataclass(frozen=True)
class Source:
    """One apt source: an address, one suite of it, its components and the keys it is signed by."""

    address: str
    suite: str
    components: tuple[str, ...] = (COMPONENT,)
    signed_by: str = ""


def parse_list(text: str) -> list[Source]:
    """Sources of a one-line-style file (sources.list(5)); source packages and comments are left out."""
    found: list[Source] = []
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)([^#]*)", line)
        if match:
            signed = re.search(r"signed-by=(\S+)", match[1] or "")
            components = tuple(match[4].split())
            found.append(Source(match[2].rstrip("/"), match[3], components, signed[1] if signed else ""))
    return found


def parse_deb822(text: str) -> list[Source]:
    """Sources of a deb822-style file (sources.list(5)); disabled stanzas and source packages are left out."""
    found: list[Source] = []
    for stanza in re.split(r"\n\s*\n", text):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false"):
            continue
        found += [
            Source(address.rstrip("/"), suite, tuple(fields.get("components", "").split()), fields.get("signed-by", ""))
            for address in fields.get("uris", "").split()
            for suite in fields.get("suites", "").split()
        ]
    return found


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    key = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace():
            fields[key] = f"{fields.get(key, '')} {line.strip()}".strip()
        elif ":" in line:
            key, _, value = line.partition(":")
            key = key.strip().lower()
            fields[key] = value.strip()
    return fields


def debian_sources(sources: Iterable[Source], os_release: Mapping[str, str], suite: str) -> list[Source]:
    """Sources for ``suite``: this machine's own Debian mirrors, of its release or of another one.

    Empty where the machine is no Debian or names its mirrors otherwise; debootstrap then takes its own default.
    """
    if os_release.get("ID") != "debian":
        return []
    own = os_release.get("VERSION_CODENAME", suite)
    known = [source for source in sources if _debians_own(source)]
    found: list[Source] = []
    for name in ("", "-updates", "-security"):
        matching = sorted((s for s in known if s.suite == own + name), key=lambda s: _KEYS not in s.signed_by)
        found += [Source(source.address, suite + name) for source in matching[:1]]
    return found if any(source.suite == suite for source in found) else []


def _debians_own(source: Source) -> bool:
    """Others use Debian's suite names too; Debian's own are signed by its keys or keep its folder names."""
    web = source.address.startswith(("http://", "https://"))
    named = "debian" in source.address.rpartition("/")[2] and not source.signed_by
    return web and COMPONENT in source.components and (_KEYS in source.signed_by or named)


def sources_text(sources: Iterable[Source]) -> str:
    """The apt source file of the base."""
    stanzas = [
        f"Types: deb\nURIs: {source.address}\nSuites: {source.suite}\nComponents: {COMPONENT}\nSigned-By: {KEYRING}\n"
        for source in sources
    ]
    return "\n".join(stanzas)


def read_sources(etc: Path = Path("/etc")) -> list[Source]:
    """Every source this machine's apt has, in apt's order."""
    found: list[Source] = []
    files = [etc / "apt/sources.list", *sorted((etc / "apt/sources.list.d").glob("*"))]
    for path in files:
        if not path.is_file():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.suffix == ".sources":
            found += parse_deb822(text)
        elif path.suffix == ".list":
            found += parse_list(text)
    return found


def read_os_release(path: Path = Path("/etc/os-release")) -> dict[str, str]:
    """What the machine says it is (os-release(5)); empty where it says nothing."""
    if not path.is_file():
        return {}
    pairs = (line.partition("=") for line in path.read_text(encoding="utf-8").splitlines() if "=" in line)
    return {key.strip(): "".join(shlex.split(value)[:1]) for key, _, value in pairs}
