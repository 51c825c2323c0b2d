"""What the tests of the page look at: its stage, the picture, and the scene that the demo streamer describes."""

from typing import Any

from playwright.sync_api import Page

DECODED = """
async () => {
  const counts = await Promise.all(window.peerConnections.map(async (connection) => {
    if (connection.connectionState !== 'connected') return 0;
    const reports = [...(await connection.getStats()).values()];
    return reports.find((r) => r.type === 'inbound-rtp' && r.kind === 'video')?.framesDecoded ?? 0;
  }));
  return Math.max(0, ...counts);
}
"""

LISTEN = """() => {
  window.lastScene = null;
  window.pixelStreaming.addResponseEventListener('test', (text) => {
    const message = JSON.parse(text);
    if (message.scene) window.lastScene = message.scene;
  });
}"""


def wait_for_stage(page: Page, stage: str, seconds: float = 60) -> None:
    """Wait until the page is in a stage: queued, starting, playing, over …"""
    page.wait_for_selector(f"html[data-stage={stage}]", timeout=seconds * 1000, state="attached")


def title(page: Page) -> str:
    return page.locator("h1").inner_text()


def press(page: Page, name: str) -> None:
    """Press a button by its name."""
    page.get_by_role("button", name=name, exact=True).click()


def frames(page: Page) -> int:
    """Frames decoded by the peer connection that stands."""
    count: int = page.evaluate(DECODED)
    return count


def wait_for_frames(page: Page, more: int = 5) -> None:
    """Wait until so many more frames are decoded: the picture moves."""
    before = frames(page)
    page.wait_for_function(f"async () => (await ({DECODED})()) >= {before + more}", timeout=30_000)


def play(page: Page, url: str) -> None:
    """Open a page and wait for its picture."""
    page.goto(url)
    wait_for_stage(page, "playing", 120)
    page.evaluate(LISTEN)


def scene(page: Page, wanted: str) -> dict[str, Any]:
    """The scene that the streamer described last, once ``wanted`` (JavaScript) holds of it."""
    handle = page.wait_for_function(f"() => {{ const scene = window.lastScene; return scene && ({wanted}) && scene; }}")
    found: dict[str, Any] = handle.json_value()
    return found


def show_toolbar(page: Page) -> None:
    """Bring the controls up, as somebody does who moves the mouse to the upper edge."""
    width = (page.viewport_size or {"width": 1280})["width"]
    page.mouse.move(width / 2, 12)
    page.wait_for_selector(".toolbar[data-shown=true]")


def invite(page: Page) -> str:
    """The link that the owner is given for somebody else."""
    show_toolbar(page)
    press(page, "People")
    press(page, "Invite somebody to watch")
    link = page.get_by_label("Invitation link").input_value()
    press(page, "Close")
    return link


def watch(page: Page, link: str) -> None:
    """Follow an invitation."""
    page.goto(link)
    wait_for_stage(page, "playing", 60)
    page.wait_for_selector("text=You are watching.")


def still(page: Page) -> None:
    """Wait until what moves only once has come to rest."""
    page.evaluate("""() => Promise.all(document.getAnimations()
      .filter((each) => each.effect.getTiming().iterations !== Infinity)
      .map((each) => each.finished.catch(() => undefined)))""")


def peer_connections(page: Page) -> int:
    count: int = page.evaluate("() => window.peerConnections.length")
    return count
