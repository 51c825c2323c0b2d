"""How much one player, one address and one application may take. 0 is no limit."""

from dataclasses import dataclass
from ipaddress import IPv4Network

from components.settings.network import PODS_CIDR
from components.settings.reading import Reader


@dataclass(frozen=True)
class LimitsSettings:
    """The `limits` key."""

    sessions_per_subject: int = 0
    """At once, those who wait included; of players that logged in as somebody."""
    sessions_per_address: int = 0
    """At once, those who wait included; of one address."""
    queue_length: int = 1000
    """Players that wait for one application."""
    upgrades_per_minute: int = 120
    """Connections that one address may ask for."""
    upgrades_burst: int = 60
    """Of those, at once."""
    trusted_proxies: tuple[IPv4Network, ...] | None = None
    """Whose X-Forwarded-For is believed; None for Traefik's pods, where the stack has an ingress."""

    def proxies(self, *, ingress: bool) -> tuple[IPv4Network, ...]:
        """The trusted networks."""
        if self.trusted_proxies is not None:
            return self.trusted_proxies
        return (PODS_CIDR,) if ingress else ()


def read_limits(reader: Reader) -> LimitsSettings:
    """Read the `limits` key."""
    its = LimitsSettings
    settings = LimitsSettings(
        sessions_per_subject=reader.whole("sessions_per_subject", 0, 10_000, its.sessions_per_subject),
        sessions_per_address=reader.whole("sessions_per_address", 0, 10_000, its.sessions_per_address),
        queue_length=reader.whole("queue_length", 0, 100_000, its.queue_length),
        upgrades_per_minute=reader.whole("upgrades_per_minute", 0, 100_000, its.upgrades_per_minute),
        upgrades_burst=reader.whole("upgrades_burst", 1, 10_000, its.upgrades_burst),
        trusted_proxies=reader.networks("trusted_proxies") if reader.has("trusted_proxies") else None,
    )
    reader.close()
    return settings
