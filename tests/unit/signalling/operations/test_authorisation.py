"""Who may do what: every route with every credential, as a table."""

import json
import logging

import pytest

from signalling.operations.routes import BASE, ROUTES
from signalling.tickets.claims import LinkTicket, PlayerTicket
from signalling.tickets.signing import sign
from tests.unit.signalling.operations.service import AT, CURRENT, KEY, PREVIOUS, running

PATHS = {"session": "s1", "instance": "demo-1", "application": "demo", "version": "v1"}
QUERIES = {"getUsage": "?start=2027-01-15T00:00:00Z&end=2027-01-16T00:00:00Z"}
BODIES = {"createTicket": {"application": "demo"}, "setBuffer": {"instances": 3}}
REFERENCE = ("/api/status", "/api/streamers", "/api/streamers/demo-1", "/api/players", "/api/players/s1")
OPERATIONS = {
    route.operation: (
        route.method,
        f"{BASE}{route.path.format(**PATHS)}{QUERIES.get(route.operation, '')}",
        BODIES.get(route.operation),
        route.status.value,
    )
    for route in ROUTES
} | {path: ("GET", path, None, 200) for path in REFERENCE}

PLAYERS_TICKET = sign(PlayerTicket(session="s1", player="s1", app="demo", joined=1), KEY, AT.timestamp(), 3600)
LINK = sign(LinkTicket(id="l", app="demo"), KEY, AT.timestamp(), 3600)

NOBODY = {
    "no header": {},
    "another scheme": {"Authorization": f"Basic {CURRENT}"},
    "an empty bearer": {"Authorization": "Bearer "},
    "a wrong key": {"Authorization": "Bearer the-admin-key-of-tomorrow"},
    "a part of the key": {"Authorization": f"Bearer {CURRENT[:-1]}"},
    "the key and more": {"Authorization": f"Bearer {CURRENT} x"},
    "a player's ticket": {"Authorization": f"Bearer {PLAYERS_TICKET}"},
    "a link ticket": {"Authorization": f"Bearer {LINK}"},
    "the key as a cookie": {"Cookie": f"Authorization=Bearer {CURRENT}; admin={CURRENT}"},
    "no UTF-8": {"Authorization": "Bearer \udcff"},
}


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_without_the_admin_key_nothing_is_told_and_nothing_is_done(operation):
    method, path, body, _ = OPERATIONS[operation]
    async with running() as api:
        for state, headers in NOBODY.items():
            if state == "no UTF-8":
                continue
            status, problem, answered = await api.ask(method, path, body, key=None, **headers)
            assert status == 401, state
            assert answered["WWW-Authenticate"] == "Bearer"
            assert answered["Content-Type"] == "application/problem+json"
            assert problem["key"] == "Authorization"
            assert "Bearer" in problem["remedy"]
        status, _, _ = await api.ask(method, f"{path}{'&' if '?' in path else '?'}token={CURRENT}", body, key=None)
        assert status == 401
        assert api.service.told == []
        assert (await api.ask("GET", f"{BASE}/audit"))[1]["items"] == []


@pytest.mark.parametrize("operation", OPERATIONS)
async def test_with_either_admin_key_it_is_answered(operation):
    method, path, body, expected = OPERATIONS[operation]
    async with running() as api:
        for key in (CURRENT, PREVIOUS):
            status, answer, headers = await api.ask(method, path, body, key)
            assert status == expected, answer
            assert headers["Cache-Control"] == "no-store"
            assert headers["X-Content-Type-Options"] == "nosniff"
        status, _, _ = await api.ask(method, path, body, key=None, Authorization=f"bearer {CURRENT}")
        assert status == expected


async def test_two_authorization_headers_prove_nothing():
    async with running() as api:
        headers = [("Authorization", f"Bearer {CURRENT}"), ("Authorization", "Bearer x")]
        async with api.http.get(f"{api.url}{BASE}/sessions", headers=headers) as answer:
            assert answer.status == 401


async def test_the_status_of_the_reference_is_public_where_the_stack_says_so_and_nothing_else_is():
    async with running(public_status=True) as api:
        for operation, (method, path, body, _) in OPERATIONS.items():
            status, _, _ = await api.ask(method, path, body, key=None)
            assert status == (200 if operation in REFERENCE else 401)
        # Addresses of pods are for those who hold the key.
        _, streamers, _ = await api.ask("GET", "/api/streamers", key=None)
        assert "10.244.0.7" not in json.dumps(streamers)
        _, streamers, _ = await api.ask("GET", "/api/streamers")
        assert "10.244.0.7" in json.dumps(streamers)


async def test_the_document_needs_no_key_and_holds_nothing_of_the_service():
    async with running() as api:
        status, document, _ = await api.ask("GET", f"{BASE}/openapi.json", key=None)
        assert status == 200
        for secret in (CURRENT, PREVIOUS, "demo-1", "ada"):
            assert secret not in json.dumps(document)


async def test_pages_of_others_may_not_read_unless_the_stack_names_them():
    ours, theirs = "https://ops.example.com", "https://evil.example.com"
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    async with running(origins=(ours,)) as api:
        status, _, headers = await api.ask("OPTIONS", f"{BASE}/sessions", key=None, Origin=ours, **preflight)
        assert (status, headers["Access-Control-Allow-Origin"]) == (204, ours)
        assert "Authorization" in headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in headers
        for key, expected in ((CURRENT, 200), (None, 401)):
            status, _, headers = await api.ask("GET", f"{BASE}/sessions", key=key, Origin=ours)
            assert (status, headers["Access-Control-Allow-Origin"], headers["Vary"]) == (expected, ours, "Origin")
        for origin in (theirs, "null", f"{ours}.evil.example.com"):
            status, _, headers = await api.ask("OPTIONS", f"{BASE}/sessions", key=None, Origin=origin, **preflight)
            assert status == 405
            assert "Access-Control-Allow-Origin" not in headers
    async with running() as api:
        _, _, headers = await api.ask("GET", f"{BASE}/sessions", Origin=ours)
        assert "Access-Control-Allow-Origin" not in headers


async def test_a_form_of_another_page_does_nothing():
    async with running() as api:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
            status, _, _ = await api.ask("POST", f"{BASE}/sessions/s1/end", {"seconds": 0}, Content_Type=kind)
            assert status == 415
        assert api.service.told == []


async def test_wrong_keys_do_not_fill_the_log_and_are_not_in_it(caplog):
    caplog.set_level(logging.DEBUG)
    async with running() as api:
        for number in range(50):
            await api.ask("GET", f"{BASE}/sessions", key=f"guess-{number}")
        await api.ask("POST", f"{BASE}/tickets", {"application": "demo"})
    said = [record for record in caplog.records if record.getMessage() == "wrong or no credential"]
    assert len(said) == 5
    written = json.dumps([vars(record) for record in caplog.records], default=str)
    for secret in ("guess-", CURRENT, PREVIOUS, "eyJ"):
        assert secret not in written
