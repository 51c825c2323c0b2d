"""What NetworkPolicies allow, computed from the objects themselves: a pure function with the semantics of the API.

https://kubernetes.io/docs/concepts/services-networking/network-policies/
Answers to allowed connections are not asked for: every engine keeps track of connections.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from typing import Any

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Pod:
    """A pod. On its node's network it is bound by no policy, has the node's address, and is found by no selector."""

    namespace: str
    labels: Labels
    address: IPv4Address
    node: str = ""
    host_network: bool = False
    ports: Mapping[str, int] = field(default_factory=dict)
    """Named container ports."""


@dataclass(frozen=True)
class Outside:
    """Anything that is no pod; `node` names the node whose own address it is."""

    address: IPv4Address
    node: str = ""


End = Pod | Outside


@dataclass(frozen=True)
class Cluster:
    """The policies, and the labels of each namespace, to which Kubernetes itself adds the name."""

    policies: Sequence[Mapping[str, Any]]
    namespaces: Mapping[str, Labels] = field(default_factory=dict)
    blocks_match_pods: bool = True
    """Whether an `ipBlock` matches a pod by its address: the API leaves it open, and most engines do."""

    def labels(self, namespace: str) -> Labels:
        """The labels of a namespace."""
        return {"kubernetes.io/metadata.name": namespace, **self.namespaces.get(namespace, {})}


def allowed(cluster: Cluster, source: End, target: End, protocol: str, port: int) -> bool:
    """Whether a connection may be opened: the source's policies let it out, and the target's let it in."""
    return leaves(cluster, source, target, protocol, port) and enters(cluster, source, target, protocol, port)


def leaves(cluster: Cluster, source: End, target: End, protocol: str, port: int) -> bool:
    """Whether the source's policies let a connection out."""
    return _passes(cluster, "Egress", source, target, protocol, port, target)


def enters(cluster: Cluster, source: End, target: End, protocol: str, port: int) -> bool:
    """Whether the target's policies let a connection in. A node always reaches the pods that it runs."""
    if isinstance(target, Pod) and target.node and source_node(source) == target.node:
        return True
    return _passes(cluster, "Ingress", target, source, protocol, port, target)


def source_node(end: End) -> str:
    """The node that speaks with its own address, if one does."""
    return end.node if isinstance(end, Outside) or end.host_network else ""


def matches(selector: Mapping[str, Any], labels: Labels) -> bool:
    """Whether a label selector matches; an empty one matches everything."""
    wanted = selector.get("matchLabels") or {}
    return all(labels.get(key) == value for key, value in wanted.items()) and all(
        _expression(each, labels) for each in selector.get("matchExpressions") or ()
    )


def _expression(expression: Mapping[str, Any], labels: Labels) -> bool:
    value = labels.get(expression["key"])
    match expression["operator"]:
        case "In":
            return value in expression["values"]
        case "NotIn":
            return value not in expression["values"]
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    raise ValueError(f"no such operator: {expression['operator']}")


def _passes(cluster: Cluster, kind: str, bound: End, peer: End, protocol: str, port: int, target: End) -> bool:
    if isinstance(bound, Outside) or bound.host_network:
        return True
    binding = [policy for policy in cluster.policies if _binds(policy, kind, bound)]
    return not binding or any(
        _peer_matches(cluster, rule, kind, policy["metadata"]["namespace"], peer)
        and _port_matches(rule.get("ports") or (), protocol, port, target)
        for policy in binding
        for rule in policy["spec"].get(kind.lower()) or ()
    )


def _binds(policy: Mapping[str, Any], kind: str, pod: Pod) -> bool:
    spec = policy["spec"]
    kinds = spec.get("policyTypes") or ["Ingress", *(["Egress"] if spec.get("egress") else [])]
    return (
        kind in kinds
        and policy["metadata"]["namespace"] == pod.namespace
        and matches(spec.get("podSelector") or {}, pod.labels)
    )


def _peer_matches(cluster: Cluster, rule: Mapping[str, Any], kind: str, namespace: str, peer: End) -> bool:
    peers = rule.get("from" if kind == "Ingress" else "to")
    return not peers or any(_is_peer(cluster, each, namespace, peer) for each in peers)


def _is_peer(cluster: Cluster, peer: Mapping[str, Any], namespace: str, end: End) -> bool:
    if block := peer.get("ipBlock"):
        is_pod = isinstance(end, Pod) and not end.host_network
        return (cluster.blocks_match_pods or not is_pod) and _within(block, end.address)
    if isinstance(end, Outside) or end.host_network:
        return False
    there = peer.get("namespaceSelector")
    fits = end.namespace == namespace if there is None else matches(there, cluster.labels(end.namespace))
    return fits and matches(peer.get("podSelector") or {}, end.labels)


def _within(block: Mapping[str, Any], address: IPv4Address) -> bool:
    return address in IPv4Network(block["cidr"]) and not any(
        address in IPv4Network(each) for each in block.get("except") or ()
    )


def _port_matches(ports: Iterable[Mapping[str, Any]], protocol: str, port: int, target: End) -> bool:
    ports = list(ports)
    return not ports or any(_is_port(each, protocol, port, target) for each in ports)


def _is_port(wanted: Mapping[str, Any], protocol: str, port: int, target: End) -> bool:
    if wanted.get("protocol", "TCP") != protocol:
        return False
    first = wanted.get("port")
    if first is None:
        return True
    if isinstance(first, str):
        return isinstance(target, Pod) and target.ports.get(first) == port
    return bool(first <= port <= wanted.get("endPort", first))
