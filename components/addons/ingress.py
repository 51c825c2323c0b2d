"""The way in: Gateway API, Traefik behind a load balancer with an address of its own, and the routes to what it serves.

Routes are a table. That of the session API is there only where the stack makes it public: it has a port of its own.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pulumi

from components import manifests, oci, ports
from components.addons.helm import Release, pinned
from components.addons.monitoring import GRAFANA_SERVICE
from components.network import Network
from components.node_pools import DEFAULT_LABEL
from components.oci import OciResource
from components.settings import Settings
from components.settings.ingress import WildcardDns
from components.versions import GATEWAY_API
from components.workloads import INGRESS_NAMESPACE, MONITORING_NAMESPACE, PLATFORM_NAMESPACE

GATEWAY = "pixel"
"""Name of the Gateway and of its class."""
CERTIFICATE = "gateway-tls"
"""The Secret that the Gateway takes its certificate from."""


@dataclass(frozen=True)
class Route:
    """One row: the names and paths that lead to a Service."""

    name: str
    namespace: str
    service: str
    port: int
    subdomain: str = ""
    """Stands before the stack's host name; empty for that name itself."""
    paths: tuple[str, ...] = ("/",)
    host: str = ""
    """Stands in place of the stack's host name, where a route has one of its own."""
    records: bool = True
    """Whether external-dns keeps records of its name."""

    @property
    def place(self) -> str:
        """What tells its host name from those of other routes."""
        return self.host or self.subdomain


PLAYERS = Route("players", PLATFORM_NAMESPACE, "matchmaker", ports.PLAYERS, paths=("/ws", "/"))
"""Signalling and the page that starts it; the page's own path takes WebSockets too."""
OPERATIONS = Route("operations", PLATFORM_NAMESPACE, "matchmaker", ports.OPERATIONS, paths=("/api", "/operator"))
"""The session API, behind its own key. The longest path wins, so the page's route does not."""
GRAFANA = Route("grafana", MONITORING_NAMESPACE, GRAFANA_SERVICE, ports.HTTP, subdomain="grafana")


@dataclass
class IngressArgs:
    """What the way in is made from."""

    its: Settings
    network: Network | None
    """None where the cluster exists already: then it decides the load balancer's subnet."""
    namespaces: pulumi.Resource
    nodes: pulumi.Resource
    tags: Mapping[str, str]
    after: Sequence[pulumi.Resource] = ()
    """What brings the kinds that the release makes objects of, such as ServiceMonitor."""


class Ingress(pulumi.ComponentResource):
    """Load balancer, Gateway and routes."""

    address: pulumi.Output[str]
    """What the names of the stack lead to; it outlives the load balancer."""
    hosts: Mapping[str, pulumi.Input[str]]
    """Host names by the places of the routes."""
    url: pulumi.Output[str]
    """Where players find the page."""
    kinds: list[pulumi.Resource]
    """The kinds of Gateway API."""
    gateway: list[pulumi.Resource]
    """What routes, and the answers to challenges, attach to."""

    def __init__(self, name: str, args: IngressArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__("pixel:ingress:Ingress", name, None, opts)
        self._its = args.its
        self._https = args.its.certificates.enabled
        self.kinds = [
            manifests.KubernetesObject(document, pulumi.ResourceOptions(parent=self))
            for document in manifests.vendored(f"gateway-api-{GATEWAY_API}-standard.json")
        ]
        self.address = self._public_address(args)
        routed = list(routes(args.its))
        self.hosts = {each.place: each.host or self._host(each.subdomain) for each in routed}
        release = self._traefik(args)
        self.gateway = manifests.apply(
            "ingress.yaml.j2",
            {
                "namespace": INGRESS_NAMESPACE,
                "gateway": GATEWAY,
                "listeners": ports.INGRESS_LISTENERS,
                "https": self._https,
                "certificate": CERTIFICATE,
                "route_namespaces": sorted({INGRESS_NAMESPACE, *(each.namespace for each in routed)}),
            },
            parent=self,
            depends_on=[args.namespaces, release],
        )
        for each in routed:
            self._route(each, args.namespaces)
        scheme = "https" if self._https else "http"
        self.url = pulumi.Output.concat(scheme, "://", self.hosts[PLAYERS.subdomain], "/")
        self.register_outputs({"address": self.address, "url": self.url})

    def _public_address(self, args: IngressArgs) -> pulumi.Output[str]:
        address = OciResource(
            oci.PUBLIC_IP,
            "ingress-address",
            {
                "compartmentId": args.its.compartment,
                "lifetime": "RESERVED",
                "displayName": f"{args.its.cluster.name}-ingress",
                "freeformTags": dict(args.tags),
            },
            pulumi.ResourceOptions(
                parent=self,
                protect=args.its.cluster.protect,
                # The load balancer takes it, and that shows here.
                ignore_changes=["privateIpId"],
            ),
            outputs=["ipAddress"],
        )
        return address.output("ipAddress")

    def _host(self, subdomain: str) -> pulumi.Input[str]:
        domain = self._its.domain
        if domain:
            return host(subdomain, domain)
        return self.address.apply(lambda address: host(subdomain, wildcard(address, self._its.ingress.wildcard_dns)))

    def _traefik(self, args: IngressArgs) -> Release:
        its = args.its.ingress
        values = manifests.chart_values(
            "traefik",
            {
                "replicas": its.replicas,
                "min_mbps": its.min_mbps,
                "max_mbps": its.max_mbps,
                "https": self._https,
                "default_label": DEFAULT_LABEL,
                "listeners": ports.INGRESS_LISTENERS,
                "exposed": {"web": ports.HTTP, "websecure": ports.HTTPS},
                "load_balancers": str(args.its.network.subnets.load_balancers),
                "monitoring": args.its.monitoring.enabled,
                "tags": json.dumps(dict(args.tags), sort_keys=True),
            },
        )
        service = values["service"]
        service["spec"]["loadBalancerIP"] = self.address
        if args.network:
            subnet = "service.beta.kubernetes.io/oci-load-balancer-subnet1"
            service["annotations"][subnet] = args.network.load_balancers_subnet_id
        release = pinned("traefik", INGRESS_NAMESPACE, values, args.its.mirrors)
        # Its CRDs are those of Traefik's own kinds, and are switched off.
        release.skip_crds = True
        after = [args.namespaces, args.nodes, *self.kinds, *args.after]
        return Release("traefik", release, pulumi.ResourceOptions(parent=self, depends_on=after))

    def _route(self, route: Route, namespaces: pulumi.Resource) -> None:
        (document,) = manifests.render(
            "route.yaml.j2",
            {
                "route": route,
                "gateway": GATEWAY,
                "namespace": INGRESS_NAMESPACE,
                "listener": "https" if self._https else "http",
            },
        )
        document["spec"]["hostnames"] = [self.hosts[route.place]]
        after = [namespaces, *self.gateway]
        manifests.KubernetesObject(document, pulumi.ResourceOptions(parent=self, depends_on=after))


def routes(its: Settings) -> Iterator[Route]:
    """The routes of a stack."""
    yield PLAYERS
    if its.api.public:
        yield OPERATIONS
    if its.regions.domain:
        # Its records are the steering policy's, of one stack for all regions.
        yield replace(PLAYERS, name="players-of-all-regions", host=its.regions.domain, records=False)
    if its.monitoring.enabled and its.ingress.grafana:
        yield GRAFANA


def grafana_url(its: Settings) -> str | None:
    """Where people reach Grafana, where that is known before the load balancer's address is."""
    if not (its.ingress.enabled and its.domain and GRAFANA in routes(its)):
        return None
    return f"{'https' if its.certificates.enabled else 'http'}://{host(GRAFANA.subdomain, its.domain)}"


def host(subdomain: str, domain: str) -> str:
    """A host name below the stack's."""
    return f"{subdomain}.{domain}" if subdomain else domain


def wildcard(address: str, service: WildcardDns) -> str:
    """The name by which a wildcard service knows an address."""
    return f"{address.replace('.', '-')}.{service}"
