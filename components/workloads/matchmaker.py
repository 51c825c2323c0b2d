"""The matchmaker: where players arrive, and who claims an idle instance for each."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import pulumi

from components import manifests, ports
from components.node_pools import DEFAULT_LABEL
from components.settings.apps import AppSettings, ImagesSettings
from components.settings.turn import TurnSettings
from components.workloads import INSTANCES_NAMESPACE, PLATFORM_NAMESPACE, TURN_REALM, TURN_SECRET, USER
from components.workloads.ice_servers import ICE_SERVERS
from components.workloads.namespaces import Namespaces

REPLICAS = 1
"""Each matchmaker keeps a queue of its own, so until they share one, two would seat players out of turn."""

_CREDENTIAL_SECONDS = 24 * 60 * 60
"""How long a session's TURN credentials hold; coturn refuses to refresh an allocation after that."""


@dataclass
class MatchmakerArgs:
    """What the matchmaker is made from."""

    images: ImagesSettings
    apps: tuple[AppSettings, ...]
    turn: TurnSettings
    turn_host: str | None
    """The name on TURN's certificate, in a stack that has one."""
    turn_secret: pulumi.Resource
    namespaces: Namespaces
    nodes: pulumi.Resource


class Matchmaker(pulumi.ComponentResource):
    """One matchmaker, its settings, its Service, and its rights over instances."""

    address: pulumi.Output[str]
    """Where players reach it within the cluster."""

    def __init__(self, name: str, args: MatchmakerArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:matchmaker:Matchmaker", name, None, opts)
        settings = json.dumps(matchmaker_settings(args.apps, args.turn, args.turn_host), indent=2)
        manifests.apply(
            "matchmaker.yaml.j2",
            {
                "namespace": PLATFORM_NAMESPACE,
                "instances_namespace": INSTANCES_NAMESPACE,
                "images": args.images,
                "default_label": DEFAULT_LABEL,
                "secret": TURN_SECRET,
                "ice_servers": ICE_SERVERS,
                "replicas": REPLICAS,
                "user": USER,
                "ports": {"players": ports.PLAYERS, "observation": ports.OBSERVATION},
                "settings": settings,
                "settings_hash": hashlib.sha256(settings.encode()).hexdigest()[:16],
            },
            parent=self,
            depends_on=[args.namespaces],
            rolls_out_after=[args.nodes, args.turn_secret],
        )
        self.address = pulumi.Output.from_input(f"http://matchmaker.{PLATFORM_NAMESPACE}:{ports.PLAYERS}/")
        self.register_outputs({"address": self.address})


def matchmaker_settings(apps: tuple[AppSettings, ...], turn: TurnSettings, turn_host: str | None) -> dict[str, Any]:
    """The matchmaker's settings file; the first application is the default one.

    No versions: fleets tell about themselves, so that a new one does not roll the matchmaker and end its sessions.
    """
    return {
        "instances_namespace": INSTANCES_NAMESPACE,
        "applications": [{"name": app.name} for app in apps],
        "turn": {
            "port": ports.TURN,
            **({"tls_host": turn_host, "tls_port": ports.TURN_TLS} if turn_host else {}),
            "transport_policy": turn.transport_policy.value,
            "realm": TURN_REALM,
            "credential_seconds": _CREDENTIAL_SECONDS,
        },
    }
