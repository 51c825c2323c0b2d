"""The page as a document: whom it asks, what its policy allows, how soon it shows something, how a stack dresses it."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.browser.player.conftest import BOTH, Visitor
from tests.browser.player.looking import play, title, wait_for_stage
from tests.browser.player.service import ScriptedStage, Stage
from tests.page_build import npm

pytestmark = pytest.mark.browser

LOGO = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 90 30'%3E"
    "%3Crect width='90' height='30' fill='%23b00020'/%3E%3C/svg%3E"
)


@BOTH
def test_no_other_host_is_asked_for_anything(stage: Stage, visitor: Visitor) -> None:
    page = visitor()
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
    page.on("websocket", lambda socket: asked.add(urlsplit(socket.url).netloc))
    play(page, stage.url)
    assert asked == {urlsplit(stage.url).netloc}


@BOTH
def test_the_policy_allows_nothing_inline(stage: Stage, visitor: Visitor) -> None:
    page = visitor()
    answer = page.goto(stage.url)
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    html = answer.text()
    assert " style=" not in html
    assert "<style" not in html
    assert html.count("<script") == html.count('<script type="module" crossorigin src=')
    wait_for_stage(page, "playing")


def test_something_is_shown_before_the_service_answers(scripted_stage: ScriptedStage, visitor: Visitor) -> None:
    scripted_stage.service.down = True
    page = visitor(java_script_enabled=False)
    page.goto(scripted_stage.url)
    assert title(page) == "Connecting"
    box = page.locator("h1").bounding_box()
    assert box is not None
    assert box["y"] > 200, "in the middle, as the style sheet has it"
    page = visitor()
    page.goto(scripted_stage.url)
    paint = "() => performance.getEntriesByName('first-contentful-paint').length"
    page.wait_for_function(paint)
    assert scripted_stage.service.connections == []
    assert title(page) == "Connecting"


def test_a_stack_gives_the_page_its_name_logo_colours_and_links(
    scripted_stage: ScriptedStage, visitor: Visitor
) -> None:
    scripted_stage.service.capacity = 0
    scripted_stage.config |= {
        "name": "Autohaus",
        "logo": LOGO,
        "colours": {"accent": "#b00020", "ground": "#ffffff"},
        "links": [{"label": "Imprint", "url": "https://example.com/imprint"}],
    }
    page = visitor()
    page.goto(scripted_stage.url)
    wait_for_stage(page, "queued")
    assert page.title() == "Autohaus"
    assert page.locator(".brand img").evaluate("(image) => image.naturalWidth > 0")
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("() => getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.get_by_role("link", name="Imprint").is_visible()


def test_the_page_is_small(player_folder: Path) -> None:
    assert "beyond Epic's library" in npm(player_folder, "run", "size")
