"""The ICE part of ``peerConnectionOptions``: which servers a player is given, and with what credentials.

Few, since each TURN URL costs an allocation per player and gathering slows with every server. With a relay in force
there is no STUN server: no browser would ask it.
"""

from collections.abc import Iterator, Sequence
from enum import Enum
from ipaddress import IPv6Address, ip_address
from typing import Protocol

import msgspec

from signalling.ice.credentials import TurnCredentials, turn_credentials


class TransportPolicy(Enum):
    """``iceTransportPolicy`` of the browser: every candidate, or none but those of the relay."""

    ALL = "all"
    RELAY = "relay"


class IceServer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of ``iceServers``. ``urls`` are always an array: Epic's frontend walks them."""

    urls: tuple[str, ...]
    username: str = ""
    """Empty for a server that asks for none."""
    credential: str = ""

    def __repr__(self) -> str:
        return f"IceServer({self.urls})"

    def entry(self) -> dict[str, object]:
        """As it goes to a browser."""
        access = {"username": self.username, "credential": self.credential} if self.username else {}
        return {"urls": list(self.urls), **access}


class ExternalTurn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A TURN service of somebody's own that knows the TURN REST scheme."""

    urls: tuple[str, ...]
    secret: str

    def __repr__(self) -> str:
        return f"ExternalTurn({self.urls})"


class PoolAccess(Protocol):
    """How players use the TURN pool: the stack's settings."""

    @property
    def port(self) -> int:
        """Of TURN, and STUN, by UDP and TCP."""
        ...

    @property
    def tls(self) -> tuple[str, int] | None:
        """Name and port of TURN over TLS: a certificate is for a name, which leads to any node of the pool."""
        ...

    @property
    def transport_policy(self) -> TransportPolicy:
        """Of players whose application has none of its own."""
        ...

    @property
    def credential_seconds(self) -> int:
        """How long credentials hold: longer than any session."""
        ...


def pool_servers(
    addresses: Sequence[str],
    port: int,
    credentials: TurnCredentials,
    policy: TransportPolicy,
    tls: tuple[str, int] | None = None,
) -> Iterator[IceServer]:
    """The pool's: the first address by UDP and by TCP, each further one by UDP, to spare; TLS by its name."""
    for number, host in enumerate(map(_in_url, addresses)):
        if number == 0 and policy is TransportPolicy.ALL:
            yield IceServer((f"stun:{host}:{port}",))
        ways = ("udp", "tcp") if number == 0 else ("udp",)
        urls = tuple(f"turn:{host}:{port}?transport={way}" for way in ways)
        yield IceServer(urls, credentials.username, credentials.password)
    if tls and addresses:
        host, tls_port = tls
        yield IceServer((f"turns:{host}:{tls_port}?transport=tcp",), credentials.username, credentials.password)


def external_servers(services: Sequence[ExternalTurn], user: str, now: float, seconds: int) -> Iterator[IceServer]:
    """Those elsewhere, each with credentials by its own secret."""
    for service in services:
        credentials = turn_credentials(service.secret, user, now, seconds)
        yield IceServer(service.urls, credentials.username, credentials.password)


def peer_connection_options(servers: Sequence[IceServer], policy: TransportPolicy) -> dict[str, object]:
    """The options for a player's ``RTCPeerConnection``."""
    return {"iceServers": [server.entry() for server in servers], "iceTransportPolicy": policy.value}


def _in_url(address: str) -> str:
    return f"[{address}]" if isinstance(ip_address(address), IPv6Address) else address
