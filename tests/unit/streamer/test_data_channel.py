"""The binary protocol against bytes that Epic's frontend and Unreal exchange, and against everything else."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer import data_channel as channel
from streamer.data_channel import FROM_STREAMER, TO_STREAMER, MalformedError, Message, decode, encode

NUMBERS = {
    "uint8": st.integers(0, 255),
    "uint16": st.integers(0, 65535),
    "int16": st.integers(-32768, 32767),
    "double": st.floats(allow_nan=False),
    "string": st.text(max_size=300),
}


@st.composite
def messages(draw):
    name = draw(st.sampled_from(sorted(TO_STREAMER)))
    row = TO_STREAMER[name]
    values = [draw(NUMBERS[kind]) for kind in row.fields]
    if row.repeated:
        values[0] = draw(st.integers(0, 10))
        values += [draw(NUMBERS[kind]) for kind in row.repeated * values[0]]
    return Message(name, tuple(values))


@given(messages())
def test_every_message_of_a_browser_comes_back_as_it_was(message):
    assert decode(encode(message)) == message


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed(data):
    try:
        message = decode(data)
    except MalformedError:
        return
    assert len(encode(message)) == len(data)


@given(messages(), st.data())
def test_a_message_with_bytes_missing_or_to_spare_is_malformed(message, data):
    whole = encode(message)
    with pytest.raises(MalformedError):
        decode(whole + b"\0")
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(MalformedError):
        decode(whole[:cut])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x00", Message("IFrameRequest")),
        (b"\x07", Message("RequestInitialSettings")),
        (b"\x32\x02\x00h\x00\xe9\x00", Message("UIInteraction", ("hé",))),
        (b"\x33\x00\x00", Message("Command", ("",))),
        (b"\x34\x02\x00\x3d\xd8\x00\xde", Message("TextboxEntry", ("😀",))),
        (b"\x3c\x57\x01", Message("KeyDown", (87, 1))),
        (b"\x3d\xff", Message("KeyUp", (255,))),
        (b"\x3e\x77\x00", Message("KeyPress", (119,))),
        (b"\x46", Message("MouseEnter")),
        (b"\x48\x00\x00\x80\x00\x40", Message("MouseDown", (0, 32768, 16384))),
        (b"\x4a\x00\x80\x00\x80\xff\x3f\x01\x80", Message("MouseMove", (32768, 32768, 16383, -32767))),
        (b"\x4b\x88\xff\x00\x80\x00\x80", Message("MouseWheel", (-120, 32768, 32768))),
        (b"\x50\x01\x01\x00\x02\x00\x03\xff\x01", Message("TouchStart", (1, 1, 2, 3, 255, 1))),
        (b"\x50\x00", Message("TouchStart", (0,))),
        (b"\x5c\x00\x01\x00\x00\x00\x00\x00\x00\xe0\xbf", Message("GamepadAnalog", (0, 1, -0.5))),
        (b"\x5d", Message("GamepadConnected")),
    ],
)
def test_bytes_of_a_browser(data, message):
    assert decode(data) == message
    assert encode(message) == data


def test_a_lone_surrogate_passes_and_a_double_may_be_no_number():
    assert decode(b"\x32\x01\x00\x3d\xd8").values == ("\ud83d",)
    (value,) = decode(b"\x5c\x00\x01" + b"\xff" * 8).values[2:]
    assert isinstance(value, float) and math.isnan(value)


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (channel.boolean("QualityControlOwnership", True), b"\x00\x01"),
        (channel.boolean("InputControlOwnership", False), b"\x0c\x00"),
        (channel.string("Response", "hé😀"), b"\x01h\x00\xe9\x00\x3d\xd8\x00\xde"),
        (channel.nothing("UnfreezeFrame"), b"\x04"),
        (channel.part("FreezeFrame", 1000, b"jpeg"), b"\x03\xe8\x03\x00\x00jpeg"),
        (channel.string("Protocol", "{}"), b"\xff{\x00}\x00"),
    ],
)
def test_bytes_for_a_browser(data, content):
    assert data == content


@given(st.text())
def test_what_is_sent_is_read_as_it_was(text):
    for name, row in FROM_STREAMER.items():
        sent: dict[str, tuple[bytes, object]] = {
            "boolean": (channel.boolean, True),  # type: ignore[dict-item]
            "string": (channel.string, text),  # type: ignore[dict-item]
            "nothing": (channel.nothing, None),  # type: ignore[dict-item]
            "part": (channel.part, (7, text.encode())),  # type: ignore[dict-item]
        }
        make, content = sent[row.payload]
        arguments = () if content is None else content if isinstance(content, tuple) else (content,)
        assert channel.read_from_streamer(make(name, *arguments)) == (name, content)  # type: ignore[operator]


def test_a_message_is_not_sent_as_what_it_is_not():
    with pytest.raises(MalformedError, match="Response carries string, not boolean"):
        channel.boolean("Response", True)
    with pytest.raises(MalformedError, match="KeyDown takes 2 values, not 1"):
        encode(Message("KeyDown", (1,)))
    with pytest.raises(MalformedError, match="256 does not fit"):
        encode(Message("KeyUp", (256,)))
    for data in (b"", b"\x63", b"\x00", b"\x01x", b"\x03\x01"):
        with pytest.raises(MalformedError):
            channel.read_from_streamer(data)


def test_the_protocol_that_is_announced_is_the_one_that_is_spoken():
    to_streamer, from_streamer = channel.to_streamer_protocol(), channel.from_streamer_protocol()
    assert (to_streamer.pop("Direction"), from_streamer.pop("Direction")) == (0, 1)
    assert to_streamer["MouseMove"] == {"id": 74, "structure": ["uint16", "uint16", "int16", "int16"]}
    assert to_streamer["TouchStart"] == {
        "id": 80,
        "structure": ["uint8", "uint16", "uint16", "uint8", "uint8", "uint8"],
    }
    assert from_streamer["Response"] == {"id": 1}
    assert {"DataChannelLatencyTest"} == TO_STREAMER.keys() - to_streamer.keys()
    assert {"DataChannelLatencyTest", "Protocol"} == FROM_STREAMER.keys() - from_streamer.keys()
    assert json.loads(json.dumps(to_streamer)) == to_streamer


def test_ids_are_unique():
    for table in (TO_STREAMER, FROM_STREAMER):
        ids = [row.id for row in table.values()]
        assert len(ids) == len(set(ids)) and all(0 <= number <= 255 for number in ids)
