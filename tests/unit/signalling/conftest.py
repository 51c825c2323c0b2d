"""The whole service, for the tests that need one."""

from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop
from aiohttp import ClientSession

from tests.unit.signalling.memory_cluster import fleet, node
from tests.unit.signalling.stage import Stage


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    """The loop that the programs run on."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    page = tmp_path / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>page</title>")
    (page / "assets/index-abc.js").write_text("1")
    async with ClientSession() as http:
        it = Stage(http, page)
        it.cluster.put(node("turn-1", {"InternalIP": "10.0.30.4", "ExternalIP": "198.51.100.7"}))
        for application in ("demo", "other"):
            it.cluster.put(fleet(f"{application}-v1", application=application))
        yield it
        await it.close()
