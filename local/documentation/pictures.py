"""Takes the pictures of docs/pictures: a local stack is brought up, and shown is what people see of it in a browser.

``python -m local.documentation pictures`` takes them anew. They show a moving stream, so no two are the same, and no
test compares them; look at what came out.
"""

import base64
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from local.demo import DemoError, PortForward, down, kubectl_of, only_run, prepare, up
from local.paths import CHECKOUT
from local.progress import Steps
from local.tools import ensure_tools

FOLDER = CHECKOUT / "docs" / "pictures"
PORT = 18081
SIZE = {"width": 1280, "height": 720}

_CHROMIUM = "/usr/bin/chromium"
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # Else it talks to its maker's hosts at every start.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
)
_START_MS = 120_000
"""How long an instance may take to begin, on a machine that has other things to do."""


def _stage(page: Page, stage: str) -> None:
    """Wait until the page is in a stage: queued, starting, playing."""
    page.wait_for_selector(f"html[data-stage={stage}]", state="attached", timeout=_START_MS)


def _stream(page: Page) -> None:
    _stage(page, "playing")
    # The first words over the picture go by themselves.
    page.wait_for_timeout(8_000)


def _statistics(page: Page) -> None:
    page.mouse.move(SIZE["width"] / 2, 12)
    page.wait_for_selector(".toolbar[data-shown=true]")
    page.get_by_role("button", name="Statistics", exact=True).click()
    page.wait_for_selector("aside.statistics")
    # Averages of a few seconds.
    page.wait_for_timeout(6_000)


def _queue(page: Page) -> None:
    _stage(page, "queued")


SHOWN: Mapping[str, Callable[[Page], None]] = {
    "stream": _stream,
    "statistics": _statistics,
}
"""Each picture of the first player's page, by its name, and what is done for it; one after the other."""

WAITING: Mapping[str, Callable[[Page], None]] = {"queue": _queue}
"""The same of a second player, who comes while the one instance that was warm is taken."""


def take() -> Iterator[str]:
    """Take every picture; yields the name of each that is there.

    Raises:
        DemoError: the local stack did not come up, or the page showed something else.
    """
    steps = Steps()
    with only_run():
        prepare(steps)
        try:
            stack = up(steps)
            if stack.kubeconfig is None:
                raise DemoError("the local stack has no cluster")
            kubectl = ensure_tools(("kubectl",), steps)["kubectl"]
            with PortForward(kubectl, stack.kubeconfig, PORT) as forward, _browser() as browser:
                key = _admin_key(kubectl_of(kubectl, stack.kubeconfig))
                yield from _pictures(browser, forward, key)
        finally:
            down(steps)


def _admin_key(kubectl: Sequence[str]) -> str:
    command = [*kubectl, "--namespace=pixel", "get", "secret", "admin-key", "--output=jsonpath={.data.key}"]
    found = subprocess.run(command, capture_output=True, check=True)
    return base64.b64decode(found.stdout).decode()


def _pictures(browser: Browser, forward: PortForward, key: str) -> Iterator[str]:
    first, second, operator = (_page(browser) for _ in range(3))
    first.goto(forward.url)
    _stage(first, "playing")
    # At once: the fleet is about to start another instance.
    second.goto(forward.url)
    for page, shown in ((second, WAITING), (first, SHOWN)):
        for name, show in shown.items():
            show(page)
            page.screenshot(path=FOLDER / f"{name}.png")
            yield name
    operator.goto(forward.operator_url)
    operator.get_by_label("Your name").fill("Ada")
    operator.get_by_label("Admin key").fill(key)
    operator.get_by_role("button", name="Sign in").click()
    operator.get_by_role("link", name="Sessions").click()
    operator.get_by_text("Asking the service").wait_for(state="detached")
    operator.wait_for_selector("table tbody tr")
    operator.screenshot(path=FOLDER / "operator.png")
    yield "operator"


def _page(browser: Browser) -> Page:
    context = browser.new_context(viewport=SIZE, locale="en-GB")  # type: ignore[arg-type]  # Its type is not public.
    return context.new_page()


@contextmanager
def _browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_CHROMIUM, args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()
