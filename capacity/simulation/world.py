"""What the simulation's engine works on: flat arrays, one row for each thing. Made by `build`, changed in place."""

from typing import Final, NamedTuple

import numpy as np

from capacity.simulation.draws import NEVER, Draws, Floats, Integers
from capacity.simulation.scenario import Change, Scenario

# Where each number stands in `World.counts`.
EVENTS: Final = 0
"""Events in the heap."""
SERIAL: Final = 1
"""Events ever put there: what happens at one moment happens in the order in which it was decided."""
PODS: Final = 2
"""Instances in every state, those that wait for a slot among them."""
PENDING: Final = 3
"""Instances that wait for a slot."""
FREE: Final = 4
"""Slots without an instance, on nodes that are up."""
LIVE: Final = 5
"""Nodes up and ordered."""
UP: Final = 6
NODE_BUFFER: Final = 7
NODES_ORDERED: Final = 8
"""Ever."""
SURPLUS_FIRST: Final = 9
SURPLUS_COUNT: Final = 10
ARMED: Final = 11
"""1 while an event stands in the heap for the oldest surplus."""
FREE_INSTANCE: Final = 12
"""The first unused row of instances."""
FREE_NODE: Final = 13
CUT: Final = 14
"""Sessions cut off by a crash or the loss of a node."""
HANDLED: Final = 15
"""Events that happened, players' arrivals and changes of schedules among them."""
PLAYER: Final = 16
"""The row of the next to come."""
CHANGE: Final = 17
"""Of the next change of a schedule."""
BIN: Final = 18
"""The part of the time for which sums are kept now."""
COUNTERS: Final = 19

# States of an instance, and the lists of an application that it is in.
UNUSED: Final = -1
STARTING: Final = 0
WARM: Final = 1
BUSY: Final = 2

# What became of a player.
QUEUED: Final = 0
"""Still waiting when the simulation ended."""
SERVED: Final = 1
GAVE_UP: Final = 2
INTERRUPTED: Final = 3

NOBODY: Final = -1
POOL: Final = -1
"""In place of an application's row, in a change of schedule."""


class World(NamedTuple):
    """Rows of events, applications, players, instances and nodes; -1 stands for nobody and nothing."""

    counts: Integers
    clock: Floats
    """Its only number is the time."""
    # Events: a binary heap by time, then by serial number.
    event_time: Floats
    event_serial: Integers
    event_data: Integers
    # Applications.
    buffer: Integers
    percent: Floats
    least: Integers
    most: Integers
    kept_slots: Integers
    kept_slots_percent: Floats
    priority: Integers
    reuse: Integers
    busy: Integers
    warm: Integers
    starting: Integers
    pending: Integers
    waiting: Integers
    started: Integers
    start: Floats
    crash: Floats
    instance_ends: Integers
    """The lists of each application's starting instances, and of its warm ones, by `list_of`."""
    # Players.
    arrival: Floats
    application: Integers
    session: Floats
    patience: Floats
    level: Integers
    """0 is served first."""
    wait: Floats
    outcome: Integers
    queue_first: Integers
    """Application x level."""
    queue_last: Integers
    queue_next: Integers
    # Instances.
    of_application: Integers
    of_node: Integers
    of_player: Integers
    state: Integers
    stamp: Integers
    """Raised when what is in the heap for it holds no longer."""
    crash_at: Floats
    instance_links: Integers
    # Nodes.
    slots: int
    least_nodes: int
    most_nodes: int
    surplus_seconds: float
    provisioning: Floats
    loss: Floats
    outages: Floats
    """Start and end of each."""
    used: Integers
    """Slots with an instance; -1 of a node that is not up."""
    node_stamp: Integers
    node_ends: Integers
    """By slots in use: the lists of nodes that have room, the latest to come first."""
    node_links: Integers
    surplus_since: Floats
    """A ring: since when the pool has had one, two, … nodes more than it needs."""
    # The schedules of buffers, in order of time.
    change_time: Floats
    change_of: Integers
    """An application's row, or that of the pool, which is no application's."""
    change_buffer: Integers
    """Of the pool its free slots."""
    change_percent: Floats
    change_least: Integers
    change_most: Integers
    change_slots: Integers
    change_slots_percent: Floats
    # What is summed up.
    seconds: float
    """The end of the simulation."""
    by_application: Floats
    """Bin x application x (sessions, warm, starting, waiting for a slot, players waiting), each times seconds."""
    by_nodes: Floats
    """Bin x (up, ordered), times seconds."""


def build(scenario: Scenario, draws: Draws) -> World:
    """The world at its beginning: nobody plays, buffers are full, their nodes are up."""
    applications, pool, players = scenario.applications, scenario.pool, draws.players
    count, nodes = len(applications), pool.most_nodes
    instances = nodes * pool.slots
    levels = -np.unique(-players.priority) if len(players) else np.zeros(1, dtype=np.int64)

    def whole(*shape: int, value: int = 0) -> Integers:
        return np.full(shape, value, dtype=np.int64)

    changes = _changes(scenario)
    counts = whole(COUNTERS)
    counts[NODE_BUFFER] = pool.buffer
    return World(
        counts=counts,
        clock=np.zeros(1),
        event_time=np.empty(0),
        event_serial=whole(0),
        event_data=whole(0),
        buffer=np.array([each.buffer for each in applications], dtype=np.int64),
        percent=np.array([each.buffer_percent for each in applications], dtype=np.float64),
        least=np.array([each.least for each in applications], dtype=np.int64),
        most=np.array([_bounded(each.most, instances) for each in applications], dtype=np.int64),
        kept_slots=np.array([each.slots for each in applications], dtype=np.int64),
        kept_slots_percent=np.array([each.slots_percent for each in applications], dtype=np.float64),
        priority=np.array([each.priority for each in applications], dtype=np.int64),
        reuse=np.array([each.reuse for each in applications], dtype=np.int64),
        busy=whole(count),
        warm=whole(count),
        starting=whole(count),
        pending=whole(count),
        waiting=whole(count),
        started=whole(count),
        start=draws.start,
        crash=draws.crash,
        instance_ends=whole(2 * count, 2, value=NOBODY),
        arrival=players.arrival,
        application=players.application,
        session=players.session,
        patience=players.patience,
        level=np.searchsorted(-levels, -players.priority).astype(np.int64),
        wait=np.full(len(players), NEVER),
        outcome=whole(len(players)),
        queue_first=whole(count, len(levels), value=NOBODY),
        queue_last=whole(count, len(levels), value=NOBODY),
        queue_next=whole(len(players), value=NOBODY),
        of_application=whole(instances),
        of_node=whole(instances),
        of_player=whole(instances, value=NOBODY),
        state=whole(instances, value=UNUSED),
        stamp=whole(instances),
        crash_at=np.full(instances, NEVER),
        instance_links=_chain(instances),
        slots=pool.slots,
        least_nodes=pool.least_nodes,
        most_nodes=nodes,
        surplus_seconds=pool.surplus_seconds,
        provisioning=draws.provisioning,
        loss=draws.loss,
        outages=np.array([(each.start, each.end) for each in pool.outages], dtype=np.float64).reshape(-1, 2),
        used=whole(nodes, value=UNUSED),
        node_stamp=whole(nodes),
        node_ends=whole(pool.slots, 2, value=NOBODY),
        node_links=_chain(nodes),
        surplus_since=np.zeros(nodes + 1),
        change_time=np.array([each.time for _, each in changes], dtype=np.float64),
        change_of=np.array([of for of, _ in changes], dtype=np.int64),
        change_buffer=np.array([each.buffer for _, each in changes], dtype=np.int64),
        change_percent=np.array([each.buffer_percent for _, each in changes], dtype=np.float64),
        change_least=np.array([each.least for _, each in changes], dtype=np.int64),
        change_most=np.array([_bounded(each.most, instances) for _, each in changes], dtype=np.int64),
        change_slots=np.array([each.slots for _, each in changes], dtype=np.int64),
        change_slots_percent=np.array([each.slots_percent for _, each in changes], dtype=np.float64),
        seconds=float(scenario.seconds),
        by_application=np.zeros((scenario.bins, count, 5)),
        by_nodes=np.zeros((scenario.bins, 2)),
    )


def with_room(world: World, events: int) -> World:
    """The same world whose heap has room for more events."""
    return world._replace(
        event_time=np.concatenate([world.event_time, np.empty(events)]),
        event_serial=np.concatenate([world.event_serial, np.empty(events, dtype=np.int64)]),
        event_data=np.concatenate([world.event_data, np.empty(events, dtype=np.int64)]),
    )


def _changes(scenario: Scenario) -> list[tuple[int, Change]]:
    """Application's row and change, in order of time; at one moment the pool's come before the applications'."""
    changes = [(POOL, Change(each.time, each.slots)) for each in scenario.pool.changes]
    for number, its in enumerate(scenario.applications):
        changes += [(number, change) for change in its.changes]
    return sorted(changes, key=lambda each: (each[1].time, each[0]))


def _bounded(most: int | None, instances: int) -> int:
    """What an application may have of the instances that the pool holds."""
    return instances if most is None else most


def _chain(count: int) -> Integers:
    """Links of which each row is followed by the next: the list of unused ones."""
    links = np.full((count, 2), NOBODY, dtype=np.int64)
    links[:-1, 1] = np.arange(1, count)
    return links
