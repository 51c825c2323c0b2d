"""The binary messages of the data channel, in both directions, as two tables and one codec for each.

Every message is one byte of id and then its fields, little-endian and unpadded. A string from the browser has a uint16
count of UTF-16 code units in front; a string to the browser runs to the end of the message without a count.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Value = int | float | str

_NUMBERS = {
    "uint8": struct.Struct("<B"),
    "uint16": struct.Struct("<H"),
    "int16": struct.Struct("<h"),
    "double": struct.Struct("<d"),
}
_COUNT = struct.Struct("<H")
_TOTAL_SIZE = struct.Struct("<i")


class MalformedError(ValueError):
    """A message that does not follow the table; the connection stays as it is."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message by its name, with the values of its fields in order."""

    name: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message from the browser: its id and fields; ``repeated`` follows as often as the first field says."""

    id: int
    fields: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()

    @property
    def structure(self) -> list[str]:
        """The fields as the Protocol message lists them: those of one touch stand for all of them."""
        return [*self.fields, *self.repeated]


@dataclass(frozen=True, slots=True)
class Outbound:
    """A message to the browser: its id and what follows it."""

    id: int
    payload: Literal["nothing", "boolean", "string", "part"]


_BUTTON_AT = ("uint8", "uint16", "uint16")
_TOUCH = ("uint16", "uint16", "uint8", "uint8", "uint8")

TO_STREAMER: Mapping[str, Inbound] = {
    "IFrameRequest": Inbound(0),
    "RequestQualityControl": Inbound(1),
    "FpsRequest": Inbound(2),
    "AverageBitrateRequest": Inbound(3),
    "StartStreaming": Inbound(4),
    "StopStreaming": Inbound(5),
    "LatencyTest": Inbound(6, ("string",)),
    "RequestInitialSettings": Inbound(7),
    "TestEcho": Inbound(8),
    "DataChannelLatencyTest": Inbound(9, ("string",)),
    "UIInteraction": Inbound(50, ("string",)),
    "Command": Inbound(51, ("string",)),
    "TextboxEntry": Inbound(52, ("string",)),
    "KeyDown": Inbound(60, ("uint8", "uint8")),
    "KeyUp": Inbound(61, ("uint8",)),
    "KeyPress": Inbound(62, ("uint16",)),
    "MouseEnter": Inbound(70),
    "MouseLeave": Inbound(71),
    "MouseDown": Inbound(72, _BUTTON_AT),
    "MouseUp": Inbound(73, _BUTTON_AT),
    "MouseMove": Inbound(74, ("uint16", "uint16", "int16", "int16")),
    "MouseWheel": Inbound(75, ("int16", "uint16", "uint16")),
    "MouseDouble": Inbound(76, _BUTTON_AT),
    "TouchStart": Inbound(80, ("uint8",), _TOUCH),
    "TouchEnd": Inbound(81, ("uint8",), _TOUCH),
    "TouchMove": Inbound(82, ("uint8",), _TOUCH),
    "GamepadButtonPressed": Inbound(90, ("uint8", "uint8", "uint8")),
    "GamepadButtonReleased": Inbound(91, ("uint8", "uint8", "uint8")),
    "GamepadAnalog": Inbound(92, ("uint8", "uint8", "double")),
    "GamepadConnected": Inbound(93),
    "GamepadDisconnected": Inbound(94, ("uint8",)),
}

FROM_STREAMER: Mapping[str, Outbound] = {
    "QualityControlOwnership": Outbound(0, "boolean"),
    "Response": Outbound(1, "string"),
    "Command": Outbound(2, "string"),
    "FreezeFrame": Outbound(3, "part"),
    "UnfreezeFrame": Outbound(4, "nothing"),
    "VideoEncoderAvgQP": Outbound(5, "string"),
    "LatencyTest": Outbound(6, "string"),
    "InitialSettings": Outbound(7, "string"),
    "FileExtension": Outbound(8, "string"),
    "FileMimeType": Outbound(9, "string"),
    "FileContents": Outbound(10, "part"),
    "TestEcho": Outbound(11, "nothing"),
    "InputControlOwnership": Outbound(12, "boolean"),
    "GamepadResponse": Outbound(13, "string"),
    "DataChannelLatencyTest": Outbound(14, "string"),
    "Protocol": Outbound(255, "string"),
}

_INBOUND_BY_ID = {row.id: name for name, row in TO_STREAMER.items()}
_OUTBOUND_BY_ID = {row.id: name for name, row in FROM_STREAMER.items()}

# Current frontends have no handler for these and log an error when the protocol names them.
_UNANNOUNCED = frozenset({"DataChannelLatencyTest", "Protocol"})


def _read(data: bytes, offset: int, kind: str) -> tuple[Value, int]:
    try:
        if kind == "string":
            (units,) = _COUNT.unpack_from(data, offset)
            start, end = offset + _COUNT.size, offset + _COUNT.size + 2 * units
            if end > len(data):
                raise MalformedError(f"a string of {units} units does not fit {len(data)} bytes")
            return data[start:end].decode("utf-16-le", "surrogatepass"), end
        number = _NUMBERS[kind]
        (value,) = number.unpack_from(data, offset)
    except struct.error:
        raise MalformedError(f"{len(data)} bytes end before the {kind} at {offset}") from None
    return value, offset + number.size


def decode(data: bytes) -> Message:
    """The browser's message in ``data``.

    Raises MalformedError when it is empty, of an unknown id, too short or too long.
    """
    if not data:
        raise MalformedError("an empty message")
    name = _INBOUND_BY_ID.get(data[0])
    if name is None:
        raise MalformedError(f"unknown message id {data[0]}")
    row, offset = TO_STREAMER[name], 1
    values: list[Value] = []
    kinds = list(row.fields)
    while kinds:
        value, offset = _read(data, offset, kinds.pop(0))
        if row.repeated and not values:
            kinds.extend(row.repeated * int(value))
        values.append(value)
    if offset != len(data):
        raise MalformedError(f"{name} has {len(data) - offset} bytes too many")
    return Message(name, tuple(values))


def encode(message: Message) -> bytes:
    """The bytes that a browser sends for a message; the reverse of ``decode``, for players made of code.

    Raises MalformedError when the values do not fit the table.
    """
    row = TO_STREAMER[message.name]
    kinds = [*row.fields]
    if row.repeated and message.values:
        kinds += row.repeated * int(message.values[0])
    if len(kinds) != len(message.values):
        raise MalformedError(f"{message.name} takes {len(kinds)} values, not {len(message.values)}")
    parts = [bytes([row.id])]
    for kind, value in zip(kinds, message.values, strict=True):
        if kind == "string":
            units = str(value).encode("utf-16-le", "surrogatepass")
            parts += [_pack(_COUNT, len(units) // 2), units]
        else:
            parts.append(_pack(_NUMBERS[kind], value))
    return b"".join(parts)


def _pack(number: struct.Struct, value: Value) -> bytes:
    try:
        return number.pack(value)
    except struct.error as error:
        raise MalformedError(f"{value!r} does not fit its field: {error}") from None


def boolean(name: str, value: bool) -> bytes:
    """A message to the browser that says yes or no."""
    return bytes([_row(name, "boolean").id, int(value)])


def string(name: str, text: str) -> bytes:
    """A message to the browser that is a text, mostly JSON."""
    return bytes([_row(name, "string").id]) + text.encode("utf-16-le", "surrogatepass")


def nothing(name: str) -> bytes:
    """A message to the browser that is only its id."""
    return bytes([_row(name, "nothing").id])


def part(name: str, total: int, chunk: bytes) -> bytes:
    """A message to the browser with one piece of a file of ``total`` bytes."""
    return bytes([_row(name, "part").id]) + _TOTAL_SIZE.pack(total) + chunk


def _row(name: str, payload: str) -> Outbound:
    row = FROM_STREAMER[name]
    if row.payload != payload:
        raise MalformedError(f"{name} carries {row.payload}, not {payload}")
    return row


def read_from_streamer(data: bytes) -> tuple[str, bool | str | tuple[int, bytes] | None]:
    """Name and content of a streamer's message, as a browser reads it.

    Raises MalformedError when it is empty, of an unknown id or too short.
    """
    name = _OUTBOUND_BY_ID.get(data[0]) if data else None
    if name is None:
        raise MalformedError(f"unknown message {data[:1]!r}")
    body = data[1:]
    match FROM_STREAMER[name].payload:
        case "boolean" if len(body) == 1:
            return name, body != b"\0"
        case "string" if len(body) % 2 == 0:
            return name, body.decode("utf-16-le", "surrogatepass")
        case "part" if len(body) >= _TOTAL_SIZE.size:
            return name, (_TOTAL_SIZE.unpack_from(body)[0], body[_TOTAL_SIZE.size :])
        case "nothing":
            return name, None
    raise MalformedError(f"{name} cannot have {len(body)} bytes")


def to_streamer_protocol() -> dict[str, object]:
    """Content of the Protocol message that tells the browser what it may send."""
    rows = {n: {"id": r.id, "structure": r.structure} for n, r in TO_STREAMER.items() if n not in _UNANNOUNCED}
    return {"Direction": 0, **rows}


def from_streamer_protocol() -> dict[str, object]:
    """Content of the Protocol message that tells the browser what it may receive."""
    return {"Direction": 1, **{n: {"id": r.id} for n, r in FROM_STREAMER.items() if n not in _UNANNOUNCED}}
