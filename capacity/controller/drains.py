"""What goes, and how: versions and nodes that an operator drains, nodes that are lost, instances that must not move."""

from collections.abc import Collection, Iterable, Iterator

from capacity.controller import names
from capacity.controller.actions import Action, Annotate, Cordon, Displace, Free, Kind, Notice, Remove, Retire
from capacity.controller.cluster import Cluster, Fleet, Instance, Node, Placeholders, Stage


def pins(instances: Iterable[Instance]) -> Iterator[Action]:
    """The autoscaler is to leave sessions where they are, and nothing else."""
    for instance in instances:
        wanted = instance.played_on
        if instance.pinned is not wanted and instance.stage not in (Stage.LEFT, Stage.ENDING):
            yield Annotate(Kind.POD, instance.name, {names.SAFE_TO_EVICT: "false" if wanted else None})


def left(instances: Iterable[Instance]) -> Iterator[Action]:
    """What has left its fleet for good goes, also if whoever took it out of there is no more."""
    return (Remove(each.name) for each in instances if each.stage is Stage.LEFT)


def lost(cluster: Cluster) -> Iterator[Action]:
    """Whatever stood on a node that is gone is freed; what is idle on one that does not answer is replaced.

    A session on a node that does not answer is left alone: its player may well see a picture.
    """
    there = {node.name: node for node in cluster.gpu_nodes}
    for instance in cluster.instances:
        if instance.node is None:
            continue
        node = there.get(instance.node)
        if node is None:
            yield Free(instance.name, instance.node)
        elif instance.idle and not instance.played_on and not node.ready:
            yield Retire(instance.name)
    pools = ((cluster.gpu_placeholders, there), (cluster.turn_placeholders, {n.name: n for n in cluster.turn_nodes}))
    for placeholders, nodes in pools:
        for pod in placeholders.pods if placeholders else ():
            if pod.node is not None and pod.node not in nodes:
                yield Free(pod.name, pod.node)


def drained_nodes(cluster: Cluster, shared: Collection[str]) -> Iterator[Action | Notice]:
    """GPU nodes that an operator wants free: nothing new comes, what is idle goes, sessions are waited for.

    An instance of the ``shared`` applications has sessions while it is in its fleet, and matchmakers alone know when
    the last has ended: they are told that it drains.
    """
    for node in cluster.gpu_nodes:
        if not node.draining:
            if node.empty:
                yield Annotate(Kind.NODE, node.name, {names.EMPTY: None}, node.seen)
            continue
        here = [each for each in cluster.instances if each.node == node.name]
        if not node.cordoned:
            yield Cordon(node.name, cordoned=True, leaving=False, seen=node.seen)
        yield from (Retire(each.name) for each in here if each.idle and each.application not in shared)
        for each in here:
            if each.idle and each.application in shared and not each.draining:
                yield Annotate(Kind.POD, each.name, {names.DRAINING: "true"})
        yield from _displaced(cluster.gpu_placeholders, node)
        yield from _told(node, free=node.cordoned and not here)


def _displaced(placeholders: Placeholders | None, node: Node) -> Iterator[Action]:
    for pod in placeholders.pods if placeholders else ():
        if pod.node == node.name:
            yield Displace(pod.name)


def _told(node: Node, *, free: bool) -> Iterator[Action | Notice]:
    if free and not node.empty:
        yield Annotate(Kind.NODE, node.name, {names.EMPTY: "true"}, node.seen)
        yield Notice("NodeDrained", f"node {node.name} has no session any more", about=node.name)


def drained_fleets(cluster: Cluster) -> Iterator[Action | Notice]:
    """Versions that an operator drains. They keep no idle instance anyway; here is told when the last session ends."""
    for fleet in cluster.fleets:
        some = _some(fleet, cluster.instances)
        if fleet.draining and not fleet.empty and not some and not fleet.replicas:
            yield Annotate(Kind.FLEET, fleet.name, {names.EMPTY: "true"}, fleet.seen)
            yield Notice("VersionDrained", f"version {fleet.version} has no session any more", fleet.name)
        elif fleet.empty and (some or not fleet.draining):
            yield Annotate(Kind.FLEET, fleet.name, {names.EMPTY: None}, fleet.seen)


def _some(fleet: Fleet, instances: Iterable[Instance]) -> bool:
    return any((each.application, each.version) == (fleet.application, fleet.version) for each in instances)
