"""A player's visit from the queue to the end, and what goes wrong on the way, in a real browser."""

import re

import pytest

from tests.browser.player.conftest import EVERYWHERE, Visitor
from tests.browser.player.looking import (
    frames,
    peer_connections,
    play,
    press,
    scene,
    show_toolbar,
    title,
    wait_for_frames,
    wait_for_stage,
)
from tests.browser.player.service import ScriptedStage, Stage
from tests.cluster.conftest import eventually

pytestmark = pytest.mark.browser


@EVERYWHERE
def test_a_player_comes_to_a_stream_that_obeys(stage: Stage, visitor: Visitor) -> None:
    page = visitor()
    play(page, stage.url)
    page.mouse.click(640, 360)
    page.keyboard.type("Frankfurt", delay=60)
    found = scene(page, "scene.typed.includes('Frankfurt') && scene.clicks >= 1")
    assert all(abs(place - 0.5) < 0.1 for place in found["last_click"])


def test_the_queue_tells_place_and_wait_then_leads_to_the_stream(streaming: ScriptedStage, visitor: Visitor) -> None:
    service = streaming.service
    service.capacity, service.estimate = 0, 150
    first, second = visitor(), visitor()
    first.goto(streaming.url)
    wait_for_stage(first, "queued")
    assert title(first) == "You are next"
    second.goto(streaming.url)
    wait_for_stage(second, "queued")
    assert title(second) == "You are number 2 in the queue"
    assert second.locator(".screen-detail").inner_text() == "About 5 minutes to go."

    service.capacity = 1
    streaming.do(service.seat())
    wait_for_stage(first, "playing")
    second.wait_for_selector("text=You are next")
    press(second, "Leave the queue")
    wait_for_stage(second, "over")
    assert title(second) == "You have left"
    eventually(lambda: service.sessions[-1].over, "the place is given back")


def test_a_start_shows_how_far_it_has_come(streaming: ScriptedStage, visitor: Visitor) -> None:
    streaming.service.starts = False
    page = visitor()
    page.goto(streaming.url)
    wait_for_stage(page, "starting")
    before = page.locator("progress").evaluate("(bar) => bar.value")
    assert 0 < before < 1
    page.evaluate("""() => {
      window.progress = [];
      new MutationObserver(() => {
        const bar = document.querySelector('progress');
        if (bar) window.progress.push(bar.value);
      }).observe(document.getElementById('interface'), { subtree: true, childList: true, attributes: true });
    }""")
    streaming.service.starts = True
    streaming.do(streaming.service.seat())
    wait_for_stage(page, "playing")
    values = page.evaluate("() => window.progress")
    assert values == sorted(values)
    assert max(values) > before


@EVERYWHERE
def test_a_lost_connection_is_mended_under_the_running_picture(stage: Stage, visitor: Visitor) -> None:
    page = visitor()
    play(page, stage.url)
    wait_for_frames(page)
    offers = page.evaluate("() => window.peerConnections.map((each) => each.remoteDescription?.sdp ?? null)")
    stage.cut()
    page.wait_for_selector("text=Connection lost. Reconnecting…")
    wait_for_frames(page)
    assert page.locator("video").is_visible()
    page.keyboard.type("offline", delay=30)
    scene(page, "scene.typed.includes('offline')")

    stage.mend()
    page.wait_for_selector("text=Connection lost. Reconnecting…", state="detached")
    wait_for_frames(page)
    assert page.evaluate("() => window.peerConnections.map((each) => each.remoteDescription?.sdp ?? null)") == offers
    page.keyboard.type("again", delay=30)
    scene(page, "scene.typed.includes('offlineagain')")


def test_a_connection_comes_back_with_its_ticket_and_without_a_new_offer(
    streaming: ScriptedStage, visitor: Visitor
) -> None:
    page = visitor()
    play(page, streaming.url)
    before = len(streaming.service.connections)
    page.evaluate("""() => new MutationObserver(() => {
      const lost = document.body.innerText.includes('Reconnecting');
      if (lost && !window.lostAt) window.lostAt = performance.now();
      if (!lost && window.lostAt && !window.backAt) window.backAt = performance.now();
    }).observe(document.body, { subtree: true, childList: true })""")
    streaming.do(streaming.service.cut())
    page.wait_for_function("() => window.backAt")
    resumed = streaming.service.connections[before]
    assert resumed["first"] == {"type": "sessionResume", "ticket": streaming.service.owner().ticket, "fresh": False}
    assert resumed["protocols"][0] == "pixel-streaming.v1+session"


def test_the_service_can_restart_under_a_session(streaming: ScriptedStage, visitor: Visitor) -> None:
    page = visitor()
    play(page, streaming.url)
    connections = peer_connections(page)
    owner = streaming.service.owner()
    assert owner.socket is not None
    streaming.do(owner.socket.close(code=1012, message=b"restart"))
    eventually(lambda: owner.socket is not None and not owner.socket.closed, "the page is back")
    wait_for_frames(page)
    assert peer_connections(page) == connections


@EVERYWHERE
def test_a_reload_comes_back_to_the_same_session(stage: Stage, visitor: Visitor) -> None:
    page = visitor()
    play(page, stage.url)
    page.keyboard.type("kept", delay=60)
    scene(page, "scene.typed.includes('kept')")
    page.reload()
    play(page, stage.url)
    page.keyboard.type("!", delay=60)
    scene(page, "scene.typed.includes('kept') && scene.typed.endsWith('!')")


def test_a_reload_says_that_it_needs_a_new_offer(streaming: ScriptedStage, visitor: Visitor) -> None:
    page = visitor()
    play(page, streaming.url)
    ticket = streaming.service.owner().ticket
    page.reload()
    wait_for_stage(page, "playing")
    assert streaming.service.connections[-1]["first"] == {"type": "sessionResume", "ticket": ticket, "fresh": True}
    assert len(streaming.service.sessions) == 1


def test_a_reload_after_the_end_begins_anew_by_itself(streaming: ScriptedStage, visitor: Visitor) -> None:
    page = visitor()
    play(page, streaming.url)
    streaming.service.owner().session.over = True
    page.reload()
    wait_for_stage(page, "playing")
    assert len(streaming.service.sessions) == 2


def test_a_session_that_is_over_after_a_loss_is_said_so_and_can_be_begun_again(
    streaming: ScriptedStage, visitor: Visitor
) -> None:
    page = visitor()
    play(page, streaming.url)
    streaming.cut()
    streaming.service.owner().session.over = True
    streaming.mend()
    wait_for_stage(page, "over")
    assert title(page) == "Your session is over"
    press(page, "Start again")
    wait_for_stage(page, "playing")
    wait_for_frames(page)


def test_idle_players_are_warned_and_can_say_that_they_are_there(streaming: ScriptedStage, visitor: Visitor) -> None:
    page = visitor()
    play(page, streaming.url)
    service = streaming.service
    streaming.do(service.tell(service.owner(), "ending", reason="idle", seconds=60))
    warning = page.get_by_role("alert")
    warning.wait_for()
    assert "Are you still there?" in warning.inner_text()
    said = len(streaming.said("sessionActivity"))
    press(page, "I'm still here")
    warning.wait_for(state="detached")
    assert len(streaming.said("sessionActivity")) > said
    wait_for_frames(page)

    streaming.do(service.tell(service.owner(), "ending", reason="idle", seconds=60))
    warning.wait_for()
    page.keyboard.press("w")
    warning.wait_for(state="detached")


def test_input_is_told_but_not_too_often(streaming: ScriptedStage, visitor: Visitor) -> None:
    page = visitor()
    play(page, streaming.url)
    for step in range(40):
        page.mouse.move(200 + step * 5, 300)
    eventually(lambda: streaming.said("sessionActivity"), "activity is told")
    assert len(streaming.said("sessionActivity")) <= 2


def test_a_connection_of_the_session_before_that_closes_late_ends_nothing(
    streaming: ScriptedStage, visitor: Visitor
) -> None:
    page = visitor()
    play(page, streaming.url)
    service = streaming.service
    before = service.owner().socket
    assert before is not None
    streaming.do(service.end(service.owner(), "instance_failed", close=False))
    wait_for_stage(page, "over")
    press(page, "Start again")
    wait_for_stage(page, "playing")
    streaming.do(before.close(code=1012, message=b"the application has stopped"))
    wait_for_frames(page)
    assert page.locator("html").get_attribute("data-stage") == "playing"


def test_a_time_limit_is_counted_down_and_said(streaming: ScriptedStage, visitor: Visitor) -> None:
    page = visitor()
    play(page, streaming.url)
    service = streaming.service
    streaming.do(service.tell(service.owner(), "ending", reason="time_limit", seconds=90))
    warning = page.get_by_role("alert")
    warning.wait_for()
    text = warning.inner_text()
    assert "Your time is almost up" in text
    assert re.search(r"\d+ seconds", text)
    page.wait_for_function("(before) => document.querySelector('[role=alert]').innerText !== before", arg=text)
    assert not page.get_by_text("I'm still here").is_visible(), "that would not help"
    streaming.do(service.end(service.owner(), "time_limit"))
    wait_for_stage(page, "over")
    assert title(page) == "Your time is up"
    press(page, "Start again")
    wait_for_stage(page, "playing")


@EVERYWHERE
def test_an_instance_that_dies_is_said_and_another_can_be_had(stage: Stage, visitor: Visitor) -> None:
    page = visitor()
    play(page, stage.url)
    stage.kill_instance()
    wait_for_stage(page, "over")
    assert title(page) == "The application has stopped"
    if isinstance(stage, ScriptedStage):
        stage.start_instance()
    press(page, "Start again")
    wait_for_stage(page, "playing", 120)
    wait_for_frames(page)


@pytest.mark.parametrize(
    ("refusal", "heading", "button"),
    [
        ({"reason": "full", "retry": True}, "All places are taken", "Try again"),
        ({"reason": "queue_full", "retry": True}, "The queue is full", "Try again"),
        ({"reason": "paused", "retry": False}, "Closed for the moment", None),
        ({"reason": "forbidden", "retry": False}, "You may not use this application", None),
        ({"reason": "too_many", "retry": True}, "You have a session already", "Try again"),
        ({"reason": "no_instance", "retry": True}, "The application does not start", "Try again"),
    ],
    ids=lambda value: value["reason"] if isinstance(value, dict) else "",
)
def test_a_refusal_is_explained_and_has_a_way_on(
    scripted_stage: ScriptedStage, visitor: Visitor, refusal, heading, button
):
    scripted_stage.service.refusal = {"message": "", **refusal}
    page = visitor()
    page.goto(scripted_stage.url)
    wait_for_stage(page, "over")
    assert title(page) == heading
    buttons = page.locator(".actions button").all_inner_texts()
    assert buttons == ([] if button is None else [button])


def test_full_leads_to_other_regions_and_in_once_there_is_room(streaming: ScriptedStage, visitor: Visitor) -> None:
    streaming.config["regions"] = [{"label": "Tokyo", "url": "https://play-jp.example.com/"}]
    streaming.service.refusal = {"reason": "full", "message": "", "retry": True}
    page = visitor()
    page.goto(streaming.url)
    wait_for_stage(page, "over")
    assert page.get_by_role("link", name="Tokyo").get_attribute("href") == "https://play-jp.example.com/"
    streaming.service.refusal = None
    press(page, "Try again")
    wait_for_stage(page, "playing")


def test_a_service_that_is_not_there_is_said(scripted_stage: ScriptedStage, visitor: Visitor) -> None:
    scripted_stage.service.down = True
    page = visitor()
    page.goto(scripted_stage.url)
    wait_for_stage(page, "over", 40)
    assert title(page) == "The service does not answer"


def test_leaving_is_told_to_the_service(streaming: ScriptedStage, visitor: Visitor) -> None:
    page = visitor()
    play(page, streaming.url)
    owner = streaming.service.owner()
    show_toolbar(page)
    page.get_by_role("button", name="Leave").click()
    wait_for_stage(page, "over")
    eventually(lambda: owner.said[-1]["type"] == "sessionEnd", "the service knows")
    assert frames(page) == 0, "the peer connection is closed"


def test_the_service_gets_statistics(streaming: ScriptedStage, visitor: Visitor) -> None:
    page = visitor()
    play(page, streaming.url)
    eventually(lambda: len(streaming.said("sessionStats")) >= 2, "statistics came twice")
    first, second = streaming.said("sessionStats")[:2]
    assert 0 < first["firstFrameSeconds"] < 60
    assert "firstFrameSeconds" not in second
    assert second["framesPerSecond"] > 0
    assert second["bitrate"] > 0
    assert second["packetsReceived"] > first["packetsReceived"] > 0
    assert (second["candidateType"], second["protocol"]) in {("host", "udp"), ("prflx", "udp"), ("srflx", "udp")}


def test_media_that_breaks_off_is_asked_for_anew(streaming: ScriptedStage, visitor: Visitor) -> None:
    page = visitor()
    play(page, streaming.url)
    offered = peer_connections(page)
    # A peer connection does not fail by itself within a test's time.
    page.evaluate("""() => {
      const connection = window.peerConnections.find((each) => each.connectionState === 'connected');
      Object.defineProperty(connection, 'connectionState', { value: 'failed' });
      connection.dispatchEvent(new Event('connectionstatechange'));
    }""")
    page.wait_for_function(f"() => window.peerConnections.length > {offered}")
    wait_for_frames(page)
    page.wait_for_selector("text=Connecting picture and sound anew…", state="detached")
    assert streaming.service.connections[-1]["first"]["fresh"] is True
    page.keyboard.type("new", delay=60)
    page.evaluate("() => window.lastScene = null")
    page.keyboard.type("er", delay=60)
    scene(page, "scene.typed.includes('newer')")
