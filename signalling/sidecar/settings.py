"""The sidecar's settings, from the environment: ``SIDECAR_<FIELD>``."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from signalling.shell import environment
from signalling.shell.environment import require


@dataclass(frozen=True, slots=True)
class SidecarSettings:
    """Every default is what the cluster uses; tests and other places override."""

    instance: str = ""
    """The pod's name, which tickets are made out to."""
    ticket_keys: Path | None = None
    """The file with the public keys of tickets. Without it nobody comes in, unless anybody does."""
    admit_anybody: bool = False
    """Let players in without a ticket, each for a session of its own: for use outside a cluster."""
    streamer_host: str = "127.0.0.1"
    """Where the streamer connects: loopback only, unless a streamer outside the pod has a token."""
    streamer_port: int = 8888
    """0 takes any free port, here and below."""
    sfu_host: str = "127.0.0.1"
    """Where a selective forwarding unit connects, by the streamer's rules."""
    sfu_port: int = 8889
    streamer_token_file: Path | None = None
    """A file with the token that a streamer or SFU must then bring, as ``?token=`` or ``Authorization: Bearer``."""
    player_host: str = "0.0.0.0"
    """Where matchmakers connect for their players."""
    player_port: int = 3000
    health_host: str = "0.0.0.0"
    """Health, status, metrics and commands."""
    health_port: int = 9000
    max_streamers: int = 1
    """Streamers connected at once: an instance is one application."""
    stun_urls: str = ""
    """STUN servers for the streamer, comma separated; it needs some where relays are outside its network."""
    max_players: int = 8
    """Players subscribed to the streamer at once."""
    messages_per_second: float = 50.0
    """What one player may send, on average; 0 is no limit. A whole negotiation is some thirty messages."""
    max_message_bytes: int = 262_144
    """Messages over this close the connection with 1009. An SDP of a browser with every codec is about 10 kB."""
    heartbeat_seconds: float = 30.0
    """Interval of WebSocket pings; a peer that is silent for one after a ping is gone."""
    outbox_bytes: int = 1_048_576
    """Bytes a peer may be behind before it is cut off."""
    drain_seconds: float = 3600.0
    """How long sessions may go on when the pod is to go."""
    control_url: str = ""
    """Base of the application's own API for players' ``control`` messages; empty for none."""
    log_level: str = "info"

    def __post_init__(self) -> None:
        for key in ("streamer_port", "sfu_port", "player_port", "health_port"):
            require(0 <= getattr(self, key) <= 65535, key, getattr(self, key), "give a port from 0 to 65535")
        for key in ("max_streamers", "max_players", "max_message_bytes", "heartbeat_seconds", "outbox_bytes"):
            require(getattr(self, key) > 0, key, getattr(self, key), "give a number above 0")
        for key in ("messages_per_second", "drain_seconds"):
            require(getattr(self, key) >= 0, key, getattr(self, key), "give 0 or a number above it")
        self._check_admission()
        if self.control_url:
            require(
                _on_loopback(self.control_url),
                "control_url",
                self.control_url,
                "give one such as http://localhost:8111",
            )

    def _check_admission(self) -> None:
        require(
            self.admit_anybody != (self.ticket_keys is not None),
            "ticket_keys",
            str(self.ticket_keys or ""),
            "give the file of public ticket keys; or outside a cluster, instead of it, admit_anybody=true",
        )
        require(bool(self.instance) or self.admit_anybody, "instance", self.instance, "give the pod's name")
        for key in ("streamer_host", "sfu_host"):
            guarded = self.streamer_token_file is not None or self.admit_anybody or _is_loopback(getattr(self, key))
            require(guarded, key, getattr(self, key), "give a loopback address, or a streamer_token_file")


def read(environ: Mapping[str, str]) -> SidecarSettings:
    """The settings in ``environ``; SettingError names what is wrong."""
    return environment.read(SidecarSettings, "SIDECAR_", environ)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _on_loopback(url: str) -> bool:
    parts = urlsplit(url)
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    return parts.scheme == "http" and plain and _is_loopback(parts.hostname or "")
