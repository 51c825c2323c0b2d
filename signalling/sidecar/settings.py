"""The sidecar's settings, from the environment: ``SIDECAR_<FIELD>``."""

from collections.abc import Mapping
from dataclasses import dataclass

from signalling.shell import environment
from signalling.shell.environment import require


@dataclass(frozen=True, slots=True)
class SidecarSettings:
    """Every default is what the cluster uses; tests and other places override."""

    streamer_host: str = "127.0.0.1"
    """Where the streamer connects: loopback only, since nothing outside the pod is a streamer."""
    streamer_port: int = 8888
    """0 takes any free port."""
    player_host: str = "0.0.0.0"
    """Where matchmakers connect for their players."""
    player_port: int = 3000
    health_host: str = "0.0.0.0"
    """Health, status and metrics."""
    health_port: int = 9000
    stun_urls: str = ""
    """STUN servers for the streamer, comma separated; it needs some where relays are outside its network."""
    max_players: int = 8
    """Players subscribed to the streamer at once."""
    max_message_bytes: int = 262_144
    """Frames over this close the connection with 1009. An SDP of a browser with every codec is about 10 kB."""
    heartbeat_seconds: float = 30.0
    """WebSocket ping interval; a peer silent for half of it after a ping is gone."""
    outbox_frames: int = 512
    """Frames a peer may be behind before it is cut off."""
    outbox_bytes: int = 1_048_576
    """Bytes a peer may be behind before it is cut off."""
    log_level: str = "info"

    def __post_init__(self) -> None:
        for key in ("streamer_port", "player_port", "health_port"):
            require(0 <= getattr(self, key) <= 65535, key, getattr(self, key), "give a port from 0 to 65535")
        for key in ("max_players", "max_message_bytes", "heartbeat_seconds", "outbox_frames", "outbox_bytes"):
            require(getattr(self, key) > 0, key, getattr(self, key), "give a number above 0")


def read(environ: Mapping[str, str]) -> SidecarSettings:
    """The settings in ``environ``; SettingError names what is wrong."""
    return environment.read(SidecarSettings, "SIDECAR_", environ)
