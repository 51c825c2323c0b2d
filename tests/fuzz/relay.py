"""Frames into the matchmaker's machine, from both of its ends: nothing raises, and nothing grows."""

import gc
from collections.abc import Callable
from functools import partial
from typing import Final, get_args

from signalling.protocol import messages as m
from signalling.protocol.messages import opaque
from signalling.protocol.relay import ClosePlayer, Relay, RelayAction, ToInstance, ToPlayer
from tests.fuzz.frames import Frames
from tests.fuzz.machine import Outcome, resident

KNOWN: Final = get_args(RelayAction)
CODES: Final = (None, 1000, 1008, 1012, 4010, 4011, 4950)


def fuzz(frames: int, seed: int) -> Outcome:
    """Send so many generated frames; AssertionError when one leads to what must not be."""
    player, instance, outcome = Frames(m.Role.PLAYER, seed), Frames(m.Role.STREAMER, seed + 1), Outcome()
    machine, before = made(player), 0
    while outcome.frames < frames:
        outcome.frames += 1
        match player.chance.random():
            case draw if draw < 0.6:
                actions = machine.from_player(player.next())
            case draw if draw < 0.9:
                actions = machine.from_instance(instance.next())
            case _:
                actions = step(machine, player)
        assert all(isinstance(action, KNOWN) for action in actions)
        outcome.sent += sum(isinstance(action, ToPlayer | ToInstance) for action in actions)
        outcome.dropped += not actions
        if any(isinstance(action, ClosePlayer) for action in actions):
            assert machine.from_player('{"type":"listStreamers"}') == [], "a closed machine speaks"
            outcome.closed += 1
            machine = made(player)
        if not before and outcome.frames >= frames // 3:
            gc.collect()
            before = resident()
    gc.collect()
    outcome.grown_bytes = resident() - before
    return outcome


def made(supply: Frames) -> Relay:
    """A machine for the next player, which opted in or not."""
    return Relay(opaque({}), opted_in=supply.chance.random() < 0.5)


def step(machine: Relay, supply: Frames) -> list[RelayAction]:
    """Something that the matchmaker does, or the end of the instance's connection."""
    steps: list[Callable[[], list[RelayAction]]] = [
        machine.allocated,
        machine.enqueued,
        machine.settled,
        machine.starting,
        partial(machine.allocated, going_on=True),
        partial(machine.waits, 3, 10.0),
        partial(machine.instance_gone, supply.chance.choice(CODES), "why"),
    ]
    return supply.chance.choice(steps)()
