"""The host's side of the cluster's network: one interface, and the route that comes and goes with it."""

import json
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from local.cluster import addresses
from local.cluster.errors import ClusterError, Problem

REMOVAL_SECONDS = 10.0


def host_addresses(interfaces: Iterable[dict[str, Any]]) -> tuple[str, ...]:
    """This machine's own IPv4 addresses, from ``ip -json address``: those that the cluster may answer.

    Without the loopback's, link-local ones, and those of the cluster's own link.
    """
    found = {IPv4Address(local) for _, local in _ipv4(interfaces)}
    own = {
        address
        for address in found
        if not (address.is_loopback or address.is_link_local or address.is_multicast or address in addresses.RANGE)
    }
    return tuple(str(address) for address in sorted(own))


def problems(interfaces: Iterable[dict[str, Any]], routes: Iterable[dict[str, Any]]) -> Iterator[Problem]:
    """Whatever already uses the cluster's addresses or interface name.

    A wider route, such as a VPN's 10.0.0.0/8, is no problem: the cluster's is the more precise one.
    """
    interfaces = tuple(interfaces)
    remedy = f"remove it, or give the cluster another range in local/cluster/addresses.py (RANGE is {addresses.RANGE})"
    for name, local in _ipv4(interfaces):
        if IPv4Address(local) in addresses.RANGE:
            yield Problem("address range", f"{local} on interface {name} lies in {addresses.RANGE}", remedy)
    for route in routes:
        destination = route.get("dst", "default")
        network = IPv4Network("0.0.0.0/0" if destination == "default" else destination, strict=False)
        if network.prefixlen >= addresses.RANGE.prefixlen and network.overlaps(addresses.RANGE):
            value = f"a route to {destination} on {route.get('dev', 'no interface')} lies in {addresses.RANGE}"
            yield Problem("address range", value, remedy)
    if any(interface["ifname"] == addresses.HOST_INTERFACE for interface in interfaces):
        remedy = f"remove it: ip link delete {addresses.HOST_INTERFACE}"
        yield Problem("interface", f"{addresses.HOST_INTERFACE} exists and is not this cluster's", remedy)


def _ipv4(interfaces: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for interface in interfaces:
        for entry in interface.get("addr_info", ()):
            if entry.get("family") == "inet":
                yield interface["ifname"], entry["local"]


def interfaces() -> list[dict[str, Any]]:
    """This machine's interfaces with their addresses."""
    return _query("address", "show")


def routes() -> list[dict[str, Any]]:
    """This machine's IPv4 routes of the main table."""
    return _query("-4", "route", "show")


def connect(pid: int) -> None:
    """Join the host and the node, whose first process is ``pid``, by one pair of interfaces."""
    host = addresses.HOST_INTERFACE
    batch = [
        f"link add {host} type veth peer name {addresses.NODE_INTERFACE} netns {pid}",
        f"link set {host} addrgenmode none",
        f"address add {addresses.HOST}/{addresses.LINK.prefixlen} dev {host}",
        f"link set {host} up",
        f"route add {addresses.RANGE} via {addresses.NODE} dev {host} src {addresses.HOST}",
    ]
    done = _ip(["-batch", "-"], "\n".join(batch))
    if done.returncode != 0:
        raise ClusterError(f"the interface {host} could not be made: {done.stderr.strip()}")


def disconnect() -> None:
    """Remove the host's interface, and with it the route and the node's end; harmless where there is none.

    The kernel takes a dead namespace's interfaces away a moment after its last process, hence the wait.
    """
    host = addresses.HOST_INTERFACE
    deadline = time.monotonic() + REMOVAL_SECONDS
    while any(interface["ifname"] == host for interface in interfaces()):
        done = _ip(["link", "delete", host])
        if done.returncode != 0 and time.monotonic() > deadline:
            raise ClusterError(f"the interface {host} could not be removed: {done.stderr.strip()}")
        time.sleep(0.01)


def _query(*arguments: str) -> list[dict[str, Any]]:
    done = _ip(["-json", *arguments])
    if done.returncode != 0:
        raise ClusterError(f"ip {' '.join(arguments)} failed: {done.stderr.strip()}")
    found: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return found


def _ip(arguments: Sequence[str], batch: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *arguments], input=batch, capture_output=True, text=True, check=False)
