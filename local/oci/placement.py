"""Node pools on local nodes: which labels and taints stand where, as a pure plan.

There is no machine behind a simulated pool, so the local nodes stand for those of all pools. A pool of size 0 counts
too: nothing here would add its first node when a pod asks for one.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from local.oci.model import Resource

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
SOFT = "PreferNoSchedule"
"""The effect of every taint on a node that several pools share: a hard one would lock the other pools out."""


@dataclass(frozen=True, order=True)
class Taint:
    """One taint as Kubernetes knows it."""

    key: str
    value: str
    effect: str
    added: str = field(default="", compare=False)
    """When Kubernetes set it, from which it counts how long pods may tolerate it."""

    @staticmethod
    def parse(text: str) -> "Taint | None":
        """``key=value:effect`` or ``key:effect``; None for what is neither."""
        found = re.fullmatch(r"([^=:\s]+)(?:=([^:\s]*))?:(NoSchedule|PreferNoSchedule|NoExecute)", text)
        return Taint(found[1], found[2] or "", found[3]) if found else None


@dataclass(frozen=True)
class Pool:
    """What a node pool wants on its nodes."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()


@dataclass(frozen=True)
class Marks:
    """What the pools put on one node, and what stood there before."""

    labels: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    """Values of labels that were there already under the same key."""
    taints: tuple[Taint, ...] = ()

    def to_text(self) -> str:
        """For the node's annotation; empty when there is nothing to remember."""
        if not self.labels and not self.taints:
            return ""
        taints = [[taint.key, taint.value, taint.effect] for taint in self.taints]
        return json.dumps({"labels": self.labels, "before": self.before, "taints": taints}, sort_keys=True)

    @staticmethod
    def of_text(text: str) -> "Marks":
        """From the node's annotation; what cannot be read counts as nothing."""
        try:
            content = json.loads(text or "{}")
            taints = tuple(Taint(*each) for each in content.get("taints", []))
            return Marks(dict(content.get("labels", {})), dict(content.get("before", {})), taints)
        except (ValueError, TypeError, AttributeError):
            return Marks()


@dataclass(frozen=True)
class Node:
    """A node of the local cluster as it is."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: tuple[Taint, ...] = ()
    marks: Marks = field(default_factory=Marks)
    """What pools put there so far."""
    version: str = ""
    """The object's version, against which a change is made."""


@dataclass(frozen=True)
class Change:
    """What to do to one node: labels to set (None removes one), and its taints if they change."""

    node: str
    labels: Mapping[str, str | None]
    taints: tuple[Taint, ...] | None
    marks: Marks
    version: str = ""


def pool_of(resource: Resource) -> Pool:
    """A pool's labels, and what its kubelet arguments register."""
    labels = {
        entry["key"]: str(entry.get("value") or "")
        for entry in resource.inputs.get("initialNodeLabels") or []
        if isinstance(entry, dict) and entry.get("key")
    }
    arguments = str((resource.inputs.get("nodeMetadata") or {}).get("kubelet-extra-args") or "")
    for pair in _flag(arguments, "node-labels"):
        key, _, value = pair.partition("=")
        labels[key] = value
    taints = (Taint.parse(text) for text in _flag(arguments, "register-with-taints"))
    return Pool(str(resource.get("name")), labels, tuple(sorted(taint for taint in taints if taint)))


def _flag(arguments: str, name: str) -> list[str]:
    found = re.findall(rf"--{name}[= ]([^\s\"']+)", arguments)
    return [part for text in found for part in text.split(",") if part]


def spread(pools: Iterable[Pool], nodes: Iterable[Node]) -> dict[str, tuple[Pool, ...]]:
    """Pools for each node, round robin by name; one node has them all, and no node or pool stays without the other."""
    by_name = sorted(nodes, key=lambda node: node.name)
    workers = [node for node in by_name if CONTROL_PLANE not in node.labels] or by_name
    ordered = sorted(pools, key=lambda pool: pool.name)
    shares: dict[str, list[Pool]] = {node.name: [] for node in by_name}
    if workers and ordered:
        for turn in range(max(len(workers), len(ordered))):
            shares[workers[turn % len(workers)].name].append(ordered[turn % len(ordered)])
    return {name: tuple(share) for name, share in shares.items()}


def plan(pools: Iterable[Pool], nodes: Iterable[Node]) -> list[Change]:
    """What must change for the nodes to carry these pools, and nothing the pools put there before."""
    all_nodes = list(nodes)
    shares = spread(pools, all_nodes)
    changes = [_change(node, shares[node.name]) for node in all_nodes]
    return [change for change in changes if change is not None]


def _change(node: Node, pools: tuple[Pool, ...]) -> Change | None:
    marks = node.marks
    wanted = {key: value for pool in pools for key, value in pool.labels.items()}
    shared = len(pools) > 1
    wanted_taints = tuple(
        sorted({Taint(each.key, each.value, SOFT if shared else each.effect) for pool in pools for each in pool.taints})
    )
    labels: dict[str, str | None] = {}
    before: dict[str, str] = {}
    for key, value in wanted.items():
        if key in marks.labels:
            if key in marks.before:
                before[key] = marks.before[key]
        elif key in node.labels:
            before[key] = node.labels[key]
        if node.labels.get(key) != value:
            labels[key] = value
    for key, value in marks.labels.items():
        # A label that somebody else has changed since is theirs.
        if key not in wanted and node.labels.get(key) == value:
            labels[key] = marks.before.get(key)
    # A taint that stood there before the pools is not theirs to take away.
    foreign = tuple(taint for taint in node.taints if taint not in marks.taints)
    taints = (*foreign, *(taint for taint in wanted_taints if taint not in foreign))
    new = Marks(wanted, before, tuple(taint for taint in wanted_taints if taint not in foreign))
    changed_taints = taints if sorted(taints) != sorted(node.taints) else None
    if not labels and changed_taints is None and new == marks:
        return None
    return Change(node.name, labels, changed_taints, new, node.version)
