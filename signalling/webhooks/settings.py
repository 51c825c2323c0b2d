"""Where events are told, as the stack decides it."""

from typing import Annotated

import msgspec
from msgspec import Meta

from signalling.outgoing.addresses import RefusedUrl, checked
from signalling.webhooks.events import EventType


class Endpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One server that hears of events."""

    url: Annotated[str, Meta(max_length=2048)]
    events: tuple[EventType, ...] = tuple(EventType)
    applications: tuple[str, ...] = ()
    """Whose sessions; empty for all."""


class WebhookSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``webhooks`` member of the settings file. The key that signs is not in it: it is a file."""

    endpoints: tuple[Endpoint, ...] = ()
    private: bool = False
    """Whether endpoints may have private addresses. Names are looked up each time, and any may lead inside."""

    def __post_init__(self) -> None:
        for endpoint in self.endpoints:
            try:
                checked(endpoint.url, private=self.private)
            except RefusedUrl as error:
                raise ValueError(f"webhooks: {error}; use https and a public name, or set webhooks.private") from error
