"""The operator's page in a real browser: its actions against running sessions, and what axe says of its views."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from signalling.kubernetes.fleets import BUFFER_OVERRIDE_ANNOTATION
from signalling.kubernetes.instances import DRAINING_ANNOTATION
from tests.browser.operator.conftest import Visitor
from tests.browser.operator.looking import confirm, row, sign_in, view
from tests.browser.operator.stage import Scene
from tests.unit.signalling.operations.front_stage import ADMIN, SHARED
from tests.unit.signalling.operations.service import CURRENT

pytestmark = pytest.mark.browser

VIEWS = ("Overview", "Sessions", "Queue", "Instances", "Nodes", "Links", "Audit log")


def test_without_the_admin_key_nobody_comes_in_and_the_api_tells_nothing(real: Scene, visitor: Visitor) -> None:
    page = visitor(real.url)
    for key in ("a-key-of-nobody", SHARED):
        sign_in(page, key)
        expect(page.get_by_role("alert")).to_have_text("That is not the admin key of this service.")
        assert page.get_by_role("navigation").count() == 0
    assert page.evaluate("sessionStorage.getItem('pixel-operator.key')") is None
    assert real.audit() == []


def test_a_session_is_shown_and_ended(real: Scene, visitor: Visitor) -> None:
    page = visitor(real.url)
    sign_in(page, ADMIN)
    view(page, "Sessions")
    playing = row(page, "demo-1")
    for shown in ("demo", "v1", "Playing"):
        expect(playing).to_contain_text(shown)
    playing.get_by_role("button", name="End").click()
    page.get_by_label("Warning, in seconds").fill("0")
    confirm(page, "End session")
    real.gone("demo-1")
    assert real.closed(real.playing) == 1001
    playing.wait_for(state="detached")
    assert real.audit() == [("Zoë", "endSession", 202)]
    view(page, "Audit log")
    expect(row(page, "End a session")).to_contain_text("Zoë")


def test_who_waits_is_shown_and_taken_out(real: Scene, visitor: Visitor) -> None:
    page = visitor(real.url)
    sign_in(page, ADMIN)
    view(page, "Queue")
    page.get_by_role("button", name="Take out").click()
    confirm(page, "Take out")
    assert real.closed(real.waiting) == 1008
    assert real.audit() == [("Zoë", "endSession", 202)]


def test_applications_versions_and_buffers_are_told(real: Scene, visitor: Visitor) -> None:
    page = visitor(real.url)
    sign_in(page, ADMIN)
    card = page.get_by_role("region", name="demo", exact=True)
    card.get_by_role("button", name="Pause").click()
    confirm(page, "Pause application")
    card.get_by_text("Paused", exact=True).wait_for()
    card.get_by_role("button", name="Resume demo").click()
    card.get_by_text("Paused", exact=True).wait_for(state="detached")
    card.get_by_role("button", name="Drain").click()
    confirm(page, "Drain version")
    card.get_by_text("Drained", exact=True).wait_for()
    assert real.annotations[DRAINING_ANNOTATION] == "true"
    card.get_by_role("button", name="Resume v1").click()
    card.get_by_text("Drained", exact=True).wait_for(state="detached")
    card.get_by_role("button", name="Buffer… of v1").click()
    page.get_by_label("Instances kept ready").fill("3")
    confirm(page, "Change buffer")
    card.get_by_text("Changed", exact=True).wait_for()
    assert real.annotations[BUFFER_OVERRIDE_ANNOTATION] == "3"
    card.get_by_role("button", name="Give back").click()
    card.get_by_text("Changed", exact=True).wait_for(state="detached")
    done = ["pauseApplication", "resumeApplication", "drainVersion", "resumeVersion", "setBuffer", "resetBuffer"]
    assert real.audit() == [("Zoë", each, 200) for each in reversed(done)]


def test_an_instance_is_drained(real: Scene, visitor: Visitor) -> None:
    page = visitor(real.url)
    sign_in(page, ADMIN)
    view(page, "Instances")
    row(page, "demo-1").get_by_role("button", name="Drain").click()
    page.get_by_label("Warning, in seconds").fill("0")
    confirm(page, "Drain instance")
    real.gone("demo-1")
    assert real.audit() == [("Zoë", "drainInstance", 202)]


def test_a_link_is_made_that_lets_in(real: Scene, visitor: Visitor) -> None:
    page = visitor(real.url)
    sign_in(page, ADMIN)
    view(page, "Links")
    page.get_by_label("For whom").fill("ada")
    page.get_by_role("button", name="Make link").click()
    path = page.get_by_label("The link").input_value()
    real.loop.run(real.stage.player(path.removeprefix("/")))
    assert real.audit() == [("Zoë", "createTicket", 201)]


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390], ids=["wide", "phone"])
def test_axe_finds_no_serious_fault(
    crowd: str, visitor: Visitor, page_folder: Path, artifacts: Path, colours: str, width: int
) -> None:
    page = visitor(crowd, color_scheme=colours, viewport={"width": width, "height": 800}, reduced_motion="reduce")
    found = {"Sign in": faults(page, page_folder)}
    sign_in(page, CURRENT)
    for name in VIEWS:
        view(page, name)
        found[name] = faults(page, page_folder)
        page.screenshot(path=artifacts / f"operator-{name.lower().replace(' ', '-')}-{colours}-{width}.png")
        # Nothing is wider than the window.
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    view(page, "Sessions")
    page.get_by_role("button", name=re.compile("^End")).first.click()
    page.get_by_role("dialog").wait_for()
    found["dialog"] = faults(page, page_folder)
    assert {name: each for name, each in found.items() if each} == {}


def faults(page: Page, page_folder: Path) -> list[str]:
    """What axe calls serious or critical."""
    page.evaluate((page_folder / "node_modules/axe-core/axe.min.js").read_text())
    found: list[dict[str, Any]] = page.evaluate("async () => (await axe.run()).violations")
    return [
        f"{fault['impact']} {fault['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for fault in found
        for node in fault["nodes"]
        if fault["impact"] in {"serious", "critical"}
    ]
