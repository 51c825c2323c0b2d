"""Login, limits, session API, webhooks, usage and regions with real matchmakers, instances and players."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession

from signalling.ice.secret import SigningSecret
from signalling.kubernetes.fleets import BUFFER_TARGET_ANNOTATION
from signalling.limits.settings import LimitsSettings
from signalling.login.settings import Algorithm, LoginSettings, Mode
from signalling.matchmaker.issuing import Issuer
from signalling.matchmaker.settings import ApiSettings, ApplicationSettings, PlayerPage, Sessions
from signalling.matchmaker.stranded import responsible
from signalling.regions.settings import PeerSettings, RegionSettings
from signalling.store.in_redis import RedisStore
from signalling.webhooks.settings import Endpoint, WebhookSettings
from tests.unit.signalling.clients import Client, cut, eventually
from tests.unit.signalling.login.issuer import AUDIENCE, ISSUER, RSA, KeyServer, published, token
from tests.unit.signalling.operations.front_stage import ADMIN, HOOK, SHARED, FrontStage, furnished, state
from tests.unit.signalling.redis_server import redis_server
from tests.unit.signalling.stage import SECRET, SEED, stream
from tests.unit.signalling.webhooks.test_webhooks import Receiver

API = "/api/v1"


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as it:
        yield it


@pytest.fixture
async def stage(tmp_path: Path, http: ClientSession) -> AsyncIterator[FrontStage]:
    it = furnished(http, tmp_path)
    yield it
    await it.close()


async def sessions(stage: FrontStage, replica: int = 0) -> list[dict[str, Any]]:
    status, found = await stage.api("GET", f"{API}/sessions?players=true", replica=replica)
    assert status == 200, found
    items: list[dict[str, Any]] = found["items"]
    return items


# What is kept ready

SHARED_DEMO = ApplicationSettings(name="demo", sessions=Sessions.SHARED)


@pytest.mark.parametrize(
    ("said", "target", "status"),
    [
        ({}, 3, 200),
        ({"fleet_controller": False}, None, 409),
        ({"applications": (SHARED_DEMO,)}, None, 409),
    ],
    ids=["by a fleet controller", "by the stack's file", "by an autoscaler"],
)
async def test_what_a_fleet_controller_has_left_on_a_fleet_is_no_target(stage, said, target, status):
    stage.cluster.fleets["demo-v1"]["metadata"]["annotations"][BUFFER_TARGET_ANNOTATION] = "3"
    stage.says(**said)
    await stage.matchmaker()
    _, found = await stage.api("GET", f"{API}/applications")
    (fleet,) = (each for application in found["items"] for each in application["fleets"] if each["name"] == "demo-v1")
    assert fleet["target"] == target
    asked = await stage.api("POST", f"{API}/applications/demo/versions/v1/buffer", {"instances": 5})
    assert asked[0] == status, asked


# Login


async def test_the_shared_token_is_asked_at_the_upgrade_and_after_it(stage):
    stage.says(login=LoginSettings(Mode.SHARED))
    await stage.matchmaker()
    assert await stage.refusal() == 401
    assert await stage.refusal("?token=wrong") == 401
    assert await stage.refusal("?token=wrong&token=" + SHARED) == 101
    assert await stage.refusal(headers={"Authorization": f"bearer {SHARED}"}) == 101
    refused = await stage.opted_in("?token=wrong")
    said = await refused.expect("sessionState")
    assert (said["state"], said["reason"], said["retry"]) == ("failed", "login_refused", False)
    assert (await refused.closed())[0] == 1001
    await (await stage.opted_in(f"?token={SHARED}")).expect("config")


async def test_a_ticket_that_leads_to_nothing_stands_for_no_login(stage):
    """Every connection is given a ticket of its own, also one that shows nothing but a ticket."""
    stage.says(login=LoginSettings(Mode.SHARED))
    await stage.matchmaker()
    player = await stage.opted_in(f"?token={SHARED}")
    for _ in range(2):
        await player.expect("config")
        ticket = (await player.expect("sessionTicket"))["ticket"]
        await player.socket.close()
        player = await stage.opted_in(f"?ticket={ticket}")
    await player.say("sessionResume", ticket=ticket)
    assert (await state(player, "failed"))["reason"] == "login_required"
    assert (await player.closed())[0] == 1001


async def test_a_signed_token_says_who_it_is_and_for_what(stage, http):
    issuer = KeyServer()
    issuer.keys = [published(RSA, kid="one")]
    await issuer.start()
    its = LoginSettings(Mode.SIGNED, (Algorithm.RS256,), ISSUER, AUDIENCE, issuer.url)
    stage.says(login=its)
    await stage.matchmaker()
    await stage.instance("demo-1")
    now = datetime.now(UTC).timestamp()
    ada = token(RSA, "RS256", now, {"kid": "one"}, apps=["demo"])
    assert await stage.refusal(f"?app=other&token={ada}") == 403
    assert await stage.refusal(f"?token={token(RSA, 'RS256', now - 3600, {'kid': 'one'})}") == 401
    player = await stage.player(f"?token={ada}")
    await player.expect("streamerList")
    (session,) = await sessions(stage)
    assert (session["subject"], session["application"], session["instance"]) == ("ada", "demo", "demo-1")
    await issuer.stop()


async def test_a_link_from_the_api_lets_in_once(stage):
    stage.says(login=LoginSettings(Mode.SHARED), page="https://play.example.com/")
    await stage.matchmaker()
    for number in (1, 2):
        await stage.instance(f"demo-{number}")
    status, link = await stage.api("POST", f"{API}/tickets", {"application": "demo", "subject": "bob"})
    assert (status, link["url"]) == (201, f"https://play.example.com{link['path']}")
    query = link["path"].removeprefix("/")
    player = await stage.player(query)
    await player.expect("streamerList")
    (session,) = await sessions(stage)
    assert session["subject"] == "bob"
    said = await state(await wants(stage, query), "failed")
    assert said["reason"] == "login_refused"
    assert len(await sessions(stage)) == 1


# Limits


async def wants(stage: FrontStage, query: str, replica: int = 0) -> Client:
    """An opted-in player that asks for an instance."""
    player = await stage.opted_in(query, replica)
    for kind in ("config", "sessionTicket"):
        await player.expect(kind)
    await player.say("listStreamers")
    return player


async def test_a_subject_has_so_many_sessions_over_all_replicas(stage, tmp_path):
    with redis_server(tmp_path) as server:
        stage.store = RedisStore(server.url)
        stage.says(
            login=LoginSettings(Mode.SIGNED, (Algorithm.HS256,), ISSUER, AUDIENCE),
            limits=LimitsSettings(sessions_per_subject=1),
        )
        for _ in range(2):
            await stage.matchmaker()
        now = datetime.now(UTC).timestamp()
        ada, bob = (f"?token={token(SHARED, 'HS256', now, sub=who)}" for who in ("ada", "bob"))
        first = await wants(stage, ada)
        await state(first, "queued")
        assert (await state(await wants(stage, ada, replica=1), "failed"))["reason"] == "too_many"
        await state(await wants(stage, bob, replica=1), "queued")
        await first.say("sessionEnd")
        await first.closed()
        again = await wants(stage, ada, replica=1)
        assert (await again.expect("sessionState"))["state"] in {"queued", "failed"}
        await stage.close()
        await stage.store.close()


@pytest.mark.parametrize(
    "limits",
    [LimitsSettings(sessions_per_subject=1), LimitsSettings(sessions_per_address=1)],
    ids=["subject", "address"],
)
async def test_a_session_that_another_replica_has_seen_end_holds_no_place(stage, tmp_path, limits):
    """One replica looks after an instance's end, and it need not be the one that let the player in."""
    with redis_server(tmp_path) as server:
        stage.store = RedisStore(server.url)
        stage.says(
            login=LoginSettings(Mode.SIGNED, (Algorithm.HS256,), ISSUER, AUDIENCE),
            limits=msgspec.structs.replace(limits, upgrades_per_minute=0),
        )
        for _ in range(2):
            await stage.matchmaker()
        replicas = frozenset({"replica-0", "replica-1"})
        await eventually(lambda: all(each.replica.neighbours.live == replicas for each in stage.matchmakers), "live")
        name = next(name for name in map("demo-{}".format, range(99)) if responsible("replica-1", replicas, name))
        unreal = await stage.instance(name)
        ada = f"?token={token(SHARED, 'HS256', datetime.now(UTC).timestamp(), sub='ada')}"
        player = await wants(stage, ada)
        await stream(player, unreal)
        second = await wants(stage, ada)
        assert (await state(second, "failed"))["reason"] == "too_many"
        await second.socket.close()
        # No word of its end passes through the replica that let it in: the tab is closed, and does not come again.
        await player.socket.close()
        await unreal.expect("playerDisconnected")
        assert (await unreal.closed())[0] == 1012
        for _ in range(100):
            again = await wants(stage, ada)
            said = await again.expect("sessionState")
            await again.socket.close()
            if said["state"] == "queued":
                break
            await asyncio.sleep(0.02)
        else:
            pytest.fail("its place is still held")
        await stage.close()
        await stage.store.close()


async def test_addresses_queues_and_origins_are_limited(stage):
    stage.says(limits=LimitsSettings(sessions_per_address=1, queue_length=1, upgrades_per_minute=0))
    await stage.matchmaker()
    first = await stage.opted_in()
    await first.expect("config")
    ticket = (await first.expect("sessionTicket"))["ticket"]
    await first.say("listStreamers")
    assert (await state(first, "queued"))["position"] == 1
    assert (await state(await wants(stage, ""), "failed"))["reason"] == "queue_full"
    cut(first.socket)
    first = await stage.opted_in()
    await first.say("sessionResume", ticket=ticket)
    assert (await state(first, "queued"))["position"] == 1, "a place that it has is not refused"
    await first.say("sessionEnd")
    assert await stage.refusal(headers={"Origin": "https://evil.example.com"}) == 403
    assert await stage.refusal(headers={"Origin": stage.url.rstrip("/")}) == 101


async def test_an_address_that_comes_too_often_is_sent_away(stage):
    stage.says(limits=LimitsSettings(upgrades_per_minute=1, upgrades_burst=3))
    await stage.matchmaker()
    assert [await stage.refusal() for _ in range(4)] == [101, 101, 101, 429]


# The session API


async def test_the_api_shows_what_goes_on_and_ends_it(stage):
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    playing = await stage.player()
    await stream(playing, unreal)
    waiting = await stage.player()
    await eventually_lists(stage, {"running", "queued"})
    by_state = {each["state"]: each for each in await sessions(stage)}
    running, queued = by_state["running"], by_state["queued"]
    assert (running["instance"], running["version"], queued["position"]) == ("demo-1", "v1", 1)
    assert [player["role"] for player in running["players"]] == ["owner"]
    _, application = await stage.api("GET", f"{API}/applications/demo")
    (its,) = application["fleets"]
    assert (application["waiting"], its["sessions"], its["idle"], its["weight"]) == (1, 1, 0, 100)
    _, queue = await stage.api("GET", f"{API}/applications/demo/queue")
    assert [each["session"] for each in queue["items"]] == [queued["id"]]
    _, nodes = await stage.api("GET", f"{API}/nodes")
    assert {each["name"]: each["pools"] for each in nodes["items"]} == {"gpu-1": ["gpu"], "turn-1": ["turn"]}
    _, turn = await stage.api("GET", f"{API}/turn")
    assert turn["items"] == [{"name": "turn-1", "address": "198.51.100.7", "offered": True}]
    # A wait ends at once.
    done = await stage.api("POST", f"{API}/sessions/{queued['id']}/end")
    assert done == (202, {"target": queued["id"], "seconds": 0})
    assert (await waiting.closed())[0] == 1008
    assert (await stage.api("POST", f"{API}/sessions/{running['id']}/end", {"seconds": 0}))[0] == 202
    await stage.gone("demo-1")
    assert (await playing.closed())[0] == 1001
    await eventually_lists(stage, set())
    assert (await stage.api("POST", f"{API}/sessions/nobody/end"))[0] == 404
    _, audit = await stage.api("GET", f"{API}/audit")
    assert [each["status"] for each in audit["items"]] == [404, 202, 202]


async def eventually_lists(stage: FrontStage, states: set[str]) -> None:
    for _ in range(500):
        if {each["state"] for each in await sessions(stage)} == states:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(await sessions(stage))


async def test_each_action_is_refused_without_the_admin_key(stage):
    await stage.matchmaker()
    await stage.instance("demo-1")
    for path in (
        "/sessions/s/end",
        "/instances/demo-1/drain",
        "/applications/demo/pause",
        "/applications/demo/versions/v1/drain",
        "/tickets",
    ):
        for key in ("", "wrong", SHARED, HOOK, SECRET, SEED):
            assert (await stage.api("POST", f"{API}{path}", key=key))[0] == 401
    assert "demo-1" in stage.cluster.pods
    assert stage.cluster.fleets["demo-v1"]["metadata"]["annotations"] == {"app.pixel/weight": "100"}


async def test_a_paused_application_lets_nobody_new_in_and_a_drained_version_gets_nobody(stage):
    await stage.matchmaker()
    await stage.instance("demo-1")
    assert (await stage.api("POST", f"{API}/applications/demo/pause"))[0] == 200
    await eventually(lambda: stage.matchmakers[0].replica.fleets.paused("demo"), "paused")
    assert await stage.refusal() == 503
    _, application = await stage.api("GET", f"{API}/applications/demo")
    assert application["paused"] is True
    assert (await stage.api("POST", f"{API}/applications/demo/resume"))[0] == 200
    await eventually(lambda: not stage.matchmakers[0].replica.fleets.paused("demo"), "resumed")
    assert (await stage.api("POST", f"{API}/applications/demo/versions/v1/drain"))[0] == 200
    player = await stage.player()
    assert await player.silent()
    assert (await stage.api("POST", f"{API}/applications/demo/versions/v1/resume"))[0] == 200
    await player.expect("streamerList")
    assert (await stage.api("POST", f"{API}/applications/demo/versions/v9/drain"))[0] == 404


async def test_an_idle_instance_that_is_drained_is_deleted(stage):
    await stage.matchmaker()
    await stage.instance("demo-1")
    done = await stage.api("POST", f"{API}/instances/demo-1/drain")
    assert done == (202, {"target": "demo-1", "seconds": 0})
    await stage.gone("demo-1")
    assert (await stage.api("POST", f"{API}/instances/demo-1/drain"))[0] == 404


async def test_what_kubernetes_refuses_is_said_and_its_words_are_in_the_log(stage, caplog):
    await stage.matchmaker()
    await stage.instance("demo-1")

    async def before(what: str, name: str) -> None:
        raise PermissionError(f"{what} {name} is forbidden")

    stage.cluster.before = before
    for path in ("instances/demo-1/drain", "applications/demo/pause", "applications/demo/versions/v1/drain"):
        caplog.clear()
        status, problem = await stage.api("POST", f"{API}/{path}")
        assert (status, problem["detail"]) == (503, "The Kubernetes API does not answer, or refuses.")
        said = [vars(each) for each in caplog.records if each.getMessage() == "not done in Kubernetes"]
        assert ["is forbidden" in each["error"] for each in said] == [True]


async def test_the_references_routes_speak_of_the_real_service(stage):
    stage.says(api=ApiSettings(public_status=True))
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    await stream(await stage.player(), unreal)
    status, found = await stage.api("GET", "/api/status", key="")
    assert (status, found["streamer_count"], found["player_count"]) == (200, 1, 1)
    _, streamers = await stage.api("GET", "/api/streamers", key="")
    (streamer,) = streamers
    assert (streamer["streamerId"], streamer["streaming"], len(streamer["subscribers"])) == ("demo-1", True, 1)


# Usage and webhooks


async def test_a_session_is_told_and_counted_once(stage):
    receiver = Receiver()
    await receiver.start()
    stage.says(webhooks=WebhookSettings((Endpoint(receiver.url),), private=True))
    await stage.matchmaker()
    waiting = await stage.player()
    unreal = await stage.instance("demo-1")
    await stream(waiting, unreal)
    (session,) = await sessions(stage)
    assert (await stage.api("POST", f"{API}/sessions/{session['id']}/end", {"seconds": 0}))[0] == 202
    await stage.gone("demo-1")
    await eventually(lambda: len(set(receiver.ids)) == 3, "three events")
    told = {json.loads(body)["type"]: json.loads(body)["data"] for _, body in receiver.heard}
    assert set(told) == {"session.queued", "session.started", "session.ended"}
    assert {each["id"] for each in told.values()} == {session["id"]}
    assert told["session.ended"]["reason"] == "completed"
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start, end = (f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in (hour - timedelta(hours=1), hour + timedelta(hours=2)))
    _, usage = await stage.api("GET", f"{API}/usage?start={start}&end={end}")
    (row,) = usage["items"]
    assert (row["application"], row["subject"], row["sessions"]) == ("demo", "", 1)
    assert row["session_seconds"] == told["session.ended"]["seconds"] > 0
    await receiver.stop()


async def test_a_session_is_counted_once_by_two_replicas_of_which_one_is_gone(stage, tmp_path):
    with redis_server(tmp_path) as server:
        stage.store = RedisStore(server.url)
        for _ in range(2):
            await stage.matchmaker()
        unreal = await stage.instance("demo-1")
        player = await stage.player()
        await stream(player, unreal)
        (session,) = await sessions(stage, replica=1)
        first = stage.matchmakers.pop(0)
        stage.fronts.pop(0)
        await first.stop()
        assert (await stage.api("POST", f"{API}/sessions/{session['id']}/end", {"seconds": 0}))[0] == 202
        await stage.gone("demo-1")
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        start, end = (f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in (hour - timedelta(hours=1), hour + timedelta(hours=2)))

        async def counted() -> int:
            _, usage = await stage.api("GET", f"{API}/usage?start={start}&end={end}")
            return sum(row["sessions"] for row in usage["items"])

        for _ in range(500):
            if await counted() == 1:
                break
            await asyncio.sleep(0.01)
        assert await counted() == 1
        await stage.close()
        await stage.store.close()


# Regions


@pytest.fixture
async def regions(tmp_path: Path, http: ClientSession) -> AsyncIterator[tuple[FrontStage, FrontStage]]:
    both = furnished(http, tmp_path / "here"), furnished(http, tmp_path / "there")
    yield both
    for each in both:
        await each.close()


async def test_a_player_goes_where_there_is_room_and_is_let_in_there(regions):
    here, there = regions
    # Keys of its own; nothing runs here that would know them.
    here._seed.write_text("face" * 16)
    here.issuer = Issuer(SigningSecret(here._seed))
    for stage, name, other in ((here, "here", there), (there, "there", here)):
        its = RegionSettings(name, None, (PeerSettings("there" if name == "here" else "here", other.url),))
        stage.says(login=LoginSettings(Mode.SHARED), regions=its)
        await stage.matchmaker()
    await there.instance("demo-1")
    peers = here.fronts[0]._peers
    await eventually(lambda: (peers.rooms.of("there", peers._clock()) or {}).get("demo") == 1, "room heard")
    player = await wants(here, f"?token={SHARED}")
    told = await state(player, "redirect")
    assert (await player.closed())[0] == 1001
    assert told["url"] == there.url
    moved = await wants(there, f"?ticket={told['ticket']}")
    await state(moved, "starting")
    # The ticket is good once, and there only.
    again = await wants(there, f"?ticket={told['ticket']}")
    assert (await state(again, "failed"))["reason"] == "login_refused"
    assert await here.refusal(f"?ticket={told['ticket']}") == 401


async def test_a_page_is_sent_to_where_there_is_room(regions, http):
    here, there = regions
    there.says(regions=RegionSettings("there"))
    await there.matchmaker()
    here.says(regions=RegionSettings("here", None, (PeerSettings("there", there.url),)))
    await here.matchmaker()
    await there.instance("demo-1")
    peers = here.fronts[0]._peers
    await eventually(lambda: (peers.rooms.of("there", peers._clock()) or {}).get("demo") == 1, "room heard")
    async with http.get(f"{here.url}?app=demo&x=1", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Cache-Control"]) == (307, "no-store")
        assert answer.headers["Location"] == f"{there.url}?app=demo&x=1&spilled=here"
    async with http.get(f"{here.url}?app=other", allow_redirects=False) as answer:
        assert answer.status == 200
    await here.instance("demo-2")
    await eventually(lambda: here.fronts[0].room("demo") == 1, "room here")
    async with http.get(here.url, allow_redirects=False) as answer:
        assert answer.status == 200
        assert (
            f"connect-src 'self' https://{there.url[7:-1]} wss://{there.url[7:-1]};"
            in answer.headers["Content-Security-Policy"]
        )
    async with http.get(f"{here.url}region") as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert (await answer.json())["applications"]["demo"] == {"room": 1, "waiting": 0}
    async with http.get(f"{here.url}.well-known/pixel/keys.json") as answer:
        assert [key["kid"] for key in (await answer.json())["keys"]] == list(here.issuer.public())


async def test_the_page_is_told_what_the_stack_says_and_may_ask_whom_it_names(stage, http):
    allowed = {"connect-src": ["https://id.example.com"], "frame-ancestors": ["https://shop.example.com"]}
    page = {"configuration": {"name": "Showroom", "region": "fra"}, "allowed": allowed}
    stage.says(player_page=msgspec.convert(page, PlayerPage))
    await stage.matchmaker()
    async with http.get(f"{stage.url}config.json") as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert answer.headers["Cache-Control"] == "no-cache"
        assert await answer.json() == page["configuration"]
        assert "connect-src 'self';" in answer.headers["Content-Security-Policy"]
    async with http.get(stage.url) as answer:
        policy = answer.headers["Content-Security-Policy"]
        assert "connect-src 'self' https://id.example.com;" in policy
        assert policy.endswith("frame-ancestors 'self' https://shop.example.com")


def test_what_would_add_a_directive_is_no_origin():
    for source in ("https://x; script-src *", "'unsafe-inline'", "a b", ""):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert({"allowed": {"connect-src": [source]}}, PlayerPage)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"allowed": {"script-src": ["https://x.example"]}}, PlayerPage)


# Secrets


async def test_no_secret_of_a_run_is_in_its_logs(stage, caplog):
    caplog.set_level(logging.DEBUG)
    receiver = Receiver()
    await receiver.start()
    stage.says(
        login=LoginSettings(Mode.SHARED),
        webhooks=WebhookSettings((Endpoint(receiver.url),), private=True),
        limits=LimitsSettings(sessions_per_address=1),
    )
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    _, link = await stage.api("POST", f"{API}/tickets", {"application": "demo"})
    player = await stage.player(link["path"].removeprefix("/"))
    await stream(player, unreal)
    opted_in: Client = await stage.opted_in(f"?token={SHARED}")
    await opted_in.expect("config")
    own = (await opted_in.expect("sessionTicket"))["ticket"]
    await opted_in.say("listStreamers")
    await state(opted_in, "failed")
    await stage.refusal("?token=a-wrong-token")
    await stage.api("GET", f"{API}/sessions", key="a-wrong-admin-key")
    (session,) = await sessions(stage)
    await stage.api("POST", f"{API}/sessions/{session['id']}/end", {"seconds": 0})
    await stage.gone("demo-1")
    await eventually(lambda: len(set(receiver.ids)) == 2, "events told")
    await receiver.stop()
    password = player.config["peerConnectionOptions"]["iceServers"][-1]["credential"]
    written = json.dumps([vars(record) for record in caplog.records], default=str)
    for known in ("session started", "action", "refused", "wrong or no credential"):
        assert known in written
    secrets = (ADMIN, SHARED, HOOK, SECRET, SEED, link["ticket"], own, password, "a-wrong-token", "a-wrong-admin-key")
    for secret in (*secrets, "v=0 offer", "eyJ"):
        assert secret not in written, secret
