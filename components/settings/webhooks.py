"""Servers that hear of sessions."""

import re
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network

from components.settings.apps import AppSettings
from components.settings.reading import PORT, Reader, Refusals

_PUBLIC = rf"https://([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{{2,}}(:{PORT})?(/[^\s?#]*)?"
_ANY = rf"https://[a-z0-9.-]+(:{PORT})?(/[^\s?#]*)?|http://(localhost|127(\.\d{{1,3}}){{3}})(:{PORT})?(/[^\s?#]*)?"


class Event(StrEnum):
    """What can be heard of."""

    QUEUED = "session.queued"
    STARTED = "session.started"
    ENDED = "session.ended"
    FAILED = "session.failed"


@dataclass(frozen=True)
class Endpoint:
    """One server."""

    url: str
    """Where events are sent."""
    events: tuple[Event, ...]
    """What it hears of; all where it is left out."""
    apps: tuple[str, ...]
    """Applications whose sessions it hears of; empty for all."""

    @property
    def port(self) -> int:
        """Where it listens."""
        found = re.match(r"(https?)://[^/:]+(?::(\d+))?", self.url)
        if found is None:
            return 443
        return int(found[2]) if found[2] else {"http": 80, "https": 443}[found[1]]


@dataclass(frozen=True)
class WebhooksSettings:
    """The `webhooks` key; without it nobody hears of anything."""

    endpoints: tuple[Endpoint, ...] = ()
    """The servers."""
    private: bool = False
    """Whether they may have addresses that are not the internet's."""
    networks: tuple[IPv4Network, ...] = ()
    """Where they are; empty for anywhere on the internet."""


def read_webhooks(reader: Reader) -> WebhooksSettings:
    """Read the `webhooks` key."""
    if not reader.values:
        reader.close()
        return WebhooksSettings()
    private = reader.flag("private") if reader.has("private") else False
    settings = WebhooksSettings(
        endpoints=tuple(_read_endpoint(each, private=private) for each in reader.sections("endpoints")),
        private=private,
        networks=reader.networks("networks"),
    )
    reader.close()
    return settings


def _read_endpoint(reader: Reader, *, private: bool) -> Endpoint:
    form = 'an address such as "https://hooks.example.com/pixel", without a query: it is no place for a secret'
    known = [event.value for event in Event]
    endpoint = Endpoint(
        url=reader.text("url", _ANY if private else _PUBLIC, form),
        events=tuple(Event(e) for e in reader.texts("events", "|".join(known), f"one of {', '.join(known)}", known)),
        apps=reader.texts("apps", r"[a-z0-9-]+", "the name of an application", []),
    )
    reader.close()
    return endpoint


def check_webhooks(webhooks: WebhooksSettings, apps: tuple[AppSettings, ...], refusals: Refusals) -> None:
    """Refuse applications that there are not, one server twice, and private addresses without their networks."""
    known = [app.name for app in apps]
    for i, endpoint in enumerate(webhooks.endpoints):
        if endpoint.url in (other.url for other in webhooks.endpoints[:i]):
            key, remedy = f"pixel:webhooks.endpoints[{i}].url", "Name each server once, with all its events"
            refusals.add(key, endpoint.url, "named twice", remedy)
        for j, app in enumerate(endpoint.apps):
            if app not in known:
                key = f"pixel:webhooks.endpoints[{i}].apps[{j}]"
                refusals.add(key, app, "no application of this stack", f"Known: {', '.join(known)}")
    if webhooks.private and not webhooks.networks:
        remedy = "Set webhooks.networks to those networks: no other private address is opened to the matchmaker"
        refusals.add("pixel:webhooks.private", True, "true without the networks that the servers are in", remedy)
