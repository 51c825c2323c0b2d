"""The matchmaker: where players arrive, and who claims an idle instance for each."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import pulumi

from components import manifests, ports
from components.manifests import KubernetesObject
from components.node_pools import DEFAULT_LABEL
from components.redis import Redis
from components.settings.apps import AppSettings, ImagesSettings
from components.settings.matchmaker import MatchmakerSettings
from components.settings.sessions import SessionSettings
from components.settings.turn import TurnSettings
from components.workloads import INSTANCES_NAMESPACE, PLATFORM_NAMESPACE, TICKET_SECRET, TURN_REALM, TURN_SECRET, USER
from components.workloads.front import Front
from components.workloads.ice_servers import ICE_SERVERS
from components.workloads.namespaces import Namespaces
from components.workloads.tickets import CURRENT, PREVIOUS

_REDIS_MAP = "matchmaker-redis"
"""The ConfigMap with Redis's address, which is only known once there is one."""
_CREDENTIAL_SECONDS = 24 * 60 * 60
"""How long a session's TURN credentials hold; coturn refuses to refresh an allocation after that."""


@dataclass
class MatchmakerArgs:
    """What the matchmaker is made from."""

    settings: MatchmakerSettings
    images: ImagesSettings
    apps: tuple[AppSettings, ...]
    turn: TurnSettings
    turn_host: str | None
    """The name on TURN's certificate, in a stack that has one."""
    turn_secret: pulumi.Resource
    ticket_secret: pulumi.Resource
    redis: Redis | None
    """What several share; one alone needs none."""
    front: Front
    """Login, limits, session API, webhooks and regions."""
    namespaces: Namespaces
    nodes: pulumi.Resource


class Matchmaker(pulumi.ComponentResource):
    """The matchmakers, their settings, their Service, and their rights over instances."""

    address: pulumi.Output[str]
    """Where players reach it within the cluster."""

    def __init__(self, name: str, args: MatchmakerArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:matchmaker:Matchmaker", name, None, opts)
        its = {**matchmaker_settings(args.apps, args.turn, args.turn_host), **args.front.settings}
        settings = json.dumps(its, indent=2)
        shared = [] if args.redis is None else [args.redis, self._address(args.redis, args.namespaces)]
        manifests.apply(
            "matchmaker.yaml.j2",
            {
                "namespace": PLATFORM_NAMESPACE,
                "instances_namespace": INSTANCES_NAMESPACE,
                "images": args.images,
                "default_label": DEFAULT_LABEL,
                "secret": TURN_SECRET,
                "ice_servers": ICE_SERVERS,
                "ticket_secret": {"name": TICKET_SECRET, "current": CURRENT, "previous": PREVIOUS},
                "replicas": args.settings.replicas,
                "redis": None
                if args.redis is None
                else {"map": _REDIS_MAP, "users_secret": args.redis.users_secret, "user": "default"},
                "user": USER,
                "ports": {
                    "players": ports.PLAYERS,
                    "operations": ports.OPERATIONS,
                    "observation": ports.OBSERVATION,
                },
                "files": args.front.files,
                "settings": settings,
                "settings_hash": hashlib.sha256(settings.encode()).hexdigest()[:16],
            },
            parent=self,
            depends_on=[args.namespaces],
            rolls_out_after=[args.nodes, args.turn_secret, args.ticket_secret, *shared, *args.front.secrets],
        )
        self.address = pulumi.Output.from_input(f"http://matchmaker.{PLATFORM_NAMESPACE}:{ports.PLAYERS}/")
        self.register_outputs({"address": self.address})

    def _address(self, redis: Redis, namespaces: pulumi.Resource) -> KubernetesObject:
        metadata = {"name": _REDIS_MAP, "namespace": PLATFORM_NAMESPACE}
        document = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"url": redis.url}}
        return KubernetesObject(document, pulumi.ResourceOptions(parent=self, depends_on=[namespaces]))


def matchmaker_settings(apps: tuple[AppSettings, ...], turn: TurnSettings, turn_host: str | None) -> dict[str, Any]:
    """The matchmaker's settings file; the first application is the default one.

    No versions: fleets tell about themselves, so that a new one does not roll the matchmaker and end its sessions.
    """
    return {
        "instances_namespace": INSTANCES_NAMESPACE,
        "applications": [
            {"name": app.name, "sessions": app.session.sharing.value, "session": _session(app.session)} for app in apps
        ],
        "turn": {
            "port": ports.TURN,
            "status_port": ports.TURN_METRICS,
            **({"tls_host": turn_host, "tls_port": ports.TURN_TLS} if turn_host else {}),
            "transport_policy": turn.transport_policy.value,
            "realm": TURN_REALM,
            "credential_seconds": _CREDENTIAL_SECONDS,
        },
    }


def _session(session: SessionSettings) -> dict[str, Any]:
    """What the matchmaker has sidecars enforce, by way of tickets; how long a drain may take, the pod says itself."""
    return {
        "max_minutes": session.max_minutes,
        "idle_minutes": session.idle_minutes,
        "grace_seconds": session.grace_seconds,
        "warning_seconds": session.warning_seconds,
        "players": session.players,
        "reuse": session.reuse,
    }
