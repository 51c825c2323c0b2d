"""Who may talk to whom in the cluster: everything is denied in our namespaces, and one table names the exceptions.

An exception becomes a NetworkPolicy of its name, so that `kubectl get networkpolicy` reads like the table. Pods on
their node's network, the TURN pool's, are bound by no policy; what they may reach, security lists and coturn's own
table of allowed peers say. A node always reaches its own pods, which is how kubelets probe them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network
from typing import Any, TypeAlias

from components import ports
from components.settings.apps import AppSettings
from components.settings.ice import TransportPolicy
from components.settings.isolation import closed_to_instances
from components.settings.network import PODS_CIDR, SERVICES_CIDR, NetworkSettings
from components.settings.redis import RedisMode
from components.settings.turn import TurnSettings
from components.workloads import (
    INGRESS_NAMESPACE,
    INSTANCES_NAMESPACE,
    MONITORING_NAMESPACE,
    PLATFORM_NAMESPACE,
)


class Way(StrEnum):
    """Seen from the pods that a row is for."""

    FROM = "from"
    TO = "to"


@dataclass(frozen=True)
class Pods:
    """The pods of a namespace that carry all of some labels; of no labels, all of them."""

    namespace: str
    """Empty for every namespace, of peers only."""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Block:
    """Addresses outside the cluster's pods, less some of them."""

    network: IPv4Network
    without: tuple[IPv4Network, ...] = ()


Peer: TypeAlias = Pods | Block


@dataclass(frozen=True)
class Port:
    """Destination ports, first and last; of no number, all of the protocol's."""

    protocol: str
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True)
class Opening:
    """One row: what `pods` may receive from, or send to, `peers`."""

    name: str
    pods: Pods
    way: Way
    peers: tuple[Peer, ...]
    ports: tuple[Port, ...]
    """None is every port of every protocol."""
    reason: str


def tcp(*numbers: int) -> tuple[Port, ...]:
    """Ports of TCP, each by itself."""
    return tuple(Port("TCP", number) for number in numbers)


MATCHMAKER = Pods(PLATFORM_NAMESPACE, {"app.kubernetes.io/name": "matchmaker"})
CONTROLLER = Pods(PLATFORM_NAMESPACE, {"app.kubernetes.io/name": "fleet-controller"})
INSTANCES = Pods(INSTANCES_NAMESPACE)
_VALKEY = Pods(PLATFORM_NAMESPACE, {"app.kubernetes.io/name": "valkey"})
TRAEFIK = Pods(INGRESS_NAMESPACE, {"app.kubernetes.io/name": "traefik"})
PROMETHEUS = Pods(MONITORING_NAMESPACE, {"app.kubernetes.io/name": "prometheus"})
CLUSTER_DNS = Pods("kube-system", {"k8s-app": "kube-dns"})
EVERY_POD = Pods("")
ANYBODY: tuple[Peer, ...] = (EVERY_POD, Block(IPv4Network("0.0.0.0/0")))
"""By both: not every engine finds a pod by its address."""

_STANDARD_TURN = TurnSettings()
DNS_PORTS = (Port("UDP", ports.DNS), Port("TCP", ports.DNS))
_STUN_AND_RELAY = (
    Port("UDP", ports.TURN),
    Port("TCP", ports.TURN),
    Port("TCP", ports.TURN_TLS),
    Port("UDP", *ports.TURN_RELAY),
)


def openings(
    network: NetworkSettings,
    apps: Sequence[AppSettings],
    redis: RedisMode = RedisMode.NONE,
    turn: TurnSettings = _STANDARD_TURN,
    *,
    controlled: bool = False,
    ingress: bool = True,
) -> tuple[Opening, ...]:
    """The table; with the rows of the fleet controller where there is one.

    In a stack without an `ingress` of ours somebody else's leads players to the matchmaker: from where is not known
    here. What listens there is made for strangers, and no instance may send to it.
    """
    api = Block(network.subnets.api)
    # Engines that look before kube-proxy has translated see the Service's own address, the first of its network.
    api_service = Block(IPv4Network(SERVICES_CIDR[1]))
    name, ways_in = ("players-through-ingress", (TRAEFIK,)) if ingress else ("players", ANYBODY)
    return (
        Opening(name, MATCHMAKER, Way.FROM, ways_in, tcp(ports.PLAYERS), "Players' page and WebSockets"),
        Opening(
            "prometheus-to-matchmaker",
            MATCHMAKER,
            Way.FROM,
            (PROMETHEUS,),
            tcp(ports.OBSERVATION),
            "Metrics",
        ),
        Opening("matchmaker-to-dns", MATCHMAKER, Way.TO, (CLUSTER_DNS,), DNS_PORTS, "Names of Services"),
        Opening(
            "matchmaker-to-api", MATCHMAKER, Way.TO, (api,), tcp(ports.KUBERNETES_API), "Claims, and watches of nodes"
        ),
        Opening(
            "matchmaker-to-api-service",
            MATCHMAKER,
            Way.TO,
            (api_service,),
            tcp(ports.HTTPS),
            "The same, before its address is translated",
        ),
        Opening(
            "matchmaker-to-instances",
            MATCHMAKER,
            Way.TO,
            (INSTANCES,),
            tcp(ports.PLAYERS, ports.OBSERVATION),
            "Signalling and state of sidecars",
        ),
        Opening(
            "matchmaker-to-turn",
            MATCHMAKER,
            Way.TO,
            (Block(network.subnets.turn),),
            tcp(ports.TURN_METRICS),
            "Load and state of TURN nodes",
        ),
        Opening(
            "matchmaker-to-sidecars",
            INSTANCES,
            Way.FROM,
            (MATCHMAKER,),
            tcp(ports.PLAYERS, ports.OBSERVATION),
            "Signalling and state of sidecars",
        ),
        Opening("prometheus-to-sidecars", INSTANCES, Way.FROM, (PROMETHEUS,), tcp(ports.OBSERVATION), "Metrics"),
        Opening(
            "prometheus-to-cpu-exporters",
            INSTANCES,
            Way.FROM,
            (PROMETHEUS,),
            tcp(ports.CPU_EXPORTER),
            "What each process of an instance uses",
        ),
        Opening(
            "media-from-turn",
            INSTANCES,
            Way.FROM,
            # Flannel gives what a node sends to another node's pods the sender's address in the overlay.
            (Block(network.subnets.turn), Block(PODS_CIDR)),
            (Port("UDP"),),
            "Relayed media; nothing but UDP, and an instance may not send to another",
        ),
        Opening(
            "media-to-turn",
            INSTANCES,
            Way.TO,
            # Not by the nodes' public addresses: no worker may send UDP to the internet, says its security list.
            (Block(network.subnets.turn),),
            _STUN_AND_RELAY,
            "STUN, TURN and players' relayed addresses",
        ),
        *_media(network, apps, turn),
        *_redis(redis, network),
        *(_controller(network) if controlled else ()),
        *(each for app in apps if app.egress for each in _egress(app, network)),
    )


def _media(network: NetworkSettings, apps: Sequence[AppSettings], turn: TurnSettings) -> Iterator[Opening]:
    """Media that does not pass the TURN pool: to relays elsewhere and, where a stack has it so, straight to players."""
    udp = (Port("UDP"),)
    elsewhere = tuple(Block(cidr) for each in turn.external for cidr in each.networks)
    if elsewhere:
        yield Opening("media-to-turn-elsewhere", INSTANCES, Way.TO, elsewhere, udp, "Players' relayed addresses there")
    closed = tuple(each for each, _ in closed_to_instances(network))
    players = Block(IPv4Network("0.0.0.0/0"), closed)
    if turn.transport_policy is TransportPolicy.ALL:
        yield Opening("media-to-players", INSTANCES, Way.TO, (players,), udp, "Direct media")
    for app in apps:
        instances = Pods(INSTANCES_NAMESPACE, {"app.pixel/app": app.name})
        own = tuple(Block(cidr) for cidr in app.ice.networks)
        direct = app.ice.transport_policy is TransportPolicy.ALL and turn.transport_policy is not TransportPolicy.ALL
        peers = (*own, *((players,) if direct else ()))
        if peers:
            yield Opening(f"{app.name}-media", instances, Way.TO, peers, udp, "The application's own ICE servers")


def _controller(network: NetworkSettings) -> Iterator[Opening]:
    """What the fleet controller needs: the API, and what matchmakers and TURN nodes say of themselves."""

    def to(name: str, peer: Peer, allowed: tuple[Port, ...], reason: str) -> Opening:
        return Opening(f"controller-to-{name}", CONTROLLER, Way.TO, (peer,), allowed, reason)

    observation = tcp(ports.OBSERVATION)
    yield to("api", Block(network.subnets.api), tcp(ports.KUBERNETES_API), "Fleets, instances and nodes")
    yield to("api-service", Block(IPv4Network(SERVICES_CIDR[1])), tcp(ports.HTTPS), "The same")
    yield to("dns", CLUSTER_DNS, DNS_PORTS, "The addresses of matchmakers")
    yield to("matchmakers", MATCHMAKER, observation, "Who waits, and how sessions ended")
    yield to("turn", Block(network.subnets.turn), tcp(ports.TURN_METRICS), "What TURN nodes carry")
    yield Opening("matchmakers-from-controller", MATCHMAKER, Way.FROM, (CONTROLLER,), observation, "The same")
    yield Opening("prometheus-to-controller", CONTROLLER, Way.FROM, (PROMETHEUS,), observation, "Metrics")


def _redis(mode: RedisMode, network: NetworkSettings) -> tuple[Opening, ...]:
    """What the matchmaker's part in Redis needs; OCI Cache has its nodes in the workers' subnet."""
    if mode is RedisMode.NONE:
        return ()
    redis: Peer = _VALKEY if mode is RedisMode.IN_CLUSTER else Block(network.subnets.workers)
    to = Opening("matchmaker-to-redis", MATCHMAKER, Way.TO, (redis,), tcp(ports.REDIS), "Queue, leases, fan-out")
    if mode is RedisMode.MANAGED:
        return (to,)
    return (
        to,
        Opening("redis-from-matchmaker", _VALKEY, Way.FROM, (MATCHMAKER,), tcp(ports.REDIS), "The same"),
        Opening("prometheus-to-redis", _VALKEY, Way.FROM, (PROMETHEUS,), tcp(ports.REDIS_EXPORTER), "Metrics"),
    )


def _egress(app: AppSettings, network: NetworkSettings) -> tuple[Opening, ...]:
    instances = Pods(INSTANCES_NAMESPACE, {"app.pixel/app": app.name})
    closed = [each for each, _ in closed_to_instances(network)]
    blocks = tuple(Block(cidr, tuple(each for each in closed if each.subnet_of(cidr))) for cidr in app.egress)
    return (
        Opening(f"{app.name}-egress", instances, Way.TO, blocks, (), "The application's `egress` in the stack file"),
        Opening(
            f"{app.name}-dns",
            instances,
            Way.TO,
            (CLUSTER_DNS,),
            DNS_PORTS,
            "The names of what `egress` opens; other instances get no DNS, which carries data out too",
        ),
    )


def policies(table: Sequence[Opening]) -> list[dict[str, Any]]:
    """The NetworkPolicies: all denied in each namespace of the table but the cluster's own, then one for each row."""
    namespaces = dict.fromkeys((PLATFORM_NAMESPACE, INSTANCES_NAMESPACE, *(row.pods.namespace for row in table)))
    namespaces.pop(CLUSTER_DNS.namespace, None)
    denied = [
        _policy("default-deny", each, "What no other policy allows", {}, {"policyTypes": ["Ingress", "Egress"]})
        for each in namespaces
    ]
    return denied + [_allowing(row) for row in table]


def _allowing(row: Opening) -> dict[str, Any]:
    rule: dict[str, Any] = {row.way.value: [_peer(peer, row.pods.namespace) for peer in row.peers]}
    if row.ports:
        rule["ports"] = [_port(each) for each in row.ports]
    kind = "Ingress" if row.way is Way.FROM else "Egress"
    rules = {"policyTypes": [kind], kind.lower(): [rule]}
    return _policy(row.name, row.pods.namespace, row.reason, row.pods.labels, rules)


def _policy(
    name: str, namespace: str, reason: str, labels: Mapping[str, str], rules: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace, "annotations": {"app.pixel/reason": reason}},
        "spec": {"podSelector": _selector(labels), **rules},
    }


def _peer(peer: Peer, namespace: str) -> dict[str, Any]:
    if isinstance(peer, Block):
        block: dict[str, Any] = {"cidr": str(peer.network)}
        if peer.without:
            block["except"] = [str(each) for each in peer.without]
        return {"ipBlock": block}
    pods: dict[str, Any] = {"podSelector": _selector(peer.labels)}
    if not peer.namespace:
        pods["namespaceSelector"] = {}
    elif peer.namespace != namespace:
        pods["namespaceSelector"] = _selector({"kubernetes.io/metadata.name": peer.namespace})
    return pods


def _selector(labels: Mapping[str, str]) -> dict[str, Any]:
    return {"matchLabels": dict(labels)} if labels else {}


def _port(port: Port) -> dict[str, Any]:
    numbers = {key: value for key, value in (("port", port.first), ("endPort", port.last)) if value is not None}
    return {"protocol": port.protocol, **numbers}
