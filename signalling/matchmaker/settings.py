"""The matchmaker's settings: what the stack decides in a JSON file, where things are from the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from signalling.ice.servers import TransportPolicy
from signalling.limits.settings import LimitsSettings
from signalling.login.settings import LoginSettings
from signalling.regions.settings import RegionSettings
from signalling.shell import environment
from signalling.shell.environment import SettingError, require
from signalling.webhooks.settings import WebhookSettings

Name = Annotated[str, Meta(min_length=1, max_length=63, pattern="^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
Port = Annotated[int, Meta(ge=1, le=65535)]


class Sessions(StrEnum):
    """How players share an application's instances."""

    EXCLUSIVE = "exclusive"
    """A session has an instance to itself."""
    SHARED = "shared"
    """Players join an instance that has room, each with a session of its own."""


class SessionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What sessions of an application may take; 0 minutes are no limit."""

    max_minutes: Annotated[int, Meta(ge=0)] = 0
    idle_minutes: Annotated[int, Meta(ge=0)] = 0
    grace_seconds: Annotated[int, Meta(ge=0)] = 30
    """How long a lost player stays a player."""
    warning_seconds: Annotated[int, Meta(ge=0)] = 60
    """How long before an end by a limit an opted-in player hears of it."""
    players: Annotated[int, Meta(ge=1)] = 8
    """At once on one instance, the owner included."""
    reuse: bool = False
    """An instance whose session is over gets another; else it is deleted, and every player has a fresh one."""


class ApplicationSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An application players can ask for by ``?app=``."""

    name: Name
    sessions: Sessions = Sessions.EXCLUSIVE
    session: SessionSettings = SessionSettings()

    @property
    def shared(self) -> bool:
        """Whether players share instances."""
        return self.sessions is Sessions.SHARED


class TurnAccess(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How players use the TURN pool."""

    port: Port = 3478
    tls_host: str = ""
    """The name on the certificate of TURN over TLS; empty for no TLS."""
    tls_port: Port = 5349
    status_port: Port = 9641
    """Where a TURN node says how full it is, on its internal address."""
    transport_policy: TransportPolicy = TransportPolicy.RELAY
    realm: str = "pixel"
    """coturn's; the players never send it unasked."""
    credential_seconds: Annotated[int, Meta(ge=60)] = 86_400
    """How long a player's credentials last: longer than any session."""

    @property
    def tls(self) -> tuple[str, int] | None:
        """Name and port of TURN over TLS."""
        return (self.tls_host, self.tls_port) if self.tls_host else None


class ApiSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The session API."""

    public_status: bool = False
    """The reference's three routes need no key."""
    origins: tuple[str, ...] = ()
    """Pages of others that may use it."""


PolicySource = Annotated[str, Meta(pattern=r"^[^\s;,']+$")]
"""An origin in a content security policy."""


Directive = Literal["connect-src", "img-src", "frame-ancestors"]


class PlayerPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The stack file's key ``page``, as the matchmaker serves it."""

    configuration: dict[str, Any] | None = None
    """What ``config.json`` says (player/config.schema.json); None for the file that the page was built with."""
    allowed: Mapping[Directive, tuple[PolicySource, ...]] = {}
    """What the page's content security policy allows beside its own host, by directive."""


class StackSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's content. The first application is the one of a player that names none.

    Versions and their weights are not in it: each fleet tells about itself, so a new version restarts no matchmaker.
    """

    instances_namespace: Name
    applications: Annotated[tuple[ApplicationSettings, ...], Meta(min_length=1)]
    turn: TurnAccess = TurnAccess()
    page: str = ""
    """The address of the player page, ending with a slash; empty where the stack has no domain."""
    player_page: PlayerPage = PlayerPage()
    login: LoginSettings = LoginSettings()
    limits: LimitsSettings = LimitsSettings()
    origins: tuple[str, ...] = ()
    """Pages beside our own that may connect."""
    fleet_controller: bool = True
    """Whether one runs; else what it has written on fleets is of a time when one did."""
    api: ApiSettings = ApiSettings()
    webhooks: WebhookSettings = WebhookSettings()
    regions: RegionSettings = RegionSettings()

    def application(self, name: str | None) -> ApplicationSettings | None:
        """The application of that name, the first one for no name; None when there is none of that name."""
        if name is None:
            return self.applications[0]
        return next((known for known in self.applications if known.name == name), None)

    @property
    def controlled(self) -> frozenset[str]:
        """The applications whose buffers the fleet controller keeps."""
        its = self.applications if self.fleet_controller else ()
        return frozenset(application.name for application in its if not application.shared)


@dataclass(frozen=True, slots=True)
class MatchmakerSettings:
    """From the environment: ``MATCHMAKER_<FIELD>``. Every default is what the cluster uses."""

    settings: Path = Path("/etc/pixel/matchmaker.json")
    """The file with StackSettings."""
    player_host: str = "0.0.0.0"
    """Where players connect."""
    player_port: int = 3000
    """0 takes any free port. (A Service of this name sets MATCHMAKER_PORT in every pod: not a name for a field.)"""
    health_host: str = "0.0.0.0"
    health_port: int = 9000
    operations_host: str = "0.0.0.0"
    operations_port: int = 8080
    """The session API's and the operator page's."""
    instance_port: int = 3000
    """The sidecars' port for players."""
    instance_health_port: int = 9000
    """The sidecars' port for status."""
    connect_seconds: float = 5.0
    """An instance that takes longer to answer is given up."""
    max_message_bytes: int = 262_144
    """Frames over this close the connection with 1009."""
    heartbeat_seconds: float = 30.0
    """WebSocket ping interval, both ways."""
    outbox_bytes: int = 1_048_576
    """Bytes a peer may be behind before it is cut off."""
    max_players: int = 10_000
    """Connections at once; one more is refused with 503."""
    claims_at_once: int = 64
    """Claims of one application that wait for the API server's answer."""
    queue_grace_seconds: float = 30.0
    """How long a player that is lost while it waits keeps its place."""
    renewal_seconds: float = 10.0
    """How often the store is told who waits here, and whose connections are here."""
    presence_seconds: float = 2.0
    """Between two signs of life; a replica without one for three times as long is gone."""
    store_patience_seconds: float = 60.0
    """Without the store nobody new is matched for so long; then each replica goes on with its own players."""
    store_seconds: float = 2.0
    """An answer of the store that takes longer is none."""
    position_seconds: float = 2.0
    """How often waiting players' positions are looked up."""
    settled_seconds: float = 10.0
    """A player that has answered an offer has its picture after so long, and its place in the queue is used up."""
    ticket_seconds: int = 86_400
    """The life of a player's ticket: longer than any session and its wait."""
    invitation_seconds: int = 3600
    """The life of an invitation; a day at most."""
    stranded_seconds: float = 20.0
    """An instance that was claimed and has no session is deleted after so long."""
    silent_seconds: float = 60.0
    """A session's instance that is not ready and does not answer is deleted after so long."""
    stranded_interval_seconds: float = 5.0
    """How often instances of sessions that are not relayed here are asked, each by one replica."""
    turn_loads: bool = True
    """Whether TURN nodes are asked how full they are; else sessions spread evenly over them."""
    stop_seconds: float = 10.0
    """Over how long players are sent to other replicas when the matchmaker stops."""
    log_level: str = "info"

    def __post_init__(self) -> None:
        for key in ("player_port", "health_port", "operations_port", "instance_port", "instance_health_port"):
            require(0 <= getattr(self, key) <= 65535, key, getattr(self, key), "give a port from 0 to 65535")
        above = ("connect_seconds", "max_message_bytes", "heartbeat_seconds", "outbox_bytes", "claims_at_once")
        for key in (*above, "renewal_seconds", "presence_seconds", "store_seconds", "position_seconds"):
            require(getattr(self, key) > 0, key, getattr(self, key), "give a number above 0")
        require(
            0 < self.invitation_seconds <= 86_400, "invitation_seconds", self.invitation_seconds, "give up to a day"
        )


@dataclass(frozen=True, slots=True)
class Places:
    """From the environment too, by names that have no prefix."""

    turn_secret_file: Path = Path("/etc/pixel/turn/secret")
    ice_servers_file: Path = Path("/etc/pixel/ice/ice-servers.json")
    """ICE servers that are not the pool's; the file is not there where there are none."""
    ticket_seed_file: Path = Path("/etc/pixel/ticket/seed")
    """The private half of the tickets' key; ``previous`` beside it, while it is exchanged for another."""
    redis_folder: Path = Path("/etc/pixel/redis")
    """With the files ``url`` and, if there is one, ``password``. Without ``url`` this is the only replica."""
    admin_key_file: Path = Path("/etc/pixel/admin/key")
    """The key of the session API; without the file there is no API."""
    login_secret_file: Path = Path("/etc/pixel/login/secret")
    """The shared token, or the secret of HS256; only read where the login needs one."""
    webhook_key_file: Path = Path("/etc/pixel/webhooks/key")
    """What signs webhooks; only read where there are some."""
    operator_page: Path = Path("/srv/operator")
    """The folder of the operator page."""
    hostname: str = "matchmaker"
    """The pod's name; Kubernetes sets it."""
    player_page: Path = Path("/srv/player")
    """The folder of the player page."""


def read(environ: Mapping[str, str]) -> tuple[MatchmakerSettings, Places]:
    """The settings in ``environ``; SettingError names what is wrong. ``MATCHMAKER_SETTINGS`` is the file."""
    return environment.read(MatchmakerSettings, "MATCHMAKER_", environ), environment.read(Places, "", environ)


def read_stack(path: Path) -> StackSettings:
    """The settings file; SettingError names the file and what is wrong in it."""
    try:
        stack = msgspec.json.decode(path.read_bytes(), type=StackSettings)
    except OSError as error:
        raise SettingError(f"{path}: {error.strerror}; set MATCHMAKER_SETTINGS to the settings file") from error
    except msgspec.DecodeError as error:
        raise SettingError(f"{path}: {error}; correct the ConfigMap it comes from") from error
    names = [application.name for application in stack.applications]
    for name in names:
        require(names.count(name) == 1, f"{path}: applications", name, "give each application one entry")
    return stack
