"""What the matchmaker has beside its players' connections: its part of the settings, its secrets, and its ways out.

Secrets reach the pod as files only. Where other servers are is known to a stack by name, and NetworkPolicies know
addresses only: so each way out leads to the networks that the stack file names or, where it names none, to every
address that is not private, on that server's port. What is asked there has to prove itself by its certificate.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any
from urllib.parse import urlsplit

import pulumi

from components import ports
from components.manifests import KubernetesObject
from components.secrets import SecretValue, kubernetes_secret, read_back, word_of
from components.settings import Settings
from components.settings.kept import Kept
from components.settings.login import LoginMode, LoginSettings
from components.settings.regions import Peer, Place
from components.settings.secrets import Secret
from components.workloads import PLATFORM_NAMESPACE
from components.workloads.network_policies import MATCHMAKER, TRAEFIK, Block, Opening, Port, Way
from components.workloads.player_page import page_configuration, page_policy

ADMIN_SECRET = "admin-key"  # noqa: S105 - the name of the object
WEBHOOK_SECRET = "webhook-key"  # noqa: S105
LOGIN_SECRET = "login-secret"  # noqa: S105
_PREVIOUS = "previous"
_ANYWHERE = IPv4Network("0.0.0.0/0")
NOT_PUBLIC = tuple(
    IPv4Network(each)
    for each in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "224.0.0.0/3",
    )
)
"""Addresses that are not the internet's: the VCN, pods, Services and the metadata service are among them."""


@dataclass(frozen=True)
class File:
    """A file of the matchmaker's pod, below /etc/pixel."""

    secret: str
    key: str
    path: str
    optional: bool = False


@dataclass
class FrontArgs:
    """What it is made from."""

    its: Settings
    secrets: Mapping[Secret, SecretValue]
    namespaces: pulumi.Resource


class Front(pulumi.ComponentResource):
    """The secrets. It needs both providers: that of the region reads what a vault keeps."""

    settings: Mapping[str, Any]
    """Its members of the matchmaker's settings file."""
    files: tuple[File, ...]
    secrets: list[pulumi.Resource]
    """What the matchmaker's pods wait for."""

    def __init__(self, name: str, args: FrontArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:front:Front", name, None, opts)
        self._namespaces = args.namespaces
        self.settings = settings(args.its)
        self.files = tuple(files(args.its))
        self.secrets = [self._made(ADMIN_SECRET, args.secrets[Secret.ADMIN])]
        if args.its.webhooks.endpoints:
            self.secrets.append(self._made(WEBHOOK_SECRET, args.secrets[Secret.WEBHOOKS]))
        if args.its.login.secret is not None:
            self.secrets.append(self._given(args.its.login, args.its.login.secret))
        self.register_outputs({"adminSecret": ADMIN_SECRET})

    def _made(self, name: str, value: SecretValue) -> KubernetesObject:
        previous = {} if value.previous is None else {_PREVIOUS: value.previous}
        return kubernetes_secret(
            name,
            PLATFORM_NAMESPACE,
            {"key": value.current, **previous},
            parent=self,
            depends_on=[self._namespaces],
            drawn=value.drawn,
        )

    def _given(self, login: LoginSettings, secret: Kept) -> KubernetesObject:
        key = "token" if login.mode is LoginMode.SHARED else "secret"
        previous = {} if login.previous is None else {_PREVIOUS: self._text(login.previous, f"previous_{key}")}
        return kubernetes_secret(
            LOGIN_SECRET,
            PLATFORM_NAMESPACE,
            {"secret": self._text(secret, key), **previous},
            parent=self,
            depends_on=[self._namespaces],
        )

    def _text(self, kept: Kept, key: str) -> pulumi.Output[str]:
        if kept.ocid is None:
            return pulumi.Output.secret(kept.value)
        return read_back(kept.ocid, self).apply(lambda content: word_of(content, f"pixel:login.{key}"))


def files(its: Settings) -> Iterator[File]:
    """The files that this stack's matchmakers read their secrets from; the previous ones come and go."""
    used = {
        (ADMIN_SECRET, "key", "admin"): True,
        (WEBHOOK_SECRET, "key", "webhooks"): bool(its.webhooks.endpoints),
        (LOGIN_SECRET, "secret", "login"): its.login.secret is not None,
    }
    for (secret, key, folder), needed in used.items():
        if needed:
            yield File(secret, key, f"{folder}/{key}")
            yield File(secret, _PREVIOUS, f"{folder}/{_PREVIOUS}", optional=True)


def settings(its: Settings) -> dict[str, Any]:
    """What the matchmaker is told of it; no secret is in it."""
    reachable = its.ingress.enabled and its.domain
    scheme = "https" if its.certificates.enabled else "http"
    return {
        "page": f"{scheme}://{its.domain}/" if reachable else "",
        "player_page": {
            "configuration": page_configuration(its.page, its.regions.name or its.region),
            "allowed": page_policy(its.page),
        },
        "login": _login(its.login),
        "limits": {
            "sessions_per_subject": its.limits.sessions_per_subject,
            "sessions_per_address": its.limits.sessions_per_address,
            "queue_length": its.limits.queue_length,
            "upgrades_per_minute": its.limits.upgrades_per_minute,
            "upgrades_burst": its.limits.upgrades_burst,
            "trusted_proxies": [str(each) for each in its.limits.proxies(ingress=its.ingress.enabled)],
        },
        "origins": list(its.origins),
        "fleet_controller": its.capacity.enabled,
        "api": {"public_status": its.api.public_status, "origins": list(its.api.origins)},
        "webhooks": {
            "endpoints": [
                {"url": each.url, "events": list(each.events), "applications": list(each.apps)}
                for each in its.webhooks.endpoints
            ],
            "private": its.webhooks.private,
        },
        "regions": {
            "name": its.regions.name,
            **_place(its.regions.place),
            "peers": [_peer(peer) for peer in its.regions.peers],
        },
    }


def _login(login: LoginSettings) -> dict[str, Any]:
    return {
        "mode": login.mode.value,
        "algorithms": [algorithm.value for algorithm in login.algorithms],
        "issuer": login.issuer,
        "audience": login.audience,
        "jwks": login.jwks,
        "leeway_seconds": login.leeway_seconds,
    }


def _peer(peer: Peer) -> dict[str, Any]:
    return {"name": peer.name, "url": peer.url, "weight": peer.weight, **_place(peer.place)}


def _place(place: Place | None) -> dict[str, Any]:
    return {} if place is None else {"place": {"latitude": place.latitude, "longitude": place.longitude}}


def openings(its: Settings) -> Iterator[Opening]:
    """The rows of NetworkPolicies that this stack needs beside the table of everybody's."""
    if its.api.public:
        reason = "Session API and operator page"
        operations = _tcp([ports.OPERATIONS])
        yield Opening("operators-through-ingress", MATCHMAKER, Way.FROM, (TRAEFIK,), operations, reason)
        yield Opening("traefik-to-operations", TRAEFIK, Way.TO, (MATCHMAKER,), operations, reason)
    if its.webhooks.endpoints:
        numbers = [endpoint.port for endpoint in its.webhooks.endpoints]
        yield _out("matchmaker-to-webhooks", its.webhooks.networks, numbers, "Events of sessions")
    if its.login.jwks:
        yield _out("matchmaker-to-issuer", its.login.networks, [_port(its.login.jwks)], "The issuer's public keys")
    if its.regions.peers:
        yield _out(
            "matchmaker-to-regions", its.regions.networks, [ports.HTTPS], "Room and public keys of other regions"
        )


def _out(name: str, networks: Sequence[IPv4Network], numbers: Sequence[int], reason: str) -> Opening:
    blocks = tuple(map(Block, networks)) or (Block(_ANYWHERE, NOT_PUBLIC),)
    return Opening(name, MATCHMAKER, Way.TO, blocks, _tcp(numbers), reason)


def _tcp(numbers: Sequence[int]) -> tuple[Port, ...]:
    return tuple(Port("TCP", number) for number in sorted(set(numbers)))


def _port(url: str) -> int:
    return urlsplit(url).port or ports.HTTPS
