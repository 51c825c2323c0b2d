"""What the API answers, and what it has done."""

import asyncio
import json
import logging
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from signalling.operations.definitions import Player, Session
from signalling.operations.openapi import document
from signalling.operations.routes import BASE, ROUTES
from signalling.operations.server import MOST_BYTES
from signalling.protocol.session_messages import Reason
from signalling.store.interface import StoreUnavailable
from signalling.tickets.claims import LinkTicket, Role
from signalling.tickets.keys import public_keys, public_line
from signalling.tickets.signing import prove
from signalling.usage.ledger import OpenSession
from tests.unit.signalling.operations.service import AT, CURRENT, KEY, SESSIONS, running


@pytest.fixture
async def api():
    async with running() as it:
        yield it


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", ["s1", "s2", "s3"]),
        ("?application=demo", ["s1", "s2"]),
        ("?application=nobody", []),
        ("?subject=ada", ["s1"]),
        ("?version=v2", ["s3"]),
        ("?state=queued", ["s2"]),
        ("?state=running&application=other", []),
        ("?after=s1", ["s2", "s3"]),
    ],
)
async def test_sessions_are_filtered(api, query, ids):
    _, page, _ = await api.ask("GET", f"{BASE}/sessions{query}")
    assert ([each["id"] for each in page["items"]], page["next"]) == (ids, None)


async def test_sessions_come_by_pages(api):
    _, first, _ = await api.ask("GET", f"{BASE}/sessions?limit=2")
    assert ([each["id"] for each in first["items"]], first["next"]) == (["s1", "s2"], "s2")
    _, second, _ = await api.ask("GET", f"{BASE}/sessions?limit=2&after={first['next']}")
    assert ([each["id"] for each in second["items"]], second["next"]) == (["s3"], None)


async def test_a_session_shows_who_takes_part(api):
    _, session, _ = await api.ask("GET", f"{BASE}/sessions/s1")
    assert session["state"] == "running"
    assert session["started"] == "2027-01-15T08:30:00Z"
    (player,) = session["players"]
    assert (player["role"], player["stats"]) == ("owner", {"framesPerSecond": 60})
    _, page, _ = await api.ask("GET", f"{BASE}/sessions?players=true")
    assert [each["players"] is not None for each in page["items"]] == [True, False, False]


@pytest.mark.parametrize(
    ("players", "state"),
    [
        (None, "running"),
        ((), "starting"),
        (((Role.SPECTATOR, True),), "starting"),
        (((Role.OWNER, False), (Role.SPECTATOR, True)), "away"),
        (((Role.OWNER, True),), "running"),
    ],
)
async def test_with_its_players_a_session_says_where_it_is(api, monkeypatch, players, state):
    async def told(_: str) -> tuple[Player, ...] | None:
        if players is None:
            return None
        return tuple(Player(player="p", role=role, connected=connected) for role, connected in players)

    monkeypatch.setattr(api.service, "players", told)
    _, session, _ = await api.ask("GET", f"{BASE}/sessions/s1")
    assert session["state"] == state


async def test_what_has_not_changed_is_not_sent_again(api):
    _, _, headers = await api.ask("GET", f"{BASE}/nodes")
    tag = headers["Etag"]
    assert tag.startswith('W/"')
    status, content, headers = await api.ask("GET", f"{BASE}/nodes", If_None_Match=f'"other", {tag}')
    assert (status, content, headers["Etag"], headers["Cache-Control"]) == (304, b"", tag, "no-store")
    assert (await api.ask("GET", f"{BASE}/instances", If_None_Match=tag))[0] == 200
    assert (await api.ask("GET", f"{BASE}/nodes", key="wrong", If_None_Match=tag))[0] == 401


async def test_long_answers_are_compressed_for_whoever_can_read_that(api, monkeypatch):
    async def many() -> list[Session]:
        return [msgspec.structs.replace(SESSIONS[0], id=f"s{number:04}") for number in range(1000)]

    monkeypatch.setattr(api.service, "sessions", many)
    _, page, headers = await api.ask("GET", f"{BASE}/sessions?limit=1000")
    assert len(page["items"]) == 1000
    assert headers["Content-Encoding"] in {"deflate", "gzip"}
    _, _, plain = await api.ask("GET", f"{BASE}/sessions?limit=1000", Accept_Encoding="identity")
    assert "Content-Encoding" not in plain
    assert headers["Etag"] == plain["Etag"]
    assert "Content-Encoding" not in (await api.ask("GET", f"{BASE}/nodes"))[2]


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("POST", "/sessions/s1/end", None, ("end", "s1", Reason.TERMINATED, 60)),
        ("POST", "/sessions/s1/end", {"seconds": 0, "reason": "maintenance"}, ("end", "s1", Reason.MAINTENANCE, 0)),
        ("POST", "/sessions/s2/end", {"queued_only": True}, ("dismiss", "s2", Reason.TERMINATED)),
        ("POST", "/instances/demo-1/drain", {"seconds": 30}, ("drain", "demo-1", 30)),
        ("POST", "/applications/demo/pause", {}, ("pause", "demo", True)),
        ("POST", "/applications/demo/resume", None, ("pause", "demo", False)),
        ("POST", "/applications/demo/versions/v1/drain", None, ("drain version", "demo", "v1", True)),
        ("POST", "/applications/demo/versions/v1/resume", None, ("drain version", "demo", "v1", False)),
        ("POST", "/applications/demo/versions/v1/buffer", {"instances": 5}, ("buffer", "demo", "v1", 5)),
        ("POST", "/applications/demo/versions/v1/buffer/reset", None, ("buffer", "demo", "v1", None)),
    ],
)
async def test_actions_are_done_and_written_down(api, caplog, method, path, body, told):
    caplog.set_level(logging.INFO)
    status, done, _ = await api.ask(method, f"{BASE}{path}", body, X_Operator="ada\tof support")
    assert status in {200, 202}
    assert api.service.told == [told]
    _, log, _ = await api.ask("GET", f"{BASE}/audit")
    (entry,) = log["items"]
    assert entry["at"] == "2027-01-15T08:30:00Z"
    assert (entry["credential"], entry["operator"], entry["address"]) == ("current", "adaof support", "127.0.0.1")
    assert (entry["target"], entry["status"]) == (done["target"], status)
    assert entry["action"] in {route.operation for route in ROUTES}
    assert "action" in [record.getMessage() for record in caplog.records]


async def test_what_was_refused_is_written_down_too_and_reading_is_not(api):
    await api.ask("POST", f"{BASE}/sessions/nobody/end")
    await api.ask("POST", f"{BASE}/sessions/s1/end", {"seconds": -1})
    await api.ask("GET", f"{BASE}/sessions")
    _, log, _ = await api.ask("GET", f"{BASE}/audit?limit=1")
    _, rest, _ = await api.ask("GET", f"{BASE}/audit?after={log['next']}")
    assert [each["status"] for each in (*log["items"], *rest["items"])] == [422, 404]
    assert rest["next"] is None


async def test_an_action_is_done_though_the_audit_store_is_away(api, caplog, monkeypatch):
    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(api.records, "append", away)
    monkeypatch.setattr(api.records, "page", away)
    assert (await api.ask("POST", f"{BASE}/applications/demo/pause"))[0] == 200
    said = [vars(record) for record in caplog.records if record.getMessage() == "audit log not kept"]
    assert said[0]["target"] == "demo"
    assert (await api.ask("GET", f"{BASE}/audit"))[0] == 503


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "key", "value"),
    [
        ("GET", "/sessions?limit=0", None, 400, "limit", "0"),
        ("GET", "/sessions?limit=many", None, 400, "limit", "many"),
        ("GET", "/sessions?limit=1&limit=2", None, 400, "limit", "2"),
        ("GET", "/sessions?sort=age", None, 400, "sort", "age"),
        ("GET", "/sessions?state=gone", None, 400, "state", "gone"),
        ("GET", "/audit?after=junk", None, 400, "after", "junk"),
        ("GET", "/audit?after=0-0", None, 400, "after", "0-0"),
        ("GET", "/audit?after=(1-0", None, 400, "after", "(1-0"),
        ("GET", "/audit?after=99999999999999999999", None, 400, "after", None),
        ("GET", "/usage?start=2027-01-15T00:00:00Z", None, 400, "end", None),
        ("GET", "/usage?start=2027-01-15T00:30:00Z&end=2027-01-16T00:00:00Z", None, 400, "start", None),
        ("GET", "/usage?start=2027-01-16T00:00:00Z&end=2027-01-15T00:00:00Z", None, 400, "end", None),
        ("GET", "/usage?start=2025-01-16T00:00:00Z&end=2027-01-15T00:00:00Z", None, 400, "end", None),
        ("GET", "/usage?start=2027-01-15&end=2027-01-16", None, 400, "start", "2027-01-15"),
        ("GET", "/usage?start=0001-01-01T00:00:00%2B14:00&end=0001-01-02T00:00:00Z", None, 400, "start", None),
        ("GET", "/usage?start=9999-12-31T00:00:00Z&end=9999-12-31T23:00:00-14:00", None, 400, "end", None),
        ("POST", "/sessions/s1/end", {"seconds": 3601}, 422, "seconds", 3601),
        ("POST", "/sessions/s1/end", {"secs": 1}, 422, "secs", 1),
        ("POST", "/sessions/s1/end", [], 422, None, None),
        ("POST", "/sessions/s1/end", {"reason": "because"}, 422, "reason", "because"),
        ("POST", "/sessions/s1/end", {"reason": "idle"}, 422, "reason", "idle"),
        ("POST", "/sessions/s1/end", {"queued_only": True}, 409, None, "s1"),
        ("POST", "/tickets", {}, 422, "application", None),
        ("POST", "/tickets", {"application": "nobody"}, 422, "application", "nobody"),
        ("POST", "/tickets", {"application": "demo", "valid_seconds": 1}, 422, "valid_seconds", 1),
        ("GET", "/sessions/nobody", None, 404, None, "nobody"),
        ("POST", "/instances/nobody/drain", None, 404, None, "nobody"),
        ("POST", "/applications/demo/versions/v9/drain", None, 404, None, "demo/v9"),
        ("POST", "/applications/demo/versions/v1/buffer", {}, 422, "instances", None),
        ("POST", "/applications/demo/versions/v1/buffer", {"instances": -1}, 422, "instances", -1),
        ("POST", "/applications/demo/versions/v9/buffer", {"instances": 1}, 404, None, "demo/v9"),
        ("POST", "/applications/demo/versions/v1/buffer", {"instances": 101}, 409, None, "demo/v1"),
        ("GET", "/applications/nobody/queue", None, 404, None, "nobody"),
        ("POST", "/applications/other/pause", None, 409, None, "other"),
        ("GET", "/nowhere", None, 404, None, "/api/v1/nowhere"),
        ("DELETE", "/sessions", None, 405, None, "/api/v1/sessions"),
    ],
)
async def test_a_problem_names_key_value_and_remedy(api, method, path, body, status, key, value):
    answered, problem, headers = await api.ask(method, f"{BASE}{path}", body)
    assert (answered, headers["Content-Type"]) == (status, "application/problem+json")
    assert (problem["status"], problem["key"]) == (status, key)
    assert value is None or problem["value"] == value
    assert problem["title"]
    assert problem["remedy"]


async def test_bodies_have_a_length_and_are_json(api):
    async def post(content: bytes, more: Mapping[str, str] | None = None) -> tuple[int, str]:
        headers = {"Authorization": f"Bearer {CURRENT}", "Content-Type": "application/json", **(more or {})}
        async with api.http.post(f"{api.url}{BASE}/sessions/s1/end", data=content, headers=headers) as answer:
            assert answer.content_type == "application/problem+json"
            problem = msgspec.json.decode(await answer.read())
            return int(answer.status), str(problem["detail"])

    assert await post(b"{" + b" " * MOST_BYTES + b"}") == (413, "The body is too long.")
    not_json = (
        b"{",
        b"\xff\xfe",
        b'{"reason": "\xff"}',
        b'{"\xff": 1}',
        b"[" * (MOST_BYTES - 1),
        b'{"seconds": 1e999}',
    )
    for content in not_json:
        status, detail = await post(content)
        assert (status, detail[:22]) == (400, "The body is not JSON: "), content[:20]
    assert await post(b"{}", {"Content-Encoding": "gzip"}) == (400, "The body cannot be read.")


async def test_a_part_that_is_away_and_a_fault_are_problems_too(api, caplog):
    api.service.away = True
    status, problem, _ = await api.ask("GET", f"{BASE}/sessions")
    assert (status, problem["detail"]) == (503, "The store does not answer.")
    api.service.away, api.service.broken = False, True
    status, problem, _ = await api.ask("GET", f"{BASE}/sessions")
    assert status == 500
    assert "ZeroDivision" not in json.dumps(problem)
    assert "request failed" in [record.getMessage() for record in caplog.records]


async def test_a_ticket_is_a_link_that_matchmakers_prove(api):
    body = {"application": "demo", "subject": "bob", "priority": 3, "max_seconds": 90, "valid_seconds": 60}
    status, made, _ = await api.ask("POST", f"{BASE}/tickets", body)
    assert status == 201
    assert made["url"] == f"https://play.example.com/?app=demo&ticket={made['ticket']}"
    assert made["path"] == f"/?app=demo&ticket={made['ticket']}"
    assert made["expires"] == "2027-01-15T08:31:00Z"
    proved = prove(made["ticket"], LinkTicket, public_keys([public_line(KEY)]), AT.timestamp())
    assert proved == LinkTicket(made["id"], "demo", "bob", 3, 90)
    _, log, _ = await api.ask("GET", f"{BASE}/audit")
    assert log["items"][0]["target"] == "demo"
    assert made["ticket"] not in json.dumps(log)


async def test_usage_adds_up(api):
    start = int(datetime(2027, 1, 15, 10, 30, tzinfo=UTC).timestamp())
    for id, subject in (("s1", "ada"), ("s2", "ada"), ("s3", "bob")):
        await api.ledger.ended(id, OpenSession("demo", subject, start * 1000), start + 3600)
    query = "?start=2027-01-15T10:00:00%2B00:00&end=2027-01-15T11:00:00Z"
    _, usage, _ = await api.ask("GET", f"{BASE}/usage{query}")
    ada, bob = usage["items"]
    assert ada == {"application": "demo", "subject": "ada", "session_seconds": 3600.0, "sessions": 0}
    assert bob["session_seconds"] == 1800
    _, usage, _ = await api.ask("GET", f"{BASE}/usage{query.replace('T11', 'T12')}&subject=ada&application=demo")
    assert [(each["session_seconds"], each["sessions"]) for each in usage["items"]] == [(7200, 2)]


async def test_the_rest_is_shown(api):
    for path, first in (
        ("/instances", "demo-1"),
        ("/instances?state=idle", "demo-2"),
        ("/applications", "demo"),
        ("/nodes", "default-1"),
        ("/turn", "turn-1"),
        ("/regions", "iad"),
    ):
        _, found, _ = await api.ask("GET", f"{BASE}{path}")
        assert found["items"][0]["name"] == first
    _, queue, _ = await api.ask("GET", f"{BASE}/applications/demo/queue")
    assert queue["items"][0]["estimate_seconds"] == 12.5
    _, application, _ = await api.ask("GET", f"{BASE}/applications/demo")
    assert application["fleets"][0]["weight"] == 95


async def test_the_references_routes_have_the_references_shapes(api):
    api.now += 12.5
    assert (await api.ask("GET", "/api/status"))[1] == {
        "uptime": 12500,
        "streamer_count": 3,
        "player_count": 3,
        "version": "1.3.0",
    }
    first = {"playerId": "s1", "type": "Player", "subscribedTo": "demo-1"}
    assert (await api.ask("GET", "/api/players"))[1] == [
        first,
        {"playerId": "s2", "type": "Player"},
        {"playerId": "s3", "type": "Player"},
    ]
    assert (await api.ask("GET", "/api/players/s1"))[1] == first
    status, missing, headers = await api.ask("GET", "/api/players/nobody")
    assert (status, missing) == (404, {"message": "No player id matches nobody."})
    assert headers["Content-Type"].startswith("application/json")
    streamer = {"type": "Streamer", "streaming": True, "subscribers": []}
    assert (await api.ask("GET", "/api/streamers"))[1] == [
        {**streamer, "streamerId": "demo-1", "remoteAddress": "10.244.0.7", "subscribers": [first]},
        {**streamer, "streamerId": "demo-2"},
        {**streamer, "streamerId": "other-1"},
    ]
    assert (await api.ask("GET", "/api/streamers/demo-2"))[1] == {**streamer, "streamerId": "demo-2"}
    assert (await api.ask("GET", "/api/streamers/x"))[1] == {"message": "No streamer id matches x."}


def test_the_document_is_valid_openapi():
    it = document()
    OpenAPIV31SpecValidator(it).validate()
    operations = {each["operationId"] for path in it["paths"].values() for each in path.values()}
    assert operations == {route.operation for route in ROUTES}
    assert len(operations) == len(ROUTES)


async def test_the_api_keeps_to_its_document(api, tmp_path):
    """Generated requests, right ones and wrong ones, against the real port, by Schemathesis in a process of its own."""
    described = tmp_path / "openapi.json"
    described.write_text(json.dumps(document()))
    # What the document cannot say (whole hours, known names) is refused although the document allows it.
    options = ["--phases", "coverage,fuzzing", "--max-examples", "20", "--exclude-checks", "positive_data_acceptance"]
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        *("run", str(described), "--url", api.url, "-H", f"Authorization: Bearer {CURRENT}", "--seed", "1", *options),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    generated = re.search(r"(\d+) generated", output.decode())
    assert generated is not None, output.decode()
    assert int(generated[1]) > 500
