"""Nodes of the simulated pool: ordered as soon as they are needed, removed when they have not been for a while."""

import math

from capacity.simulation.compiled import compiled
from capacity.simulation.draws import NEVER
from capacity.simulation.lists import AFTER, LAST, NODE_LOST, NODE_READY, SURPLUS, prepend, push, remove
from capacity.simulation.world import (
    ARMED,
    FREE,
    FREE_NODE,
    LIVE,
    NOBODY,
    NODE_BUFFER,
    NODES_ORDERED,
    PODS,
    SURPLUS_COUNT,
    SURPLUS_FIRST,
    UNUSED,
    UP,
    World,
)


@compiled
def set_used(world: World, node: int, used: int) -> None:
    """Move a node between the lists of nodes that have room."""
    before = world.used[node]
    if 0 <= before < world.slots:
        remove(node, before, world.node_ends, world.node_links)
    world.counts[FREE] += before - used
    world.used[node] = used
    if used < world.slots:
        prepend(node, used, world.node_ends, world.node_links)


@compiled
def percent_of(percent: float, sessions: int) -> int:
    """As many, upwards; what floating point adds does not make one more, as with the fleet controller."""
    return math.ceil(percent * sessions / 100 - 1e-9)


@compiled
def needed_nodes(world: World) -> int:
    """Nodes for all instances, and for the slots that are to be free."""
    slots = world.counts[PODS] + world.counts[NODE_BUFFER]
    for each in range(len(world.busy)):
        slots += max(world.kept_slots[each], percent_of(world.kept_slots_percent[each], world.busy[each]))
    found: int = max(min(-(-slots // world.slots), world.most_nodes), world.least_nodes)
    return found


@compiled
def fit_nodes(world: World, now: float) -> None:
    """Order nodes up to what is needed, and note since when there are more."""
    needed = needed_nodes(world)
    surplus = max(world.counts[LIVE] - needed, 0)
    ring = len(world.surplus_since)
    # What is needed again was unneeded last: the node that has been unneeded longest still goes first.
    world.counts[SURPLUS_COUNT] = min(world.counts[SURPLUS_COUNT], surplus)
    while world.counts[SURPLUS_COUNT] < surplus:
        at = (world.counts[SURPLUS_FIRST] + world.counts[SURPLUS_COUNT]) % ring
        world.surplus_since[at] = now
        world.counts[SURPLUS_COUNT] += 1
    while world.counts[LIVE] < needed:
        order_node(world, now)
    remove_surplus(world, now)


@compiled
def order_node(world: World, now: float) -> None:
    """Order a node; in an outage it is begun at its end."""
    node = world.counts[FREE_NODE]
    world.counts[FREE_NODE] = world.node_links[node, AFTER]
    turn = world.counts[NODES_ORDERED] % len(world.provisioning)
    world.counts[NODES_ORDERED] += 1
    world.counts[LIVE] += 1
    begun = now
    for outage in range(len(world.outages)):
        if world.outages[outage, 0] <= begun < world.outages[outage, 1]:
            begun = world.outages[outage, 1]
    push(world, begun + world.provisioning[turn], NODE_READY, node, turn)


@compiled
def node_ready(world: World, now: float, node: int, turn: int) -> None:
    """A node is up."""
    world.counts[UP] += 1
    world.used[node] = 0
    world.counts[FREE] += world.slots
    prepend(node, 0, world.node_ends, world.node_links)
    if world.loss[turn] < NEVER:
        push(world, now + world.loss[turn], NODE_LOST, node, world.node_stamp[node])


@compiled
def remove_node(world: World, node: int) -> None:
    """A node without instances is gone."""
    remove(node, 0, world.node_ends, world.node_links)
    world.used[node] = UNUSED
    world.node_stamp[node] += 1
    world.node_links[node, AFTER] = world.counts[FREE_NODE]
    world.counts[FREE_NODE] = node
    world.counts[FREE] -= world.slots
    world.counts[LIVE] -= 1
    world.counts[UP] -= 1


@compiled
def remove_surplus(world: World, now: float) -> None:
    """Remove what has not been needed for long enough, as far as there are empty nodes."""
    ring = len(world.surplus_since)
    while world.counts[SURPLUS_COUNT] > 0 and world.node_ends[0, LAST] != NOBODY:
        if world.surplus_since[world.counts[SURPLUS_FIRST]] + world.surplus_seconds > now:
            break
        remove_node(world, world.node_ends[0, LAST])
        world.counts[SURPLUS_FIRST] = (world.counts[SURPLUS_FIRST] + 1) % ring
        world.counts[SURPLUS_COUNT] -= 1
    if world.counts[SURPLUS_COUNT] > 0 and not world.counts[ARMED]:
        due = world.surplus_since[world.counts[SURPLUS_FIRST]] + world.surplus_seconds
        # What is due already waits for a node to become empty, not for a time.
        if due > now:
            world.counts[ARMED] = 1
            push(world, due, SURPLUS, 0, 0)
