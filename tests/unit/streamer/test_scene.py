import json
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.data_channel import MalformedError, Message, decode
from streamer.scene import LONGEST_TEXT, MARKS_KEPT, MOST_GAMEPADS, Event, Scene, pixel, unused_commands


def after(*messages: Message, scene: Scene | None = None, player: str = "1", frame: int = 100) -> Scene:
    start = Scene().join("1").join("2") if scene is None else scene
    return reduce(lambda seen, message: seen.apply(Event(player, frame, message)), messages, start)


def press(text: str) -> list[Message]:
    units = text.encode("utf-16-le")
    return [Message("KeyPress", (int.from_bytes(units[i : i + 2], "little"),)) for i in range(0, len(units), 2)]


def test_typing_as_a_browser_tells_it():
    w = [Message("KeyDown", (87, 0)), Message("KeyPress", (119,)), Message("KeyUp", (87,))]
    assert after(*w, *w).typed == "ww"
    backspace = [Message("KeyDown", (8, 0)), Message("KeyPress", (8,)), Message("KeyUp", (8,))]
    assert after(*press("wörld"), *backspace).typed == "wörl", "Backspace comes twice and counts once"
    held = [Message("KeyDown", (8, 1))] * 2
    assert after(*press("world"), *backspace, *held).typed == "wo", "a held key repeats"
    assert after(*press("ab"), Message("KeyDown", (13, 0)), Message("KeyPress", (13,))).typed == ""
    assert after(*backspace).typed == ""


def test_a_character_of_two_units_needs_both():
    both = press("a😀b")
    assert after(*both).typed == "a😀b"
    assert after(*both[:2], both[3]).typed == "ab", "the first half alone is left out"
    assert after(both[2]).typed == "", "so is the second"
    assert after(*both[:3], Message("KeyDown", (8, 0))).typed == "a"


def test_what_is_typed_is_bounded_and_printable():
    assert len(after(*press("x" * (LONGEST_TEXT + 50))).typed) == LONGEST_TEXT
    assert len(after(*[Message("KeyPress", (0xD83D,))] * 999).typed) <= LONGEST_TEXT
    assert after(Message("TextboxEntry", ("one\ntwo\x00\u202e",))).typed == "onetwo"
    assert len(after(Message("UIInteraction", ("x" * 5000,))).note) == LONGEST_TEXT


def test_clicks_are_counted_marked_and_reported():
    scene = after(Message("MouseDown", (0, 32768, 16384)), Message("MouseUp", (0, 32768, 16384)), frame=30)
    assert [(mark.at, mark.number, mark.frame) for mark in scene.marks] == [((32768, 16384), 1, 30)]
    scene = after(*[Message("MouseDown", (2, n, n)) for n in range(20)], scene=scene)
    assert scene.clicks == 21 and len(scene.marks) == MARKS_KEPT and scene.marks[-1].number == 21
    report = scene.report("1", 77)
    assert (report["clicks"], report["frame"], report["players"]) == (21, 77, 2)
    assert report["last_click"] == report["pointer"] == [0.0003, 0.0003]
    assert scene.report("2", 77)["pointer"] is None and scene.report("2", 77)["clicks"] == 21
    assert json.loads(json.dumps(report)) == report


def test_a_double_click_adds_nothing_to_the_two_clicks_it_is_made_of():
    down, up = Message("MouseDown", (0, 1, 1)), Message("MouseUp", (0, 1, 1))
    assert after(down, up, down, up, Message("MouseDouble", (0, 1, 1))).clicks == 2


def test_pointer_buttons_and_wheel():
    scene = after(Message("MouseEnter"), Message("MouseMove", (10, 20, 1, -1)), Message("MouseDown", (0, 10, 20)))
    assert (scene.hand("1").pointer, scene.hand("1").inside) == ((10, 20), True)
    assert scene.hand("1").buttons == {0}
    scene = after(Message("MouseLeave"), scene=scene)
    assert not scene.hand("1").inside and not scene.hand("1").buttons
    assert after(*[Message("MouseWheel", (-120, 1, 2))] * 3, Message("MouseWheel", (7, 1, 2))).wheel == -353


def test_touches_begin_move_and_end():
    start = Message("TouchStart", (2, 100, 200, 0, 255, 1, 300, 400, 1, 255, 1))
    scene = after(start)
    assert scene.hand("1").touches == ((0, (100, 200)), (1, (300, 400))) and (scene.touches, scene.clicks) == (2, 2)
    scene = after(Message("TouchMove", (1, 101, 201, 0, 255, 1)), scene=scene)
    assert dict(scene.hand("1").touches)[0] == (101, 201) and scene.touches == 2
    scene = after(Message("TouchEnd", (1, 0, 0, 0, 0, 0)), scene=scene)
    assert scene.hand("1").touches == ((1, (300, 400)),), "a finger that left the picture is gone too"


def test_gamepads_belong_to_who_connected_them():
    scene = after(Message("GamepadConnected"))
    assert scene.free_gamepad() == 1
    scene = after(
        Message("GamepadButtonPressed", (0, 2, 0)), Message("GamepadAnalog", (0, 1, -3.5)), scene=scene, player="1"
    )
    assert scene.gamepads[0].buttons == {2} and scene.gamepads[0].axes == ((1, -1.0),)
    foreign = (Message("GamepadButtonReleased", (0, 2, 0)), Message("GamepadDisconnected", (0,)))
    assert after(*foreign, scene=scene, player="2") == scene
    assert after(Message("GamepadAnalog", (0, 1, float("nan"))), scene=scene).gamepads[0].axes == ((1, 0.0),)
    assert after(*foreign, scene=scene).gamepads == {}
    assert scene.leave("1").gamepads == {}
    crowd = after(*[Message("GamepadConnected")] * 300)
    assert len(crowd.gamepads) == MOST_GAMEPADS and crowd.free_gamepad() is None


def test_leaving_takes_what_is_held_and_leaves_what_was_done():
    scene = after(*press("hi"), Message("KeyDown", (87, 0)), Message("MouseDown", (0, 5, 5))).leave("1")
    assert list(scene.hands) == ["2"] and (scene.typed, scene.clicks) == ("hi", 1)
    assert scene.leave("nobody") == scene


@pytest.mark.parametrize(
    ("text", "shown"),
    [('{"ConsoleCommand":"stat FPS "}', True), ('{"stat.fps":""}', True), ('{"x":1}', False), ("[", False)],
)
def test_the_frame_rate_is_shown_on_command(text, shown):
    command = Message("Command", (text,))
    assert after(command).statistics is shown
    assert after(command, command).statistics is False


def test_commands_without_use_are_named():
    text = '{"Resolution.Width":1,"Resolution.Height":2,"stat.fps":"","ConsoleCommand":"quit"}'
    assert unused_commands(Message("Command", (text,))) == ("Resolution.Width", "Resolution.Height")
    assert unused_commands(Message("Command", ("[" * 100_000,))) == ()
    assert unused_commands(Message("UIInteraction", (text,))) == ()


def test_the_page_can_start_over():
    scene = after(*press("hi"), Message("MouseDown", (0, 5, 5)), Message("UIInteraction", ('{"reset":true}',)))
    assert (scene.typed, scene.clicks, scene.marks, scene.note) == ("", 0, (), "") and set(scene.hands) == {"1", "2"}


def test_corners_are_pixels_of_the_picture():
    assert pixel((0, 0), (1280, 720)) == (0, 0)
    assert pixel((65535, 65535), (1280, 720)) == (1279, 719)
    assert pixel((32768, 16384), (1280, 720)) == (640, 180)


@given(st.lists(st.tuples(st.sampled_from("12"), st.binary(min_size=1, max_size=30)), max_size=60))
def test_no_message_breaks_the_scene(sent):
    scene = Scene().join("1").join("2")
    for player, data in sent:
        try:
            message = decode(data)
        except MalformedError:
            continue
        scene = scene.apply(Event(player, 1, message))
        json.dumps(scene.report(player, 1))
    assert len(scene.typed) <= LONGEST_TEXT and len(scene.marks) <= MARKS_KEPT
    assert set(scene.hands) == {"1", "2"}
