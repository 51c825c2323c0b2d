"""What the environment of the instance says, checked once at the start."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingsError(ValueError):
    """A key of the environment cannot be used; the message names the key, the value and the remedy."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of one instance; every field is one environment variable."""

    signal_url: str
    """SIGNAL_URL: WebSocket address of the sidecar's streamer port."""
    streamer_id: str
    """STREAMER_ID: the id given in ``endpointId``, and the name shown in the picture."""
    width: int
    """RES_X: width of the picture in pixels, a multiple of 4."""
    height: int
    """RES_Y: height of the picture in pixels, a multiple of 4."""
    frame_rate: int
    """FRAME_RATE: frames a second."""
    bitrate: int
    """BITRATE: the most that the video may take, in bits a second; less is used where the picture needs less."""
    extra_arguments: str
    """EXTRA_ARGS: arguments for an Unreal application. The demo has no use for them and logs that it ignores them."""
    log_level: str
    """LOG_LEVEL: DEBUG, INFO, WARNING or ERROR."""


@dataclass(frozen=True, slots=True)
class _Whole:
    default: int
    least: int
    most: int
    multiple: int
    unit: str

    def read(self, key: str, environment: Mapping[str, str]) -> int:
        text = environment.get(key, "").strip() or str(self.default)
        step = "" if self.multiple == 1 else f", a multiple of {self.multiple}"
        remedy = f"set it to a whole number of {self.unit} from {self.least} to {self.most}{step}, or leave it out"
        try:
            value = int(text)
        except ValueError:
            raise SettingsError(f"{key}={text} is not a whole number: {remedy} for {self.default}") from None
        if not self.least <= value <= self.most:
            raise SettingsError(f"{key}={text} is out of range: {remedy} for {self.default}")
        if value % self.multiple:
            raise SettingsError(f"{key}={text} is not a multiple of {self.multiple}: {remedy} for {self.default}")
        return value


_WHOLES = {
    # A multiple of 4, so that the chroma planes are whole and a quarter of the picture too.
    "RES_X": _Whole(1280, 320, 3840, 4, "pixels"),
    "RES_Y": _Whole(720, 180, 2160, 4, "pixels"),
    "FRAME_RATE": _Whole(30, 1, 120, 1, "frames a second"),
    "BITRATE": _Whole(4_000_000, 200_000, 50_000_000, 1, "bits a second"),
}


def _signal_url(environment: Mapping[str, str]) -> str:
    text = environment.get("SIGNAL_URL", "").strip() or "ws://localhost:8888"
    remedy = "set it to the WebSocket address of the sidecar, such as ws://localhost:8888"
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"ws", "wss"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(f"SIGNAL_URL={text} is not a ws:// or wss:// address: {remedy}")
    return text


def _log_level(environment: Mapping[str, str]) -> str:
    text = environment.get("LOG_LEVEL", "").strip() or "INFO"
    if text.upper() not in _LOG_LEVELS:
        raise SettingsError(f"LOG_LEVEL={text} is not a level: set it to one of {', '.join(_LOG_LEVELS)}")
    return text.upper()


def read(environment: Mapping[str, str]) -> Settings:
    """Settings from environment variables; an empty variable counts as one that is not set.

    Raises SettingsError for the first key that cannot be used.
    """
    return Settings(
        signal_url=_signal_url(environment),
        streamer_id=environment.get("STREAMER_ID", "").strip() or "demo",
        width=_WHOLES["RES_X"].read("RES_X", environment),
        height=_WHOLES["RES_Y"].read("RES_Y", environment),
        frame_rate=_WHOLES["FRAME_RATE"].read("FRAME_RATE", environment),
        bitrate=_WHOLES["BITRATE"].read("BITRATE", environment),
        extra_arguments=environment.get("EXTRA_ARGS", "").strip(),
        log_level=_log_level(environment),
    )
