"""The part of the picture that never changes: drawn once when the application starts."""

import numpy as np
from PIL import Image, ImageDraw

from streamer.picture.canvas import Canvas, paint
from streamer.picture.layout import CARD_LABELS, TEXT_BOX, TITLE, WHITE, Box, Layout, card
from streamer.picture.text import RGB, smooth

_TOP, _BOTTOM = np.array([9.0, 13.0, 32.0]), np.array([22.0, 29.0, 66.0])
_GLOWS = (((0.12, 0.1), 0.55, (24.0, 120.0, 130.0), 0.42), ((0.9, 0.75), 0.6, (96.0, 64.0, 200.0), 0.38))
_GRID = 40
_PANEL: RGB = (200, 215, 255)


def background(layout: Layout) -> Canvas:
    """A canvas with the gradient, the grid and the empty panels."""
    canvas = Canvas(layout.width, layout.height)
    image = _gradient(layout).convert("RGBA")
    image.alpha_composite(_lines(layout))
    for box in (TEXT_BOX, *(card(i) for i in range(len(CARD_LABELS)))):
        panel = _panel(layout, box)
        image.alpha_composite(panel, (layout.x(box.left), layout.y(box.top)))
    paint(canvas, image)
    return canvas


def _gradient(layout: Layout) -> Image.Image:
    down = np.linspace(0, 1, layout.height)[:, None, None]
    across = np.linspace(0, 1, layout.width)[None, :]
    rgb = np.broadcast_to(_TOP + (_BOTTOM - _TOP) * down, (layout.height, layout.width, 3)).copy()
    for (x, y), radius, tint, strength in _GLOWS:
        distance = ((across - x) ** 2 + (down[..., 0] - y) ** 2) / radius**2
        share = (strength * np.exp(-2.5 * distance))[..., None]
        rgb += (np.array(tint) - rgb) * share
    # Half a step of noise, the same in every start, keeps the dark gradient from showing bands.
    rgb += np.random.default_rng(1).uniform(-0.75, 0.75, rgb.shape[:2])[..., None]
    return Image.fromarray(np.clip(rgb, 0, 255).astype(np.uint8), "RGB")


def _lines(layout: Layout) -> Image.Image:
    lines = np.zeros((layout.height, layout.width, 4), np.uint8)
    lines[..., :3] = WHITE
    step = layout.size(_GRID)
    lines[layout.y(TITLE[1]) % step :: step, :, 3] = 7
    lines[:, layout.x(TITLE[0]) % step :: step, 3] = 7
    return Image.fromarray(lines, "RGBA")


def _panel(layout: Layout, box: Box) -> Image.Image:
    width, height = layout.size(box.width), layout.size(box.height)

    def draw(pen: ImageDraw.ImageDraw, times: int) -> None:
        radius, line = layout.size(14) * times, max(1, layout.size(1.5)) * times
        area = (0, 0, width * times - 1, height * times - 1)
        pen.rounded_rectangle(area, radius, fill=(*_PANEL, 20), outline=(*_PANEL, 52), width=line)

    return smooth(width, height, _PANEL, draw)
