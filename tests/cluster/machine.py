"""What a run could leave on this machine, as values that can be compared before and after."""

import subprocess
from dataclasses import dataclass, fields
from pathlib import Path

from local.paths import cluster_dir, stacks_dir

CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Leavings:
    """Everything of the machine that the local stack touches and must give back."""

    mounts: frozenset[str]
    interfaces: frozenset[str]
    routes: frozenset[str]
    packet_rules: frozenset[str]
    named_namespaces: frozenset[str]
    foreign_namespaces: frozenset[str]
    cgroups: frozenset[str]
    files: frozenset[str]
    kernel_settings: frozenset[str]


def leavings() -> Leavings:
    """Read the machine's state."""
    netns = Path("/run/netns")
    return Leavings(
        mounts=frozenset(line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()),
        interfaces=frozenset(path.name for path in Path("/sys/class/net").iterdir()),
        routes=frozenset(_lines("ip", "route", "show", "table", "all")),
        packet_rules=frozenset(line for line in _lines("iptables-save") if not line.startswith(("#", ":"))),
        named_namespaces=frozenset(path.name for path in netns.iterdir()) if netns.exists() else frozenset(),
        foreign_namespaces=frozenset(_processes_in_other_network_namespaces()),
        cgroups=frozenset(str(path) for path in CGROUPS.glob("**/") if "pixel" in str(path) or "kubepods" in str(path)),
        files=frozenset(str(path) for path in (cluster_dir(), stacks_dir() / "local") if path.exists()),
        kernel_settings=frozenset(
            f"{name}={Path('/proc/sys', name).read_text().strip()}"
            for name in ("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops")
        ),
    )


def left_over(before: Leavings, after: Leavings) -> dict[str, list[str]]:
    """What is there after that was not there before, by kind; empty when nothing is."""
    found = {field.name: sorted(getattr(after, field.name) - getattr(before, field.name)) for field in fields(Leavings)}
    return {kind: items for kind, items in found.items() if items}


def _processes_in_other_network_namespaces() -> set[str]:
    own = Path("/proc/self/ns/net").readlink()
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "ns/net").readlink() != own:
                found.add(f"{process.name} {(process / 'comm').read_text().strip()}")
        except OSError:  # the process has ended meanwhile
            continue
    return found


def _lines(*command: str) -> list[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
