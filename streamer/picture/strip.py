"""The frame's number as a strip of 24 cells over the whole bottom edge, so that a program can read which frame it sees.

The strip is one forty-fifth of the picture high (16 of 720 lines). Its 24 cells are of equal width; the leftmost is
the highest bit; bright is 1. The middle of cell i is at x = (i + 0.5) / 24 of the width, y = 1 - 1/90 of the height,
and its luma is below ``THRESHOLD`` for 0 and above it for 1, in RGB (0 to 255) as in the planes.
"""

import numpy as np
import numpy.typing as npt

from streamer.picture.canvas import Canvas, color

BITS = 24
NUMBERS = 1 << BITS
THRESHOLD = 100

_DARK = color(30, 40, 78)
_BRIGHT = color(94, 234, 212)


def strip_height(height: int) -> int:
    """Lines of the strip in a picture of that height; even, so that its colour has an edge of its own."""
    return max(4, round(height / 90) * 2)


def draw(canvas: Canvas, number: int) -> None:
    """Draw a frame's number, modulo 2**24."""
    lines = strip_height(canvas.height)
    edges = [round(canvas.width * i / BITS / 2) * 2 for i in range(BITS + 1)]
    for i in range(BITS):
        bit = number >> (BITS - 1 - i) & 1
        canvas.fill(edges[i], canvas.height - lines, edges[i + 1] - edges[i], lines, _BRIGHT if bit else _DARK)


def read(luma: npt.NDArray[np.uint8]) -> int:
    """The number in the strip of a picture's luma plane, of whatever size it was scaled to."""
    height, width = luma.shape
    row = luma[height - 1 - height // 90]
    bits = [int(row[int((i + 0.5) * width / BITS)]) > THRESHOLD for i in range(BITS)]
    return sum(1 << (BITS - 1 - i) for i, bit in enumerate(bits) if bit)
