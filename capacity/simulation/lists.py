"""Doubly linked lists in arrays, and the heap of events: the compiled engine's two structures.

A list has a row of `ends` (first, last), and each of its members a row of `links` (before it, after it).
"""

from typing import Final

from capacity.simulation.compiled import compiled
from capacity.simulation.draws import Integers
from capacity.simulation.world import EVENTS, NOBODY, SERIAL, World

FIRST: Final = 0
LAST: Final = 1
BEFORE: Final = 0
AFTER: Final = 1

INDEX_BITS: Final = 26
"""Rows that an event can point to: 67 million."""
KIND_BITS: Final = 3

# Kinds of events.
READY: Final = 0
ENDED: Final = 1
CRASHED: Final = 2
NODE_READY: Final = 3
NODE_LOST: Final = 4
SURPLUS: Final = 5
LEFT: Final = 6


@compiled
def append(row: int, key: int, ends: Integers, links: Integers) -> None:
    """Put a row at the end of a list."""
    links[row, AFTER] = NOBODY
    links[row, BEFORE] = ends[key, LAST]
    if ends[key, LAST] == NOBODY:
        ends[key, FIRST] = row
    else:
        links[ends[key, LAST], AFTER] = row
    ends[key, LAST] = row


@compiled
def prepend(row: int, key: int, ends: Integers, links: Integers) -> None:
    """Put a row at the head of a list."""
    links[row, BEFORE] = NOBODY
    links[row, AFTER] = ends[key, FIRST]
    if ends[key, FIRST] == NOBODY:
        ends[key, LAST] = row
    else:
        links[ends[key, FIRST], BEFORE] = row
    ends[key, FIRST] = row


@compiled
def remove(row: int, key: int, ends: Integers, links: Integers) -> None:
    """Take a row out of a list, wherever it stands there."""
    before, after = links[row, BEFORE], links[row, AFTER]
    if before == NOBODY:
        ends[key, FIRST] = after
    else:
        links[before, AFTER] = after
    if after == NOBODY:
        ends[key, LAST] = before
    else:
        links[after, BEFORE] = before


@compiled
def push(world: World, time: float, kind: int, index: int, stamp: int) -> None:
    """Put an event into the heap, after those of the same moment."""
    at = world.counts[EVENTS]
    serial = world.counts[SERIAL]
    while at > 0:
        parent = (at - 1) >> 1
        if world.event_time[parent] <= time:
            break
        world.event_time[at] = world.event_time[parent]
        world.event_serial[at] = world.event_serial[parent]
        world.event_data[at] = world.event_data[parent]
        at = parent
    world.event_time[at] = time
    world.event_serial[at] = serial
    world.event_data[at] = ((stamp << INDEX_BITS) | index) << KIND_BITS | kind
    world.counts[EVENTS] += 1
    world.counts[SERIAL] += 1


@compiled
def pop(world: World) -> int:
    """Take the first event out of the heap: its data, which hold kind, index and stamp."""
    data: int = world.event_data[0]
    size = world.counts[EVENTS] - 1
    world.counts[EVENTS] = size
    time, serial, moved = world.event_time[size], world.event_serial[size], world.event_data[size]
    at, child = 0, 1
    while child < size:
        right = child + 1
        if right < size and _before(world, right, world.event_time[child], world.event_serial[child]):
            child = right
        if not _before(world, child, time, serial):
            break
        world.event_time[at] = world.event_time[child]
        world.event_serial[at] = world.event_serial[child]
        world.event_data[at] = world.event_data[child]
        at, child = child, 2 * child + 1
    world.event_time[at], world.event_serial[at], world.event_data[at] = time, serial, moved
    return data


@compiled
def _before(world: World, at: int, time: float, serial: int) -> bool:
    other: float = world.event_time[at]
    return other < time or (other == time and bool(world.event_serial[at] < serial))
