"""The ICE part of a player's ``peerConnectionOptions``."""

import hashlib
from collections.abc import Collection
from enum import Enum
from ipaddress import IPv6Address, ip_address
from typing import Final

from signalling.ice.credentials import TurnCredentials

SERVERS_PER_PLAYER: Final = 2
"""Each TURN URL costs an allocation per player and gathering slows with every server: one, and one to spare."""


class TransportPolicy(Enum):
    """``iceTransportPolicy`` of the browser: every candidate, or none but those of the relay."""

    ALL = "all"
    RELAY = "relay"


def chosen_for(session: str, addresses: Collection[str]) -> list[str]:
    """The TURN addresses a session uses: spread over the pool, and the same for a session as the pool changes."""
    ranked = sorted(addresses, key=lambda address: hashlib.sha256(f"{session} {address}".encode()).digest())
    return ranked[:SERVERS_PER_PLAYER]


def peer_connection_options(
    addresses: Collection[str],
    port: int,
    credentials: TurnCredentials,
    policy: TransportPolicy,
    tls: tuple[str, int] | None = None,
) -> dict[str, object]:
    """The options for a player's ``RTCPeerConnection``: STUN, TURN over UDP and TURN over TCP of each address.

    ``tls`` is name and port of TURN over TLS: a certificate is for a name, which leads to any node of the pool.

    ``urls`` are always arrays: Epic's frontend walks them.
    """
    servers: list[dict[str, object]] = []
    access = {"username": credentials.username, "credential": credentials.password}
    for host in map(_in_url, addresses):
        servers.append({"urls": [f"stun:{host}:{port}"]})
        servers.append(
            {
                "urls": [f"turn:{host}:{port}?transport=udp", f"turn:{host}:{port}?transport=tcp"],
                **access,
            }
        )
    if tls and servers:
        host, tls_port = tls
        servers.append({"urls": [f"turns:{host}:{tls_port}?transport=tcp"], **access})
    return {"iceServers": servers, "iceTransportPolicy": policy.value}


def _in_url(address: str) -> str:
    return f"[{address}]" if isinstance(ip_address(address), IPv6Address) else address
