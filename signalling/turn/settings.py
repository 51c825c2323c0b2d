"""The settings of ``python -m signalling.turn`` and ``signalling.turn.companion``, from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from signalling.shell import environment
from signalling.shell.environment import require
from signalling.turn.configuration import CONSOLE_PASSWORD, DATABASE, LOG, PID_FILE


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """What both need. Fields are environment variables of the same name in capitals."""

    turn_secret_file: Path = Path("/etc/pixel/turn/secret")
    """The secret shared with the matchmaker; the previous one stands beside it."""
    turn_peers_file: Path = Path("/run/peers/addresses")
    """The addresses of the instances, one on a line (`peers.py`)."""
    turn_configuration: Path = Path("/run/turn/turnserver.conf")
    """Where the configuration goes; its folder must be writable for coturn too."""
    turn_log_folder: Path = Path("/run/turn-log")
    """Where coturn writes its log: a file system of its own, so that a full one stops nothing."""
    turn_realm: str = "pixel"
    turn_certificate_folder: str = ""
    """Where the certificate for TLS is mounted, or will be; empty for no TLS."""
    turn_min_port: int = 49152
    turn_max_port: int = 65535
    turn_total_quota: int = 0
    """Allocations at once, of all players; 0 for no limit but the ports."""
    turn_console_port: int = 9643
    """coturn's console, on loopback."""

    @property
    def pid_file(self) -> Path:
        """coturn's, in the folder of its configuration."""
        return self.turn_configuration.parent / PID_FILE

    @property
    def database(self) -> Path:
        """coturn's user database, in the folder of its configuration."""
        return self.turn_configuration.parent / DATABASE

    @property
    def console_password_file(self) -> Path:
        """What coturn's console asks for, in the folder of its configuration."""
        return self.turn_configuration.parent / CONSOLE_PASSWORD

    @property
    def log_file(self) -> Path:
        """coturn's log."""
        return self.turn_log_folder / LOG

    @property
    def relay_ports(self) -> tuple[int, int]:
        """The ports of relays, first and last."""
        return self.turn_min_port, self.turn_max_port


@dataclass(frozen=True, slots=True)
class ConfigurationSettings(TurnSettings):
    """What coturn's configuration needs beside them."""

    node_name: str = ""
    """The node this pod runs on, by the Downward API."""
    turn_port: int = 3478
    turn_tls_port: int = 5349
    turn_allowed_peers: str = ""
    """Networks that players may reach through the relay beside the instances, comma separated CIDRs."""
    turn_user_quota: int = 0
    turn_max_mbps: int = 0
    turn_capacity_mbps: int = 0

    def __post_init__(self) -> None:
        require(bool(self.node_name), "NODE_NAME", self.node_name, "set it from the field spec.nodeName of the pod")


@dataclass(frozen=True, slots=True)
class CompanionSettings(TurnSettings):
    """What the process beside coturn needs beside them."""

    turn_metrics_host: str = "127.0.0.1"
    """Metrics and status: the node's own address, which its security list keeps from the internet."""
    turn_metrics_port: int = 9641
    """0 takes any free port."""
    turn_control_port: int = 9642
    """Where the kubelet asks for a drain, on loopback; 0 takes any free port."""
    turn_console_seconds: float = 5.0
    """How often coturn is asked what there is; it knows no better in between."""
    turn_drain_seconds: float = 0.0
    """How long a drain may take; 0 ends coturn at once."""
    turn_bandwidth_mbps: int = 0
    """What the node can send, in Mbit/s; 0 when nobody knows."""

    def __post_init__(self) -> None:
        for key in ("turn_metrics_port", "turn_control_port", "turn_console_port"):
            require(0 <= getattr(self, key) <= 65535, key.upper(), getattr(self, key), "give a port from 0 to 65535")
        for key in ("turn_drain_seconds", "turn_bandwidth_mbps", "turn_total_quota"):
            require(getattr(self, key) >= 0, key.upper(), getattr(self, key), "give 0 or more")

    @property
    def most_allocations(self) -> int:
        """What the quota or, without one, the relay's ports allow."""
        ports = self.turn_max_port - self.turn_min_port + 1
        return min(self.turn_total_quota or ports, ports)


def read_configuration(environ: Mapping[str, str]) -> ConfigurationSettings:
    """The settings in ``environ``; SettingError names what is wrong."""
    return environment.read(ConfigurationSettings, "", environ)


def read_companion(environ: Mapping[str, str]) -> CompanionSettings:
    """The settings in ``environ``; SettingError names what is wrong."""
    return environment.read(CompanionSettings, "", environ)
