"""What this machine must have before anything of the cluster is made."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from local.cluster import cgroups, network, pause
from local.cluster.errors import NotPossibleHereError, Problem
from local.cluster.plan import ENVIRONMENT, TOOLS

GIB = 1 << 30
DISK_BYTES = 3 * GIB
MEMORY_BYTES = GIB * 3 // 2

BINARIES = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "mount": "mount",
    "ip": "iproute2",
    "iptables": "iptables",
    "iptables-save": "iptables",
    "iptables-restore": "iptables",
    "conntrack": "conntrack",
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "ctr": "containerd",
    "runc": "runc",
}
"""Programs that the node needs, each with the Debian package that has it."""

CNI_PLUGINS = ("ptp", "host-local", "portmap", "loopback")
CNI_FOLDERS = tuple(Path(folder) for folder in ("/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"))

CAPABILITIES = {"CAP_SYS_ADMIN": 21, "CAP_NET_ADMIN": 12, "CAP_MKNOD": 27, "CAP_SYS_CHROOT": 18}
"""Numbers from <linux/capability.h>."""

NAMESPACES = ("--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--mount-proc", "--propagation", "slave")

TRIAL = """set -e
ip link add pixel-trial type veth peer name pixel-peer
iptables -t nat -A OUTPUT -p tcp -m addrtype --dst-type LOCAL -m comment --comment trial -j RETURN
iptables -t nat -A OUTPUT -m statistic --mode random --probability 0.5 -j MARK --or-mark 0x4000
iptables -t nat -A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE --random-fully
iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
"""
"""What kube-proxy and the pods' network do, tried in namespaces that are gone again at its end."""


@dataclass(frozen=True)
class Machine:
    """What the checks look at, read from this machine in one go."""

    system: str
    user: int
    capabilities: int
    cache: Path
    disk_free: int
    executable_cache: bool
    memory_available: int


def read_machine(cache: Path) -> Machine:
    """This machine as it is now; ``cache`` need not exist yet."""
    existing = next(folder for folder in (cache, *cache.parents) if folder.is_dir())
    status = Path("/proc/self/status").read_text()
    memory = Path("/proc/meminfo").read_text()
    return Machine(
        system=sys.platform,
        user=os.geteuid(),
        capabilities=int(_field(status, "CapEff:"), 16),
        cache=cache,
        disk_free=shutil.disk_usage(existing).free,
        executable_cache=not os.statvfs(existing).f_flag & os.ST_NOEXEC,
        memory_available=int(_field(memory, "MemAvailable:")) * 1024,
    )


def _field(text: str, name: str) -> str:
    return next(line.split()[1] for line in text.splitlines() if line.startswith(name))


def machine_problems(machine: Machine) -> Iterator[Problem]:
    """What is wrong with user, disk and memory."""
    if machine.user != 0:
        yield Problem("user", f"number {machine.user}", "run it as root (sudo): it makes namespaces and cgroups")
        return
    missing = [name for name, number in CAPABILITIES.items() if not machine.capabilities >> number & 1]
    if missing:
        remedy = "run on the machine itself or in a privileged container"
        yield Problem("capabilities", f"{', '.join(missing)} not held", remedy)
    if machine.disk_free < DISK_BYTES:
        value = f"{machine.disk_free / GIB:.1f} GiB free at {machine.cache}"
        yield Problem("disk", value, f"free {DISK_BYTES / GIB:.0f} GiB there, or set PIXEL_CACHE to a larger place")
    if not machine.executable_cache:
        remedy = "set PIXEL_CACHE to a place that is mounted without noexec"
        yield Problem("disk", f"{machine.cache} does not allow programs to run", remedy)
    if machine.memory_available < MEMORY_BYTES:
        value = f"{machine.memory_available / GIB:.1f} GiB available"
        yield Problem("memory", value, f"end something: the cluster needs {MEMORY_BYTES / GIB:.1f} GiB")


def binary_problems(binaries: Mapping[str, str], path: str) -> Iterator[Problem]:
    """Which programs are not on the node's ``path``."""
    for name, package in binaries.items():
        if shutil.which(name, path=path) is None:
            yield Problem("program", f"{name} not found in {path}", f"install it: apt-get install {package}")


def find_cni_plugins(folders: Iterable[Path] = CNI_FOLDERS) -> Path | None:
    """The first folder that has every network plugin the pods need."""
    return next((folder for folder in folders if all((folder / name).exists() for name in CNI_PLUGINS)), None)


def tool_problems(tools: Mapping[str, Path]) -> Iterator[Problem]:
    """Which of the tools that were handed in cannot be run."""
    for name in (*TOOLS, "kubectl"):
        path = tools.get(name)
        if path is None or not os.access(path, os.X_OK):
            remedy = "make it with local.tools.ensure_tools"
            yield Problem("tool", f"{name} is {path or 'not given'}, which cannot be run", remedy)


def trial_problems() -> Iterator[Problem]:
    """What the kernel refuses when namespaces, interfaces and rules like the node's are made and thrown away."""
    command = ["unshare", *NAMESPACES, "--kill-child", "sh", "-c", TRIAL]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    if done.returncode != 0:
        remedy = "run on the machine itself, with a kernel that has namespaces, veth, netfilter and conntrack"
        yield Problem("kernel", (done.stderr or done.stdout).strip() or f"exit {done.returncode}", remedy)


def check(tools: Mapping[str, Path], cache: Path) -> None:
    """Raise NotPossibleHereError with everything that stands in the way; changes nothing."""
    if not sys.platform.startswith("linux"):
        raise NotPossibleHereError([Problem("system", sys.platform, "run it on Linux, or pass --kubeconfig")])
    found = list(machine_problems(read_machine(cache)))
    found += tool_problems(tools)
    missing = list(binary_problems(BINARIES, ENVIRONMENT["PATH"]))
    found += missing
    if find_cni_plugins() is None:
        value = f"{', '.join(CNI_PLUGINS)} not found in {', '.join(map(str, CNI_FOLDERS))}"
        found.append(Problem("network plugins", value, "install them: apt-get install containernetworking-plugins"))
    if pause.find_binary() is None:
        found.append(Problem("program", f"{pause.BINARY} not found", f"install it: apt-get install {pause.BINARY}"))
    found += cgroups.problems(cgroups.hierarchies())
    if not missing and os.geteuid() == 0:
        found += network.problems(network.interfaces(), network.routes())
        found += trial_problems()
    if found:
        raise NotPossibleHereError(found)
