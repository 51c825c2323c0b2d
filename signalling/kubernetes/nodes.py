"""Nodes of the TURN pool, and coturn's pods on them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from lightkube.resources.core_v1 import Node

TURN_LABEL: Final = "app.pixel/turn"
TURN_PODS: Final[Mapping[str, str]] = {"app.kubernetes.io/name": "turn"}
"""The labels of coturn's pods, in the platform's namespace."""


@dataclass(frozen=True, slots=True)
class NodeAddresses:
    """A node's first address of each kind."""

    internal: str | None
    external: str | None


def addresses_of(node: Node) -> NodeAddresses:
    """The addresses in a node's status."""
    found: dict[str, str] = {}
    for entry in (node.status.addresses if node.status else None) or []:
        found.setdefault(entry.type, entry.address)
    return NodeAddresses(found.get("InternalIP"), found.get("ExternalIP"))


def turn_address(node: Node) -> str | None:
    """Where players reach TURN on this node; None when it takes none: not of the pool, cordoned, going, no address."""
    labels = (node.metadata.labels if node.metadata else None) or {}
    going = node.metadata is not None and node.metadata.deletionTimestamp is not None
    cordoned = node.spec is not None and node.spec.unschedulable
    if labels.get(TURN_LABEL) != "true" or going or cordoned:
        return None
    addresses = addresses_of(node)
    return addresses.external or addresses.internal
