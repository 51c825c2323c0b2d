"""ICE servers that are not the program's: TURN elsewhere for the whole stack, and servers of one application's own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network

from components.settings.reading import Reader, Refusals

MOST_URLS = 4
"""A browser makes an allocation for each TURN URL, and gathers more slowly with each server."""

_HOST = r"([a-z0-9-]+\.)*[a-z0-9-]+|\[[0-9a-fA-F:.]+\]"
_STUN = rf"stuns?:({_HOST})(:\d{{1,5}})?"
_TURN = rf"turns?:({_HOST})(:\d{{1,5}})?(\?transport=(udp|tcp))?"
_FORM = 'the address of a server, such as "stun:stun.example.com:3478" or "turn:turn.example.com:3478?transport=udp"'


class TransportPolicy(StrEnum):
    """Which ICE candidates a player may use."""

    ALL = "all"
    """Direct media where the networks allow it, else the relay."""
    RELAY = "relay"
    """Only through a relay."""


@dataclass(frozen=True)
class ExternalTurn:
    """A TURN service that signs in players by the TURN REST scheme, as the program's own does."""

    urls: tuple[str, ...]
    """Addresses of its servers, four at most."""
    secret: str = field(repr=False)
    """Shared with it; empty while the stack file is still encrypted."""
    networks: tuple[IPv4Network, ...]
    """Where its relays are: what instances may send media to."""


@dataclass(frozen=True)
class IceServer:
    """One entry of `iceServers`, as it goes to browsers."""

    urls: tuple[str, ...]
    """Addresses of one server, four at most."""
    username: str
    """Empty for none."""
    credential: str = field(repr=False)
    """Goes to every player."""


@dataclass(frozen=True)
class IceSettings:
    """The `ice` key of an application."""

    servers: tuple[IceServer, ...] = ()
    """In place of the stack's; none for the stack's."""
    networks: tuple[IPv4Network, ...] = ()
    """Where the relays of these servers are."""
    transport_policy: TransportPolicy | None = None
    """None for the stack's."""


STACK_S_OWN = IceSettings()
"""An application without the key."""


def read_external(reader: Reader) -> ExternalTurn:
    """Read one entry of `turn.external`."""
    key = reader.key("secret")
    external = ExternalTurn(
        urls=_urls(reader, _TURN),
        secret=reader.secret("secret", f"pulumi config set --secret --path '{key}'"),
        networks=reader.networks("networks"),
    )
    reader.close()
    return external


def read_ice(reader: Reader) -> IceSettings:
    """Read the `ice` key of an application."""
    given = reader.has("transport_policy")
    settings = IceSettings(
        servers=tuple(_read_server(each) for each in reader.sections("servers")) if reader.has("servers") else (),
        networks=reader.networks("networks"),
        transport_policy=reader.choice("transport_policy", TransportPolicy) if given else None,
    )
    reader.close()
    return settings


def _read_server(reader: Reader) -> IceServer:
    urls = _urls(reader, f"{_STUN}|{_TURN}")
    needs_access = any(url.startswith("turn") for url in urls)
    if not needs_access:
        server = IceServer(urls, "", "")
    else:
        remedy = f"pulumi config set --secret --path '{reader.key('credential')}'"
        server = IceServer(
            urls,
            reader.text("username", r"\S+", "the name that the TURN server knows"),
            reader.secret("credential", remedy),
        )
    reader.close()
    return server


def _urls(reader: Reader, pattern: str) -> tuple[str, ...]:
    urls = reader.texts("urls", pattern, _FORM)
    if len(urls) > MOST_URLS:
        remedy = f"Use at most {MOST_URLS}: each costs an allocation"
        reader.refusals.add(reader.key("urls"), list(urls), f"{len(urls)} addresses", remedy)
    return urls


def check_media_networks(
    networks: Iterable[tuple[str, IPv4Network]],
    closed: Sequence[tuple[IPv4Network, str]],
    refusals: Refusals,
) -> None:
    """Refuse networks of relays elsewhere that hold what is not elsewhere; each comes with its key."""
    for key, cidr in networks:
        for inside, what in closed:
            if cidr.overlaps(inside):
                refusals.add(
                    key, str(cidr), f"in the way of {inside}, {what}", "Use the addresses of the TURN servers alone"
                )
                break


def keyed(key: str, networks: Sequence[IPv4Network]) -> list[tuple[str, IPv4Network]]:
    """Networks with the keys under which they stand in the file."""
    return [(f"{key}[{i}]", cidr) for i, cidr in enumerate(networks)]
