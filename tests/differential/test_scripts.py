"""Each script against the sidecar, beside what the reference made of it, recorded or live.

``python -m tests.differential.record HOST:STREAMER_PORT,PLAYER_PORT,SFU_PORT`` records a reference anew.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from signalling.sidecar.server import SidecarServer
from signalling.sidecar.settings import SidecarSettings
from tests.differential.playing import Script, Server, differences, names, play


@pytest.fixture
async def sidecar() -> AsyncIterator[Server]:
    """One that admits anybody, and several streamers, as the reference does."""
    local: dict[str, Any] = dict.fromkeys(("player_host", "health_host"), "127.0.0.1")
    local |= dict.fromkeys(("streamer_port", "sfu_port", "player_port", "health_port"), 0)
    server = SidecarServer(SidecarSettings(admit_anybody=True, max_streamers=4, **local))
    await server.start()
    yield Server(*(f"ws://127.0.0.1:{server.ports[port]}/" for port in ("streamer", "players", "sfu")))
    await server.stop()


@pytest.mark.parametrize("name", names())
async def test_the_sidecar_does_what_the_reference_did_but_where_it_is_meant_not_to(sidecar, name):
    script = Script.load(name)
    ours = await play(script, sidecar, reference=False)
    found = differences(ours, script.recorded(), script)
    assert found.keys() == script.differs.keys(), found


@pytest.mark.parametrize("name", names())
async def test_the_reference_does_what_it_did_when_it_was_recorded(reference, name):
    script = Script.load(name)
    assert await play(script, reference, reference=True) == script.recorded()


@pytest.mark.parametrize("name", names())
def test_a_script_says_why_it_differs_or_is_spared(name):
    script = Script.load(name)
    for step, why in script.differs.items():
        assert 1 <= step <= len(script.steps) and why
    assert all(step.get("unsafe", "why") for step in script.steps)
