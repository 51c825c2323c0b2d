from collections.abc import Iterable
from typing import Any

import av
import numpy as np
import pytest

from streamer.encoder import Encoder, EncoderError
from streamer.picture import strip
from streamer.picture.painter import Moment, Painter
from streamer.scene import Scene


def decoded(packets: Iterable[Any]) -> tuple[list[Any], Any]:
    decoder = av.CodecContext.create("h264", "r")
    frames = [frame for packet in packets for frame in decoder.decode(av.Packet(bytes(packet)))]
    return frames + decoder.decode(None), decoder


@pytest.fixture(scope="module")
def stream():
    """Forty frames, with a key frame asked for at the twentieth and ten frames left out after it."""
    painter, encoder = Painter(640, 360, 30, "demo"), Encoder(640, 360, 30, 2_000_000)
    numbers = [*range(21), *range(31, 50)]
    return [
        encoder.encode(painter.draw(Scene(), Moment(number, 30, 0.0)).planes, number, key=number == 20)
        for number in numbers
    ]


def test_every_frame_is_decoded_at_its_size_with_its_number(stream):
    frames, decoder = decoded([made.packet for made in stream])
    assert [strip.read(frame.to_ndarray()[: frame.height]) for frame in frames] == [made.number for made in stream]
    assert {(frame.width, frame.height, frame.format.name) for frame in frames} == {(640, 360, "yuv420p")}
    assert decoder.profile in {"Baseline", "Constrained Baseline"}
    assert {(int(frame.colorspace), int(frame.color_range)) for frame in frames} == {(1, 1)}, "BT.709, limited range"


def test_key_frames_come_when_asked_for_and_stand_alone(stream):
    assert [made.number for made in stream if made.key] == [0, 20]
    later = [made.packet for made in stream if made.number >= 20]
    frames, _ = decoded(later)
    assert strip.read(frames[0].to_ndarray()[:360]) == 20, "a player can begin here"
    assert bytes(later[0]).startswith(b"\0\0\0\1"), "Annex B, as packets are cut from it"
    assert bytes(later[0])[4] & 0x1F == 7, "with the parameter sets in front"


def test_times_are_those_of_the_frames_also_after_a_gap(stream):
    for made in stream:
        assert made.packet.pts * made.packet.time_base == pytest.approx(made.number / 30)
        assert made.size == made.packet.size > 0


def test_the_bit_rate_is_bounded_even_for_noise():
    encoder, random = Encoder(320, 180, 30, 500_000), np.random.default_rng(1)
    sizes = [
        encoder.encode(random.integers(0, 255, (270, 320), np.uint8), number, key=False).size for number in range(90)
    ]
    assert sum(sizes[30:]) * 8 / 2 < 500_000 * 1.15, "over two seconds, after the buffer of the first frames"


def test_a_size_that_the_encoder_cannot_do_is_an_error_that_says_so():
    with pytest.raises(EncoderError, match="does not open at 3x3"):
        Encoder(3, 3, 30, 500_000)
