"""The whole local stack and a real browser, for the tests of this folder."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from local import cluster
from local.demo import PortForward
from local.paths import CHECKOUT
from local.progress import Steps
from local.tools import ensure_tools

# Without the background flags Chromium talks to its maker's hosts at every start.
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]

# The page keeps its RTCPeerConnection to itself; the statistics of the test need a handle on it.
KEEP_PEER_CONNECTIONS = """
  window.peerConnections = [];
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = function (...args) {
    const connection = new Original(...args);
    window.peerConnections.push(connection);
    return connection;
  };
  window.RTCPeerConnection.prototype = Original.prototype;
"""


@pytest.fixture(scope="package")
def stack_url() -> Iterator[str]:
    """The page's address on a running local stack, which is brought up first and removed afterwards."""
    if os.geteuid() != 0:
        pytest.skip("the local stack needs root")
    subprocess.run([sys.executable, "-m", "local", "up"], cwd=CHECKOUT, check=True)
    try:
        kubeconfig = cluster.running()
        assert kubeconfig is not None
        with PortForward(ensure_tools(["kubectl"], Steps())["kubectl"], kubeconfig, 18080) as forward:
            yield forward.url
    finally:
        subprocess.run([sys.executable, "-m", "local", "down"], cwd=CHECKOUT, check=True)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new page whose peer connections a test can ask for statistics."""
    context = browser.new_context(viewport={"width": 1280, "height": 720})
    context.add_init_script(KEEP_PEER_CONNECTIONS)
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """Where screenshots go."""
    folder = CHECKOUT / "artifacts"
    folder.mkdir(exist_ok=True)
    return folder
