"""The built operator's page, services for it, and browsers for the tests of this folder."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.loop import Loop
from tests.browser.operator.stage import Scene, crowded, scene
from tests.page_build import OPERATOR

Visitor = Callable[..., Page]


@pytest.fixture(scope="session")
def page_folder() -> Path:
    """A copy of the page's sources with its packages and its build in ``dist``."""
    return OPERATOR.built()


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    """Runs the services."""
    with Loop() as its:
        yield its


@pytest.fixture
def real(page_folder: Path, tmp_path: Path, loop: Loop) -> Iterator[Scene]:
    """A real front, where somebody plays and somebody waits."""
    with loop.within(scene(page_folder / "dist", tmp_path, loop)) as its:
        yield its


@pytest.fixture(scope="session")
def crowd(page_folder: Path, loop: Loop) -> Iterator[str]:
    """The address of the page where much goes on."""
    with loop.within(crowded(page_folder / "dist", 60)) as url:
        yield url


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Visitor]:
    """Opens pages, each in a browser of its own; errors, what the policy refuses, and other hosts fail the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_page(url: str, **options: object) -> Page:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **options})  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"{error.message}\n{error.stack}"))
        page.on(
            "console",
            lambda message: problems.append(message.text) if "Content Security Policy" in message.text else None,
        )
        own = urlsplit(url).netloc
        page.on("request", lambda asked: problems.append(asked.url) if urlsplit(asked.url).netloc != own else None)
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems
