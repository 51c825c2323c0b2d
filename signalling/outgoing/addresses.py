"""Which addresses and URLs the matchmaker connects to. It stands inside the cluster, so an address is a right."""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

from yarl import URL

Address: TypeAlias = IPv4Address | IPv6Address

_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""IPv4 addresses behind a NAT64 (RFC 6052)."""


class RefusedUrl(ValueError):
    """A URL that is not connected to; the text says why and shows no more of it than its host."""


def public(address: Address) -> bool:
    """Whether an address is one of the internet: not private, not link-local, nobody's own, not inside another."""
    if isinstance(address, IPv6Address):
        within = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _TRANSLATED:
            within = IPv4Address(int(address) & 0xFFFFFFFF)
        if within is not None:
            return public(within)
    return address.is_global and not address.is_multicast and not address.is_reserved


def checked(url: str, *, private: bool) -> URL:
    """The URL, if it may be asked: https, or http to this very machine; without ``private`` no inner address.

    A name says nothing about its address: that is looked at when it has been resolved.

    Raises:
        RefusedUrl: it may not be.
    """
    try:
        parsed = URL(url)
        host = parsed.host
    except ValueError:
        host = None
    if host is None:
        raise RefusedUrl("it is not a URL with a host")
    if parsed.user is not None or parsed.password is not None:
        raise RefusedUrl(f"{host}: it holds a name or a password")
    literal = _literal(host)
    loopback = host == "localhost" or (literal is not None and literal.is_loopback)
    if not private and (loopback or (literal is not None and not public(literal))):
        raise RefusedUrl(f"{host}: it is not an address of the internet")
    if parsed.scheme != "https" and not (parsed.scheme == "http" and loopback):
        raise RefusedUrl(f"{host}: it is not https")
    return parsed


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
