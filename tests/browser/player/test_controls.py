"""What a person has beside keys and mouse: full screen, gamepads, the bar that comes and goes."""

import pytest

from tests.browser.player.conftest import BOTH, Visitor
from tests.browser.player.looking import play, press, scene, show_toolbar, wait_for_frames
from tests.browser.player.service import ScriptedStage, Stage
from tests.cluster.conftest import eventually

pytestmark = pytest.mark.browser

GAMEPAD = """
  const button = () => ({ pressed: false, touched: false, value: 0 });
  window.pad = { id: 'Test Pad (STANDARD GAMEPAD)', index: 0, connected: true, mapping: 'standard', timestamp: 1,
                 buttons: Array.from({ length: 17 }, button), axes: [0, 0, 0, 0] };
  window.pads = [null, null, null, null];
  navigator.getGamepads = () => window.pads;
"""
PLUG_IN = """() => {
  window.pads = [window.pad, null, null, null];
  window.dispatchEvent(Object.assign(new Event('gamepadconnected'), { gamepad: window.pad }));
}"""


def test_a_gamepad_is_shown_counts_as_input_and_reaches_the_application(
    streaming: ScriptedStage, visitor: Visitor
) -> None:
    page = visitor()
    page.context.add_init_script(GAMEPAD)
    play(page, streaming.url)
    page.evaluate(PLUG_IN)
    page.get_by_text("Gamepad connected: Test Pad").wait_for()
    show_toolbar(page)
    page.get_by_role("img", name="Gamepad connected: Test Pad").wait_for()
    page.keyboard.press("x")
    scene(page, "scene.gamepads === 1")

    said = len(streaming.said("sessionActivity"))
    page.evaluate("() => window.pad.timestamp++")
    eventually(lambda: len(streaming.said("sessionActivity")) > said, "its buttons are input")


@BOTH
def test_the_whole_screen_keeps_the_controls(stage: Stage, visitor: Visitor) -> None:
    page = visitor()
    play(page, stage.url)
    show_toolbar(page)
    press(page, "Full screen")
    page.wait_for_function("() => document.fullscreenElement === document.documentElement")
    show_toolbar(page)
    press(page, "Settings")
    page.get_by_role("dialog", name="Settings").wait_for()
    press(page, "Close")
    show_toolbar(page)
    press(page, "Leave full screen")
    page.wait_for_function("() => document.fullscreenElement === null")
    wait_for_frames(page)


@BOTH
def test_the_bar_goes_and_leaves_the_picture_free(stage: Stage, visitor: Visitor) -> None:
    page = visitor()
    play(page, stage.url)
    page.mouse.move(640, 400)
    page.wait_for_selector(".toolbar[data-shown=false]")
    page.mouse.click(640, 30)
    x, y = scene(page, "scene.clicks >= 1")["last_click"]
    assert abs(x - 0.5) < 0.01
    assert abs(y - 30 / 720) < 0.02
    page.locator(".handle").hover()
    page.wait_for_selector(".toolbar[data-shown=true]")
