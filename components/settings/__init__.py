"""Stack configuration as frozen, validated settings. `load` is pure: a mapping in, settings or refusals out."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from pulumi.runtime.config import CONFIG, get_config_env

from components.settings.api import ApiSettings, check_api, read_api
from components.settings.apps import (
    AppSettings,
    ImagesSettings,
    check_apps,
    check_images,
    read_apps,
    read_images,
)
from components.settings.autoscaling import AutoscalingSettings, read_autoscaling
from components.settings.capacity import (
    CapacitySettings,
    check_buffers,
    check_capacity,
    check_nodes,
    read_capacity,
)
from components.settings.cluster import ClusterSettings, check_cluster, check_elsewhere, read_cluster
from components.settings.ingress import (
    CertificatesSettings,
    DnsSettings,
    IngressSettings,
    check_ingress,
    read_certificates,
    read_dns,
    read_ingress,
)
from components.settings.isolation import NetworkPoliciesSettings, check_egress, read_network_policies
from components.settings.limits import LimitsSettings, read_limits
from components.settings.login import LoginSettings, check_login, read_login
from components.settings.matchmaker import MatchmakerSettings, check_matchmaker, read_matchmaker
from components.settings.mirrors import MirrorsSettings, read_mirrors
from components.settings.monitoring import MonitoringSettings, check_monitoring, read_monitoring
from components.settings.network import NetworkSettings, check_network, read_network
from components.settings.origins import read_origins
from components.settings.page import PageSettings, check_page, read_page
from components.settings.pools import PoolsSettings, check_pools, read_pools
from components.settings.reading import Reader, Refusals, SettingsError
from components.settings.redis import RedisMode, RedisSettings, check_redis, read_redis
from components.settings.regions import RegionsSettings, check_regions, read_regions
from components.settings.registry import PULL_SECRET, Image, RegistrySettings, check_registry, image_of, read_registry
from components.settings.secrets import Secret, SecretsSettings, check_secrets, read_secrets
from components.settings.turn import TurnSettings, check_turn, read_turn
from components.settings.webhooks import WebhooksSettings, check_webhooks, read_webhooks

__all__ = ["Settings", "SettingsError", "load", "stack_config"]

_PROJECT = "pixel:"
_PROVIDERS = ("oci:", "kubernetes:")
_REGION = r"[a-z]{2,}(-[a-z]+)+-\d"
_REGION_FORM = 'a region such as "eu-frankfurt-1"'


@dataclass(frozen=True)
class Settings:
    """Everything a stack file decides."""

    region: str
    """Where everything is made."""
    home_region: str
    """The tenancy's home region, where policies are written; the stack's own region where it is left out."""
    compartment: str
    """The compartment that holds everything; one for each environment."""
    domain: str | None
    """The name under which players reach the service. Without one, a stack with an ingress has a name of a wildcard DNS
    service's."""
    network: NetworkSettings
    cluster: ClusterSettings
    pools: PoolsSettings
    images: ImagesSettings
    turn: TurnSettings
    """How media reaches players."""
    apps: tuple[AppSettings, ...]
    """The applications. Players who name none get the first."""
    autoscaling: AutoscalingSettings
    ingress: IngressSettings
    certificates: CertificatesSettings
    """HTTPS, and TURN over TLS; without it everything is plain HTTP."""
    dns: DnsSettings
    """Who writes the records of the stack's names; without it they are made by hand."""
    mirrors: MirrorsSettings
    monitoring: MonitoringSettings
    network_policies: NetworkPoliciesSettings
    """Who may talk to whom in the cluster, and what sees to it; without the key policies are enforced."""
    registry: RegistrySettings
    secrets: SecretsSettings
    redis: RedisSettings
    matchmaker: MatchmakerSettings
    login: LoginSettings
    limits: LimitsSettings
    origins: tuple[str, ...]
    """Pages, beside the service's own, whose scripts may connect to it; `*` for any."""
    api: ApiSettings
    webhooks: WebhooksSettings
    regions: RegionsSettings
    page: PageSettings
    capacity: CapacitySettings

    @property
    def own_images(self) -> tuple[Image, ...]:
        """Where the images of the project and of the applications are, those that the stack file names itself."""
        images = self.images
        references = [images.signalling, images.turn, images.capacity, *(app.image for app in self.apps)]
        return tuple(dict.fromkeys(image_of(reference) for reference in references if reference))

    @property
    def wanted_secrets(self) -> frozenset[Secret]:
        """The secrets that something in this stack uses."""
        redis = self.redis.mode is RedisMode.IN_CLUSTER
        always = dict.fromkeys((Secret.TURN, Secret.TICKET, Secret.ADMIN), True)
        used = {
            **always,
            Secret.GRAFANA: self.monitoring.enabled,
            Secret.REDIS: redis,
            Secret.WEBHOOKS: bool(self.webhooks.endpoints),
        }
        return frozenset(secret for secret, needed in used.items() if needed)


def load(config: Mapping[str, Any]) -> Settings:
    """Settings from the `config` mapping of a stack file, keys with their namespaces.

    Raises:
        SettingsError: with one line for each key that is missing, unknown or of a wrong value.
    """
    refusals = Refusals()
    region = _read_providers(config, refusals)
    root = Reader(
        {key.removeprefix(_PROJECT): value for key, value in config.items() if key.startswith(_PROJECT)},
        _PROJECT,
        refusals,
    )
    compartment = root.text(
        "compartment",
        r"ocid1\.(compartment|tenancy)\.oc\d+\.\.\w+",
        'the OCID of a compartment, "ocid1.compartment.oc1..…"',
    )
    cluster = read_cluster(root.section("cluster"))
    capacity = read_capacity(root.section("capacity", optional=True))
    registry = read_registry(root.section("registry", optional=True))
    redis = read_redis(root.section("redis", optional=True))
    pull_secret = PULL_SECRET if registry.pull is not None else None
    settings = Settings(
        region=region,
        home_region=root.text("home_region", _REGION, _REGION_FORM) if root.has("home_region") else region,
        compartment=compartment,
        domain=_read_domain(root),
        network=read_network(root.section("network")),
        cluster=cluster,
        pools=read_pools(root.section("pools"), region, existing=cluster.existing is not None),
        images=replace(read_images(root.section("images")), pull_secret=pull_secret),
        turn=read_turn(root.section("turn", optional=True)),
        apps=read_apps(root, capacity.timezone),
        autoscaling=read_autoscaling(root.section("autoscaling", optional=True)),
        ingress=read_ingress(root.section("ingress", optional=True)),
        certificates=read_certificates(root.section("certificates", optional=True)),
        dns=read_dns(root.section("dns", optional=True)),
        mirrors=read_mirrors(root.section("mirrors", optional=True)),
        monitoring=read_monitoring(root.section("monitoring", optional=True)),
        network_policies=read_network_policies(root.section("network_policies", optional=True)),
        registry=registry,
        secrets=read_secrets(root.section("secrets", optional=True)),
        redis=redis,
        matchmaker=read_matchmaker(root.section("matchmaker", optional=True), redis),
        login=read_login(root.section("login", optional=True)),
        limits=read_limits(root.section("limits", optional=True)),
        origins=read_origins(root),
        api=read_api(root.section("api", optional=True)),
        webhooks=read_webhooks(root.section("webhooks", optional=True)),
        regions=read_regions(root.section("regions", optional=True)),
        page=read_page(root.section("page", optional=True)),
        capacity=capacity,
    )
    root.close()
    refusals.stop()
    check_network(settings.network, f"{_PROJECT}network.", refusals)
    check_cluster(settings.cluster, settings.network, refusals)
    check_elsewhere(settings.cluster, settings.ingress.enabled, refusals)
    check_pools(
        settings.pools,
        settings.cluster,
        settings.network,
        refusals,
        other_turn=bool(settings.turn.external),
        cache_nodes=settings.redis.nodes if settings.redis.mode is RedisMode.MANAGED else 0,
    )
    check_images(settings.images, refusals)
    check_monitoring(settings.monitoring, settings.pools, refusals)
    check_apps(settings.apps, settings.pools, controlled=settings.capacity.enabled, refusals=refusals)
    check_capacity(settings.capacity, settings.images, refusals)
    check_nodes(settings.capacity, settings.pools, settings.cluster, settings.monitoring, refusals)
    check_buffers(settings.apps, settings.cluster, settings.autoscaling, settings.monitoring, refusals)
    check_egress(settings.apps, settings.network, refusals)
    check_turn(settings.turn, settings.apps, settings.cluster, settings.network, refusals)
    check_ingress(settings.ingress, settings.certificates, settings.dns, settings.domain, refusals)
    check_registry(settings.registry, settings.own_images, region, refusals)
    check_secrets(settings.secrets, settings.wanted_secrets, refusals)
    check_redis(settings.redis, settings.cluster, refusals)
    check_matchmaker(settings.matchmaker, settings.redis, refusals)
    check_login(settings.login, refusals)
    check_api(settings.api, settings.ingress, refusals)
    check_webhooks(settings.webhooks, settings.apps, refusals)
    check_regions(settings.regions, settings.domain, settings.ingress, settings.certificates, refusals)
    check_page(settings.page, settings.login, refusals)
    refusals.stop()
    return settings


def stack_config() -> dict[str, Any]:
    """The whole configuration of the stack that runs, structured values decoded.

    `pulumi.Config` answers for keys it is asked for; only the whole mapping shows a key that nobody asks for.
    """
    flat: dict[str, Any] = get_config_env() | CONFIG.get()
    return {key: _decoded(value) for key, value in flat.items()}


def _decoded(value: Any) -> Any:  # noqa: ANN401 - what a YAML file holds
    """A value as the stack file has it; a text that only looks like a structure, such as `{{ domain }}`, stays one."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        with suppress(json.JSONDecodeError):
            return json.loads(value)
    return value


def _read_domain(root: Reader) -> str | None:
    if not root.has("domain"):
        return None
    return root.text("domain", r"([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}", 'a host name such as "play.example.com"')


def _read_providers(config: Mapping[str, Any], refusals: Refusals) -> str:
    """The region, or nothing if it was refused.

    Every other key of a provider is refused: default providers are off, and the explicit ones do not read them.
    """
    values = {key: value for key, value in config.items() if key.startswith(_PROVIDERS)}
    reader = Reader(values, "", refusals)
    region = reader.text("oci:region", _REGION, _REGION_FORM)
    usable = not refusals.lines
    reader.close()
    return region if usable else ""
