"""How many allocations there are, by the kernel's own list of sockets: each holds one UDP port of the relay's range.

Whatever reports were lost, and whoever started when, this is what there is.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

KERNEL_LIST: Final = Path("/proc/net/udp")
_LOCAL, _USER = 1, 7
"""Columns of https://docs.kernel.org/networking/proc_net_tcp.html, which the list of UDP shares."""


def relay_sockets(lines: Iterable[str], user: int, ports: tuple[int, int]) -> int:
    """The sockets of a user on ports of a range, both ends included, in the kernel's list."""
    first, last = ports
    found = 0
    for line in lines:
        columns = line.split()
        if len(columns) <= _USER or columns[_USER] != str(user):
            continue
        port = int(columns[_LOCAL].rpartition(":")[2], 16)
        found += first <= port <= last
    return found


def count(user: int, ports: tuple[int, int], kernel_list: Path = KERNEL_LIST) -> int:
    """The same of this network namespace, now."""
    with kernel_list.open() as lines:
        return relay_sockets(lines, user, ports)
