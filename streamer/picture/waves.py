"""Waves of light across the picture, bent towards the pointers, and the light that rides on the first of them."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from streamer.picture.canvas import Canvas, Plane, Sprite, color, sprite
from streamer.picture.layout import AMBER, TEAL, VIOLET, WAVES_MIDDLE, WAVES_SWING, WHITE, Layout
from streamer.picture.text import RGB

_FRACTIONS = 8
_PULL_WIDTH = 110
_TRAIL = 7


@dataclass(frozen=True, slots=True)
class _Wave:
    tint: RGB
    swing: float
    """Part of the whole swing."""
    length: float
    """Waves over the width of the design."""
    speed: float
    """Radians a second."""
    phase: float
    core: float
    """Half the thickness of the bright line, in design units."""
    glow: float
    """Reach of the light around it, in design units."""


_WAVES = (
    _Wave(VIOLET, 0.95, 1.4, -0.7, 2.1, 1.0, 9),
    _Wave(AMBER, 0.5, 3.1, 1.6, 0.7, 0.8, 6),
    _Wave(TEAL, 0.8, 2.2, 1.1, 0.0, 1.6, 12),
)


@dataclass(frozen=True, slots=True)
class _Brush:
    """Weights of a wave's lines above and below its middle, by eighths of a line."""

    reach: int
    weights: npt.NDArray[np.uint16]
    value: int


def _brush(core: float, glow: float, value: int) -> _Brush:
    reach = math.ceil(glow)
    lines = np.arange(-reach, reach + 1)[:, None] - np.arange(_FRACTIONS)[None, :] / _FRACTIONS
    away = np.abs(lines)
    bright = np.clip(core + 0.5 - away, 0, 1)
    light = 0.28 * np.clip(1 - away / glow, 0, 1) ** 2
    weights = np.round(256 * np.maximum(bright, light)).astype(np.uint16)
    return _Brush(reach, weights, value)


class Waves:
    """Draws the waves of one picture size; places and times come with every frame."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._columns = np.arange(layout.width)
        across = (self._columns - layout.x(0)) / (layout.x(1280) - layout.x(0))
        self._turns = across * math.tau
        self._envelope = 0.35 + 0.65 * np.sin(np.clip(across, 0, 1) * math.pi) ** 2
        self._brushes = [self._brushes_of(wave) for wave in _WAVES]
        self._light = [_light(layout.size(30 if i == 0 else 16 - 2 * i), 1.0 if i == 0 else 0.4) for i in range(_TRAIL)]

    def _brushes_of(self, wave: _Wave) -> tuple[_Brush, _Brush, _Brush]:
        tint, scale = color(*wave.tint), self._layout.scale
        return (
            _brush(wave.core * scale, wave.glow * scale, tint.y),
            _brush(max(wave.core * scale, 1) / 2, wave.glow * scale / 2, tint.u),
            _brush(max(wave.core * scale, 1) / 2, wave.glow * scale / 2, tint.v),
        )

    def draw(self, canvas: Canvas, seconds: float, pulls: list[tuple[int, int, float]]) -> None:
        """Draw all waves at a time; ``pulls`` are pixels that bend them and how strongly, from 0 to 1."""
        for wave, brushes in zip(_WAVES, self._brushes, strict=True):
            lines = self._lines(wave, seconds, pulls)
            _stroke(canvas.y, self._columns, lines, brushes[0])
            half, columns = lines[::2] / 2, self._columns[: canvas.width // 2]
            _stroke(canvas.u, columns, half, brushes[1])
            _stroke(canvas.v, columns, half, brushes[2])
        for step in reversed(range(_TRAIL)):
            x, y = self._rider(seconds - step * 0.06, pulls)
            light = self._light[step]
            canvas.blend(light, x - light.width // 2, y - light.height // 2)

    def _lines(self, wave: _Wave, seconds: float, pulls: list[tuple[int, int, float]]) -> npt.NDArray[np.float64]:
        turn = self._turns * wave.length + wave.speed * seconds + wave.phase
        swing = WAVES_SWING * wave.swing * self._layout.scale
        breath = 0.8 + 0.2 * math.sin(0.5 * seconds + wave.phase)
        lines: npt.NDArray[np.float64] = self._layout.y(WAVES_MIDDLE) + swing * breath * self._envelope * np.sin(turn)
        for x, y, strength in pulls:
            near = np.exp(-(((self._columns - x) / (_PULL_WIDTH * self._layout.scale)) ** 2))
            lines += (y - lines) * near * strength
        return lines

    def _rider(self, seconds: float, pulls: list[tuple[int, int, float]]) -> tuple[int, int]:
        x = self._layout.x(640 + 560 * math.sin(0.4 * seconds))
        x = min(max(x, 0), self._layout.width - 1)
        return x, round(float(self._lines(_WAVES[-1], seconds, pulls)[x]))


def _light(radius: int, strength: float) -> Sprite:
    side = np.arange(-radius, radius)[None, :] + 0.5
    distance = np.sqrt(side**2 + side.T**2) / radius
    rgba = np.zeros((2 * radius, 2 * radius, 4))
    core = np.clip((0.34 - distance) * radius, 0, 1)[..., None]
    rgba[..., :3] = np.array(TEAL) + (np.array(WHITE) - np.array(TEAL)) * core
    halo = 0.55 * np.clip(1 - distance, 0, 1) ** 2
    rgba[..., 3] = 255 * strength * np.maximum(halo, core[..., 0])
    return sprite(Image.fromarray(rgba.astype(np.uint8), "RGBA"))


def _stroke(plane: Plane, columns: npt.NDArray[np.int64], lines: npt.NDArray[np.float64], brush: _Brush) -> None:
    height, width = plane.shape
    top = np.floor(lines)
    fraction = ((lines - top) * _FRACTIONS).astype(np.int64)
    first = np.clip(top.astype(np.int64) - brush.reach, 0, height - 2 * brush.reach - 1)
    places = (first * width + columns)[None, :] + (np.arange(2 * brush.reach + 1) * width)[:, None]
    weights = brush.weights[:, fraction]
    flat = plane.reshape(-1)
    mixed = flat[places] * (256 - weights)
    mixed += weights * np.uint16(brush.value)
    mixed >>= 8
    flat[places] = mixed
