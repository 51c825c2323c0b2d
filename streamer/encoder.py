"""One H.264 encoder (x264) whose packets are shared by all players."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType, VideoFrame

from streamer.picture.canvas import Plane

_BT709, _LIMITED = 1, 1
_QUALITY = 22
_SECONDS_BETWEEN_KEY_FRAMES = 60


class EncoderError(RuntimeError):
    """There is no usable H.264 encoder on this machine."""


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One frame as Annex B packets."""

    number: int
    packet: "av.Packet[Any]"
    key: bool
    size: int
    """Bytes."""


class Encoder:
    """Constrained-baseline H.264 without delay: one packet out for each picture in.

    The quality is constant and the bit rate bounded, by a buffer of half a second; key frames come when asked for, and
    once a minute. One thread: the frame is small, and more threads would cost each other's share of the processor.
    """

    def __init__(self, width: int, height: int, frame_rate: int, bitrate: int) -> None:
        try:
            context = av.CodecContext.create("libx264", "w")
        except (ValueError, av.FFmpegError) as error:
            raise EncoderError(f"libx264 is missing: install the PyAV wheel of this platform ({error})") from error
        assert isinstance(context, VideoCodecContext)  # noqa: S101 # libx264 is a video encoder
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.framerate, context.time_base = Fraction(frame_rate), Fraction(1, frame_rate)
        context.gop_size = frame_rate * _SECONDS_BETWEEN_KEY_FRAMES
        context.thread_count = 1
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        context.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "crf": str(_QUALITY),
            "maxrate": str(bitrate),
            "bufsize": str(bitrate // 2),
            "forced-idr": "1",
        }
        try:
            context.open()
        except av.FFmpegError as error:
            raise EncoderError(
                f"libx264 does not open at {width}x{height}, {frame_rate} frames a second: {error}"
            ) from error
        self._context = context

    def encode(self, planes: Plane, number: int, *, key: bool) -> EncodedFrame:
        """Encode a picture (planes of YUV 4:2:0 one after the other) as frame ``number``, larger than all before it."""
        frame = VideoFrame.from_numpy_buffer(planes, "yuv420p")
        frame.pts = number
        frame.time_base = self._context.time_base
        frame.pict_type = PictureType.I if key else PictureType.NONE
        packets = self._context.encode(frame)
        if len(packets) != 1:
            raise EncoderError(f"x264 gave {len(packets)} packets for frame {number}; it must not delay any")
        packet = packets[0]
        return EncodedFrame(number, packet, packet.is_keyframe, packet.size)
