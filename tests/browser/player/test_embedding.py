"""The page in a frame of somebody else's page, by the package that the project publishes for it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.sync_api import Page

from tests.browser.player.conftest import Visitor
from tests.browser.player.looking import wait_for_frames
from tests.browser.player.service import ScriptedStage
from tests.cluster.conftest import eventually
from tests.ports import free_port

pytestmark = pytest.mark.browser

PARENT = """<!doctype html><html lang="en"><title>Shop</title><meta charset="utf-8">
<style>#player {{ width: 800px; height: 450px }}</style>
<h1>Shop</h1><div id="player"></div>
<script type="module">
  import {{ embed }} from '/embed.js';
  window.events = [];
  window.player = embed(document.getElementById('player'), {options});
  for (const name of ['ready', 'state', 'message', 'statistics', 'redirect'])
    window.player.on(name, (event) => window.events.push([name, event.detail]));
</script></html>"""


class Shop:
    """Another site, with the player in it."""

    def __init__(self, package: Path) -> None:
        self.port = free_port()
        self.options: dict[str, Any] = {}
        self._package = package
        self._runner: web.AppRunner | None = None

    @property
    def origin(self) -> str:
        # Another host name, so that the browser keeps it apart from the player's as it would another site.
        return f"http://localhost:{self.port}"

    async def start(self) -> None:
        app = web.Application()
        app.router.add_get("/", self._page)
        app.router.add_get("/embed.js", self._script)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _page(self, _request: web.Request) -> web.Response:
        return web.Response(text=PARENT.format(options=json.dumps(self.options)), content_type="text/html")

    async def _script(self, _request: web.Request) -> web.FileResponse:
        return web.FileResponse(self._package)


@pytest.fixture
def shop(streaming: ScriptedStage, player_folder: Path) -> Iterator[Shop]:
    """A shop that the stack lets embed the page."""
    its = Shop(player_folder / "embed/dist/embed.js")
    streaming.do(its.start())
    its.options = {"url": f"{streaming.url}?app=demo", "token": "T"}
    streaming.service.token = "T"
    streaming.config["embedders"] = [its.origin]
    streaming.policy["frame-ancestors"] = its.origin
    yield its
    streaming.do(its.stop())


def events(page: Page, name: str) -> list[Any]:
    """What the embedded player has told of a kind."""
    found: list[Any] = page.evaluate(
        "(name) => window.events.filter((each) => each[0] === name).map((each) => each[1])", name
    )
    return found


def wait_for_state(page: Page, state: str) -> None:
    page.wait_for_function("(state) => window.player?.state.state === state", arg=state)


def test_a_shop_shows_the_stream_and_speaks_with_the_application(
    streaming: ScriptedStage, shop: Shop, visitor: Visitor
) -> None:
    page = visitor()
    page.goto(f"{shop.origin}/")
    wait_for_state(page, "playing")
    (connection,) = streaming.service.connections
    assert "pixel-token.T" in connection["protocols"]
    assert page.frames[1].url == f"{streaming.url}?app=demo#embed", "the token is in no address"
    states = [each["state"] for each in events(page, "state")]
    assert states[-1] == "playing"
    assert states == list(dict.fromkeys(states)), "each once"
    assert events(page, "ready") == [None]

    page.evaluate("() => window.player.sendMessage({ colour: 'red' })")
    page.wait_for_function("""() => window.events.some(([name, text]) =>
      name === 'message' && JSON.parse(text).scene?.note === '{"colour":"red"}')""")
    page.wait_for_function(
        "() => window.events.some((each) => each[0] === 'statistics' && each[1].packetsReceived > 0)"
    )
    page.evaluate("() => window.player.focus()")
    page.keyboard.type("shop", delay=50)
    page.wait_for_function("""() => window.events.some(([name, text]) =>
      name === 'message' && JSON.parse(text).scene?.typed === 'shop')""")

    page.evaluate("() => window.player.end()")
    wait_for_state(page, "over")
    assert events(page, "state")[-1]["reason"] == "left"
    page.evaluate("() => window.player.start()")
    wait_for_state(page, "playing")
    page.evaluate("() => window.player.remove()")
    assert page.locator("iframe").count() == 0
    eventually(lambda: all(each.over for each in streaming.service.sessions), "the session is over")


def test_a_shop_learns_that_a_login_is_needed_and_brings_it(
    streaming: ScriptedStage, shop: Shop, visitor: Visitor
) -> None:
    shop.options = {"url": streaming.url}
    page = visitor()
    page.goto(f"{shop.origin}/")
    wait_for_state(page, "over")
    assert events(page, "state")[-1] == {"state": "over", "message": "", "login": True, "reason": "login_required"}
    page.evaluate("() => window.player.start('T')")
    wait_for_state(page, "playing")


def test_a_site_that_the_stack_does_not_name_is_not_answered(
    streaming: ScriptedStage, shop: Shop, visitor: Visitor
) -> None:
    streaming.config["embedders"] = ["https://www.example.com"]
    streaming.service.token = None
    page = visitor()
    page.goto(f"{shop.origin}/")
    frame = page.frame_locator("iframe")
    frame.locator("html[data-stage=playing]").wait_for(state="attached")
    page.evaluate("() => window.player.end()")
    wait_for_frames_in(page)
    assert page.evaluate("() => window.events") == []


def wait_for_frames_in(page: Page) -> None:
    """The picture in the frame goes on."""
    wait_for_frames(page.frames[1])  # type: ignore[arg-type] # has of a page what is used


def test_a_site_that_the_policy_does_not_name_gets_no_page(
    streaming: ScriptedStage, shop: Shop, visitor: Visitor
) -> None:
    del streaming.policy["frame-ancestors"]
    page = visitor(refused=True)
    with page.expect_event("console", lambda message: "frame-ancestors" in message.text):
        page.goto(f"{shop.origin}/")
    assert streaming.service.connections == []


def test_the_frame_is_led_to_a_region_that_the_shop_knows(
    streaming: ScriptedStage, shop: Shop, visitor: Visitor
) -> None:
    # The same service by another name stands in for another region.
    region = f"http://localhost:{streaming.wire.port}"
    shop.options |= {"regions": [region]}
    streaming.service.capacity = 0
    page = visitor()
    page.goto(f"{shop.origin}/")
    wait_for_state(page, "queued")
    service = streaming.service
    streaming.do(service.tell(service.owner(), "redirect", url=f"{region}/", ticket="R.1"))
    service.capacity = 2
    page.wait_for_function("() => window.events.some((each) => each[0] === 'redirect' && each[1].followed)")
    wait_for_state(page, "playing")
    assert "pixel-ticket.R.1" in service.connections[-1]["protocols"]
