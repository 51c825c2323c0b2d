"""A built page, a service for it, and browsers for the tests of this folder."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import KEEP_PEER_CONNECTIONS
from tests.browser.player.service import ScriptedStage, Stage, local_stack, scripted
from tests.browser.player.signalling_stage import SignallingStage, signalling
from tests.cluster.conftest import eventually
from tests.page_build import PLAYER

SCRIPTED = pytest.param("scripted", id="scripted")
SIGNALLING = pytest.param("signalling", id="signalling")
STACK = pytest.param("stack", marks=[pytest.mark.cluster, pytest.mark.timeout(1200)], id="stack")
EVERYWHERE = pytest.mark.parametrize("stage", [SCRIPTED, SIGNALLING, STACK], indirect=True)
"""For what needs nothing but the protocol, and is worth the whole local stack: against all services."""
BOTH = pytest.mark.parametrize("stage", [SCRIPTED, SIGNALLING], indirect=True)
"""For what else needs nothing but the protocol: against the scripted service and against the real one."""


@pytest.fixture(scope="session")
def player_folder() -> Path:
    """A copy of the page's sources with its packages and its build in ``dist``."""
    return PLAYER.built()


@pytest.fixture
def scripted_stage(player_folder: Path) -> Iterator[ScriptedStage]:
    """The scripted service, without an instance yet."""
    with scripted(player_folder / "dist") as stage:
        yield stage


@pytest.fixture
def streaming(scripted_stage: ScriptedStage) -> ScriptedStage:
    """The scripted service with an instance."""
    scripted_stage.start_instance()
    return scripted_stage


Opened = Callable[..., SignallingStage]


@pytest.fixture
def real(player_folder: Path, tmp_path: Path) -> Iterator[Opened]:
    """Opens the real service, once, with what ``signalling`` takes."""
    with ExitStack() as stack:
        yield lambda **more: stack.enter_context(signalling(player_folder / "dist", tmp_path, **more))


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """The service that a test is parametrised with."""
    if request.param == "scripted":
        yield request.getfixturevalue("streaming")
        return
    if request.param == "signalling":
        yield request.getfixturevalue("real")()
        return
    if os.geteuid() != 0:
        pytest.skip("the local stack needs root")
    port = urlsplit(request.getfixturevalue("stack_url")).port
    assert port is not None
    with local_stack(port) as stack:
        yield stack
        eventually(lambda: not stack.occupied(), "the test's sessions are over", 120)


Visitor = Callable[..., Page]


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """Opens pages, each as a person of their own; a page that reports an error fails the test.

    ``refused`` expects what the page's policy refuses to be reported.
    """
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_page(*, refused: bool = False, **options: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 720}, "locale": "en-GB", **options})  # type: ignore[arg-type]
        contexts.append(context)
        context.add_init_script(KEEP_PEER_CONNECTIONS)
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"{error.message}\n{error.stack}"))
        page.on(
            "console",
            lambda message: (
                problems.append(message.text) if "Content Security Policy" in message.text and not refused else None
            ),
        )
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems
