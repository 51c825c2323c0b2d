"""The `turn` key: how players use the TURN pool, what each may take of it, how long a node waits for them to end."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

from components import ports
from components.settings.apps import AppSettings
from components.settings.cluster import ClusterSettings
from components.settings.ice import ExternalTurn, TransportPolicy, check_media_networks, keyed, read_external
from components.settings.isolation import closed_to_instances
from components.settings.network import NetworkSettings
from components.settings.pools import PoolsSettings
from components.settings.reading import Reader, Refusals

RELAY_PORTS = ports.TURN_RELAY[1] - ports.TURN_RELAY[0] + 1

USER_QUOTA = 16
"""Allocations of one player on one node. Chromium makes one for each TURN URL, so at most three on each network
interface; one of a tab that was closed stays for ten minutes, as do those by UDP of a browser that was killed."""
TOTAL_QUOTA = 14_000
"""Allocations of one node: coturn draws ports at random, and so one in seven is left free. 22 kB each, so 310 MB."""
MAX_MBPS = 100
"""What Unreal's encoder may send by default at most (PixelStreaming.WebRTC.MaxBitrate)."""
DRAIN_MINUTES = 60
"""How long a session may last where nothing else is said, and so how long its media is waited for."""


@dataclass(frozen=True)
class TurnSettings:
    """The `turn` key of a stack file."""

    transport_policy: TransportPolicy = TransportPolicy.RELAY
    """Which way media takes; `all` only on a cluster whose network is not the program's."""
    user_quota: int = USER_QUOTA
    """Allocations of one player on one node."""
    total_quota: int = TOTAL_QUOTA
    """Allocations of one node."""
    max_mbps: int = MAX_MBPS
    """Mbit/s of one allocation, each way; 0 for no limit."""
    capacity_mbps: int = 0
    """Mbit/s that allocations reserve together, `max_mbps` each whatever they use; 0 for no limit."""
    drain_minutes: int | None = None
    """None for what the pool's size makes sensible."""
    peers: tuple[IPv4Network, ...] = ()
    """What players may reach through the relay beside the instances: streamers outside the cluster."""
    external: tuple[ExternalTurn, ...] = ()
    """TURN services of somebody's own, offered to players after the pool."""

    def drain_minutes_of(self, pools: PoolsSettings) -> int:
        """How long a TURN pod that is to end waits for its players.

        With one node nobody else could take the players that come meanwhile: they would wait longer than those that are
        there would be interrupted.
        """
        if self.drain_minutes is not None:
            return self.drain_minutes
        return DRAIN_MINUTES if pools.turn.min > 1 else 0


def read_turn(reader: Reader) -> TurnSettings:
    """Read the `turn` key; left out, everything is as it is best on OKE."""
    settings = TurnSettings(
        transport_policy=reader.choice("transport_policy", TransportPolicy, TransportPolicy.RELAY),
        user_quota=reader.whole("user_quota", 1, 1000, USER_QUOTA),
        total_quota=reader.whole("total_quota", 1, RELAY_PORTS, TOTAL_QUOTA),
        max_mbps=reader.whole("max_mbps", 0, 10_000, MAX_MBPS),
        capacity_mbps=reader.whole("capacity_mbps", 0, 400_000, 0),
        drain_minutes=reader.whole("drain_minutes", 0, 24 * 60) if reader.has("drain_minutes") else None,
        peers=reader.networks("peers"),
        external=tuple(read_external(each) for each in reader.sections("external")) if reader.has("external") else (),
    )
    reader.close()
    return settings


def check_turn(
    turn: TurnSettings,
    apps: Sequence[AppSettings],
    cluster: ClusterSettings,
    network: NetworkSettings,
    refusals: Refusals,
) -> None:
    """Check quotas against each other, that a policy is one that works, and that networks elsewhere are elsewhere."""
    if turn.user_quota > turn.total_quota:
        refusals.add(
            "pixel:turn.user_quota", turn.user_quota, f"above total_quota, {turn.total_quota}", "Lower it or raise that"
        )
    if turn.capacity_mbps and turn.capacity_mbps < turn.max_mbps:
        problem = f"below max_mbps, {turn.max_mbps}, which each allocation reserves of it"
        refusals.add(
            "pixel:turn.capacity_mbps", turn.capacity_mbps, problem, "Raise it, lower max_mbps, or leave it out"
        )
    if turn.capacity_mbps and not turn.max_mbps:
        problem = "a capacity of which no allocation would reserve anything, with max_mbps 0"
        refusals.add("pixel:turn.capacity_mbps", turn.capacity_mbps, problem, "Set max_mbps, or leave it out")
    if cluster.existing is None:
        _check_policies(turn, apps, refusals)
    check_media_networks(keyed("pixel:turn.peers", turn.peers), closed_to_instances(network), refusals)
    check_media_networks(media_networks(turn, apps), closed_to_instances(network), refusals)


def _check_policies(turn: TurnSettings, apps: Sequence[AppSettings], refusals: Refusals) -> None:
    policies: dict[str, TransportPolicy | None] = {"pixel:turn.transport_policy": turn.transport_policy}
    policies |= {f"pixel:apps[{i}].ice.transport_policy": app.ice.transport_policy for i, app in enumerate(apps)}
    for key, policy in policies.items():
        if policy is TransportPolicy.ALL:
            refusals.add(
                key,
                policy.value,
                "of no use here: workers have no public address and send no UDP to the internet, so every player is"
                " relayed all the same, and instances learn the players' addresses",
                "Use relay, or leave it out",
            )


def stun_urls(turn: TurnSettings, app: AppSettings) -> list[str]:
    """The STUN servers that an application's streamers ask: those of the relays elsewhere, where it uses any.

    A relay lets in whom a player has heard of. Of an instance behind the NAT gateway that has to be the gateway's
    address, which the instance itself hears from a STUN server; within the VCN none is needed.
    """
    urls = [url for server in (app.ice.servers or turn.external) for url in server.urls]
    found = [re.sub(r"^turn:([^?]*).*$", r"stun:\1", url) for url in urls]
    return list(dict.fromkeys(url for url in found if url.startswith("stun:")))


def media_networks(turn: TurnSettings, apps: Sequence[AppSettings]) -> list[tuple[str, IPv4Network]]:
    """Where relays elsewhere are, with their keys in the stack file."""
    found = []
    for i, external in enumerate(turn.external):
        found += keyed(f"pixel:turn.external[{i}].networks", external.networks)
    for i, app in enumerate(apps):
        found += keyed(f"pixel:apps[{i}].ice.networks", app.ice.networks)
    return found
