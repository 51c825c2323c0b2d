"""A picture in the encoder's own format (YUV 4:2:0, BT.709, limited range), and sprites that are blended into it.

Drawing in these planes saves the conversion of the whole picture from RGB in every frame, which would cost more than
all drawing: a sprite is converted once and blended as often as it is shown.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

Plane = npt.NDArray[np.uint8]
Weights = npt.NDArray[np.uint16]

_LUMA = np.array([0.2126, 0.7152, 0.0722])
_OPAQUE = 256
_BLUE_SCALE, _RED_SCALE = 2 * (1 - 0.0722), 2 * (1 - 0.2126)


class Canvas:
    """The planes of one picture; width and height in pixels, both even."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.planes: Plane = np.zeros((height * 3 // 2, width), np.uint8)
        flat, luma, chroma = self.planes.reshape(-1), width * height, width * height // 4
        self.y: Plane = flat[:luma].reshape(height, width)
        self.u: Plane = flat[luma : luma + chroma].reshape(height // 2, width // 2)
        self.v: Plane = flat[luma + chroma :].reshape(height // 2, width // 2)

    def copy_from(self, other: "Canvas") -> None:
        """Make this picture the same as one of equal size."""
        np.copyto(self.planes, other.planes)

    def fill(self, left: int, top: int, width: int, height: int, color: "Color") -> None:
        """Fill a rectangle; its part outside the picture is left out."""
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + width, self.width), min(top + height, self.height)
        if x0 >= x1 or y0 >= y1:
            return
        self.y[y0:y1, x0:x1] = color.y
        half = np.s_[y0 // 2 : (y1 + 1) // 2, x0 // 2 : (x1 + 1) // 2]
        self.u[half], self.v[half] = color.u, color.v

    def blend(self, sprite: "Sprite", left: int, top: int) -> None:
        """Blend a sprite with its left upper corner at a pixel; its part outside the picture is left out."""
        _blend(self.y, sprite.keep_luma, sprite.add_y, left, top)
        _blend(self.u, sprite.keep_chroma, sprite.add_u, left // 2, top // 2)
        _blend(self.v, sprite.keep_chroma, sprite.add_v, left // 2, top // 2)


@dataclass(frozen=True, slots=True)
class Color:
    """A colour as the planes hold it."""

    y: int
    u: int
    v: int


@dataclass(frozen=True, slots=True)
class Sprite:
    """A picture with transparency, ready to be blended: ``plane * keep + add``, in units of 1/256."""

    width: int
    height: int
    keep_luma: Weights
    keep_chroma: Weights
    add_y: Weights
    add_u: Weights
    add_v: Weights


def color(red: int, green: int, blue: int) -> Color:
    """A colour from its RGB values, 0 to 255."""
    y, u, v = _yuv(np.array([red, green, blue], np.float64))
    return Color(round(float(y)), round(float(u)), round(float(v)))


def _yuv(rgb: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], ...]:
    luma = rgb @ _LUMA
    blue, red = (rgb[..., 2] - luma) / _BLUE_SCALE, (rgb[..., 0] - luma) / _RED_SCALE
    return 16 + luma * (219 / 255), 128 + blue * (224 / 255), 128 + red * (224 / 255)


def sprite(image: Image.Image) -> Sprite:
    """A sprite from an RGBA image; an odd width or height gains one transparent column or row."""
    rgba = np.asarray(image.convert("RGBA"), np.float64)
    rgba = np.pad(rgba, ((0, rgba.shape[0] % 2), (0, rgba.shape[1] % 2), (0, 0)))
    height, width = rgba.shape[:2]
    y, u, v = _yuv(rgba[..., :3])
    alpha = rgba[..., 3] * (_OPAQUE / 255)
    halved = [_halve(plane) for plane in (alpha, alpha * u, alpha * v)]
    return Sprite(
        width,
        height,
        keep_luma=_weights(_OPAQUE - alpha),
        keep_chroma=_weights(_OPAQUE - halved[0]),
        add_y=_weights(np.round(alpha) * y),
        add_u=_weights(halved[1]),
        add_v=_weights(halved[2]),
    )


def paint(canvas: Canvas, image: Image.Image) -> None:
    """Replace the whole picture by an opaque image of the same size."""
    y, u, v = _yuv(np.asarray(image.convert("RGB"), np.float64))
    for plane, values in ((canvas.y, y), (canvas.u, _halve(u)), (canvas.v, _halve(v))):
        plane[:] = np.clip(np.round(values), 0, 255)


def _halve(plane: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    height, width = plane.shape
    halved: npt.NDArray[np.float64] = plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3))
    return halved


def _weights(values: npt.NDArray[np.float64]) -> Weights:
    return np.round(values).astype(np.uint16)


def _blend(plane: Plane, keep: Weights, add: Weights, left: int, top: int) -> None:
    height, width = keep.shape
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + width, plane.shape[1]), min(top + height, plane.shape[0])
    if x0 >= x1 or y0 >= y1:
        return
    part = np.s_[y0 - top : y1 - top, x0 - left : x1 - left]
    mixed = np.multiply(plane[y0:y1, x0:x1], keep[part], dtype=np.uint16)
    mixed += add[part]
    mixed >>= 8
    plane[y0:y1, x0:x1] = mixed
