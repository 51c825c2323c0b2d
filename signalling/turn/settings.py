"""The settings of ``python -m signalling.turn``, from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from signalling.shell import environment
from signalling.shell.environment import require


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """Fields are environment variables of the same name in capitals."""

    node_name: str = ""
    """The node this pod runs on, by the Downward API."""
    turn_secret_file: Path = Path("/etc/pixel/turn/secret")
    """The secret shared with the matchmaker."""
    turn_configuration: Path = Path("/run/turn/turnserver.conf")
    """Where to write; its folder must be writable for coturn too."""
    turn_port: int = 3478
    turn_min_port: int = 49152
    turn_max_port: int = 65535
    turn_realm: str = "pixel"
    turn_denied_peers: str = ""
    """Networks no player may reach through the relay, comma separated CIDRs."""

    def __post_init__(self) -> None:
        require(bool(self.node_name), "NODE_NAME", self.node_name, "set it from the field spec.nodeName of the pod")


def read(environ: Mapping[str, str]) -> TurnSettings:
    """The settings in ``environ``; SettingError names what is wrong."""
    return environment.read(TurnSettings, "", environ)
