"""Instances of the simulated applications, and their players.

An instance buffer counts what is ready or starts for nobody yet, and players who wait: for each of these one more is
started, as the fleet controller does.
"""

from capacity.simulation.compiled import compiled
from capacity.simulation.draws import NEVER
from capacity.simulation.lists import AFTER, CRASHED, ENDED, FIRST, LAST, LEFT, READY, append, push, remove
from capacity.simulation.nodes import percent_of, set_used
from capacity.simulation.world import (
    BUSY,
    CUT,
    FREE,
    FREE_INSTANCE,
    INTERRUPTED,
    LIVE,
    NOBODY,
    PENDING,
    PODS,
    QUEUED,
    SERVED,
    STARTING,
    UNUSED,
    WARM,
    World,
)


@compiled
def list_of(application: int, state: int) -> int:
    """The list of an application's starting or warm instances."""
    return 2 * application + state


@compiled
def serve(world: World, now: float, application: int) -> None:
    """Give warm instances to those who wait, by their priority and in their order."""
    while world.waiting[application] > 0 and world.warm[application] > 0:
        player = _first_in_queue(world, application)
        world.waiting[application] -= 1
        claim(world, now, application, player)


@compiled
def _first_in_queue(world: World, application: int) -> int:
    """Take the player whose turn it is out of the queue, and those who left before it."""
    for level in range(world.queue_first.shape[1]):
        while world.queue_first[application, level] != NOBODY:
            player: int = world.queue_first[application, level]
            world.queue_first[application, level] = world.queue_next[player]
            if world.outcome[player] == QUEUED:
                return player
    return NOBODY


@compiled
def arrive(world: World, now: float, player: int) -> None:
    """A player comes."""
    application = world.application[player]
    if world.warm[application] > 0:
        claim(world, now, application, player)
        return
    level = world.level[player]
    if world.queue_first[application, level] == NOBODY:
        world.queue_first[application, level] = player
    else:
        world.queue_next[world.queue_last[application, level]] = player
    world.queue_last[application, level] = player
    world.waiting[application] += 1
    if world.patience[player] < NEVER:
        push(world, now + world.patience[player], LEFT, player, 0)


@compiled
def claim(world: World, now: float, application: int, player: int) -> None:
    """A player gets the instance that has been warm longest."""
    instance = world.instance_ends[list_of(application, WARM), FIRST]
    _unlist(world, instance)
    world.state[instance] = BUSY
    world.busy[application] += 1
    world.of_player[instance] = player
    world.wait[player] = now - world.arrival[player]
    world.outcome[player] = SERVED
    end = now + world.session[player]
    # An instance that will crash before has its event in the heap already.
    if end <= world.crash_at[instance]:
        world.stamp[instance] += 1
        push(world, end, ENDED, instance, world.stamp[instance])


@compiled
def _unlist(world: World, instance: int) -> None:
    """Take an instance out of its application's list of starting or warm ones."""
    application, state = world.of_application[instance], world.state[instance]
    remove(instance, list_of(application, state), world.instance_ends, world.instance_links)
    if state == STARTING:
        world.starting[application] -= 1
    else:
        world.warm[application] -= 1


@compiled
def begin(world: World, now: float, application: int) -> None:
    """Start an instance on the fullest node that has room: so that empty nodes stay empty, and can go."""
    used = world.slots - 1
    while world.node_ends[used, FIRST] == NOBODY:
        used -= 1
    node = world.node_ends[used, FIRST]
    set_used(world, node, used + 1)
    instance = world.counts[FREE_INSTANCE]
    world.counts[FREE_INSTANCE] = world.instance_links[instance, AFTER]
    world.of_application[instance], world.of_node[instance] = application, node
    world.state[instance] = STARTING
    turn = world.started[application] % world.start.shape[1]
    world.started[application] += 1
    # How long it lives is drawn here, and counts from when it is ready.
    world.crash_at[instance] = world.crash[application, turn]
    append(instance, list_of(application, STARTING), world.instance_ends, world.instance_links)
    world.starting[application] += 1
    push(world, now + world.start[application, turn], READY, instance, world.stamp[instance])


@compiled
def get_ready(world: World, now: float, instance: int) -> None:
    """An instance has started."""
    application = world.of_application[instance]
    _unlist(world, instance)
    world.state[instance] = WARM
    world.warm[application] += 1
    append(instance, list_of(application, WARM), world.instance_ends, world.instance_links)
    if world.crash_at[instance] < NEVER:
        world.crash_at[instance] += now
        push(world, world.crash_at[instance], CRASHED, instance, world.stamp[instance])
    serve(world, now, application)


@compiled
def end(world: World, now: float, instance: int) -> None:
    """A session is over as it should be."""
    application = world.of_application[instance]
    if world.reuse[application]:
        world.busy[application] -= 1
        world.of_player[instance] = NOBODY
        world.state[instance] = WARM
        world.warm[application] += 1
        append(instance, list_of(application, WARM), world.instance_ends, world.instance_links)
        if world.crash_at[instance] < NEVER:
            push(world, world.crash_at[instance], CRASHED, instance, world.stamp[instance])
        serve(world, now, application)
    else:
        delete(world, instance)


@compiled
def delete(world: World, instance: int) -> None:
    """Remove an instance, whatever it does; its slot is free."""
    application = world.of_application[instance]
    if world.state[instance] == BUSY:
        world.busy[application] -= 1
    else:
        _unlist(world, instance)
    node = world.of_node[instance]
    world.state[instance] = UNUSED
    world.of_player[instance] = NOBODY
    world.stamp[instance] += 1
    world.instance_links[instance, AFTER] = world.counts[FREE_INSTANCE]
    world.counts[FREE_INSTANCE] = instance
    world.counts[PODS] -= 1
    set_used(world, node, world.used[node] - 1)


@compiled
def cut(world: World, instance: int) -> None:
    """An instance fails; whoever plays on it is cut off."""
    if world.state[instance] == BUSY:
        world.outcome[world.of_player[instance]] = INTERRUPTED
        world.counts[CUT] += 1
    delete(world, instance)


@compiled
def wanted(world: World, application: int) -> int:
    """How many instances of an application should be ready or starting."""
    busy = world.busy[application]
    buffer = max(world.buffer[application], percent_of(world.percent[application], busy))
    # Used up by sessions, not refilled.
    buffer = max(buffer, world.least[application] - busy)
    room: int = world.most[application] - busy
    found: int = max(min(buffer + world.waiting[application], room), 0)
    return found


@compiled
def settle(world: World, application: int) -> None:
    """Order instances up to what is wanted; what is too many goes, first what has cost least."""
    have = world.pending[application] + world.starting[application] + world.warm[application]
    more = wanted(world, application) - have
    if more < 0:
        unbegun = min(-more, world.pending[application])
        _expect(world, application, -unbegun)
        for _ in range(-more - unbegun):
            state = STARTING if world.starting[application] > 0 else WARM
            delete(world, world.instance_ends[list_of(application, state), LAST])
    else:
        _expect(world, application, more)


@compiled
def _expect(world: World, application: int, more: int) -> None:
    world.pending[application] += more
    world.counts[PENDING] += more
    world.counts[PODS] += more


@compiled
def grant(world: World, now: float) -> None:
    """Start instances that wait for a slot, as long as there is one."""
    while world.counts[FREE] > 0 and world.counts[PENDING] > 0:
        application = _next_for_slot(world)
        world.pending[application] -= 1
        world.counts[PENDING] -= 1
        begin(world, now, application)


@compiled
def _next_for_slot(world: World) -> int:
    """The application with the greatest priority; among equals, where more players wait."""
    best = NOBODY
    for each in range(len(world.pending)):
        if world.pending[each] > 0 and (
            best == NOBODY
            or world.priority[each] > world.priority[best]
            or (world.priority[each] == world.priority[best] and world.waiting[each] > world.waiting[best])
        ):
            best = each
    return best


@compiled
def reclaim(world: World, now: float) -> None:
    """In a full pool take slots from idle instances of lesser applications, for players of greater ones who wait."""
    while world.counts[FREE] == 0 and world.counts[LIVE] >= world.most_nodes:
        greater = _next_for_slot(world)
        if greater == NOBODY or world.waiting[greater] <= world.starting[greater]:
            return
        lesser = NOBODY
        for each in range(len(world.pending)):
            idle = world.warm[each] + world.starting[each]
            if idle > 0 and (lesser == NOBODY or world.priority[each] < world.priority[lesser]):
                lesser = each
        if lesser == NOBODY or world.priority[lesser] >= world.priority[greater]:
            return
        state = STARTING if world.starting[lesser] > 0 else WARM
        delete(world, world.instance_ends[list_of(lesser, state), LAST])
        _expect(world, lesser, 1)
        grant(world, now)
