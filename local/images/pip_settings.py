"""What pip is told on this machine, handed to a build as a secret file: never on a command line, never in an image."""

import configparser
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

CERTIFICATES_IN_BUILD = "/run/secrets/certificates"
"""Where a build finds the certificates of the machine that builds: a copy, at the default place of a secret."""

_DEBIAN_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"

PASSED_ON: tuple[str, ...] = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "retries")
"""Settings that say how to reach a package index; folders of this machine mean nothing inside a build."""

_DEFAULT_TIMEOUT = "DEFAULT_TIMEOUT"


def settings(files: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """The settings to pass on, from the texts of pip's files (weakest first) and then ``PIP_…`` of the environment.

    uv's index is used where pip itself is told none.
    """
    found: dict[str, str] = {}
    for text in files:
        parser = configparser.RawConfigParser(strict=False)
        parser.read_string(text)
        for section in ("global", "install"):
            if parser.has_section(section):
                found |= {key: value for key, value in parser.items(section) if key in PASSED_ON}
    for key in PASSED_ON:
        name = key.upper().replace("-", "_")
        value = environment.get(f"PIP_{name}") or (
            environment.get(f"PIP_{_DEFAULT_TIMEOUT}") if key == "timeout" else None
        )
        if value:
            found[key] = value
    uv_index = environment.get("UV_DEFAULT_INDEX") or environment.get("UV_INDEX_URL")
    if uv_index and "index-url" not in found:
        found["index-url"] = uv_index
    return found


def file_text(found: Mapping[str, str], certificates: bool) -> str:
    """A pip.conf with these settings; ``certificates`` says that the machine's own are mounted in the build."""
    lines = ["[global]", "disable-pip-version-check = true", "no-input = true", "progress-bar = off"]
    if certificates:
        lines.append(f"cert = {CERTIFICATES_IN_BUILD}")
    # A value over several lines (several indexes) is continued by indentation, as pip writes it itself.
    lines += [f"{key} = {value.strip()}".replace("\n", "\n    ") for key, value in sorted(found.items())]
    return "\n".join(lines) + "\n"


def certificates(environment: Mapping[str, str]) -> Path | None:
    """The certificates this machine trusts, as one file: its variables first, then Debian's bundle."""
    names = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
    candidates = [environment[name] for name in names if environment.get(name)] + [_DEBIAN_BUNDLE]
    return next((Path(path) for path in candidates if Path(path).is_file()), None)


def read_files(environment: Mapping[str, str]) -> list[str]:
    """The texts of pip's configuration files, weakest first (pip's own order: global, user, ``PIP_CONFIG_FILE``)."""
    named = environment.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    home = Path(environment.get("HOME") or Path.home())
    base = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
    paths = [Path("/etc/pip.conf"), home / ".pip/pip.conf", base / "pip/pip.conf"]
    if named:
        paths.append(Path(named))
    return [path.read_text(encoding="utf-8") for path in paths if path.is_file()]
