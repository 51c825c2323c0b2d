"""The operator's page is files: served to anybody, confined, and nothing of the service is in them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from signalling.operations.page import operator_page
from signalling.operations.routes import BASE
from signalling.shell import listening
from tests.unit.signalling.operations.service import Api, running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    page = tmp_path / "operator"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>Operator</title>")
    (page / "assets/index-abc.js").write_text("1")
    (tmp_path / "secret").write_text("of the pod")
    return page


@pytest.fixture
async def api(folder: Path) -> AsyncIterator[Api]:
    async with ClientSession() as http:
        it = Api(http)
        runner = await listening.listen(it.server.application(operator_page(folder)), "127.0.0.1", 0)
        it.port = listening.port_of(runner)
        yield it
        await runner.cleanup()


async def test_the_page_needs_no_key_and_may_load_nothing_but_its_own(api):
    status, page, headers = await api.ask("GET", "/operator/", key=None)
    assert (status, headers["Cache-Control"]) == (200, "no-cache")
    assert b"<title>Operator</title>" in page
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy.pop("default-src") == "'none'"
    assert set(policy.values()) == {"'self'", "'none'"}
    assert policy["frame-ancestors"] == policy["form-action"] == policy["base-uri"] == "'none'"
    assert "Set-Cookie" not in headers
    status, _, headers = await api.ask("GET", "/operator/assets/index-abc.js", key=None)
    assert (status, "immutable" in headers["Cache-Control"]) == (200, True)


async def test_below_the_page_there_is_nothing_else(api):
    assert (await api.ask("GET", "/operator", key=None))[0] == 200
    for path in ("/operator/nowhere", "/operator/..%2fsecret", "/operator/%2e%2e/secret", "/operatorx", "/"):
        assert (await api.ask("GET", path, key=None))[0] == 404
    assert (await api.ask("POST", "/operator/", {}, key=None))[0] == 405


async def test_the_api_beside_it_is_refused_without_the_key(api):
    assert (await api.ask("GET", f"{BASE}/sessions", key=None))[0] == 401
    assert (await api.ask("GET", f"{BASE}/sessions"))[0] == 200


async def test_an_image_without_the_page_serves_the_api(tmp_path):
    assert operator_page(None) is None
    assert operator_page(tmp_path / "nowhere") is None
    async with running() as api:
        assert (await api.ask("GET", "/operator/", key=None))[0] == 404
        assert (await api.ask("GET", f"{BASE}/sessions"))[0] == 200
