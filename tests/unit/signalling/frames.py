"""Frames that no honest player sends, and those that one does: made from a seed, by changing good ones."""

import json
import random
from collections.abc import Iterator
from typing import Any

from signalling.protocol import messages as m
from signalling.protocol import session_messages as s

TYPES = [str(kind.__struct_config__.tag) for kind in (*m.SENDS[m.Role.PLAYER], *m.GETS[m.Role.PLAYER])]
TYPES += [str(kind.__struct_config__.tag) for kind in (*s.FROM_PLAYER, *s.TO_PLAYER)]
FIELDS = [
    *("type", "id", "ids", "sdp", "candidate", "playerId", "streamerId", "time", "ticket", "fresh", "role", "player"),
    *("state", "reason", "position", "firstFrameSeconds", "bitrate", "seconds", "message", "retry"),
]


def values(draw: random.Random, depth: int = 0) -> Any:
    """Something that JSON can hold."""
    kinds = ["none", "flag", "number", "float", "text", "known"] + (["list", "object"] if depth < 3 else [])
    match draw.choice(kinds):
        case "none":
            return None
        case "flag":
            return draw.random() < 0.5
        case "number":
            return draw.choice([0, 1, -1, 2**31, 2**63, 2**64, -(2**63) - 1, draw.randrange(10**6)])
        case "float":
            return draw.choice([0.0, -0.5, 1e308, 1e-308, 3.14])
        case "text":
            return "".join(chr(draw.choice([34, 92, 0x20, 0x41, 0xE4, 0x1F600])) for _ in range(draw.randrange(8)))
        case "known":
            return draw.choice([*TYPES, "owner", "spectator", "queued", "demo", "1"])
        case "list":
            return [values(draw, depth + 1) for _ in range(draw.randrange(4))]
        case _:
            return {draw.choice(FIELDS): values(draw, depth + 1) for _ in range(draw.randrange(4))}


def good(draw: random.Random) -> dict[str, Any]:
    """A message that a player might send."""
    return draw.choice(
        [
            {"type": "listStreamers"},
            {"type": "subscribe", "streamerId": "demo"},
            {"type": "unsubscribe"},
            {"type": "answer", "sdp": "v=0"},
            {"type": "iceCandidate", "candidate": {"candidate": "", "sdpMid": "0", "sdpMLineIndex": 0}},
            {"type": "layerPreference", "spatialLayer": 1, "temporalLayer": 1},
            {"type": "ping", "time": 1795397333123},
            {"type": "sessionResume", "ticket": "a.b.c", "fresh": False},
            {"type": "sessionActivity"},
            {"type": "sessionStats", "framesPerSecond": 30, "firstFrameSeconds": 1.5},
            {"type": "sessionInvite", "role": "spectator"},
            {"type": "sessionRequestControl"},
            {"type": "sessionHandOver", "player": "p"},
        ]
    )


def frame(draw: random.Random) -> str | bytes:
    """One frame: good, changed in its fields, changed in its bytes, or nothing of the kind."""
    kind = draw.random()
    if kind < 0.1:
        return bytes(draw.randrange(256) for _ in range(draw.randrange(60)))
    message = good(draw)
    if kind < 0.6:
        for _ in range(draw.randrange(1, 4)):
            message[draw.choice(FIELDS)] = values(draw)
        if draw.random() < 0.3:
            message["type"] = draw.choice(TYPES)
    text = json.dumps(message)
    if kind < 0.75:
        data = bytearray(text.encode())
        for _ in range(draw.randrange(1, 5)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        return bytes(data)
    if kind < 0.8:
        return text[: draw.randrange(len(text))]
    if kind < 0.82:
        return "[" * draw.randrange(1, 5000) + text
    return text


def frames(seed: int, number: int) -> Iterator[str | bytes]:
    """So many, the same ones for a seed."""
    draw = random.Random(seed)
    return (frame(draw) for _ in range(number))
