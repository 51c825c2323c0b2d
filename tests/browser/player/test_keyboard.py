"""The page by keyboard alone: who gets the keys, how one gets out of the stream and back, what holds the focus."""

import pytest
from playwright.sync_api import Page

from tests.browser.player.conftest import BOTH, EVERYWHERE, Visitor
from tests.browser.player.looking import play, press, scene, show_toolbar, wait_for_frames, wait_for_stage
from tests.browser.player.service import ScriptedStage, Stage

pytestmark = pytest.mark.browser

FOCUSED = "() => document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText"


def focused(page: Page) -> str:
    """Name of what has the focus."""
    name: str = page.evaluate(FOCUSED)
    return name


def focus_is_in(page: Page, selector: str) -> bool:
    within: bool = page.evaluate("(selector) => document.activeElement.closest(selector) !== null", selector)
    return within


@EVERYWHERE
def test_everything_can_be_reached_without_a_mouse(stage: Stage, visitor: Visitor) -> None:
    page = visitor()
    play(page, stage.url)
    assert focus_is_in(page, "#stage"), "the stream has the keys at once"
    page.keyboard.type("keys", delay=40)
    scene(page, "scene.typed.includes('keys')")

    page.keyboard.press("Escape")
    page.wait_for_function("() => document.activeElement.closest('[role=toolbar]') !== null")
    assert page.locator(".toolbar").get_attribute("data-shown") == "true"
    page.get_by_text("The keyboard is free.").wait_for(state="attached")
    names = []
    while "Settings" not in names:
        names.append(focused(page))
        page.keyboard.press("Tab")
        assert len(names) < 10, names
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Settings")
    dialog.wait_for()
    for _ in range(30):
        assert focus_is_in(page, "dialog"), "the panel keeps the focus"
        page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    dialog.wait_for(state="detached")
    page.wait_for_function("() => document.activeElement.id === 'stage'")
    page.evaluate("() => window.lastScene = null")
    page.keyboard.type("s", delay=40)
    assert scene(page, "scene.typed.endsWith('s')")["typed"].endswith("keyss"), "no key of the panel came through"


@BOTH
def test_esc_leads_out_and_back(stage: Stage, visitor: Visitor) -> None:
    page = visitor()
    play(page, stage.url)
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.activeElement.closest('[role=toolbar]') !== null")
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.activeElement.id === 'stage'")
    page.keyboard.type("b")
    scene(page, "scene.typed.endsWith('b')")


def test_esc_goes_to_the_application_unless_somebody_does_not_want_that(
    streaming: ScriptedStage, visitor: Visitor
) -> None:
    # Each time the page is opened it may be a new session: the first one is left before it is kept.
    streaming.service.capacity = 3
    page = visitor()
    page.goto(streaming.url)
    page.evaluate("() => localStorage.setItem('pixel-preferences', JSON.stringify({ escape: false }))")
    play(page, streaming.url)
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.activeElement.closest('[role=toolbar]') !== null")
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.activeElement.id === 'stage'")
    page.keyboard.down("a")
    assert scene(page, "scene.keys.length > 0")["keys"] == [65]
    page.keyboard.up("a")

    page.evaluate("() => localStorage.setItem('pixel-preferences', JSON.stringify({ escape: true }))")
    play(page, streaming.url)
    page.keyboard.down("Escape")
    scene(page, "scene.keys.includes(27)")
    page.keyboard.up("Escape")


@BOTH
def test_a_key_that_is_held_while_the_focus_goes_is_released(stage: Stage, visitor: Visitor) -> None:
    page = visitor()
    play(page, stage.url)
    page.keyboard.down("w")
    scene(page, "scene.keys.includes(87)")
    page.keyboard.down("Escape")
    page.keyboard.up("Escape")
    page.wait_for_function("() => document.activeElement.closest('[role=toolbar]') !== null")
    page.keyboard.up("w")
    page.keyboard.press("Escape")
    page.evaluate("() => window.lastScene = null")
    page.keyboard.down("x")
    assert 87 not in scene(page, "scene.keys.includes(88)")["keys"]
    page.keyboard.up("x")


@BOTH
def test_letters_typed_into_a_panel_stay_there(stage: Stage, visitor: Visitor) -> None:
    page = visitor()
    play(page, stage.url)
    page.keyboard.type("a", delay=40)
    scene(page, "scene.typed === 'a'")
    page.evaluate(
        "() => window.pixelStreaming.dispatchEvent(Object.assign(new Event('showOnScreenKeyboard'), "
        "{ data: { showOnScreenKeyboard: true, x: 0, y: 0, contents: 'before' } }))"
    )
    box = page.get_by_label("Text for the application")
    assert box.input_value() == "before"
    box.fill("after")
    page.keyboard.type("wards", delay=40)
    page.keyboard.press("Enter")
    assert scene(page, "scene.typed !== 'a'")["typed"] == "afterwards", "as a whole, in the place of what was there"


def test_the_action_of_a_screen_has_the_focus(scripted_stage: ScriptedStage, visitor: Visitor) -> None:
    scripted_stage.service.refusal = {"reason": "full", "message": "", "retry": True}
    page = visitor()
    page.goto(scripted_stage.url)
    wait_for_stage(page, "over")
    page.wait_for_function(f"() => ({FOCUSED})() === 'Try again'")
    scripted_stage.service.refusal = None
    scripted_stage.service.capacity = 0
    page.keyboard.press("Enter")
    wait_for_stage(page, "queued")


@BOTH
def test_settings_take_effect_and_are_remembered(stage: Stage, visitor: Visitor) -> None:
    page = visitor()
    play(page, stage.url)
    show_toolbar(page)
    press(page, "Settings")
    page.get_by_label("Language").select_option("de")
    page.get_by_role("heading", name="Einstellungen").wait_for()
    assert page.evaluate("() => document.documentElement.lang") == "de"
    page.get_by_label("Tasten an die Anwendung senden").uncheck()
    page.get_by_label("Datenrate, höchstens").select_option("5")
    page.keyboard.press("Escape")
    assert page.evaluate("() => window.pixelStreaming.config.getNumericSettingValue('WebRTCMaxBitrate')") == 5000
    page.keyboard.type("x")
    page.mouse.click(640, 400)
    assert scene(page, "scene.clicks === 1")["typed"] == ""

    page.reload()
    play(page, stage.url)
    assert page.evaluate("() => document.documentElement.lang") == "de"
    assert page.evaluate("() => window.pixelStreaming.config.getNumericSettingValue('WebRTCMaxBitrate')") == 5000
    show_toolbar(page)
    press(page, "Statistik")
    page.get_by_role("complementary", name="Statistik").wait_for()
    page.wait_for_function("() => /Mbit/.test(document.querySelector('.statistics').innerText)")
    wait_for_frames(page)
