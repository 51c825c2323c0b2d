"""axe finds no serious fault in any screen, dark or light, in any language; and motion can be switched off."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.player.conftest import Visitor
from tests.browser.player.looking import play, press, show_toolbar, still, wait_for_stage
from tests.browser.player.service import ScriptedStage

pytestmark = pytest.mark.browser

LIGHT = {"name": "Autohaus", "colours": {"accent": "#0a5cc2", "ground": "#ffffff", "ink": "#14202b"}}
LINKS = [{"label": "Imprint", "url": "https://example.com/imprint"}]
REGIONS = [{"label": "Tokyo", "url": "https://play-jp.example.com/"}]


def faults(page: Page, player_folder: Path) -> list[str]:
    """What axe calls serious or critical; WCAG 2.2 A and AA and its own best practices."""
    # What moves in shows colours between the ones that stay.
    still(page)
    page.evaluate((player_folder / "node_modules/axe-core/axe.min.js").read_text())
    found: list[dict[str, Any]] = page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{fault['impact']} {fault['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for fault in found
        for node in fault["nodes"]
        if fault["impact"] in {"serious", "critical"}
    ]


def queued(stage: ScriptedStage, page: Page) -> None:
    stage.service.capacity = 0
    page.goto(stage.url)
    wait_for_stage(page, "queued")


def starting(stage: ScriptedStage, page: Page) -> None:
    stage.service.starts = False
    page.goto(stage.url)
    wait_for_stage(page, "starting")


def full(stage: ScriptedStage, page: Page) -> None:
    stage.service.refusal = {"reason": "full", "message": "", "retry": True}
    page.goto(stage.url)
    wait_for_stage(page, "over")


def login(stage: ScriptedStage, page: Page) -> None:
    stage.service.token = "T"
    page.goto(stage.url)
    wait_for_stage(page, "over")


def idle(stage: ScriptedStage, page: Page) -> None:
    page.goto(f"{stage.url}?AutoConnect=false")
    wait_for_stage(page, "idle")


def playing(stage: ScriptedStage, page: Page) -> None:
    play(page, stage.url)
    show_toolbar(page)


def warned(stage: ScriptedStage, page: Page) -> None:
    play(page, stage.url)
    stage.do(stage.service.tell(stage.service.owner(), "ending", reason="idle", seconds=600))
    page.get_by_role("alert").wait_for()


def lost(stage: ScriptedStage, page: Page) -> None:
    play(page, stage.url)
    stage.cut()
    page.wait_for_selector("text=Reconnecting")


def settings(stage: ScriptedStage, page: Page) -> None:
    playing(stage, page)
    press(page, "Settings")
    page.get_by_role("dialog").wait_for()


def people(stage: ScriptedStage, page: Page) -> None:
    playing(stage, page)
    press(page, "People")
    press(page, "Invite somebody to watch")
    page.get_by_label("Invitation link").wait_for()


def statistics(stage: ScriptedStage, page: Page) -> None:
    playing(stage, page)
    press(page, "Statistics")
    page.wait_for_selector(".verdict")


def ended(stage: ScriptedStage, page: Page) -> None:
    play(page, stage.url)
    stage.do(stage.service.end(stage.service.owner(), "idle"))
    wait_for_stage(page, "over")


SCREENS: list[Callable[[ScriptedStage, Page], None]] = [
    *(queued, starting, full, login, idle, playing, warned, lost, settings, people, statistics, ended)
]


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.__name__)
@pytest.mark.parametrize("theme", [{}, LIGHT], ids=["dark", "light"])
def test_axe_finds_no_serious_fault(
    streaming: ScriptedStage,
    visitor: Visitor,
    player_folder: Path,
    screen: Callable[[ScriptedStage, Page], None],
    theme: dict[str, Any],
    artifacts: Path,
) -> None:
    streaming.config |= {**theme, "links": LINKS, "regions": REGIONS, "region": "eu-frankfurt-1"}
    page = visitor()
    screen(streaming, page)
    found = faults(page, player_folder)
    page.screenshot(path=artifacts / f"player-{screen.__name__}-{'light' if theme else 'dark'}.png")
    assert found == []


def test_changes_are_read_out(streaming: ScriptedStage, visitor: Visitor) -> None:
    page = visitor()
    queued(streaming, page)
    status = page.get_by_role("status")
    assert status.inner_text() == "You are next. Less than a minute to go."
    streaming.service.capacity = 1
    streaming.do(streaming.service.seat())
    wait_for_stage(page, "playing")
    page.wait_for_function("() => document.querySelector('[role=status]').innerText === 'The stream is playing'")
    streaming.cut()
    page.wait_for_function("() => document.querySelector('[role=status]').innerText.includes('Reconnecting')")


def test_motion_can_be_switched_off(scripted_stage: ScriptedStage, visitor: Visitor) -> None:
    scripted_stage.service.capacity = 0
    page = visitor(reduced_motion="reduce")
    page.goto(scripted_stage.url)
    wait_for_stage(page, "queued")
    page.wait_for_function("() => document.getAnimations().every((each) => each.playState === 'finished')")
