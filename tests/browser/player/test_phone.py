"""The page on a phone: fingers, the keyboard on the screen, small and turned windows."""

import pytest
from playwright.sync_api import Page

from tests.browser.player.conftest import BOTH, EVERYWHERE, Visitor
from tests.browser.player.looking import play, press, scene, still, wait_for_frames
from tests.browser.player.service import ScriptedStage, Stage

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
TURNED = {**PHONE, "viewport": {"width": 844, "height": 390}}


def open_bar(page: Page) -> None:
    """Tap the handle at the upper edge, if the bar is not there already."""
    if page.locator(".toolbar").get_attribute("data-shown") != "true":
        page.locator(".handle").tap()
    page.wait_for_selector(".toolbar[data-shown=true]")


@EVERYWHERE
def test_fingers_and_the_keyboard_on_the_screen_reach_the_application(stage: Stage, visitor: Visitor) -> None:
    page = visitor(**TURNED)
    play(page, stage.url)
    page.touchscreen.tap(422, 195)
    found = scene(page, "scene.touches >= 1")
    assert all(abs(place - 0.5) < 0.1 for place in found["last_click"])

    open_bar(page)
    press(page, "Type text")
    box = page.get_by_label("Text for the application")
    assert box.evaluate("(box) => document.activeElement === box"), "the phone shows its keyboard"
    box.press_sequentially("teh")
    # As a phone does that corrects a word.
    box.evaluate("""(box) => {
      box.value = 'the';
      box.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertReplacementText' }));
    }""")
    scene(page, "scene.typed.endsWith('the')")
    box.press("Enter")
    scene(page, "scene.typed === ''")
    assert box.input_value() == ""


@BOTH
def test_one_finger_can_act_as_the_mouse(stage: Stage, visitor: Visitor) -> None:
    page = visitor(**TURNED)
    play(page, stage.url)
    open_bar(page)
    press(page, "Settings")
    page.get_by_role("combobox", name="Touch").select_option("mouse")
    press(page, "Close")
    page.touchscreen.tap(422, 195)
    assert scene(page, "scene.clicks >= 1")["touches"] == 0


@BOTH
def test_a_phone_held_upright_is_told_to_turn(stage: Stage, visitor: Visitor) -> None:
    page = visitor(**PHONE)
    play(page, stage.url)
    hint = page.get_by_text("Turn your device for a larger picture.")
    hint.wait_for()
    page.set_viewport_size({"width": 844, "height": 390})
    hint.wait_for(state="detached")
    page.set_viewport_size({"width": 390, "height": 844})
    hint.wait_for()
    page.get_by_role("button", name="Dismiss").tap()
    hint.wait_for(state="detached")
    wait_for_frames(page)


@pytest.mark.parametrize(
    "size", [(320, 568), (390, 844), (844, 390), (1024, 768)], ids=lambda size: f"{size[0]}x{size[1]}"
)
def test_nothing_is_cut_off(streaming: ScriptedStage, visitor: Visitor, size: tuple[int, int]) -> None:
    page = visitor(**{**PHONE, "viewport": {"width": size[0], "height": size[1]}})
    play(page, streaming.url)
    open_bar(page)
    outside = """(selector) => [...document.querySelectorAll(selector)].filter((each) => {
      const box = each.getBoundingClientRect();
      return box.width > 0 && (box.left < -1 || box.right > innerWidth + 1);
    }).map((each) => each.outerHTML)"""
    assert page.evaluate(outside, "#interface *:not(svg *)") == []
    small = """() => [...document.querySelectorAll('.bar button')].filter((each) => {
      const box = each.getBoundingClientRect();
      return box.width < 44 || box.height < 44;
    }).length"""
    assert page.evaluate(small) == 0, "a finger is 44 pixels wide"
    press(page, "Settings")
    page.get_by_role("dialog").wait_for()
    still(page)
    assert page.evaluate(outside, "dialog *:not(svg *)") == []
