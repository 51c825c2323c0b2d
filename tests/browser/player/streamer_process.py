"""The demo streamer as a process of this machine."""

import os
import subprocess
import sys

from local.paths import CHECKOUT


def start_streamer(url: str) -> subprocess.Popen[bytes]:
    """Start one for the streamer port at an address; it is small, so that it takes little of the machine."""
    environment = {
        **os.environ,
        "SIGNAL_URL": url,
        "RES_X": "640",
        "RES_Y": "360",
        "FRAME_RATE": "15",
        "BITRATE": "800000",
    }
    return subprocess.Popen([sys.executable, "-m", "streamer"], cwd=CHECKOUT, env=environment)
