"""Text and shapes made by Pillow, turned into sprites and kept."""

from collections.abc import Callable
from functools import lru_cache
from importlib.resources import as_file, files

from PIL import Image, ImageDraw, ImageFont

from streamer.picture.canvas import Sprite, sprite

RGB = tuple[int, int, int]

_FONT = files("fontpkg_inter") / "files" / "Inter[opsz,wght].ttf"
_OPTICAL_SIZES = (14, 32)
_SMOOTHING = 4

REGULAR, MEDIUM, BOLD = 400, 500, 650


@lru_cache(maxsize=64)
def _font(size: int, weight: int) -> ImageFont.FreeTypeFont:
    with as_file(_FONT) as path:
        font = ImageFont.truetype(str(path), size)
    font.set_variation_by_axes([min(max(size, _OPTICAL_SIZES[0]), _OPTICAL_SIZES[1]), weight])
    return font


@lru_cache(maxsize=2048)
def text_width(text: str, size: int, weight: int = REGULAR) -> int:
    """Width of a text in pixels, rounded up."""
    return int(_font(size, weight).getlength(text)) + 1


@lru_cache(maxsize=512)
def text(value: str, size: int, rgb: RGB, weight: int = REGULAR) -> Sprite:
    """A line of text; ``size`` is in pixels. The sprite is as high for every text of a size: 1.4 times the size."""
    image = Image.new("RGBA", (max(text_width(value, size, weight), 2), round(size * 1.4)), (*rgb, 0))
    ImageDraw.Draw(image).text((0, round(size * 1.1)), value, (*rgb, 255), _font(size, weight), anchor="ls")
    return sprite(image)


@lru_cache(maxsize=128)
def digit_width(size: int, weight: int = REGULAR) -> int:
    """Room for one digit, the same for all of them, so that a running number does not shake."""
    return max(text_width(digit, size, weight) for digit in "0123456789")


@lru_cache(maxsize=64)
def end_of(value: str, room: int, size: int, weight: int = REGULAR) -> str:
    """The longest end of a text that fits the room, with an ellipsis in front where something was left out."""
    if text_width(value, size, weight) <= room:
        return value
    for start in range(1, len(value)):
        shorter = "…" + value[start:]
        if text_width(shorter, size, weight) <= room:
            return shorter
    return "…"


@lru_cache(maxsize=64)
def start_of(value: str, room: int, size: int, weight: int = REGULAR) -> str:
    """The longest start of a text that fits the room, with an ellipsis behind where something was left out."""
    if text_width(value, size, weight) <= room:
        return value
    for end in range(len(value) - 1, 0, -1):
        shorter = value[:end] + "…"
        if text_width(shorter, size, weight) <= room:
            return shorter
    return "…"


def smooth(width: int, height: int, tint: RGB, draw: Callable[[ImageDraw.ImageDraw, int], None]) -> Image.Image:
    """An RGBA image of shapes with smooth edges: ``draw`` gets the pen and how many times larger it draws.

    ``tint`` is the colour that the edges fade through; without it they would have a dark rim.
    """
    large = Image.new("RGBA", (width * _SMOOTHING, height * _SMOOTHING), (*tint, 0))
    draw(ImageDraw.Draw(large), _SMOOTHING)
    return large.reduce(_SMOOTHING)
