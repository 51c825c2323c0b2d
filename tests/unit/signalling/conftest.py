"""The whole service, for the tests that need one."""

import warnings
from asyncio import AbstractEventLoop
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvloop
from aiohttp import ClientSession
from hypothesis import settings

from tests.unit.signalling.memory_cluster import fleet, node
from tests.unit.signalling.pod import Pod
from tests.unit.signalling.raw import Raw
from tests.unit.signalling.stage import Stage

# A machine that does other things too is no reason to fail.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


class Loop(uvloop.Loop):
    """The loop that the programs run on.

    Where warnings are errors, uvloop's own about a connection left open keeps it from closing that, and it waits for it
    without end. So they come once the loop is closed.
    """

    def close(self) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            super().close()
        for warning in caught:
            warnings.warn(warning.message, stacklevel=2)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], AbstractEventLoop]]:
    return {"uvloop": Loop}


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


@pytest.fixture
async def raws_closed() -> AsyncIterator[None]:
    """Connections of bytes do not outlive their test."""
    yield
    while Raw.opened:
        writer = Raw.opened.pop()
        writer.transport.abort()


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


@pytest.fixture
async def pod(http: ClientSession, tmp_path: Path) -> AsyncIterator[Pod]:
    it = Pod(http, tmp_path)
    await it.start()
    yield it
    await it.stop()
