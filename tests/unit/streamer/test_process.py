"""``python -m streamer`` as the instance runs it."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process

import pytest

from tests.unit.streamer.browser import Browser, join
from tests.unit.streamer.signalling import signalling


async def start(**environment: str) -> Process:
    kept = {key: os.environ[key] for key in ("PATH", "PYTHONPATH") if key in os.environ}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streamer", env={**kept, **environment}, stderr=PIPE, stdout=PIPE
    )


async def finish(process: Process) -> tuple[int | None, str]:
    async with asyncio.timeout(30):
        out, error = await process.communicate()
    assert out == b""
    return process.returncode, error.decode()


async def test_a_wrong_setting_ends_it_with_a_sentence():
    status, said = await finish(await start(RES_X="abc"))
    assert status == 2
    assert said.startswith("RES_X=abc is not a whole number: set it to") and said.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_waits_for_the_sidecar_and_ends_when_told_to(number):
    process = await start(SIGNAL_URL="ws://127.0.0.1:9", EXTRA_ARGS="-RenderOffScreen")
    assert process.stderr is not None
    lines = [(await process.stderr.readline()).decode() for _ in range(3)]
    assert "EXTRA_ARGS is for an Unreal application and is ignored: -RenderOffScreen" in lines[0]
    assert "no signalling connection to ws://127.0.0.1:9" in lines[2]
    process.send_signal(number)
    assert (await finish(process))[0] == 0


async def test_its_players_are_told_when_it_ends():
    async with signalling() as server:
        process = await start(SIGNAL_URL=server.url, RES_X="320", RES_Y="180")
        await server.expect("endpointId")
        browser = Browser()
        await join(browser, "1", server)
        await browser.frames(5)
        process.send_signal(signal.SIGTERM)
        status, said = await finish(process)
        assert status == 0 and "Traceback" not in said
        async with asyncio.timeout(5):
            while browser.peer.connectionState != "closed":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert server.said.empty(), "a sidecar gets nothing but the end of the connection"
        await browser.close()
