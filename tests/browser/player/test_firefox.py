"""The page in Firefox: from the queue to the picture, keys on the data channel, and a loss that is mended."""

from pathlib import Path

import pytest

from tests.browser.player.firefox import PROGRAM, Tab, firefox
from tests.browser.player.service import ScriptedStage
from tests.browser.player.vp8_streamer import Vp8Streamer
from tests.ports import free_port
from tests.unit.streamer.browser import until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(PROGRAM is None, reason="Firefox is not installed; on Debian its package is firefox-esr"),
]

STAGE = "document.documentElement.dataset.stage"
MOVES = """new Promise((resolve) => {
  const video = document.querySelector('video');
  video.requestVideoFrameCallback(() => video.requestVideoFrameCallback(() => resolve(true)));
})"""
ESCAPE = "\ue00c"


async def visit(stage: ScriptedStage, tab: Tab, streamer: Vp8Streamer) -> None:
    await tab.goto(stage.url)
    await tab.wait_for(f"{STAGE} === 'queued'")
    assert await tab.evaluate("document.querySelector('h1').innerText") == "You are next"
    stage.service.capacity = 1
    await stage.service.seat()
    await tab.wait_for(f"{STAGE} === 'playing'")
    assert await tab.evaluate(MOVES)
    await tab.press("a")
    owner = stage.service.owner()
    await until(lambda: {"KeyDown", "KeyPress", "KeyUp"}.issubset(streamer.received), 30)
    await until(lambda: any(each["type"] == "sessionStats" for each in owner.said), 30)
    statistics = next(each for each in owner.said if each["type"] == "sessionStats")
    assert statistics["packetsReceived"] > 0
    assert statistics["protocol"] == "udp"

    await tab.evaluate(
        "window.before = window.pixelStreaming.webRtcController.peerConnectionController.peerConnection, 1"
    )
    await stage.wire.cut()
    await tab.wait_for("document.body.innerText.includes('Reconnecting')")
    assert await tab.evaluate(MOVES), "the picture goes on"
    await stage.wire.mend()
    await tab.wait_for("!document.body.innerText.includes('Reconnecting')")
    same = "window.before === window.pixelStreaming.webRtcController.peerConnectionController.peerConnection"
    assert await tab.evaluate(same)
    assert await tab.evaluate(MOVES)
    await tab.press(ESCAPE)
    await tab.wait_for("document.activeElement.closest('[role=toolbar]') !== null")


def test_a_visit_in_firefox(scripted_stage: ScriptedStage, tmp_path: Path) -> None:
    scripted_stage.service.capacity = 0
    streamer = Vp8Streamer()

    async def run() -> None:
        await streamer.start(f"ws://127.0.0.1:{scripted_stage.port}/streamer")
        try:
            async with firefox(tmp_path, free_port()) as tab:
                await visit(scripted_stage, tab, streamer)
        finally:
            await streamer.stop()

    scripted_stage.loop.run(run(), 240)
