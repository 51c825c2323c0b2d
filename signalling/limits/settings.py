"""Limits as the stack decides them; 0 is no limit."""

from ipaddress import ip_network
from typing import Annotated

import msgspec
from msgspec import Meta

from signalling.limits.addresses import Network

Count = Annotated[int, Meta(ge=0)]


class LimitsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``limits`` member of the settings file."""

    sessions_per_subject: Count = 0
    """At once, waiting ones included; of players that logged in as somebody."""
    sessions_per_address: Count = 0
    """The same by address. Whole offices share one."""
    queue_length: Count = 0
    """Players that wait for one application."""
    upgrades_per_minute: Count = 120
    """Connections that one address may ask for, whatever becomes of them."""
    upgrades_burst: Annotated[int, Meta(ge=1)] = 60
    """Of those, at once."""
    trusted_proxies: tuple[str, ...] = ()
    """Networks whose X-Forwarded-For is believed."""

    def __post_init__(self) -> None:
        for each in self.trusted_proxies:
            ip_network(each)

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The trusted networks."""
        return tuple(ip_network(each) for each in self.trusted_proxies)
