"""The event loop, compiled. What it does, and in what order, the tests' own model does in plain Python: with the same
result to the last digit."""

from capacity.simulation.compiled import compiled
from capacity.simulation.draws import NEVER
from capacity.simulation.instances import arrive, cut, end, get_ready, grant, list_of, reclaim, settle
from capacity.simulation.lists import (
    AFTER,
    ENDED,
    FIRST,
    INDEX_BITS,
    KIND_BITS,
    LEFT,
    NODE_LOST,
    NODE_READY,
    READY,
    SURPLUS,
    pop,
)
from capacity.simulation.nodes import fit_nodes, needed_nodes, node_ready, remove_node
from capacity.simulation.world import (
    ARMED,
    BIN,
    CHANGE,
    EVENTS,
    FREE_NODE,
    GAVE_UP,
    HANDLED,
    LIVE,
    NOBODY,
    NODE_BUFFER,
    NODES_ORDERED,
    PLAYER,
    POOL,
    QUEUED,
    STARTING,
    UNUSED,
    UP,
    World,
)


@compiled
def lose_node(world: World, node: int) -> None:
    """A node is gone, and all instances on it."""
    for instance in range(len(world.state)):
        if world.state[instance] != UNUSED and world.of_node[instance] == node:
            cut(world, instance)
    remove_node(world, node)


@compiled
def happen(world: World, now: float, data: int) -> int:
    """What an event of the heap does; the application whose instances have to be counted again, if one has."""
    kind = data & ((1 << KIND_BITS) - 1)
    index = (data >> KIND_BITS) & ((1 << INDEX_BITS) - 1)
    stamp = data >> (KIND_BITS + INDEX_BITS)
    if kind == NODE_READY:
        node_ready(world, now, index, stamp)
    elif kind == NODE_LOST:
        if world.node_stamp[index] == stamp:
            lose_node(world, index)
            for each in range(len(world.pending)):
                settle(world, each)
    elif kind == SURPLUS:
        world.counts[ARMED] = 0
    elif kind == LEFT:
        if world.outcome[index] == QUEUED:
            world.outcome[index] = GAVE_UP
            world.waiting[world.application[index]] -= 1
            its: int = world.application[index]
            return its
    elif world.stamp[index] == stamp:
        application: int = world.of_application[index]
        if kind == READY:
            get_ready(world, now, index)
        elif kind == ENDED:
            end(world, now, index)
        else:
            cut(world, index)
        return application
    return NOBODY


@compiled
def margin(world: World) -> int:
    """The most events that one event, or the beginning, can put into the heap."""
    return 2 * (len(world.state) + world.most_nodes) + 16


@compiled
def integrate(world: World, until: float) -> None:
    """Add what has held since the last event to the bins that this time touches."""
    since, at = world.clock[0], world.counts[BIN]
    width, last = world.seconds / len(world.by_nodes), len(world.by_nodes) - 1
    while True:
        edge = NEVER if at == last else (at + 1) * width
        seconds = min(until, edge) - since
        for each in range(len(world.busy)):
            sums = world.by_application[at, each]
            sums[0] += seconds * world.busy[each]
            sums[1] += seconds * world.warm[each]
            sums[2] += seconds * world.starting[each]
            sums[3] += seconds * world.pending[each]
            sums[4] += seconds * world.waiting[each]
        world.by_nodes[at, 0] += seconds * world.counts[UP]
        world.by_nodes[at, 1] += seconds * (world.counts[LIVE] - world.counts[UP])
        if until < edge:
            break
        since, at = edge, at + 1
    world.counts[BIN] = at


@compiled
def fill(world: World) -> None:
    """At the beginning: what is needed is up and warm."""
    for application in range(len(world.buffer)):
        settle(world, application)
    for _ in range(needed_nodes(world)):
        node = world.counts[FREE_NODE]
        world.counts[FREE_NODE] = world.node_links[node, AFTER]
        turn = world.counts[NODES_ORDERED] % len(world.provisioning)
        world.counts[NODES_ORDERED] += 1
        world.counts[LIVE] += 1
        node_ready(world, 0.0, node, turn)
    grant(world, 0.0)
    for application in range(len(world.buffer)):
        starting = list_of(application, STARTING)
        while world.instance_ends[starting, FIRST] != NOBODY:
            instance = world.instance_ends[starting, FIRST]
            # Its start is not waited for.
            world.stamp[instance] += 1
            get_ready(world, 0.0, instance)


@compiled
def change_buffer(world: World) -> int:
    """The next change of a schedule; the application whose instances have to be counted again, if it is one's."""
    change = world.counts[CHANGE]
    world.counts[CHANGE] += 1
    application: int = world.change_of[change]
    if application == POOL:
        world.counts[NODE_BUFFER] = world.change_buffer[change]
        return NOBODY
    world.buffer[application] = world.change_buffer[change]
    world.percent[application] = world.change_percent[change]
    world.least[application] = world.change_least[change]
    world.most[application] = world.change_most[change]
    world.kept_slots[application] = world.change_slots[change]
    world.kept_slots_percent[application] = world.change_slots_percent[change]
    return application


@compiled
def run(world: World) -> bool:
    """Play on after `fill`: to the end, or until the heap may be too small for what one event can add.

    It says whether it was the end. At one moment changes of schedules come first, then events, then players.
    """
    while world.counts[EVENTS] + margin(world) <= len(world.event_time):
        player, change = world.counts[PLAYER], world.counts[CHANGE]
        next_player = world.arrival[player] if player < len(world.arrival) else NEVER
        next_change = world.change_time[change] if change < len(world.change_time) else NEVER
        next_event = world.event_time[0] if world.counts[EVENTS] > 0 else NEVER
        now = min(next_player, next_change, next_event)
        integrate(world, min(now, world.seconds))
        if now > world.seconds:
            return True
        world.clock[0] = now
        world.counts[HANDLED] += 1
        if next_change == now:
            application = change_buffer(world)
        elif next_event == now:
            application = happen(world, now, pop(world))
        else:
            world.counts[PLAYER] += 1
            application = world.application[player]
            arrive(world, now, player)
        if application != NOBODY:
            settle(world, application)
        grant(world, now)
        if len(world.pending) > 1:
            reclaim(world, now)
        fit_nodes(world, now)
    return False
