"""Frames that no honest player sends, against the relay's machine and against the player's port.

The suite sends some; ``make bench NAME=matchmaker_fuzz`` sends a million and looks at the memory too.
"""

import asyncio
import random
from collections.abc import Callable
from functools import partial
from typing import get_args

import pytest

from signalling.protocol.messages import opaque
from signalling.protocol.relay import ClosePlayer, Relay, RelayAction, Stage
from tests.unit.signalling.clients import cut, eventually
from tests.unit.signalling.frames import frame, frames
from tests.unit.signalling.stage import stream

KNOWN = get_args(RelayAction)


def drive(seed: int, number: int) -> int:
    """Frames of both ends against machines, one after the other as each is closed; the number of machines it took."""
    draw = random.Random(seed)
    machine, machines = Relay(opaque({}), opted_in=draw.random() < 0.5), 1
    for data in frames(seed, number):
        match draw.random():
            case chance if chance < 0.6:
                actions = machine.from_player(data)
            case chance if chance < 0.9:
                actions = machine.from_instance(data)
            case _:
                going_on = partial(machine.allocated, going_on=True)
                steps: list[Callable[[], list[RelayAction]]] = [machine.allocated, machine.enqueued, going_on]
                actions = draw.choice([*steps, machine.settled])()
        assert all(isinstance(action, KNOWN) for action in actions)
        if any(isinstance(action, ClosePlayer) for action in actions) or draw.random() < 0.001:
            machine.instance_gone(draw.choice([None, 1000, 1012, 4010, 4950]), "why")
            machine, machines = Relay(opaque({}), opted_in=draw.random() < 0.5), machines + 1
    return machines


@pytest.mark.parametrize("seed", range(5))
def test_no_frame_is_too_much_for_the_machine(seed):
    assert drive(seed, 10_000) > 10


async def test_no_frame_is_too_much_for_the_port_and_none_reaches_another_session(stage):
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    player = await stage.opted()
    player_id = await stream(player, unreal)
    draw = random.Random(7)
    sent = 0
    while sent < 3000:
        other = await stage.player(draw.choice(["", "?session=1"]), ask=False)
        try:
            for _ in range(draw.randrange(1, 200)):
                data = frame(draw)
                sent += 1
                await (other.socket.send_str(data) if isinstance(data, str) else other.socket.send_bytes(data))
        except ConnectionError:
            # It has been closed: the next one.
            pass
        cut(other.socket)
    await player.say("iceCandidate", candidate={"candidate": "mine"})
    assert (await unreal.expect("iceCandidate"))["candidate"] == {"candidate": "mine"}
    await unreal.say("iceCandidate", playerId=player_id, candidate={"candidate": "theirs"})
    assert (await player.expect("iceCandidate"))["candidate"] == {"candidate": "theirs"}
    await eventually(lambda: len(stage.matchmakers[0].replica.connections) == 1, "the others are gone")
    assert (await stage.ask("/healthz"))[0] == 200


async def test_a_frame_that_is_too_big_ends_its_connection_only(stage):
    await stage.matchmaker(max_message_bytes=10_000)
    player, other = await stage.player(ask=False), await stage.player()
    await player.socket.send_str("x" * 20_000)
    frame_of = await asyncio.wait_for(player.socket.receive(), 10)
    assert player.socket.close_code in {1006, 1009}, frame_of
    await other.say("ping", time=1)
    await other.expect("pong")


def test_the_frames_are_the_same_for_a_seed_and_reach_every_stage():
    assert list(frames(1, 100)) == list(frames(1, 100)) != list(frames(2, 100))
    machine, stages = Relay(opaque({}), opted_in=True), set()
    for data in frames(3, 2000):
        machine.from_player(data)
        stages.add(machine.stage)
        if machine.stage is Stage.CLOSED:
            machine = Relay(opaque({}), opted_in=True)
    assert {Stage.CONNECTED, Stage.QUEUED, Stage.RESUMING, Stage.CLOSED} <= stages
