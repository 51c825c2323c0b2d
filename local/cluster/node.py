"""The node's first process: ``python -m local.cluster.node CLUSTER_DIR``, inside namespaces of its own.

Reads CLUSTER_DIR/plan.json, prepares the namespaces, starts the components in order, starts again one that ends
later, reaps what is left to it, and ends on SIGTERM; the kernel then ends every other process of the node. What it
does is told in CLUSTER_DIR/status.json. It waits for a line on standard input before it uses its network interface,
and ends when whoever was to connect it is gone. Standard library only: this process stays in memory.
"""

import ctypes
import http.client
import json
import os
import resource
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Never
from urllib.parse import urlsplit

POLL_SECONDS = 0.03
RESTART_SECONDS = 1.0

# <sys/mount.h>
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_REMOUNT, MS_BIND, MS_REC = 1, 2, 4, 32, 4096, 16384
MS_PRIVATE, MS_SHARED = 1 << 18, 1 << 20

Plan = dict[str, Any]


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """mount(2); OSError names the target."""
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), data.encode())
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def prepare_mounts(directory: Path, plan: Plan) -> None:
    """Put the node's own folders in place; nothing of it is seen outside the mount namespace."""
    inside = Path(plan["node_dir"])
    held = {name: os.open(path, os.O_PATH) for name, path in plan["tools"].items()}
    folder = os.open(directory, os.O_PATH)
    mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    inside.mkdir()
    # By descriptor, because the folder or a tool may itself lie under a place that is covered by now.
    mount(f"/proc/self/fd/{folder}", str(inside), "", MS_BIND | MS_REC)
    for name, descriptor in held.items():
        target = inside / "bin" / name
        target.touch()
        mount(f"/proc/self/fd/{descriptor}", str(target), "", MS_BIND)
    for entry in plan["mounts"]:
        target = Path(entry["target"])
        if entry["kind"] == "tmpfs":
            mount("tmpfs", str(target), "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
            continue
        target.mkdir(parents=True, exist_ok=True)
        mount(entry["source"], str(target), "", MS_BIND)
        if entry["read_only"]:
            mount("", str(target), "", MS_REMOUNT | MS_BIND | MS_RDONLY)
        if entry["shared"]:
            mount("", str(target), "", MS_PRIVATE)
            mount("", str(target), "", MS_SHARED)
    for name, value in plan["pretended"].items():
        setting = Path("/proc/sys") / name
        if setting.exists():
            pretended = inside / "kernel" / name
            pretended.parent.mkdir(parents=True, exist_ok=True)
            pretended.write_text(f"{value}\n")
            mount(str(pretended), str(setting), "", MS_BIND)


def prepare_network(plan: Plan) -> None:
    """Configure the interface, once it has been put into this network namespace."""
    lines = "\n".join(plan["links"])
    subprocess.run(["ip", "-batch", "-"], input=lines.encode(), check=True, env=plan["environment"])
    for name, value in plan["kernel"].items():
        # A kernel without IPv6 has no setting that turns it off.
        with suppress(FileNotFoundError):
            (Path("/proc/sys") / name).write_text(value)


def is_ready(probe: str, target: str, ca: str) -> bool:
    """Whether a component answers."""
    try:
        if probe == "unix":
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(target)
            return True
        if probe == "tcp":
            host, _, port = target.rpartition(":")
            socket.create_connection((host, int(port)), 1).close()
            return True
        url = urlsplit(target)
        context = ssl.create_default_context(cafile=ca)
        client = http.client.HTTPSConnection(url.hostname or "", url.port, timeout=2, context=context)
        try:
            client.request("GET", url.path)
            return client.getresponse().status == http.HTTPStatus.OK
        finally:
            client.close()
    except (OSError, http.client.HTTPException):
        return False


@dataclass
class Running:
    """One component and what has become of it."""

    entry: dict[str, Any]
    pid: int = 0
    ready: bool = False
    start_at: float = 0.0


class Supervisor:
    """Starts, watches and starts again the components of the plan."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.directory = Path(plan["node_dir"])
        self.components = {entry["name"]: Running(entry) for entry in plan["components"]}
        self.complete = False

    def run(self) -> Never:
        """Work until a signal ends this process."""
        self._tell()
        while True:
            self._reap()
            for component in self.components.values():
                if not component.ready and self._may_start(component):
                    self._start(component)
                if component.pid and not component.ready and component.entry["probe"] != "exit":
                    self._probe(component)
            if not self.complete and all(component.ready for component in self.components.values()):
                self.complete = True
                self._tell()
            time.sleep(POLL_SECONDS if not self.complete else RESTART_SECONDS / 4)

    def _may_start(self, component: Running) -> bool:
        after = component.entry["after"]
        waiting = component.pid or time.monotonic() < component.start_at
        return not waiting and all(self.components[name].ready for name in after)

    def _start(self, component: Running) -> None:
        name = component.entry["name"]
        with (self.directory / "logs" / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                component.entry["command"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self.plan["environment"],
                cwd="/",
                start_new_session=True,
            )
        component.pid = process.pid
        # Reaped below with everything else that ends in this namespace, and not by the object.
        process.returncode = 0
        self._tell()

    def _probe(self, component: Running) -> None:
        if is_ready(component.entry["probe"], component.entry["target"], self.plan["ca"]):
            component.ready = True
            self._tell()

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            ended = next((component for component in self.components.values() if component.pid == pid), None)
            if ended is not None:
                self._ended(ended, os.waitstatus_to_exitcode(status))

    def _ended(self, component: Running, code: int) -> None:
        name = component.entry["name"]
        component.pid = 0
        if component.entry["probe"] == "exit" and code == 0:
            component.ready = True
            component.start_at = float("inf")
            self._tell()
        elif not self.complete:
            self._tell(failed=name, code=code)
            sys.exit(1)
        else:
            print(f"{name} ended with {code}, starting it again", flush=True)
            component.ready = False
            component.start_at = time.monotonic() + RESTART_SECONDS
            self._tell()

    def _tell(self, failed: str = "", code: int = 0) -> None:
        status = {
            "complete": self.complete,
            "waiting": [name for name, component in self.components.items() if not component.ready],
            "failed": failed,
            "code": code,
        }
        path = self.directory / "status.json"
        new = path.with_suffix(".new")
        new.write_text(json.dumps(status))
        new.rename(path)


def main() -> Never:
    """Prepare the namespaces and supervise."""
    directory = Path(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    plan: Plan = json.loads((directory / "plan.json").read_text())
    for path in plan["cgroups"]:
        Path(path).write_text(str(os.getpid()))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    socket.sethostname(plan["node_name"])
    prepare_mounts(directory, plan)
    if not sys.stdin.readline():
        sys.exit("whoever was to connect the network is gone")
    prepare_network(plan)
    Supervisor(plan).run()


if __name__ == "__main__":
    main()
