"""The settings of ``python -m signalling.turn`` and ``signalling.turn.following``, from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from signalling.shell import environment
from signalling.shell.environment import require
from signalling.turn.configuration import DATABASE, PID_FILE


@dataclass(frozen=True, slots=True)
class SecretsSettings:
    """Where the secrets are and go. Fields are environment variables of the same name in capitals."""

    turn_secret_file: Path = Path("/etc/pixel/turn/secret")
    """The secret shared with the matchmaker; the previous one stands beside it."""
    turn_configuration: Path = Path("/run/turn/turnserver.conf")
    """Where to write; its folder must be writable for coturn too."""
    turn_realm: str = "pixel"
    turn_certificate_folder: str = ""
    """Where the certificate for TLS is mounted, or will be; empty for no TLS."""

    @property
    def pid_file(self) -> Path:
        """coturn's, in the folder of its configuration."""
        return self.turn_configuration.parent / PID_FILE

    @property
    def database(self) -> Path:
        """coturn's user database, in the folder of its configuration."""
        return self.turn_configuration.parent / DATABASE


@dataclass(frozen=True, slots=True)
class TurnSettings(SecretsSettings):
    """What coturn's configuration needs beside them."""

    node_name: str = ""
    """The node this pod runs on, by the Downward API."""
    turn_port: int = 3478
    turn_tls_port: int = 5349
    turn_min_port: int = 49152
    turn_max_port: int = 65535
    turn_denied_peers: str = ""
    """Networks no player may reach through the relay, comma separated CIDRs."""

    def __post_init__(self) -> None:
        require(bool(self.node_name), "NODE_NAME", self.node_name, "set it from the field spec.nodeName of the pod")


def read(environ: Mapping[str, str]) -> TurnSettings:
    """The settings in ``environ``; SettingError names what is wrong."""
    return environment.read(TurnSettings, "", environ)


def read_secrets_settings(environ: Mapping[str, str]) -> SecretsSettings:
    """The settings of the process that follows the secrets."""
    return environment.read(SecretsSettings, "", environ)
