"""Several people in one session: invitations, watching without a say, and control that goes from one to the other."""

import re

import pytest

from tests.browser.player.conftest import BOTH, EVERYWHERE, Visitor
from tests.browser.player.looking import (
    LISTEN,
    invite,
    play,
    press,
    scene,
    show_toolbar,
    wait_for_frames,
    wait_for_stage,
    watch,
)
from tests.browser.player.service import ScriptedStage, Stage

pytestmark = pytest.mark.browser


@EVERYWHERE
def test_a_spectator_sees_and_has_no_say_until_control_is_handed_over(stage: Stage, visitor: Visitor) -> None:
    owner, guest = visitor(), visitor()
    play(owner, stage.url)
    link = invite(owner)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/#ticket=.+", link)
    watch(guest, link)
    assert "ticket" not in guest.url
    wait_for_frames(guest)
    owner.wait_for_selector("text=1 person is watching")

    guest.mouse.click(640, 360)
    guest.keyboard.type("mine")
    owner.mouse.click(640, 360)
    owner.keyboard.type("yours", delay=40)
    found = scene(owner, "scene.typed.includes('yours')")
    assert "mine" not in found["typed"]

    press(guest, "Ask for control")
    guest.wait_for_selector("text=You have asked for control.")
    owner.wait_for_selector("text=Guest 1 asks for control.")
    press(owner, "Give control")
    owner.wait_for_selector("text=You are watching.")
    guest.wait_for_selector("text=You are watching.", state="detached")
    wait_for_frames(guest)
    wait_for_frames(owner)
    guest.evaluate(LISTEN)
    guest.wait_for_function("() => document.querySelector('.notice') === null")
    guest.mouse.click(640, 360)
    guest.keyboard.type("now", delay=40)
    assert "yoursnow" in scene(guest, "scene.typed.includes('now')")["typed"]


@BOTH
def test_a_request_may_be_declined(stage: Stage, visitor: Visitor) -> None:
    owner, guest = visitor(), visitor()
    play(owner, stage.url)
    watch(guest, invite(owner))
    press(guest, "Ask for control")
    press(owner, "Not now")
    owner.wait_for_selector("text=asks for control", state="detached")
    assert guest.get_by_text("You are watching.").is_visible()


@BOTH
def test_control_can_be_given_unasked(stage: Stage, visitor: Visitor) -> None:
    owner, guest = visitor(), visitor()
    play(owner, stage.url)
    watch(guest, invite(owner))
    show_toolbar(owner)
    press(owner, "People")
    press(owner, "Give control to Guest 1")
    guest.wait_for_selector("text=You are watching.", state="detached")


def test_media_is_negotiated_once_for_a_new_role(streaming: ScriptedStage, visitor: Visitor) -> None:
    owner, guest = visitor(), visitor()
    play(owner, streaming.url)
    watch(guest, invite(owner))
    press(guest, "Ask for control")
    press(owner, "Give control")
    owner.wait_for_selector("text=You are watching.")
    guest.wait_for_selector("text=You are watching.", state="detached")
    wait_for_frames(guest)
    # An attempt that a busy machine lets wait for too long is given up before it has said anything.
    said = [each["first"] for each in streaming.service.connections if each["first"] is not None]
    assert [each["fresh"] for each in said if each["type"] == "sessionResume"] == [True, True]


def test_a_spectator_hears_that_the_owner_has_left(streaming: ScriptedStage, visitor: Visitor) -> None:
    owner, guest = visitor(), visitor()
    play(owner, streaming.url)
    watch(guest, invite(owner))
    spectator = streaming.service.sessions[0].players[1]
    streaming.do(streaming.service.end(spectator, "left"))
    wait_for_stage(guest, "over")
    assert guest.locator("h1").inner_text() == "The session is over"
