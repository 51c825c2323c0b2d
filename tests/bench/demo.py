"""From nothing running to the first decoded frame in a browser, with a breakdown by step.

``make bench NAME=demo``. The caches (tools, images, Python packages) are used as they are, so run it twice for the
figure from warm caches. As a yardstick of the machine it also times a fixed piece of work in the same run.
"""

import os
import sys
import time

from playwright.sync_api import sync_playwright

from local.demo import PortForward, down, only_run, up
from local.progress import Steps
from local.tools import ensure_tools
from tests.browser.conftest import CHROMIUM_FLAGS, KEEP_PEER_CONNECTIONS
from tests.browser.test_stream import wait_for_frames


def yardstick() -> float:
    """Seconds that this machine takes for ten million additions in Python."""
    started = time.monotonic()
    sum(range(10_000_000))
    return time.monotonic() - started


def first_frame(url: str) -> None:
    """Open the page in a new browser and wait for one decoded frame."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
        page = browser.new_page()
        page.add_init_script(KEEP_PEER_CONNECTIONS)
        page.goto(url)
        wait_for_frames(page, 1)
        browser.close()


def main() -> None:
    """Bring the stack up, play one frame, print the breakdown, remove everything."""
    if os.geteuid() != 0:
        sys.exit("the local stack needs root")
    unit = yardstick()
    steps = Steps()
    with only_run():
        down(Steps())
        started = time.monotonic()
        try:
            stack = up(steps)
            assert stack.kubeconfig is not None
            kubectl = ensure_tools(("kubectl",), steps)["kubectl"]
            with steps.step("Forward the page's port"):
                forward = PortForward(kubectl, stack.kubeconfig, 18080).__enter__()
            try:
                with steps.step("First decoded frame in a browser"):
                    first_frame(forward.url)
                total = time.monotonic() - started
            finally:
                forward.close()
        finally:
            down(Steps())
    print(f"first decoded frame after {total:.1f} s ({total / unit:.0f} times the yardstick of {unit:.3f} s)")
    for title, seconds in steps.times.items():
        print(f"{seconds:7.1f} s {100 * seconds / total:5.1f} %  {title}")


if __name__ == "__main__":
    main()
