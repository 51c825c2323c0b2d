"""What the streamer says on the data channel: at its opening, and in answer to each message. Values in, bytes out."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from streamer.broadcast import Figures
from streamer.data_channel import (
    Message,
    boolean,
    from_streamer_protocol,
    nothing,
    string,
    to_streamer_protocol,
)
from streamer.scene import ANSWERED, Scene
from streamer.settings import Settings

_LONGEST_FILLER = 16_000


@dataclass(frozen=True, slots=True)
class Situation:
    """What an answer depends on, as it is after the message has been applied."""

    settings: Settings
    scene: Scene
    frame: int
    """Number of the last frame that was drawn."""
    figures: Figures
    gamepad: int | None
    """The number that a gamepad connected by this message has got."""
    received_ms: float
    """When the message came, in milliseconds since 1970."""


def opening() -> list[bytes]:
    """The messages that open the conversation: what the browser may send and what it may receive."""
    return [string("Protocol", _json(to_streamer_protocol())), string("Protocol", _json(from_streamer_protocol()))]


def answers(player: str, message: Message, situation: Situation) -> list[bytes]:
    """What a player gets in answer to its message; nothing for most input."""
    answer = _ANSWERS.get(message.name)
    return answer(player, message, situation) if answer else []


def initial_settings(settings: Settings) -> dict[str, Any]:
    """Content of InitialSettings: what is encoded and how; commands other than ``stat fps`` change nothing."""
    return {
        "PixelStreaming": {"AllowPixelStreamingCommands": False, "DisableLatencyTest": False},
        "Encoder": {
            "TargetBitrate": settings.bitrate,
            "MaxBitrate": settings.bitrate,
            "MinQP": 1,
            "MaxQP": 51,
            "RateControl": "VBR",
            "FillerData": False,
            "MultiPass": "DISABLED",
        },
        "WebRTC": {
            "DegradationPref": "MAINTAIN_RESOLUTION",
            "FPS": settings.frame_rate,
            "MinBitrate": 0,
            "MaxBitrate": settings.bitrate,
            "LowQP": 25,
            "HighQP": 37,
        },
        # The page lets the pointer hover instead of catching it at the first click.
        "ConfigOptions": {"DefaultToHover": True},
    }


def _settings(_player: str, _message: Message, situation: Situation) -> list[bytes]:
    settings = string("InitialSettings", _json(initial_settings(situation.settings)))
    return [settings, boolean("InputControlOwnership", True)]


def _echo(_player: str, _message: Message, _situation: Situation) -> list[bytes]:
    return [nothing("TestEcho")]


def _gamepad(_player: str, _message: Message, situation: Situation) -> list[bytes]:
    if situation.gamepad is None:
        return []
    return [string("GamepadResponse", _json({"controllerId": situation.gamepad}))]


def _scene(player: str, _message: Message, situation: Situation) -> list[bytes]:
    return [string("Response", _json({"scene": situation.scene.report(player, situation.frame)}))]


def _latency(_player: str, _message: Message, situation: Situation) -> list[bytes]:
    draw, encode = situation.figures.draw_ms, situation.figures.encode_ms
    received = round(situation.received_ms)
    measured = {
        "ReceiptTimeMs": received,
        "EncodeMs": round(encode),
        "CaptureToSendMs": round(draw + encode),
        "TransmissionTimeMs": received,
    }
    return [string("LatencyTest", _json(measured))]


def _channel_latency(_player: str, message: Message, situation: Situation) -> list[bytes]:
    try:
        request = json.loads(str(message.values[0]))
        sequence, filler = int(request["Seq"]), int(request.get("FillResponseSize") or 0)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return []
    response = {
        "Seq": sequence,
        "Filler": "A" * max(0, min(filler, _LONGEST_FILLER)),
        "ReceivedTimestamp": round(situation.received_ms),
        "SentTimestamp": round(situation.received_ms),
    }
    return [string("DataChannelLatencyTest", _json(response))]


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


_ANSWERS: Mapping[str, Callable[[str, Message, Situation], list[bytes]]] = {
    "RequestInitialSettings": _settings,
    "LatencyTest": _latency,
    "DataChannelLatencyTest": _channel_latency,
    "TestEcho": _echo,
    "GamepadConnected": _gamepad,
    **dict.fromkeys(ANSWERED, _scene),
}
