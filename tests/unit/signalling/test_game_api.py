"""A player's questions to the application's own API: plain paths below one address, with bounds on everything."""

import asyncio
import json

import pytest
from aiohttp import ClientSession, web
from hypothesis import given
from hypothesis import strategies as st

from signalling.protocol import control
from signalling.protocol.messages import encode
from signalling.shell import listening
from signalling.sidecar import game_api
from signalling.sidecar.game_api import GameApi
from tests.unit.signalling.clients import eventually
from tests.unit.signalling.instance import PLAYER, Instance, said, ticket


@pytest.mark.parametrize("action", ["status", "/api/level", "api/v1.2/level_3/~x", "api/level?name=a%20b&n=1", "a-b"])
def test_plain_paths_are_allowed(action):
    assert control.allowed(action)


@pytest.mark.parametrize(
    "action",
    [
        *("", "/", "..", "../x", "api/../x", "api/.hidden", "api//x", "//evil/x", "http://evil/", "a:b"),
        *("api/%2e%2e/x", "api\\x", "api x", "api\r\nHost: evil", "api#x", "@evil", "api/", "api?x=<", "é", "api?a?b"),
        "api@evil/x",
    ],
)
def test_everything_else_is_not(action):
    assert not control.allowed(action)


@given(st.text(max_size=30))
def test_no_text_that_is_allowed_leaves_the_base(action):
    if control.allowed(action):
        path = f"/base/{action.lstrip('/')}".partition("?")[0]
        assert not any(part in {"", ".", ".."} for part in path.split("/")[1:])


@pytest.fixture
async def api():
    """An application's API, and the way to it."""
    waiting = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        match request.path:
            case "/base/json":
                return web.json_response({"got": await request.text(), "query": dict(request.query)})
            case "/base/text":
                return web.Response(text="hello")
            case "/base/nothing":
                return web.Response(status=204)
            case "/base/big":
                return web.Response(body=b"x" * (game_api.ANSWER_BYTES + 1))
            case "/base/elsewhere":
                return web.Response(status=302, headers={"Location": "/base/text"})
            case "/base/odd":
                return web.Response(text="{", content_type="application/json")
            case "/base/slow":
                await waiting.wait()
        return web.Response(status=500, text="a secret of the application's")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = await listening.listen(app, "127.0.0.1", 0)
    async with ClientSession() as http:
        it = GameApi(f"http://127.0.0.1:{listening.port_of(runner)}/base/", http)
        it.release = waiting.set  # type: ignore[attr-defined]
        yield it
        waiting.set()
    await runner.cleanup()


async def asked(api: GameApi, action: str, payload: bytes | None = None) -> dict[str, object]:
    answer = json.loads(encode(await api.ask(action, payload)))
    assert (answer.pop("type"), answer.pop("action")) == ("response", action)
    return dict(answer)


async def test_with_a_payload_it_is_a_post_and_without_one_a_get(api):
    assert await asked(api, "/json?a=1") == {"response": {"got": "", "query": {"a": "1"}}}
    assert await asked(api, "json", b'{"x":1}') == {"response": {"got": '{"x":1}', "query": {}}}
    assert await asked(api, "text") == {"response": "hello"}
    assert await asked(api, "nothing") == {"response": None}
    assert await asked(api, "odd") == {"response": "{"}


async def test_what_goes_wrong_is_said_without_details(api):
    assert await asked(api, "wrong") == {"error": {"message": "Internal Server Error", "status": 500}}
    assert await asked(api, "elsewhere") == {"error": {"message": "Found", "status": 302}}
    assert await asked(api, "big") == {"error": {"message": "the answer is too big"}}


async def test_an_application_without_an_api_is_an_error_too():
    async with ClientSession() as http:
        assert await asked(GameApi("http://127.0.0.1:9", http), "x") == {
            "error": {"message": "the application did not answer"}
        }


async def test_an_answer_that_does_not_come_is_not_awaited_for_long(api, monkeypatch):
    monkeypatch.setattr(game_api, "SECONDS", 0.1)
    assert await asked(api, "slow") == {"error": {"message": "the application did not answer"}}


async def test_questions_at_once_are_bounded(api):
    waiting = [asyncio.create_task(asked(api, "slow")) for _ in range(game_api.AT_ONCE)]
    await eventually(lambda: api._under_way == game_api.AT_ONCE, "all asked")
    assert await asked(api, "text") == {"error": {"message": "too many questions at once"}}
    api.release()
    await asyncio.gather(*waiting)
    assert await asked(api, "text") == {"response": "hello"}


def test_the_machine_asks_for_its_players_and_refuses_what_is_no_path():
    it = Instance(game_api=True)
    it.admit(PLAYER, ticket())
    assert said(it.say(PLAYER, "control", action="api/x", payload={"a": [1, None]})) == [
        (PLAYER, "game", "api/x", b'{"a": [1, null]}')
    ]
    assert said(it.say(PLAYER, "control", action="api/x")) == [(PLAYER, "game", "api/x", None)]
    assert said(it.say(PLAYER, "control", action="../x")) == [
        (PLAYER, {"type": "response", "action": "../x", "error": {"message": "no such action"}})
    ]
    ((_, refused),) = said(it.say(PLAYER, "control", action="x", payload="y" * control.PAYLOAD_BYTES))
    assert refused["error"] == {"message": "the payload is too big"}
