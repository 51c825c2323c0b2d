"""turnserver.conf, as a pure function of a node's addresses and the settings.

Debian's coturn 4.6.1 and newer ones take every line; newer ones warn that ``no-cli`` and ``no-dtls`` are the default.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias, TypeVar

from signalling.turn.certificate import CERTIFICATE, KEY

PID_FILE: Final = "turnserver.pid"
DATABASE: Final = "turndb"
"""coturn's user database, with the secrets, in its state folder."""

Network: TypeAlias = IPv4Network | IPv6Network
Parsed = TypeVar("Parsed")

ALWAYS_DENIED: Final[tuple[tuple[str, str], ...]] = (
    ("0.0.0.0/8", "this host"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local, with the metadata service on 169.254.169.254"),
    ("::1/128", "loopback"),
    ("::ffff:0:0/96", "IPv4 in IPv6 clothes, which would pass by the IPv4 rows"),
    ("fe80::/10", "link-local"),
    ("fd00:c1::a9fe:a9fe/128", "the metadata service of Oracle Cloud over IPv6"),
)
"""Peers that no player may reach through the relay. The pods' networks are not here: the streamers are there.

``::`` is missing because coturn takes it, as the start of a range, for "no start": the line would deny every IPv4 peer.
That address it refuses by itself.
"""


class TurnConfigurationError(ValueError):
    """A value that cannot go into the file; the text names it and the remedy."""


@dataclass(frozen=True, slots=True)
class TurnConfiguration:
    """What varies between nodes and stacks."""

    listening_address: str
    """The node's own address: coturn listens and relays on it."""
    external_address: str | None
    """The address players see, when a gateway translates it to the node's own; None when they are the same."""
    realm: str = "pixel"
    port: int = 3478
    tls_port: int = 5349
    certificate_folder: str | None = None
    """Where the certificate is, or will be: without it in there coturn starts without its TLS port. None is no TLS."""
    min_port: int = 49152
    max_port: int = 65535
    denied_peers: tuple[str, ...] = ()
    """Further networks (CIDRs) that no player may reach."""
    state_folder: str = "/run/turn"
    """A writable folder for the process id and coturn's user database, which holds the secrets: not this file."""


def render(its: TurnConfiguration) -> str:
    """The file's text."""
    _check(its)
    lines = [
        f"listening-ip={its.listening_address}",
        f"listening-port={its.port}",
        f"relay-ip={its.listening_address}",
        *([f"external-ip={its.external_address}/{its.listening_address}"] if its.external_address else []),
        f"min-port={its.min_port}",
        f"max-port={its.max_port}",
        f"realm={its.realm}",
        "use-auth-secret",
        "fingerprint",
        *_tls(its),
        "no-dtls",
        "no-cli",
        "no-multicast-peers",
        # Media is UDP. By TCP a player could open connections to whatever listens on the pods' network.
        "no-tcp-relay",
        *(f"denied-peer-ip={_range(network)}" for network in _denied(its.denied_peers)),
        "log-file=stdout",
        "new-log-timestamp",
        f"pidfile={its.state_folder}/{PID_FILE}",
        f"userdb={its.state_folder}/{DATABASE}",
    ]
    return "\n".join(lines) + "\n"


def _tls(its: TurnConfiguration) -> list[str]:
    if its.certificate_folder is None:
        return ["no-tls"]
    return [
        f"tls-listening-port={its.tls_port}",
        f"cert={its.certificate_folder}/{CERTIFICATE}",
        f"pkey={its.certificate_folder}/{KEY}",
        "no-tlsv1",
        "no-tlsv1_1",
    ]


def _check(its: TurnConfiguration) -> None:
    for key in ("listening_address", "external_address"):
        value = getattr(its, key)
        if value is not None:
            _parse(ip_address, key, value, "an IP address")
    for key in ("port", "tls_port"):
        port = getattr(its, key)
        if not 1 <= port <= 65535:
            raise TurnConfigurationError(f"{key}={port} cannot be used: give a port from 1 to 65535")
    if not 1024 <= its.min_port <= its.max_port <= 65535:
        raise TurnConfigurationError(
            f"min_port={its.min_port}, max_port={its.max_port} cannot be used: give 1024 <= min <= max <= 65535"
        )
    if not its.realm or not all(letter.isalnum() or letter in ".-" for letter in its.realm):
        raise TurnConfigurationError(f"realm={its.realm!r} cannot be used: give letters, digits, dots and hyphens")


def _denied(more: Iterable[str]) -> list[Network]:
    given = [_parse(ip_network, "denied_peers", cidr, "a network such as 10.0.0.0/28") for cidr in more]
    for network in given:
        if network[0].is_unspecified and (network.version == 6 or network.num_addresses == 1):
            raise TurnConfigurationError(
                f"denied_peers='{network}' cannot be used: coturn would deny every peer; give a later network"
            )
    return [*(ip_network(cidr) for cidr, _ in ALWAYS_DENIED), *given]


def _range(network: Network) -> str:
    # coturn 4.6 reads a first and a last address here, no prefix length.
    first, last = network[0], network[-1]
    return str(first) if first == last else f"{first}-{last}"


def _parse(reader: Callable[[str], Parsed], key: str, value: str, expected: str) -> Parsed:
    try:
        return reader(value)
    except ValueError as error:
        raise TurnConfigurationError(f"{key}={value!r} cannot be used: give {expected}") from error
