"""Whose address a connection is counted under, as pure functions."""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_IPV6_PREFIX: Final = 64
"""What a provider gives one customer: the addresses within cost nothing."""
_IN_BRACKETS: Final = re.compile(r"\[([^]]*)\](?::\d+)?")
_WITH_PORT: Final = re.compile(r"([\d.]+):\d+")


def client_address(peer: str, forwarded: Iterable[str], trusted: Sequence[Network]) -> Address | None:
    """The address that a request comes from: the nearest one that is not a trusted proxy's.

    ``peer`` is the other end of the connection, ``forwarded`` the X-Forwarded-For headers in their order. They are read
    from the right, where the nearest proxy wrote, and only as far as those who wrote are trusted: what a player itself
    puts there is never reached. None for a peer that has no address, such as a test's.
    """
    address = _parsed(peer)
    if address is None:
        return None
    listed = [each for header in forwarded for each in header.split(",")]
    while listed and any(address in network for network in trusted):
        further = _parsed(listed.pop())
        if further is None:
            # A trusted proxy passed on what is no address: what is left of it is not worth more.
            break
        address = further
    return address


def counted_under(address: Address | None) -> str:
    """What is counted as one: an IPv4 address, or the network that an IPv6 address is in."""
    if isinstance(address, IPv6Address):
        return str(ip_network((address, _IPV6_PREFIX), strict=False))
    return str(address or "unknown")


def _parsed(text: str) -> Address | None:
    text = text.strip()
    if found := _IN_BRACKETS.fullmatch(text) or _WITH_PORT.fullmatch(text):
        text = found[1]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
