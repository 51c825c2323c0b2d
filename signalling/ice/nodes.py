"""The TURN nodes that take players, from what Kubernetes says of nodes and of coturn's pods. Pure."""

from collections.abc import Iterable

from lightkube.resources.core_v1 import Node, Pod

from signalling.ice.ranking import TurnNode
from signalling.kubernetes.nodes import addresses_of, turn_address


def turn_nodes(nodes: Iterable[Node], pods: Iterable[Pod]) -> list[TurnNode]:
    """Those of the pool that are neither cordoned nor going, and whose coturn is ready and not going.

    A pod that is being deleted drains: it gives no new allocation. Where no pod is ready, those that are not yet are
    taken, since a try is better than none.
    """
    found = [each for each in map(_node, nodes) if each is not None]
    ready = {node: is_ready for node, is_ready in map(_placed, pods) if node}
    serving = [each for each in found if ready.get(each.name) is True]
    return serving or [each for each in found if ready.get(each.name) is False]


def _node(node: Node) -> TurnNode | None:
    address = turn_address(node)
    if address is None or node.metadata is None or node.metadata.name is None:
        return None
    return TurnNode(node.metadata.name, address, addresses_of(node).internal or address)


def _placed(pod: Pod) -> tuple[str, bool]:
    """The node of a pod, and whether it is ready; no node for one that is going, or has none yet."""
    going = pod.metadata is not None and pod.metadata.deletionTimestamp is not None
    node = (pod.spec.nodeName if pod.spec else None) or ""
    conditions = (pod.status.conditions if pod.status else None) or []
    ready = any(condition.type == "Ready" and condition.status == "True" for condition in conditions)
    return ("" if going else node), ready
