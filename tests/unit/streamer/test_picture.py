"""What is drawn, read back from the planes that the encoder gets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from streamer.data_channel import Message
from streamer.picture import layout as at
from streamer.picture import strip
from streamer.picture.canvas import Canvas, Plane, color, paint, sprite
from streamer.picture.layout import Layout
from streamer.picture.painter import Moment, Painter
from streamer.picture.text import end_of, start_of, text, text_width
from streamer.scene import Event, Scene

NOON = 1_795_392_000.0


def scene(*messages: tuple[str, tuple[int | str, ...]], frame: int = 0) -> Scene:
    shown = Scene().join("1")
    for name, values in messages:
        shown = shown.apply(Event("1", frame, Message(name, values)))
    return shown


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter(640, 360, 30, "showroom")


def luma(painter: Painter, shown: Scene, frame: int = 300, unix_time: float = NOON, statistics: str = ""):
    return painter.draw(shown, Moment(frame, 30, unix_time, statistics)).y.copy()


def changed(before: Plane, after: Plane) -> tuple[float, float, float, float]:
    """Smallest box around all that differs, in design units: left, top, right, bottom."""
    rows, columns = np.nonzero(before != after)
    scale = 640 / at.DESIGN_WIDTH
    return columns.min() / scale, rows.min() / scale, columns.max() / scale, rows.max() / scale


@settings(max_examples=50, deadline=None)
@given(st.integers(0, strip.NUMBERS - 1), st.sampled_from([(320, 180), (640, 360), (1280, 720), (1364, 768)]))
def test_the_number_in_the_strip_is_read_back(number, size):
    canvas = Canvas(*size)
    canvas.y[:] = 255
    strip.draw(canvas, number)
    assert strip.read(canvas.y) == number
    half = np.asarray(Image.fromarray(canvas.y).resize((size[0] // 2, size[1] // 2), Image.Resampling.BILINEAR))
    assert strip.read(half) == number, "also in a picture that a page shows smaller"


@pytest.mark.parametrize("size", [(320, 180), (640, 360), (1280, 720), (720, 1280), (1920, 1080)])
def test_every_size_shows_its_number(size):
    painter = Painter(size[0], size[1], 30, "showroom")
    shown = scene(("MouseDown", (0, 65535, 65535)), ("MouseMove", (0, 0, 0, 0)), ("KeyPress", (97,)))
    for frame in (0, 1, 12_345, strip.NUMBERS + 5):
        canvas = painter.draw(shown, Moment(frame, 30, NOON))
        assert canvas.planes.shape == (size[1] * 3 // 2, size[0])
        assert strip.read(canvas.y) == frame % strip.NUMBERS


def test_the_same_moment_is_the_same_picture_and_another_frame_is_not(painter):
    still = luma(painter, scene())
    assert (luma(painter, scene()) == still).all()
    moved = luma(painter, scene(), frame=301)
    waves = np.s_[int(210 / 2) : int(400 / 2)]
    assert (moved[waves] != still[waves]).sum() > 500, "the waves move"


def test_the_clock_shows_the_time(painter):
    left, top, right, bottom = changed(luma(painter, scene()), luma(painter, scene(), unix_time=NOON + 1))
    assert left > 900 and top >= at.CLOCK[1] - 2 and right <= 1242 and bottom < at.DATE[1]


@pytest.mark.parametrize(
    ("message", "box"),
    [
        (("KeyPress", (97,)), at.TEXT_BOX),
        (("MouseWheel", (-120, 0, 0)), at.Box(40, 564, 624, 92)),  # The wheel tells where the pointer is, too.
        (("KeyDown", (87, 0)), at.card(3)),
        (("GamepadConnected", ()), at.card(5)),
    ],
)
def test_what_a_player_does_is_shown_in_its_place(painter, message, box):
    left, top, right, bottom = changed(luma(painter, scene()), luma(painter, scene(message)))
    assert box.left <= left and right <= box.left + box.width
    assert box.top <= top and bottom <= box.top + box.height


def test_a_click_leaves_a_mark_and_a_ripple_that_fades(painter):
    x, y = 0.25, 0.85
    before = scene(("MouseMove", (0, 0, 0, 0)), ("MouseLeave", ()))
    after = scene(("MouseDown", (0, int(x * 65536), int(y * 65536))), ("MouseLeave", ()), frame=300)
    around = np.s_[int(y * 360) - 36 : int(y * 360) + 36, 160 - 36 : 160 + 36]

    def difference(frame: int) -> int:
        return int((luma(painter, before, frame)[around] != luma(painter, after, frame)[around]).sum())

    assert difference(308) > difference(360) > 50, "the ripple is gone after a second, the mark stays"


def test_the_pointer_and_fingers_are_shown_until_they_leave(painter):
    still = luma(painter, scene())
    pointed = luma(painter, scene(("MouseMove", (32768, 60000, 0, 0))))
    assert (pointed[320:339, 310:330] != still[320:339, 310:330]).sum() > 50
    gone = luma(painter, scene(("MouseMove", (32768, 60000, 0, 0)), ("MouseLeave", ())))
    assert (gone[320:339, 310:330] == still[320:339, 310:330]).all()
    touched = luma(painter, scene(("TouchMove", (1, 32768, 60000, 0, 255, 1))))
    assert (touched[320:339, 310:330] != still[320:339, 310:330]).sum() > 100


def test_statistics_are_shown_when_asked_for(painter):
    shown = scene(("Command", ('{"stat.fps":""}',)))
    assert (luma(painter, shown, statistics="30.0") != luma(painter, shown, statistics="29.0")).any()
    assert (luma(painter, scene(), statistics="30.0") == luma(painter, scene(), statistics="29.0")).all()


@pytest.mark.parametrize("typed", ["", "x" * 200, "漢字", "مرحبا", "😀", "\ud83d", "a\u0301", "%s {} \\"])
def test_any_text_can_be_drawn(painter, typed):
    shown = Scene(typed=typed, note=typed.replace("\ud83d", "")).join("1")
    assert strip.read(luma(painter, shown, frame=9)) == 9


def test_text_is_cut_to_its_room():
    long = "the quick brown fox jumps over the lazy dog"
    assert end_of(long, 10_000, 20) == start_of(long, 10_000, 20) == long
    for cut in (end_of(long, 200, 20), start_of(long, 200, 20)):
        assert text_width(cut, 20) <= 200 and "…" in cut and len(cut) > 10
    assert end_of(long, 200, 20).endswith("dog") and start_of(long, 200, 20).startswith("the")
    assert end_of(long, 0, 20) == "…" == start_of(long, 0, 20)


def test_letters_beyond_ascii_are_drawn_as_themselves():
    drawn = [text(letter, 40, (255, 255, 255)).add_y.tobytes() for letter in "aäößéñčłЖΩ€→↑"]
    assert len(set(drawn)) == len(drawn), "a missing letter would look like every other missing letter"


@given(st.tuples(*[st.integers(0, 255)] * 3))
def test_colours_are_those_of_bt709(rgb):
    y, u, v = (plane for plane in (color(*rgb).y, color(*rgb).u, color(*rgb).v))
    assert 16 <= y <= 235 and 16 <= u <= 240 and 16 <= v <= 240
    canvas = Canvas(2, 2)
    paint(canvas, Image.new("RGB", (2, 2), rgb))
    assert abs(int(canvas.y[0, 0]) - y) <= 1 and abs(int(canvas.u[0, 0]) - u) <= 1 and abs(int(canvas.v[0, 0]) - v) <= 1


@pytest.mark.parametrize(("rgb", "planes"), [((255, 255, 255), (235, 128, 128)), ((255, 0, 0), (63, 102, 240))])
def test_known_colours(rgb, planes):
    assert (color(*rgb).y, color(*rgb).u, color(*rgb).v) == planes


@given(st.integers(-40, 40), st.integers(-40, 40), st.integers(0, 255), st.integers(1, 9), st.integers(1, 9))
def test_blending_is_a_mix_and_stays_inside(left, top, alpha, width, height):
    canvas = Canvas(16, 16)
    paint(canvas, Image.new("RGB", (16, 16), (40, 40, 40)))
    before = canvas.y.copy()
    canvas.blend(sprite(Image.new("RGBA", (width, height), (255, 255, 255, alpha))), left, top)
    inside = np.zeros((16, 16), bool)
    inside[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = True
    assert (canvas.y[~inside] == before[~inside]).all()
    expected = before + (235.0 - before) * alpha / 255
    assert (abs(canvas.y[inside] - expected[inside]) <= 2).all()


def test_the_design_stands_in_the_middle_of_other_shapes():
    assert (Layout(1280, 720).x(40), Layout(1280, 720).y(30)) == (40, 30)
    wide, tall = Layout(2560, 720), Layout(720, 1280)
    assert (wide.x(0), wide.y(0), wide.scale) == (640, 0, 1.0)
    assert (tall.x(0), tall.x(1280), tall.y(360)) == (0, 720, 640)
