"""``pixel`` where the environment, the proxy or whoever answers is not as it should be: one line, and no key in it."""

import asyncio
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from local.paths import CHECKOUT
from pixel.__main__ import main

KEY = "the-admin-key-of-nobody-else"
NODES = [{"name": f"node-{number}", "pools": [], "ready": True, "schedulable": True} for number in range(20_000)]


@dataclass
class Somebody:
    """Answers whatever is asked, and remembers it."""

    address: str = ""
    status: int = 200
    body: bytes = b'{"items": []}'
    asked: list[str] = field(default_factory=list)

    async def answer(self, request: web.BaseRequest) -> web.Response:
        self.asked.append(f"{request.method} {request.path} {request.headers.get('Authorization', '')}")
        return web.Response(status=self.status, body=self.body, content_type="application/json")

    async def types(self, words: Sequence[str], environment: dict[str, str] | None = None) -> tuple[int, str, str]:
        """Status, output and errors of one command."""
        said = {"PIXEL_API": self.address, "PIXEL_ADMIN_KEY": KEY, "PIXEL_OPERATOR": "Zoë", **(environment or {})}
        out, err = io.StringIO(), io.StringIO()
        status = await asyncio.to_thread(main, words, said, out, err)
        return status, out.getvalue(), err.getvalue()


@pytest.fixture
async def somebody() -> AsyncIterator[Somebody]:
    it = Somebody()
    async with RawTestServer(it.answer) as server:
        it.address = str(server.make_url("")).rstrip("/")
        yield it


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"PIXEL_API": "http://[::1"}, "PIXEL_API is 'http://[::1'; give an address"),
        ({"PIXEL_API": "http://localhost:http"}, "PIXEL_API is 'http://localhost:http'; give an address"),
        ({"PIXEL_API": "http://localhost?x=y"}, "PIXEL_API is 'http://localhost?x=y'; give an address"),
        ({"PIXEL_API": f"http://ada:{KEY}@localhost"}, "PIXEL_API has a name or a password in it"),
        ({"PIXEL_ADMIN_KEY": f"{KEY}\nanother line"}, "PIXEL_ADMIN_KEY holds more than an admin key"),
        ({"PIXEL_ADMIN_KEY": f"{KEY} word"}, "PIXEL_ADMIN_KEY holds more than an admin key"),
        ({"PIXEL_ADMIN_KEY": f"{KEY}\udcff"}, "PIXEL_ADMIN_KEY holds more than an admin key"),
        ({"PIXEL_ADMIN_KEY_FILE": "a\0b"}, "which is no file that holds a key"),
        ({"PIXEL_OPERATOR": "ada\nX-Other: y"}, "PIXEL_OPERATOR is 'ada\\nX-Other: y'; give a name in one line"),
        ({"PIXEL_OPERATOR": "ada\udcff"}, "PIXEL_OPERATOR is 'ada\\udcff'; give a name in one line"),
    ],
)
async def test_a_variable_that_cannot_be_right_is_named(somebody, environment, expected):
    status, out, err = await somebody.types(["nodes"], environment)
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert expected in err
    assert KEY not in err
    assert somebody.asked == []


async def test_a_file_that_is_no_text_holds_no_key(somebody, tmp_path):
    (tmp_path / "key").write_bytes(b"\xff\xfe")
    status, _, err = await somebody.types(["nodes"], {"PIXEL_ADMIN_KEY_FILE": str(tmp_path / "key")})
    assert (status, "which is no file that holds a key" in err) == (1, True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["session", ""], "session is '', which names nothing"),
        (["session", "."], "session is '.', which names nothing"),
        (["pause", ".."], "application is '..', which names nothing"),
        (["end", "s\udcff"], "session is 's\\udcff', which is no text"),
        (["link", "demo", "--subject", "\udcff"], "subject is '\\udcff', which is no text"),
    ],
)
async def test_a_name_that_would_lead_elsewhere_is_not_asked_for(somebody, words, expected):
    status, out, err = await somebody.types(words)
    assert (status, out) == (1, "")
    assert expected in err
    assert somebody.asked == []


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"{}"),
        (200, b"[]"),
        (200, b'"nodes"'),
        # As the Kubernetes API answers at the same path.
        (200, b'{"kind": "NodeList", "items": [{"metadata": {"name": "node-1"}}]}'),
        (200, b"[" * 100_000),
        (400, b'{"detail": null}'),
        (499, b"<html>"),
        (520, b"<html>"),
    ],
)
async def test_whoever_is_not_the_session_api_is_told_by_the_answer(somebody, status, body):
    somebody.status, somebody.body = status, body
    ended, out, err = await somebody.types(["nodes"])
    assert (ended, out) == (1, "")
    assert f"/api/v1/nodes answered {status}" in err
    assert "none of the session API's answers" in err


async def test_an_error_does_not_steer_the_terminal(somebody):
    somebody.status, somebody.body = 400, json.dumps({"detail": "no\x1b[31m\nsuch thing."}).encode()
    _, _, err = await somebody.types(["nodes"])
    assert err == "error: no\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}such thing.\n"


async def test_what_is_for_this_machine_goes_through_no_proxy(somebody, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, somebody.address)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    status, _, err = await somebody.types(["nodes"], {"PIXEL_API": "http://localhost:1"})
    assert (status, "http://localhost:1 does not answer" in err) == (1, True)
    assert somebody.asked == []


async def test_whoever_reads_may_have_enough(somebody):
    somebody.body = json.dumps({"items": NODES}).encode()
    environment = {"PIXEL_API": somebody.address, "PIXEL_ADMIN_KEY": KEY}
    reading, writing = os.pipe()
    its = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pixel", "nodes"),
        cwd=CHECKOUT,
        env=environment,
        stdout=writing,
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(writing)
    assert (await asyncio.to_thread(os.read, reading, 4)) == b"NAME"
    os.close(reading)
    _, err = await its.communicate()
    assert (its.returncode, err) == (1, b"")
