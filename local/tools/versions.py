"""Versions of executables: read, compared, asked for."""

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from local.tools.catalogue import Fit

_TRIPLE: Final = re.compile(r"(?<![\d.])(\d+)\.(\d+)\.(\d+)")
_SECONDS_TO_ANSWER: Final = 20.0


@dataclass(frozen=True, order=True)
class Version:
    """A release's three numbers; what follows them (``-rc.1``, ``+build``) is not compared."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


def read(text: str) -> Version | None:
    """The first version named in ``text``, None if there is none."""
    match = _TRIPLE.search(text)
    return Version(*map(int, match.groups())) if match else None


def pinned(text: str) -> Version:
    """A version written in the catalogue; ValueError if it is not three numbers."""
    version = read(text)
    if version is None or str(version) != text:
        raise ValueError(f"version {text!r} is not of the form major.minor.patch")
    return version


def fits(found: Version, wanted: Version, fit: Fit) -> bool:
    """Whether a found version serves where ``wanted`` is pinned."""
    if found.major != wanted.major:
        return False
    return found.minor == wanted.minor or (fit is Fit.SAME_MINOR_OR_NEWER and found.minor > wanted.minor)


def ask(executable: Path, arguments: Sequence[str]) -> Version | None:
    """The version that an executable prints, None if it does not run, does not answer in 20 s, or names none."""
    # Pulumi writes a log below its home even for this.
    with tempfile.TemporaryDirectory(prefix="pixel-") as home:
        try:
            answer = subprocess.run(
                [executable, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_SECONDS_TO_ANSWER,
                env=os.environ | {"PULUMI_HOME": home, "PULUMI_SKIP_UPDATE_CHECK": "true"},
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return None
    return read(answer.stdout)
