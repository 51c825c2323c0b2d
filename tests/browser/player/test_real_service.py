"""A player's visit at the real service: what its queue, limits, logins and instances do, as the page shows it."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page

from signalling.limits.settings import LimitsSettings
from signalling.login.settings import LoginSettings, Mode
from tests.browser.player.conftest import Opened, Visitor
from tests.browser.player.looking import (
    invite,
    peer_connections,
    play,
    press,
    scene,
    show_toolbar,
    title,
    wait_for_frames,
    wait_for_stage,
    watch,
)
from tests.browser.player.signalling_stage import SignallingStage, session_of
from tests.cluster.conftest import eventually
from tests.unit.signalling.operations.front_stage import SHARED

pytestmark = pytest.mark.browser

BY_TOKEN = LoginSettings(Mode.SHARED)


def leave(page: Page) -> None:
    show_toolbar(page)
    page.get_by_role("button", name="Leave").click()
    wait_for_stage(page, "over")


def type_into(page: Page, text: str) -> dict[str, Any]:
    """Type, and wait until the application has it; its scene."""
    page.keyboard.type(text, delay=60)
    return scene(page, f"scene.typed.includes('{text}')")


def the_session(stage: SignallingStage) -> str:
    """The one that is under way."""
    (only,) = stage.sessions()
    name: str = only["id"]
    return name


def the_player(stage: SignallingStage) -> dict[str, Any]:
    """The one of the session that is under way; empty while nobody can tell."""
    (only,) = stage.sessions()
    return dict(*(only["players"] or ()))


def wait_until_begun(stage: SignallingStage) -> None:
    """Wait until the service knows of the first picture: a session that ends before gives its place back."""
    eventually(lambda: "firstFrameSeconds" in (the_player(stage).get("stats") or {}), "the session has begun")


# The queue


def test_players_wait_in_their_order_and_come_to_a_stream_each(real: Opened, visitor: Visitor) -> None:
    stage = real(instances=0)
    first, second, third = visitor(), visitor(), visitor()
    headings = ("You are next", "You are number 2 in the queue", "You are number 3 in the queue")
    for page, heading in zip((first, second, third), headings, strict=True):
        page.goto(stage.url)
        page.wait_for_selector(f"h1:text-is('{heading}')")
    assert {each["state"] for each in stage.sessions()} == {"queued"}

    press(second, "Leave the queue")
    wait_for_stage(second, "over")
    assert title(second) == "You have left"
    third.wait_for_selector("h1:text-is('You are number 2 in the queue')")

    stage.instances.wanted = 1
    wait_for_stage(first, "playing")
    wait_for_frames(first)
    third.wait_for_selector("h1:text-is('You are next')")
    leave(first)
    wait_for_stage(third, "playing")
    wait_for_frames(third)


def test_a_place_in_the_queue_outlives_a_loss_and_a_reload(real: Opened, visitor: Visitor) -> None:
    stage = real(instances=0)
    first, second = visitor(), visitor()
    for page in (first, second):
        page.goto(stage.url)
        wait_for_stage(page, "queued")
    stage.cut()
    first.wait_for_selector("text=Connection lost. Reconnecting…")
    stage.mend()
    first.wait_for_selector("text=Connection lost. Reconnecting…", state="detached")
    first.reload()
    first.wait_for_selector("h1:text-is('You are next')")
    second.wait_for_selector("h1:text-is('You are number 2 in the queue')")
    stage.instances.wanted = 1
    wait_for_stage(first, "playing")


def test_a_full_queue_is_said_and_lets_in_once_there_is_room(real: Opened, visitor: Visitor) -> None:
    stage = real(instances=0, limits=LimitsSettings(queue_length=1))
    first, second = visitor(), visitor()
    first.goto(stage.url)
    wait_for_stage(first, "queued")
    second.goto(stage.url)
    wait_for_stage(second, "over")
    assert title(second) == "The queue is full"
    stage.instances.wanted = 2
    wait_for_stage(first, "playing")
    press(second, "Try again")
    wait_for_stage(second, "playing")


# Losses


def test_a_loss_is_mended_in_the_same_session_without_a_new_offer(real: Opened, visitor: Visitor) -> None:
    stage = real()
    page = visitor()
    play(page, stage.url)
    session, connections = the_session(stage), peer_connections(page)
    stage.cut()
    page.wait_for_selector("text=Connection lost. Reconnecting…")
    eventually(lambda: the_player(stage).get("connected") is False, "the service knows")
    stage.mend()
    eventually(lambda: the_player(stage).get("connected"), "the player is back")
    page.wait_for_selector("text=Connection lost. Reconnecting…", state="detached")
    wait_for_frames(page)
    type_into(page, "again")
    assert peer_connections(page) == connections
    assert the_session(stage) == session


def test_a_loss_that_lasts_longer_than_the_grace_is_said_so(real: Opened, visitor: Visitor) -> None:
    stage = real(session=session_of(grace_seconds=1))
    page = visitor()
    play(page, stage.url)
    wait_until_begun(stage)
    stage.cut()
    eventually(lambda: not stage.occupied(), "the session is over")
    stage.mend()
    wait_for_stage(page, "over")
    assert title(page) == "Your session is over"
    press(page, "Start again")
    wait_for_stage(page, "playing")
    wait_for_frames(page)


def test_a_reload_over_a_slow_way_comes_back_to_the_same_session(real: Opened, visitor: Visitor) -> None:
    # The streamer hears of the peer connection's end before the service hears that the page is gone.
    stage = real()
    page = visitor()
    play(page, stage.url)
    type_into(page, "kept")
    session = the_session(stage)
    stage.wire.lag = 0.4
    play(page, stage.url)
    stage.wire.lag = 0.0
    assert type_into(page, "!")["typed"].startswith("kept")
    assert the_session(stage) == session


# Limits


def test_who_is_idle_is_warned_and_then_sent_away(real: Opened, visitor: Visitor) -> None:
    stage = real(session=session_of(idle_seconds=12, warning_seconds=8))
    page = visitor()
    play(page, stage.url)
    warning = page.get_by_role("alert")
    page.get_by_text("Are you still there?").wait_for()
    press(page, "I'm still here")
    warning.wait_for(state="detached")
    warning.wait_for()
    page.keyboard.press("w")
    warning.wait_for(state="detached")
    wait_for_frames(page)

    wait_for_stage(page, "over")
    assert title(page) == "Your session has ended"
    assert "Nobody was active for a while" in page.locator(".screen-detail").inner_text()
    press(page, "Start again")
    wait_for_stage(page, "playing")


def test_a_time_limit_is_counted_down_and_kept(real: Opened, visitor: Visitor) -> None:
    stage = real(session=session_of(max_seconds=15, warning_seconds=10))
    page = visitor()
    play(page, stage.url)
    warning = page.get_by_role("alert")
    warning.wait_for()
    text = warning.inner_text()
    assert "Your time is almost up" in text
    assert re.search(r"\d+ seconds", text)
    page.wait_for_function("(before) => document.querySelector('[role=alert]')?.innerText !== before", arg=text)
    assert not page.get_by_text("I'm still here").is_visible(), "that would not help"
    page.keyboard.press("w")
    wait_for_stage(page, "over")
    assert title(page) == "Your time is up"
    press(page, "Start again")
    wait_for_stage(page, "playing")


def test_an_operator_s_end_is_warned_of_and_said(real: Opened, visitor: Visitor) -> None:
    stage = real()
    page = visitor()
    play(page, stage.url)
    wait_until_begun(stage)
    path = f"/api/v1/sessions/{the_session(stage)}/end"
    status, _ = stage.do(stage.service.api("POST", path, {"seconds": 4}))
    assert status == 202
    page.get_by_text("The session is being ended").wait_for()
    wait_for_stage(page, "over")
    assert title(page) == "Your session was ended"


# Logins


def test_only_the_right_token_plays(real: Opened, visitor: Visitor) -> None:
    stage = real(login=BY_TOKEN)
    page = visitor()
    page.goto(stage.url)
    wait_for_stage(page, "over")
    assert title(page) == "Please log in"
    page.goto(f"{stage.url}?token=wrong")
    wait_for_stage(page, "over")
    assert title(page) == "Your login was not accepted"
    assert stage.sessions() == []
    play(page, f"{stage.url}?app=demo&token={SHARED}")
    assert page.url == f"{stage.url}?app=demo"
    wait_for_frames(page)


def test_a_link_of_the_session_api_lets_in_once_and_for_as_long_as_it_says(real: Opened, visitor: Visitor) -> None:
    stage = real(login=BY_TOKEN, session=session_of(warning_seconds=60))
    link = f"{stage.url}?app=demo&ticket={stage.link(subject='ada', max_seconds=50)}"
    page, other = visitor(), visitor()
    play(page, link)
    assert page.url == f"{stage.url}?app=demo"
    page.get_by_text("Your time is almost up").wait_for()
    assert stage.sessions()[0]["subject"] == "ada"

    other.goto(link)
    wait_for_stage(other, "over")
    assert title(other) == "Your login was not accepted"

    session = the_session(stage)
    stage.cut()
    page.wait_for_selector("text=Connection lost. Reconnecting…")
    stage.mend()
    page.wait_for_selector("text=Connection lost. Reconnecting…", state="detached")
    page.reload()
    wait_for_stage(page, "playing")
    assert the_session(stage) == session, "its own ticket leads back"


def test_who_is_invited_needs_no_login_and_may_be_given_control(real: Opened, visitor: Visitor) -> None:
    stage = real(login=BY_TOKEN)
    owner, guest = visitor(), visitor()
    play(owner, f"{stage.url}?token={SHARED}")
    watch(guest, invite(owner))
    press(guest, "Ask for control")
    press(owner, "Give control")
    guest.wait_for_selector("text=You are watching.", state="detached")
    owner.wait_for_selector("text=You are watching.")
    wait_for_frames(guest)
    wait_for_frames(owner)


# What the service learns


def test_what_the_page_tells_stands_in_the_session_api(real: Opened, visitor: Visitor) -> None:
    stage = real()
    page = visitor()
    play(page, stage.url)
    wait_until_begun(stage)
    eventually(lambda: the_player(stage)["stats"].get("bitrate"), "what is counted is told")
    stats = the_player(stage)["stats"]
    assert stats["firstFrameSeconds"] > 0
    assert stats["packetsReceived"] > 0
    leave(page)
    eventually(lambda: stage.sessions() == [], "the session is over at once")
