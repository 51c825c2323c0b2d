"""What the fleets and the node buffer are to have, and how much room there is for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from capacity.buffer import Buffer, slots_of
from capacity.controller.allotment import Allotment, Cap, Wish, allot
from capacity.controller.budget import Restraint
from capacity.controller.buffers import Demand, instances_wanted
from capacity.controller.cluster import Cluster, Node, Stage
from capacity.controller.settings import Application, GpuPool, Sessions, StackSettings

_UNBOUNDED: Final = 10**9


@dataclass(frozen=True, slots=True)
class Slots:
    """The node buffer."""

    given: int
    cut: int
    """How many more were wanted."""


def instances(
    cluster: Cluster, its: StackSettings, buffers: Mapping[str, Buffer], restraint: Restraint
) -> dict[str, Allotment]:
    """What each fleet is to have, by its name. Fleets that somebody else scales are not in it."""
    asked = [wish for each in its.applications for wish in _wishes(cluster, each, buffers[each.name], Restraint.NONE)]
    allowed = [wish for each in its.applications for wish in _wishes(cluster, each, buffers[each.name], restraint)]
    rooms = {
        each.name: _UNBOUNDED if (most := buffers[each.name].maximum) is None else most - cluster.sessions(each.name)
        for each in its.applications
    }
    given = allot(allowed, rooms, room(cluster, its))
    return {wish.fleet: _with_budget(given[wish.fleet], wish, of) for wish, of in zip(asked, allowed, strict=True)}


def _wishes(cluster: Cluster, application: Application, buffer: Buffer, restraint: Restraint) -> Iterator[Wish]:
    if application.sessions is Sessions.SHARED:
        return
    fleets = [fleet for fleet in cluster.fleets if fleet.application == application.name]
    demand = _demand(cluster, application)
    if restraint is not Restraint.NONE:
        # Not by taking the buffer off what is wanted with one: an instance that a player is about to take may stand for
        # a part of the buffer, and would go with it.
        buffer, fleets = Buffer(), [replace(fleet, buffer_override=None) for fleet in fleets]
    if restraint is Restraint.HARD:
        demand = Demand(demand.sessions, 0)
    for fleet, want in instances_wanted(buffer, fleets, demand).items():
        yield Wish(fleet, application.name, application.priority, want)


def _demand(cluster: Cluster, application: Application) -> Demand:
    fleets = [fleet for fleet in cluster.fleets if fleet.application == application.name]
    open_ = {fleet.version for fleet in fleets if fleet.share > 0}
    its = [each for each in cluster.instances if each.application == application.name]
    warm = sum(each.stage is Stage.WARM and each.version in open_ for each in its)
    sessions = sum(each.stage is Stage.SESSION for each in its)
    # Of a paused application nobody who waits is given an instance: it would take another's room, and stand there.
    waiting = 0 if any(fleet.paused for fleet in fleets) else cluster.waiting.get(application.name, 0)
    taking = min(waiting, warm)
    return Demand(sessions, waiting - taking, taking)


def _with_budget(given: Allotment, asked: Wish, allowed: Wish) -> Allotment:
    cut = asked.want.waiting + asked.want.buffer - allowed.want.waiting - allowed.want.buffer
    return replace(given, cut={**given.cut, Cap.BUDGET: cut}) if cut else given


def slots(
    cluster: Cluster, its: StackSettings, buffers: Mapping[str, Buffer], restraint: Restraint, instances_given: int
) -> Slots:
    """The node buffer: what applications want free of slots, as far as instances leave room for it."""
    per_node = slots_per_node(cluster.gpu_nodes, its.gpu)
    wanted = sum(slots_of(buffers[each.name], per_node, _demand(cluster, each).sessions) for each in its.applications)
    allowed = wanted if restraint is Restraint.NONE else 0
    given = max(0, min(allowed, room(cluster, its) - instances_given))
    return Slots(given, wanted - given)


def room(cluster: Cluster, its: StackSettings) -> int:
    """How many idle instances and placeholders the pool may hold at most, whatever it holds now.

    What is cordoned takes none. It still counts among the nodes that there may be, for it is paid for.
    """
    held = [
        each
        for each in cluster.instances
        if each.stage is Stage.SESSION or (each.idle and each.application in its.shared)
    ]
    closed = {node.name for node in cluster.gpu_nodes if node.cordoned}
    whole = _slots_of(cluster.gpu_nodes, its.gpu, its.gpu.max_nodes)
    open_nodes = [node for node in cluster.gpu_nodes if node.name not in closed]
    open_ = _slots_of(open_nodes, its.gpu, its.gpu.max_nodes - len(closed))
    held_elsewhere = sum(each.node not in closed for each in held)
    return max(0, min(whole - len(held), open_ - held_elsewhere))


def slots_per_node(nodes: Sequence[Node], pool: GpuPool) -> int:
    """Of a node that is yet to come."""
    if pool.slots_per_node is not None:
        return pool.slots_per_node
    return max((node.slots for node in nodes if node.slots), default=1)


def _slots_of(nodes: Sequence[Node], pool: GpuPool, most: int) -> int:
    """Of so many nodes at most, of which these are there."""
    per_node = slots_per_node(nodes, pool)
    if pool.slots_per_node is not None:
        return most * per_node
    there = sum(per_node if node.slots is None else node.slots for node in nodes)
    return there + max(0, most - len(nodes)) * per_node
