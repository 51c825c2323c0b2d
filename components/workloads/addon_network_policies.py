"""What the add-ons may talk to: the rest of the table of NetworkPolicies, for the namespaces that a stack has.

What a chart's own parts say to each other inside its namespace is its own business, and changes from version to
version. What crosses the namespace's border is named here, and nothing else crosses it.
"""

from collections.abc import Iterator
from ipaddress import IPv4Network

from components import ports
from components.settings import Settings
from components.settings.isolation import closed_to_instances
from components.settings.network import PODS_CIDR, SERVICES_CIDR, NetworkSettings
from components.workloads import (
    CERTIFICATES_NAMESPACE,
    DNS_NAMESPACE,
    INGRESS_NAMESPACE,
    KEDA_NAMESPACE,
    MONITORING_NAMESPACE,
)
from components.workloads.network_policies import (
    CLUSTER_DNS,
    DNS_PORTS,
    EVERY_POD,
    MATCHMAKER,
    PROMETHEUS,
    TRAEFIK,
    Block,
    Opening,
    Peer,
    Pods,
    Port,
    Way,
    tcp,
)

GRAFANA = Pods(MONITORING_NAMESPACE, {"app.kubernetes.io/name": "grafana"})
ALERTMANAGER = Pods(MONITORING_NAMESPACE, {"app.kubernetes.io/name": "alertmanager"})
SOLVERS = Pods(INGRESS_NAMESPACE, {"acme.cert-manager.io/http01-solver": "true"})

_EVERYWHERE = IPv4Network("0.0.0.0/0")
_WEB = (ports.HTTP, ports.HTTPS)
_MAIL = (25, 465, 587)
_WORKLOAD_IDENTITY = ports.OKE_CONTROL_PLANE
"""OCI's SDK gets its token from OKE's control plane, by the Service `kubernetes` too.

https://github.com/oracle/oci-go-sdk/blob/master/common/auth/resource_principal_token_path_provider.go
"""


def addon_openings(network: NetworkSettings, addons: frozenset[str]) -> tuple[Opening, ...]:
    """The rows of a stack's add-ons, by their namespaces; with monitoring or without."""
    rows = {
        INGRESS_NAMESPACE: _ingress,
        CERTIFICATES_NAMESPACE: _certificates,
        MONITORING_NAMESPACE: _monitoring,
        KEDA_NAMESPACE: _keda,
        DNS_NAMESPACE: _dns,
    }
    found = [row for namespace, of in rows.items() if namespace in addons for row in of(network)]
    return (*found, *_cluster_dns(network))


def servers_openings(its: Settings) -> Iterator[Opening]:
    """The rows for servers that the stack file names on ports that the add-ons do not have open in every stack."""
    outside = (_outside(its.network),)
    dns01 = its.certificates.dns01
    if dns01 is not None and dns01.port not in (*_WEB, ports.DNS):
        pods, reason = Pods(CERTIFICATES_NAMESPACE), "The server of `certificates.dns01`"
        yield Opening("cert-manager-to-dns01", pods, Way.TO, outside, tcp(dns01.port), reason)
    named = {each.port for each in its.monitoring.alerts if each.port is not None} - {*_WEB, *_MAIL}
    if named:
        reason = "Those of `monitoring.alerts`"
        yield Opening("alertmanager-to-named-ports", ALERTMANAGER, Way.TO, outside, tcp(*sorted(named)), reason)


def _ingress(network: NetworkSettings) -> Iterator[Opening]:
    # Traefik's Service keeps the sender's address, so what comes is the load balancer's.
    players = (Block(network.subnets.load_balancers),)
    entries = tcp(*ports.INGRESS_LISTENERS.values())
    yield Opening("load-balancer-to-traefik", TRAEFIK, Way.FROM, players, entries, "Players")
    yield _scraped(TRAEFIK, "traefik")
    yield Opening("traefik-to-matchmaker", TRAEFIK, Way.TO, (MATCHMAKER,), tcp(ports.PLAYERS), "Page and signalling")
    yield Opening("traefik-to-grafana", TRAEFIK, Way.TO, (GRAFANA,), tcp(ports.GRAFANA), "Grafana's route")
    answers = tcp(ports.ACME_SOLVER)
    yield Opening("traefik-to-solvers", TRAEFIK, Way.TO, (SOLVERS,), answers, "Let's Encrypt's questions")
    yield Opening("solvers-from-traefik", SOLVERS, Way.FROM, (TRAEFIK,), answers, "The same")
    # kube-proxy leads what pods send to the load balancer's address to Traefik, without leaving the cluster.
    asking = (Pods(CERTIFICATES_NAMESPACE),)
    yield Opening("cert-manager-to-traefik", TRAEFIK, Way.FROM, asking, entries, "Whether our names lead here")
    yield from _api(TRAEFIK, "traefik", network)


def _certificates(network: NetworkSettings) -> Iterator[Opening]:
    pods = Pods(CERTIFICATES_NAMESPACE)
    yield _webhooks(pods, "cert-manager", network)
    yield _scraped(pods, "cert-manager")
    yield from _api(pods, "cert-manager", network)
    yield _names(pods, "cert-manager")
    web = tcp(*_WEB, ports.DNS)
    entries = tcp(*ports.INGRESS_LISTENERS.values())
    yield Opening("cert-manager-to-traefik", pods, Way.TO, (TRAEFIK,), entries, "Whether our names lead here")
    reason = "Let's Encrypt; our own names from outside; name servers of zones"
    yield Opening("cert-manager-to-internet", pods, Way.TO, (_outside(network),), web, reason)


def _monitoring(network: NetworkSettings) -> Iterator[Opening]:
    pods = Pods(MONITORING_NAMESPACE)
    yield from _inside(MONITORING_NAMESPACE)
    yield _webhooks(pods, "monitoring", network)
    yield from _api(pods, "monitoring", network)
    yield _names(pods, "monitoring")
    nodes = (Block(network.subnets.workers), Block(network.subnets.turn))
    scraped = (EVERY_POD, Block(PODS_CIDR), *nodes)
    yield Opening("prometheus-to-scraped", PROMETHEUS, Way.TO, scraped, (Port("TCP"),), "Metrics of pods and of nodes")
    yield Opening("traefik-to-grafana", GRAFANA, Way.FROM, (TRAEFIK,), tcp(ports.GRAFANA), "Grafana's route")
    keda = (Pods(KEDA_NAMESPACE),)
    yield Opening("keda-to-prometheus", PROMETHEUS, Way.FROM, keda, tcp(ports.PROMETHEUS), "What scaling goes by")
    outward = tcp(*_WEB, *_MAIL)
    yield Opening("alertmanager-to-receivers", ALERTMANAGER, Way.TO, (_outside(network),), outward, "Alerts")


def _keda(network: NetworkSettings) -> Iterator[Opening]:
    pods = Pods(KEDA_NAMESPACE)
    yield from _inside(KEDA_NAMESPACE)
    yield _webhooks(pods, "keda", network)
    yield _scraped(pods, "keda")
    yield from _api(pods, "keda", network)
    yield _names(pods, "keda")
    yield Opening("keda-to-prometheus", pods, Way.TO, (PROMETHEUS,), tcp(ports.PROMETHEUS), "What scaling goes by")


def _dns(network: NetworkSettings) -> Iterator[Opening]:
    pods = Pods(DNS_NAMESPACE)
    yield _scraped(pods, "external-dns")
    yield from _api(pods, "external-dns", network, _WORKLOAD_IDENTITY)
    yield _names(pods, "external-dns")
    yield Opening("external-dns-to-oci", pods, Way.TO, (_outside(network),), tcp(ports.HTTPS), "OCI's API of zones")


def _cluster_dns(network: NetworkSettings) -> Iterator[Opening]:
    """The one row for pods that are OKE's: what a TURN node sends, which players may choose, is none of their business.

    Programs on a worker's own network reach it by the worker's address, and always the one on their own node.
    """
    asking = (EVERY_POD, Block(network.subnets.workers))
    metrics = tcp(ports.METRICS_OF_ADDONS["cluster-dns"])
    yield Opening("dns-from-pods", CLUSTER_DNS, Way.FROM, asking, DNS_PORTS, "Names, but for what is relayed")
    yield Opening("prometheus-to-dns", CLUSTER_DNS, Way.FROM, (PROMETHEUS,), metrics, "Metrics")


def _inside(namespace: str) -> Iterator[Opening]:
    pods = Pods(namespace)
    yield Opening("inside-from", pods, Way.FROM, (pods,), (), "A chart's own parts")
    yield Opening("inside-to", pods, Way.TO, (pods,), (), "A chart's own parts")


def _scraped(pods: Pods, addon: str) -> Opening:
    return Opening(
        f"prometheus-to-{addon}", pods, Way.FROM, (PROMETHEUS,), tcp(ports.METRICS_OF_ADDONS[addon]), "Metrics"
    )


def _webhooks(pods: Pods, addon: str, network: NetworkSettings) -> Opening:
    # OKE's control plane reaches pods by way of a node: from its own subnet, from the node's, or from the overlay.
    control_plane = (Block(network.subnets.api), Block(network.subnets.workers), Block(PODS_CIDR))
    reason = "The API server's questions; a certificate proves who answers"
    return Opening(f"api-to-{addon}", pods, Way.FROM, control_plane, tcp(*ports.WEBHOOKS[addon]), reason)


def _api(pods: Pods, addon: str, network: NetworkSettings, *more: int) -> Iterator[Opening]:
    endpoint, service = Block(network.subnets.api), Block(IPv4Network(SERVICES_CIDR[1]))
    yield Opening(f"{addon}-to-api", pods, Way.TO, (endpoint,), tcp(ports.KUBERNETES_API, *more), "Kubernetes' API")
    yield Opening(
        f"{addon}-to-api-service", pods, Way.TO, (service,), tcp(ports.HTTPS, *more), "The same, untranslated"
    )


def _names(pods: Pods, addon: str) -> Opening:
    return Opening(f"{addon}-to-dns", pods, Way.TO, (CLUSTER_DNS,), DNS_PORTS, "Names")


def _outside(network: NetworkSettings) -> Peer:
    return Block(_EVERYWHERE, tuple(each for each, _ in closed_to_instances(network)))
