"""Where the operator page's tests run against: a real front with a session, or the API before a crowd."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from aiohttp import ClientSession

from signalling.kubernetes.fleets import BUFFER_TARGET_ANNOTATION
from signalling.operations.page import operator_page
from signalling.shell import listening
from tests.browser.loop import Loop
from tests.browser.operator.crowd import Crowd
from tests.unit.signalling.clients import Client, eventually
from tests.unit.signalling.operations.front_stage import FrontStage, furnished
from tests.unit.signalling.operations.service import Api
from tests.unit.signalling.stage import stream

T = TypeVar("T")


@dataclass
class Scene:
    """A front with the page, one that plays on ``demo-1``, and one that waits."""

    stage: FrontStage
    loop: Loop
    playing: Client
    waiting: Client

    @property
    def url(self) -> str:
        """The page's."""
        return f"http://127.0.0.1:{self.stage.fronts[0].operations_port}/operator/"

    @property
    def annotations(self) -> dict[str, str]:
        """What stands on the application's fleet."""
        found: dict[str, str] = self.stage.cluster.fleets["demo-v1"]["metadata"]["annotations"]
        return found

    def audit(self) -> list[tuple[str, str, int]]:
        """Who did what, and how it was answered; the newest first."""
        _, found = self.loop.run(self.stage.api("GET", "/api/v1/audit"))
        return [(each["operator"], each["action"], each["status"]) for each in found["items"]]

    def gone(self, instance: str) -> None:
        """Wait until it is."""
        self.loop.run(self.stage.gone(instance))

    def closed(self, player: Client) -> int | None:
        """Wait until the player's connection is closed; with which code."""
        return self.loop.run(player.closed())[0]


@asynccontextmanager
async def scene(page: Path, folder: Path, loop: Loop) -> AsyncIterator[Scene]:
    """See Scene; ``page`` is the built page."""
    async with ClientSession() as http:
        stage = furnished(http, folder)
        stage.operator_folder = page
        stage.cluster.fleets["demo-v1"]["metadata"]["annotations"][BUFFER_TARGET_ANNOTATION] = "1"
        await stage.matchmaker()
        unreal = await stage.instance("demo-1")
        assert unreal is not None
        playing = await stage.player()
        await stream(playing, unreal)
        waiting = await stage.player()
        replica = stage.matchmakers[0].replica
        await eventually(lambda: replica.waiting("demo") == 1, "one waits")
        yield Scene(stage, loop, playing, waiting)
        await stage.close()


@asynccontextmanager
async def crowded(page: Path, sessions: int) -> AsyncIterator[str]:
    """The page's address, on the API before so many sessions."""
    async with ClientSession() as http:
        api = Api(http, Crowd(sessions))
        runner = await listening.listen(api.server.application(operator_page(page)), "127.0.0.1", 0)
        yield f"http://127.0.0.1:{listening.port_of(runner)}/operator/"
        await runner.cleanup()
