"""A short run of the fuzzer, which ``python -m tests.fuzz`` runs at length."""

import pytest

from signalling.protocol.messages import Role
from signalling.protocol.routing import Player, Streamer
from tests.fuzz import machine, sockets
from tests.fuzz.__main__ import MOST_GROWN


@pytest.mark.parametrize("port", Role)
def test_frames_from_each_port_lead_to_nothing_that_must_not_be(port):
    outcome = machine.fuzz(port, 6_000, seed=7)
    assert outcome.frames == 6_000
    assert outcome.sent and outcome.dropped and outcome.closed
    assert outcome.grown_bytes < MOST_GROWN


async def test_frames_and_nonsense_through_real_sockets_disturb_nobody():
    ended = await sockets.fuzz(400, seed=7)
    assert ended.keys() == {"streamer", "players", "sfu"}


def test_the_fuzzer_notices_a_message_in_a_wrong_session(monkeypatch):
    monkeypatch.setattr("signalling.protocol.routing.Routing.player_of", lambda _, streamer, __: _any_of(streamer))
    with pytest.raises(AssertionError, match="does not name"):
        machine.fuzz(Role.STREAMER, 6_000, seed=7)


def _any_of(streamer: Streamer) -> Player | None:
    return next(reversed(streamer.players.values()), None)
