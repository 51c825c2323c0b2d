"""The official Kubernetes provider plugin, where it can be had; elsewhere the project's own serves in its place."""

import os
import shutil
import socket
import subprocess
from importlib.metadata import version
from pathlib import Path

from local.paths import cache_root
from local.progress import Steps

RELEASES = ("get.pulumi.com", 443)
_SECONDS_TO_CONNECT = 2.0


def plugin_home() -> Path:
    """The engine's own folder, in which it looks for installed plugins."""
    return cache_root() / "pulumi"


def installed() -> bool:
    """Whether the engine will find the official plugin, on PATH or among those it installed."""
    if shutil.which("pulumi-resource-kubernetes"):
        return True
    return any((plugin_home() / "plugins").glob("resource-kubernetes-v*/pulumi-resource-kubernetes"))


def ensure_official_plugin(pulumi: Path, steps: Steps) -> bool:
    """Install the official plugin if its releases can be reached; returns whether it is there.

    Its version is that of the SDK in the lock file. A failure is no error: the stack runs with either plugin.
    """
    if installed():
        return True
    try:
        socket.create_connection(RELEASES, _SECONDS_TO_CONNECT).close()
    except OSError:
        return False
    with steps.step("Install the official Kubernetes plugin"):
        command = [str(pulumi), "plugin", "install", "resource", "kubernetes", f"v{version('pulumi-kubernetes')}"]
        environment = os.environ | {"PULUMI_HOME": str(plugin_home()), "PULUMI_SKIP_UPDATE_CHECK": "true"}
        subprocess.run(command, env=environment, check=False, capture_output=True, timeout=300)
    return installed()
