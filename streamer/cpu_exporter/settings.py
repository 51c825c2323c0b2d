"""The exporter's settings, from the environment: ``CPU_EXPORTER_<FIELD>``, and ``CPU_REQUEST_<CONTAINER>``."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from signalling.shell import environment
from signalling.shell.environment import SettingError, require

REQUEST_PREFIX = "CPU_REQUEST_"


@dataclass(frozen=True, slots=True)
class CpuExporterSettings:
    """Every default is what the cluster uses; tests and other places override."""

    host: str = "0.0.0.0"
    port: int = 9001
    """0 takes any free port."""
    application: str = ""
    """The application's name: the game's identity as long as the application gives none."""
    session_file: Path = Path("/etc/pixel/pod/session")
    """The pod's label of its session, which the kubelet writes and keeps up to date."""
    game_file: Path = Path("/application/game_id")
    """The game's identity, which the application may write at run time."""
    proc: Path = Path("/proc")
    least_seconds: float = 1.0
    """Scrapes that come sooner than this after one another get the same figures."""

    def __post_init__(self) -> None:
        require(0 <= self.port <= 65535, "port", self.port, "give a port from 0 to 65535")
        require(self.least_seconds >= 0, "least_seconds", self.least_seconds, "give seconds, 0 or more")


def read(environ: Mapping[str, str]) -> CpuExporterSettings:
    """The settings in ``environ``; SettingError names what is wrong."""
    return environment.read(CpuExporterSettings, "CPU_EXPORTER_", environ)


def requested_cores(environ: Mapping[str, str]) -> float:
    """What the pod's containers request together, each in thousandths of a core, in cores.

    Raises SettingError where nothing is requested: then no share of it can be told.
    """
    total = 0
    for key, text in environ.items():
        if key.startswith(REQUEST_PREFIX):
            if not text.isdecimal():
                raise SettingError(f"{key}={text!r} is not thousandths of a core; set it by a resourceFieldRef of 1m")
            total += int(text)
    if not total:
        raise SettingError(
            f"no {REQUEST_PREFIX}<CONTAINER> is above 0; set one by a resourceFieldRef for each container"
        )
    return total / 1000
