"""Draws a scene at a time into a canvas."""

import time
from dataclasses import dataclass
from functools import lru_cache

from PIL import ImageDraw

from streamer.keys import button_name, key_name
from streamer.picture import layout as at
from streamer.picture import strip
from streamer.picture.background import background
from streamer.picture.canvas import Canvas, Sprite, sprite
from streamer.picture.layout import Box, Layout
from streamer.picture.text import BOLD, MEDIUM, REGULAR, RGB, digit_width, end_of, smooth, start_of, text, text_width
from streamer.picture.waves import Waves
from streamer.scene import Gamepad, Hand, Mark, Scene, pixel

_RIPPLE_SECONDS = 0.9
_RIPPLE_STEPS = 27
_RIPPLE_RADIUS = 72
_BLINK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Moment:
    """What a frame shows apart from the scene."""

    frame: int
    """Number of the frame."""
    frame_rate: int
    """Frames a second, to turn numbers of frames into seconds."""
    unix_time: float
    """Seconds since 1970, for the clock in the picture."""
    statistics: str = ""
    """Measured figures, shown when the scene asks for them."""

    @property
    def seconds(self) -> float:
        """Seconds since frame 0. What moves is a function of it, so dropped frames slow nothing down."""
        return self.frame / self.frame_rate


class Painter:
    """Draws one size of picture. The canvas that ``draw`` gives is used again for the next frame."""

    def __init__(self, width: int, height: int, frame_rate: int, name: str) -> None:
        self._layout = Layout(width, height)
        self._size = (width, height)
        self._about = f"{name}  ·  {width} x {height}  ·  {frame_rate} frames a second"
        self._background = background(self._layout)
        self._canvas = Canvas(width, height)
        self._waves = Waves(self._layout)
        self._still()

    def draw(self, scene: Scene, moment: Moment) -> Canvas:
        """The picture of a scene at a moment."""
        self._canvas.copy_from(self._background)
        self._waves.draw(self._canvas, moment.seconds, self._pulls(scene))
        self._header(scene, moment)
        self._text_box(scene, moment)
        for index, (value, detail) in enumerate(_cards(scene, self._size)):
            self._card(at.card(index), value, detail)
        for mark in scene.marks:
            self._mark(mark, moment)
        for index, hand in enumerate(scene.hands.values()):
            self._hand(hand, at.PLAYER_COLORS[index % len(at.PLAYER_COLORS)])
        strip.draw(self._canvas, moment.frame % strip.NUMBERS)
        return self._canvas

    def _still(self) -> None:
        """What never changes goes into the background, once."""
        self._canvas.copy_from(self._background)
        self._write("Pixel Streaming on OKE", at.TITLE, 38, at.WHITE, BOLD)
        self._write(
            "Move, click, scroll and type: an instance draws this picture and streams it.", at.HINT, 17, at.FAINT
        )
        self._write("TYPED", (at.TEXT_BOX.left + 20, at.TEXT_BOX.top + 10), 13, at.FAINT, MEDIUM)
        for index, label in enumerate(at.CARD_LABELS):
            box = at.card(index)
            self._write(label, (box.left + 16, box.top + 10), 13, at.FAINT, MEDIUM)
        self._background.copy_from(self._canvas)

    def _write(
        self,
        value: str,
        place: tuple[float, float],
        size: float,
        rgb: RGB,
        weight: int = REGULAR,
        *,
        right: bool = False,
    ) -> None:
        if value:
            line = text(value, self._layout.size(size), rgb, weight)
            x = self._layout.x(place[0]) - (line.width if right else 0)
            self._canvas.blend(line, x, self._layout.y(place[1]))

    def _running(self, value: str, place: tuple[float, float], size: float, rgb: RGB, weight: int) -> None:
        """A number that changes all the time, right-aligned, one kept sprite for each character."""
        pixels = self._layout.size(size)
        widths = [digit_width(pixels, weight) if c.isdigit() else text_width(c, pixels, weight) for c in value]
        x, y = self._layout.x(place[0]) - sum(widths), self._layout.y(place[1])
        for character, width in zip(value, widths, strict=True):
            glyph = text(character, pixels, rgb, weight)
            self._canvas.blend(glyph, x + max(0, (width - text_width(character, pixels, weight)) // 2), y)
            x += width

    def _header(self, scene: Scene, moment: Moment) -> None:
        players = len(scene.hands)
        watched = f"  ·  {players} players" if players > 1 else ""
        self._write(self._about + watched, at.SUBTITLE, 18, at.SOFT)
        utc = time.gmtime(moment.unix_time)
        tenth = int(moment.unix_time * 10) % 10
        self._running(f"{time.strftime('%H:%M:%S', utc)}.{tenth}", at.CLOCK, 38, at.WHITE, BOLD)
        self._write(time.strftime("%A, %d %B %Y, UTC", utc), at.DATE, 18, at.SOFT, right=True)
        self._running(f"frame {moment.frame:08d}", at.FRAME, 17, at.TEAL, MEDIUM)
        if scene.statistics:
            self._write(moment.statistics, (at.HINT[0], at.HINT[1] + 28), 17, at.AMBER, MEDIUM)
        if scene.note:
            room = self._layout.size(at.TEXT_BOX.width)
            self._write(start_of(f"The page says {scene.note}", room, self._layout.size(16)), at.NOTE, 16, at.SOFT)

    def _text_box(self, scene: Scene, moment: Moment) -> None:
        left, top, size = at.TEXT_BOX.left + 20, at.TEXT_BOX.top + 28, 30
        pixels = self._layout.size(size)
        typed = "".join(character for character in scene.typed if not "\ud800" <= character <= "\udfff")
        shown = end_of(typed, self._layout.size(at.TEXT_BOX.width - 60), pixels, MEDIUM)
        self._write(shown or "Type something", (left, top), size, at.WHITE if shown else at.FAINT, MEDIUM)
        if int(moment.seconds / _BLINK_SECONDS) % 2 == 0:
            x = self._layout.x(left) + (text_width(shown, pixels, MEDIUM) + self._layout.size(3) if shown else -4)
            self._canvas.blend(_bar(self._layout.size(3), self._layout.size(32)), x, self._layout.y(top + 4))

    def _card(self, box: Box, value: str, detail: str) -> None:
        room = self._layout.size(box.width - 30)
        value = start_of(value, room, self._layout.size(26), BOLD)
        detail = start_of(detail, room, self._layout.size(14))
        self._write(value, (box.left + 16, box.top + 28), 26, at.WHITE if detail else at.FAINT, BOLD)
        self._write(detail, (box.left + 16, box.top + 64), 14, at.SOFT)

    def _mark(self, mark: Mark, moment: Moment) -> None:
        x, y = pixel(mark.at, self._size)
        age = (moment.frame - mark.frame) / moment.frame_rate / _RIPPLE_SECONDS
        if 0 <= age < 1:
            self._centre(_ripple(self._layout.size(_RIPPLE_RADIUS), int(age * _RIPPLE_STEPS)), x, y)
        self._centre(_dot(self._layout.size(13)), x, y)
        number = text(str(mark.number), self._layout.size(14), (20, 24, 48), BOLD)
        self._canvas.blend(number, x - number.width // 2, y - round(number.height * 0.52))

    def _hand(self, hand: Hand, rgb: RGB) -> None:
        for _finger, point in hand.touches:
            self._centre(_finger_ring(self._layout.size(34), rgb), *pixel(point, self._size))
        if hand.pointer and hand.inside:
            self._centre(_cross(self._layout.size(26), bool(hand.buttons), rgb), *pixel(hand.pointer, self._size))

    def _centre(self, shape: Sprite, x: int, y: int) -> None:
        self._canvas.blend(shape, x - shape.width // 2, y - shape.height // 2)

    def _pulls(self, scene: Scene) -> list[tuple[int, int, float]]:
        top, bottom = self._layout.y(at.HINT[1]), self._layout.y(at.TEXT_BOX.top)
        pulls = []
        for hand in scene.hands.values():
            if hand.pointer and hand.inside:
                x, y = pixel(hand.pointer, self._size)
                if top < y < bottom:
                    pulls.append((x, y, 0.9 if hand.buttons else 0.55))
        return pulls


def _cards(scene: Scene, size: tuple[int, int]) -> tuple[tuple[str, str], ...]:
    """Value and detail of each card, in the order of their labels; an empty detail means nothing came yet."""
    hands = [hand for hand in scene.hands.values() if hand.pointer]
    pointer = pixel(hands[-1].pointer, size) if hands and hands[-1].pointer else None
    last = pixel(scene.marks[-1].at, size) if scene.marks else None
    keys = [key_name(code) for hand in scene.hands.values() for code in hand.keys]
    touches = [point for hand in scene.hands.values() for _finger, point in hand.touches]
    return (
        (str(scene.clicks), f"last at {last[0]}, {last[1]}" if last else ""),
        (f"{pointer[0]}, {pointer[1]}", _pointer_state(hands[-1])) if pointer else ("-", ""),
        (f"{scene.wheel:+d}" if scene.wheel else "0", "turned in all" if scene.wheel else ""),
        (" + ".join(keys), "held down") if keys else ("-", ""),
        (str(scene.touches), f"{len(touches)} on the picture" if scene.touches else ""),
        _gamepad_card(scene),
    )


def _pointer_state(hand: Hand) -> str:
    if hand.buttons:
        names = {0: "left", 1: "middle", 2: "right"}
        return " and ".join(names.get(button, str(button)) for button in sorted(hand.buttons)) + " button down"
    return "over the picture" if hand.inside else "outside"


def _gamepad_card(scene: Scene) -> tuple[str, str]:
    if not scene.gamepads:
        return "-", ""
    pad: Gamepad = next(iter(scene.gamepads.values()))
    buttons = " ".join(button_name(button) for button in sorted(pad.buttons))
    axes = "  ".join(f"{value:+.1f}" for _axis, value in pad.axes[:4])
    return buttons or f"{len(scene.gamepads)} connected", axes or "at rest"


@lru_cache(maxsize=64)
def _ripple(radius: int, step: int) -> Sprite:
    share = (step + 1) / _RIPPLE_STEPS
    alpha = round(220 * (1 - share) ** 1.5)

    def draw(pen: ImageDraw.ImageDraw, times: int) -> None:
        inset = round(radius * times * (0.8 - 0.8 * share**0.6))
        end = 2 * radius * times - 1 - inset
        pen.ellipse((inset, inset, end, end), outline=(*at.AMBER, alpha), width=max(2, round(radius * times * 0.045)))

    return sprite(smooth(2 * radius, 2 * radius, at.AMBER, draw))


@lru_cache(maxsize=8)
def _dot(radius: int) -> Sprite:
    def draw(pen: ImageDraw.ImageDraw, times: int) -> None:
        pen.ellipse((0, 0, 2 * radius * times - 1, 2 * radius * times - 1), fill=(*at.AMBER, 235))

    return sprite(smooth(2 * radius, 2 * radius, at.AMBER, draw))


@lru_cache(maxsize=16)
def _finger_ring(radius: int, rgb: RGB) -> Sprite:
    def draw(pen: ImageDraw.ImageDraw, times: int) -> None:
        end = 2 * radius * times - 1
        pen.ellipse((0, 0, end, end), fill=(*rgb, 60), outline=(*rgb, 255), width=max(2, radius * times // 12))

    return sprite(smooth(2 * radius, 2 * radius, rgb, draw))


@lru_cache(maxsize=32)
def _cross(radius: int, pressed: bool, rgb: RGB) -> Sprite:
    def draw(pen: ImageDraw.ImageDraw, times: int) -> None:
        middle, line = radius * times, max(1, radius // 12) * times
        gap, ring = round(middle * 0.28), round(middle * 0.58)
        for start, end in ((0, middle - gap), (middle + gap, 2 * middle)):
            pen.rectangle((start, middle - line // 2, end, middle + line // 2), fill=(*rgb, 255))
            pen.rectangle((middle - line // 2, start, middle + line // 2, end), fill=(*rgb, 255))
        area = (middle - ring, middle - ring, middle + ring, middle + ring)
        pen.ellipse(area, outline=(*rgb, 255), width=line * (3 if pressed else 1))

    return sprite(smooth(2 * radius, 2 * radius, rgb, draw))


@lru_cache(maxsize=8)
def _bar(width: int, height: int) -> Sprite:
    def draw(pen: ImageDraw.ImageDraw, times: int) -> None:
        pen.rectangle((0, 0, width * times, height * times), fill=(*at.TEAL, 255))

    return sprite(smooth(width, height, at.TEAL, draw))
