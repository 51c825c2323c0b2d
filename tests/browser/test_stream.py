"""A player's whole visit, in a real browser: the stream arrives through TURN and shows what the player does."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from local import cluster
from local.progress import Steps
from local.tools import ensure_tools

pytestmark = [pytest.mark.browser, pytest.mark.cluster]

STATISTICS = """
async () => {
  for (const connection of window.peerConnections) {
    const reports = [...(await connection.getStats()).values()];
    const video = reports.find((r) => r.type === 'inbound-rtp' && r.kind === 'video');
    const transport = reports.find((r) => r.type === 'transport');
    const pair = reports.find((r) => transport && r.id === transport.selectedCandidatePairId);
    const local = reports.find((r) => pair && r.id === pair.localCandidateId);
    if (!video || !local) continue;
    return { frames: video.framesDecoded, type: local.candidateType, address: local.address, url: local.url };
  }
  return null;
}
"""


def kubectl_json(*arguments: str) -> dict[str, Any]:
    kubeconfig = cluster.running()
    kubectl = ensure_tools(["kubectl"], Steps())["kubectl"]
    command = [str(kubectl), "--kubeconfig", str(kubeconfig), *arguments, "-o", "json"]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def statistics(page: Page) -> dict[str, Any] | None:
    found: dict[str, Any] | None = page.evaluate(STATISTICS)
    return found


def wait_for_frames(page: Page, frames: int) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = statistics(page)
        if found and found["frames"] >= frames:
            return found
        page.wait_for_timeout(200)
    raise AssertionError(f"{frames} frames were not decoded in 60 s; last statistics: {statistics(page)}")


def wait_for_scene(page: Page, wanted: str) -> dict[str, Any]:
    """The scene that the streamer last described on the data channel, once ``wanted`` (JavaScript) holds of it."""
    handle = page.wait_for_function(f"() => {{ const scene = window.lastScene; return scene && ({wanted}) && scene; }}")
    scene: dict[str, Any] = handle.json_value()
    return scene


def test_player_sees_the_stream_and_their_own_input(stack_url: str, page: Page, artifacts: Path) -> None:
    page.goto(stack_url)
    page.wait_for_function("() => window.pixelStreaming")
    page.evaluate(
        """() => window.pixelStreaming.addResponseEventListener('test', (text) => {
             const message = JSON.parse(text); if (message.scene) window.lastScene = message.scene; })"""
    )
    found = wait_for_frames(page, 100)

    turn_pods = kubectl_json("get", "pods", "-n", "pixel", "-l", "app.kubernetes.io/name=turn")["items"]
    assert found["type"] == "relay"
    assert found["address"] in {pod["status"]["podIP"] for pod in turn_pods}
    assert found["url"].startswith(f"turn:{found['address']}:3478")

    sessions = kubectl_json("get", "pods", "-n", "pixel-instances", "-l", "app.pixel/pool=session")["items"]
    assert len(sessions) == 1
    assert sessions[0]["metadata"]["labels"]["app.pixel/session"]

    page.mouse.click(640, 360)
    page.keyboard.type("Frankfurt", delay=60)
    scene = wait_for_scene(page, "scene.typed.includes('Frankfurt') && scene.clicks >= 1")
    x, y = scene["last_click"]
    assert abs(x - 0.5) < 0.1 and abs(y - 0.5) < 0.1
    page.wait_for_timeout(500)
    page.screenshot(path=artifacts / "stream.png")
    page.close()

    session = sessions[0]["metadata"]["name"]
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        names = {
            pod["metadata"]["name"]: pod["metadata"]
            for pod in kubectl_json("get", "pods", "-n", "pixel-instances")["items"]
        }
        if session not in names:
            break
        time.sleep(1)
    assert session not in names, "the instance of a session that ended is deleted"
    assert names, "an instance took the place of the one that was claimed"
