"""turnserver.conf, as a pure function of a node's addresses and the settings.

Debian's coturn 4.6.1 and newer ones take every line; newer ones warn that ``no-cli`` and ``no-dtls`` are the default.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias, TypeVar

from signalling.turn.certificate import CERTIFICATE, KEY

PID_FILE: Final = "turnserver.pid"
DATABASE: Final = "turndb"
"""coturn's user database, with the secrets and the allowed peers, in its state folder."""
CONSOLE_PASSWORD: Final = "console-password"  # noqa: S105 - the name of a file
"""The file with the console's password, in coturn's state folder."""
LOG: Final = "turn.log"
"""coturn's log, in its log folder. Whoever reads it (`coturn_log.py`) keeps it short."""

Network: TypeAlias = IPv4Network | IPv6Network
Parsed = TypeVar("Parsed")

NEVER_ALLOWED: Final[tuple[tuple[str, str], ...]] = (
    ("0.0.0.0/8", "this host"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local, with the metadata service on 169.254.169.254"),
    ("224.0.0.0/3", "multicast and reserved addresses"),
    ("::/128", "this host"),
    ("::1/128", "loopback"),
    ("::ffff:0:0/96", "IPv4 in IPv6 clothes, which would pass by the IPv4 rows"),
    ("fe80::/10", "link-local"),
    ("ff00::/8", "multicast"),
    ("fd00:c1::a9fe:a9fe/128", "the metadata service of Oracle Cloud over IPv6"),
)
"""What nobody may make a peer: neither a setting nor a pod that claims such an address."""

EVERYTHING: Final = ("0.0.0.0-255.255.255.255", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")
"""Denied, both families. What coturn finds among the allowed peers it looks up no further: only those are reached."""


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
    allowed_peers: tuple[str, ...] = ()
    """Networks (CIDRs) that players may reach beside the instances, whose addresses are in the user database."""
    user_quota: int = 0
    """Allocations that one user, a player of a session, may have at once; 0 is no limit."""
    total_quota: int = 0
    """Allocations of all users at once; 0 is no limit."""
    max_mbps: int = 0
    """Mbit/s of one allocation, each way; packets beyond it are dropped. 0 is no limit."""
    capacity_mbps: int = 0
    """Mbit/s that allocations may reserve together, `max_mbps` each; 0 is no limit."""
    console_port: int | None = None
    """The port on loopback of coturn's console (`console.py`); None is no console."""
    console_password: str = field(default="", repr=False)
    """Asked by the console of whoever connects."""
    state_folder: str = "/run/turn"
    """A writable folder for the process id and coturn's user database, which holds the secrets: not this file."""
    log_folder: str | None = None
    """A writable folder for its log; None is standard output, without the fate of each request."""


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
        *_console(its),
        "no-multicast-peers",
        # Media is UDP. By TCP a player could open connections to whatever listens on the pods' network.
        "no-tcp-relay",
        *(f"denied-peer-ip={bounds}" for bounds in EVERYTHING),
        *(f"allowed-peer-ip={_range(network)}" for network in map(_allowed, its.allowed_peers)),
        *_quotas(its),
        *(["log-file=stdout", "new-log-timestamp"] if its.log_folder is None else _log(its.log_folder)),
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


def _quotas(its: TurnConfiguration) -> list[str]:
    bytes_per_second = 1_000_000 // 8
    lines = {
        "user-quota": its.user_quota,
        "total-quota": its.total_quota,
        "max-bps": its.max_mbps * bytes_per_second,
        "bps-capacity": its.capacity_mbps * bytes_per_second,
    }
    return [f"{key}={value}" for key, value in lines.items() if value]


def _console(its: TurnConfiguration) -> list[str]:
    if its.console_port is None:
        return ["no-cli"]
    return [
        "cli-ip=127.0.0.1",
        f"cli-port={its.console_port}",
        f"cli-password={its.console_password}",
        # It lists no more than so many; there are fewer ports.
        "cli-max-output-sessions=65536",
    ]


def _log(folder: str) -> list[str]:
    # No date: it would cost as much as the rest of a line, and under a flood of requests lines are what costs.
    return ["verbose", f"log-file={folder}/{LOG}", "simple-log", "no-stdout-log"]


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
    for key in ("user_quota", "total_quota", "max_mbps", "capacity_mbps"):
        if getattr(its, key) < 0:
            raise TurnConfigurationError(f"{key}={getattr(its, key)} cannot be used: give 0 for no limit, or more")
    if its.console_port is not None and not its.console_password.isalnum():
        raise TurnConfigurationError("console_password cannot be used: give letters and digits")
    if its.capacity_mbps and not its.max_mbps:
        raise TurnConfigurationError("capacity_mbps cannot be used without max_mbps: it is what each allocation takes")


def usable_peer(address: str) -> bool:
    """Whether an address may be a peer at all; a text that is none may not."""
    try:
        peer = ip_address(address)
    except ValueError:
        return False
    return not any(peer in ip_network(cidr) for cidr, _ in NEVER_ALLOWED)


def _allowed(cidr: str) -> Network:
    network: Network = _parse(ip_network, "allowed_peers", cidr, "a network such as 203.0.113.0/28")
    for never, what in NEVER_ALLOWED:
        closed = ip_network(never)
        if network.version == closed.version and network.overlaps(closed):
            raise TurnConfigurationError(f"allowed_peers={cidr!r} cannot be used: {closed} is {what}")
    return network


def _range(network: Network) -> str:
    # coturn 4.6 reads a first and a last address here, no prefix length.
    first, last = network[0], network[-1]
    return str(first) if first == last else f"{first}-{last}"


def _parse(reader: Callable[[str], Parsed], key: str, value: str, expected: str) -> Parsed:
    try:
        return reader(value)
    except ValueError as error:
        raise TurnConfigurationError(f"{key}={value!r} cannot be used: give {expected}") from error
