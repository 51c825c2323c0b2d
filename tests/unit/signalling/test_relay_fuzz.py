"""Frames that no honest player sends, against the relay's machine and the player's port; ``python -m tests.fuzz`` sends
a million."""

import asyncio

import pytest

from signalling.protocol.messages import Role, opaque
from signalling.protocol.relay import Relay, Stage
from tests.fuzz import relay
from tests.fuzz.__main__ import MOST_GROWN
from tests.fuzz.frames import Frames
from tests.unit.signalling.clients import cut, eventually
from tests.unit.signalling.stage import stream


@pytest.mark.parametrize("seed", [1, 2])
def test_no_frame_is_too_much_for_the_machine(seed):
    outcome = relay.fuzz(20_000, seed)
    assert outcome.frames == 20_000
    assert outcome.sent and outcome.closed and outcome.dropped
    assert outcome.grown_bytes < MOST_GROWN


async def test_no_frame_is_too_much_for_the_port_and_none_reaches_another_session(stage):
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    player = await stage.opted()
    player_id = await stream(player, unreal)
    supply, sent = Frames(Role.PLAYER, 7), 0
    while sent < 3000:
        other = await stage.player(supply.chance.choice(["", "?session=1"]), ask=False)
        try:
            for _ in range(supply.chance.randrange(1, 200)):
                data = supply.next()
                sent += 1
                if isinstance(data, bytes):
                    await other.socket.send_bytes(data)
                else:
                    await other.socket.send_str(data.encode(errors="replace").decode())
        except ConnectionError:
            # It has been closed: the next one.
            pass
        cut(other.socket)
    await player.say("iceCandidate", candidate={"candidate": "mine"})
    assert (await unreal.expect("iceCandidate"))["candidate"] == {"candidate": "mine"}
    await unreal.say("iceCandidate", playerId=player_id, candidate={"candidate": "theirs"})
    while (heard := await player.hear())["type"] != "iceCandidate":
        assert heard["type"] == "sessionPlayers"
    assert heard["candidate"] == {"candidate": "theirs"}
    await eventually(lambda: len(stage.matchmakers[0].replica.connections) == 1, "the others are gone")
    assert (await stage.ask("/healthz"))[0] == 200


async def test_a_frame_that_is_too_big_ends_its_connection_only(stage):
    await stage.matchmaker(max_message_bytes=10_000)
    player, other = await stage.player(ask=False), await stage.player()
    await player.socket.send_str("x" * 20_000)
    frame = await asyncio.wait_for(player.socket.receive(), 10)
    assert player.socket.close_code in {1006, 1009}, frame
    await other.say("ping", time=1)
    await other.expect("pong")


def test_frames_reach_every_stage():
    machine, stages, supply = Relay(opaque({}), opted_in=True), set(), Frames(Role.PLAYER, 3)
    for _ in range(3000):
        machine.from_player(supply.next())
        stages.add(machine.stage)
        if machine.stage is Stage.CLOSED or len(stages) < 3:
            machine = Relay(opaque({}), opted_in=True)
    assert {Stage.QUEUED, Stage.RESUMING, Stage.CLOSED} <= stages
