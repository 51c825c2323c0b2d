"""Runs that are killed or interrupted: the next one succeeds, and nothing is left when it is gone."""

import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request

import pytest

from local.paths import CHECKOUT
from tests.cluster.machine import leavings

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(os.geteuid() != 0, reason="the local stack needs root"),
    pytest.mark.timeout(900),
]


def run_until(line: str) -> None:
    """Start ``local up`` and kill it, with all its children, when a step of that name begins or ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local", "up"],
        cwd=CHECKOUT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    watchdog = threading.Timer(300, process.kill)
    watchdog.start()
    assert process.stderr is not None
    printed = []
    try:
        for text in process.stderr:
            printed.append(text)
            if line in text:
                break
        else:
            raise AssertionError(f"the run never printed '{line}', but:\n{''.join(printed)}")
    finally:
        watchdog.cancel()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()


@pytest.mark.parametrize(
    "line", ["Start the control plane", "Start the node", "Load the images", "pulumi up", "Wait for the first"]
)
def test_a_killed_run_is_cleaned_up_by_the_next(line: str) -> None:
    """Each case leaves its killed run to the next one; the last `down` must find nothing left of any of them."""
    run_until(line)


def test_the_demo_after_killed_runs_serves_the_page_and_goes_without_trace_on_ctrl_c() -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "local", "demo", "--port", "18081"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    watchdog = threading.Timer(400, demo.kill)
    watchdog.start()
    assert demo.stdout is not None
    try:
        page = next((line.split()[4] for line in demo.stdout if line.startswith("The stream is at")), None)
        assert page == "http://localhost:18081/"
        with urllib.request.urlopen(page, timeout=10) as answer:
            assert b"<script" in answer.read()
        view = next((line.split()[5].rstrip(",") for line in demo.stdout if line.startswith("The operator's view")), "")
        assert view == "http://localhost:18082/operator/"
        with urllib.request.urlopen(view, timeout=10) as answer:
            assert b"<script" in answer.read()
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait()
        watchdog.cancel()
        demo.stdout.close()
    assert demo.returncode == 0
    found = leavings()
    assert found.files == frozenset()
    assert "pixel-local" not in found.interfaces
    assert found.cgroups == frozenset()


def test_a_port_in_use_is_refused_before_anything_is_made() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "local", "demo", "--port", port]
        result = subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True, text=True)
    assert result.returncode == 1
    assert f"--port {port}" in result.stderr
    assert result.stderr.count("\n") == 1
