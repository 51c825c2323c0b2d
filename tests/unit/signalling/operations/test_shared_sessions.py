"""Sessions that share an instance: in the session API, usage, webhooks and metrics; and where a session's owner is."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from signalling.kubernetes.instances import Claim, claim_patch, instance_of
from signalling.login.settings import Algorithm, LoginSettings, Mode
from signalling.matchmaker.settings import ApplicationSettings, Sessions, SessionSettings
from signalling.operations import statuses
from signalling.store.in_redis import RedisStore
from signalling.usage import ledger
from signalling.webhooks.settings import Endpoint, WebhookSettings
from tests.unit.signalling.clients import PATIENCE, Client, cut, eventually
from tests.unit.signalling.login.issuer import AUDIENCE, ISSUER, token
from tests.unit.signalling.memory_cluster import as_pod
from tests.unit.signalling.operations.front_stage import SHARED, FrontStage, furnished, state
from tests.unit.signalling.redis_server import redis_server
from tests.unit.signalling.stage import STACK, stream
from tests.unit.signalling.webhooks.test_webhooks import Receiver

API = "/api/v1"
LENGTHS = 'pixel_session_seconds_count{application="demo"}'
ENDED = 'pixel_sessions_ended_total{{application="demo",outcome="{}",version="v1"}}'


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as it:
        yield it


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    it = Receiver()
    await it.start()
    yield it
    await it.stop()


@pytest.fixture
async def stage(
    tmp_path: Path, http: ClientSession, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[FrontStage]:
    """Players of ``demo`` share instances, and log in."""
    # What is asked anew is asked now.
    monkeypatch.setattr(statuses, "SECONDS", 0.0)
    it = furnished(http, tmp_path)
    shared = ApplicationSettings(name="demo", sessions=Sessions.SHARED, session=SessionSettings(grace_seconds=2))
    it.says(
        applications=(shared, STACK.applications[1]),
        login=LoginSettings(Mode.SIGNED, (Algorithm.HS256,), ISSUER, AUDIENCE),
        webhooks=WebhookSettings((Endpoint(receiver.url),), private=True),
    )
    yield it
    await it.close()


async def joins(stage: FrontStage, who: str, replica: int = 0) -> Client:
    """A stock player with a stream."""
    query = f"?token={token(SHARED, 'HS256', datetime.now(UTC).timestamp(), sub=who)}"
    player = await stage.player(query, at=replica)
    await stream(player, stage.streamers["demo-1"])
    return player


async def sessions(stage: FrontStage, query: str = "", replica: int = 0) -> dict[str, dict[str, Any]]:
    """By their subjects."""
    status, found = await stage.api("GET", f"{API}/sessions{query}", replica=replica)
    assert status == 200, found
    return {each["subject"]: each for each in found["items"]}


async def states(stage: FrontStage, replica: int = 0) -> dict[str, str]:
    return {who: each["state"] for who, each in (await sessions(stage, replica=replica)).items()}


async def until(ask: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    """Wait until this is the answer."""
    try:
        async with asyncio.timeout(PATIENCE):
            while await ask() != wanted:  # noqa: ASYNC110  # Nothing says when another would be the answer.
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(await ask()) from None


async def used(stage: FrontStage) -> dict[str, tuple[int, float]]:
    """Sessions and seconds of each subject."""
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start, end = (f"{each:%Y-%m-%dT%H:%M:%SZ}" for each in (hour - timedelta(hours=1), hour + timedelta(hours=2)))
    _, usage = await stage.api("GET", f"{API}/usage?start={start}&end={end}")
    return {row["subject"]: (row["sessions"], row["session_seconds"]) for row in usage["items"]}


async def counted(stage: FrontStage, name: str) -> float:
    """A metric, over all replicas."""
    total = 0.0
    for server in stage.matchmakers:
        async with stage.http.get(f"http://127.0.0.1:{server.ports['health']}/metrics") as answer:
            lines = [line for line in (await answer.text()).splitlines() if line.startswith(f"{name} ")]
        total += sum(float(line.split()[1]) for line in lines)
    return total


def told(receiver: Receiver, kind: str) -> dict[str, dict[str, Any]]:
    """What was told of this kind, by subject; the same event again is one."""
    by_id = {headers["webhook-id"]: json.loads(body) for headers, body in receiver.heard}
    its = [each["data"] for each in by_id.values() if each["type"] == kind]
    assert max(Counter(each["id"] for each in its).values(), default=1) == 1, its
    return {each["subject"]: each for each in its}


async def test_each_player_is_a_session_of_its_own_and_ends_alone(stage, receiver):
    await stage.matchmaker()
    unreal = await stage.instance("demo-1", node="gpu-1")
    ada, bob = await joins(stage, "ada"), await joins(stage, "bob")
    await until(lambda: states(stage), {"ada": "running", "bob": "running"})
    listed = await sessions(stage, "?players=true")
    for its in listed.values():
        assert (its["application"], its["version"], its["instance"]) == ("demo", "v1", "demo-1")
        assert [(each["player"], each["role"]) for each in its["players"]] == [(its["id"], "owner")]
        assert its["started"] is not None
    assert listed["ada"]["id"] != listed["bob"]["id"]
    _, application = await stage.api("GET", f"{API}/applications/demo")
    assert [each["sessions"] for each in application["fleets"]] == [2]
    _, nodes = await stage.api("GET", f"{API}/nodes")
    assert {each["name"]: (each["instances"], each["sessions"]) for each in nodes["items"]}["gpu-1"] == (1, 2)
    await eventually(lambda: set(told(receiver, "session.started")) == {"ada", "bob"}, "both told")
    assert (await stage.api("POST", f"{API}/sessions/{listed['ada']['id']}/end", {"seconds": 0}))[0] == 202
    assert (await ada.closed())[0] == 1001
    await until(lambda: states(stage), {"bob": "running"})
    assert (await unreal.expect("playerDisconnected"))["playerId"]
    await bob.say("iceCandidate", candidate={"candidate": "still here", "sdpMid": "0", "sdpMLineIndex": 0})
    assert (await unreal.expect("iceCandidate"))["candidate"]["candidate"] == "still here"
    await eventually(lambda: set(told(receiver, "session.ended")) == {"ada"}, "its end told")
    ended = told(receiver, "session.ended")["ada"]
    assert (ended["id"], ended["instance"], ended["reason"]) == (listed["ada"]["id"], "demo-1", "completed")
    assert await used(stage) == {"ada": (1, ended["seconds"])}
    assert ended["seconds"] > 0
    assert await counted(stage, LENGTHS) == await counted(stage, ENDED.format("completed")) == 1
    assert (await stage.api("POST", f"{API}/sessions/{listed['ada']['id']}/end", {"seconds": 0}))[0] == 404
    assert "demo-1" in stage.cluster.pods


async def test_a_session_is_ended_of_which_the_store_knows_nothing(stage):
    await stage.matchmaker()
    await stage.instance("demo-1")
    player = await joins(stage, "ada")
    its = (await sessions(stage))["ada"]
    await stage.store.put(f"seat:{its['id']}", "another", 60)
    assert (await stage.api("POST", f"{API}/sessions/{its['id']}/end", {"seconds": 0}))[0] == 202
    assert (await player.closed())[0] == 1001


async def test_a_session_ends_when_its_grace_is_over_and_until_then_its_player_is_away(stage, receiver):
    await stage.matchmaker()
    await stage.instance("demo-1")
    ada, bob = await joins(stage, "ada"), await joins(stage, "bob")
    cut(ada.socket)
    await until(lambda: states(stage), {"ada": "away", "bob": "running"})
    assert set(await sessions(stage, "?state=away")) == {"ada"}
    assert set(await sessions(stage, "?state=running")) == {"bob"}
    assert await used(stage) == {}
    await until(lambda: states(stage), {"bob": "running"})
    await eventually(lambda: set(told(receiver, "session.ended")) == {"ada"}, "its end told")
    assert set(await used(stage)) == {"ada"}
    assert await bob.silent()


async def test_a_player_that_comes_back_goes_on_and_after_the_end_begins_another_session(stage, receiver):
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    query = f"?session=1&token={token(SHARED, 'HS256', datetime.now(UTC).timestamp(), sub='ada')}"
    first = await stage.opted(query)
    await stream(first, unreal)
    its = (await sessions(stage))["ada"]
    cut(first.socket)
    await until(lambda: states(stage), {"ada": "away"})
    again = await stage.opted(query, ask=False)
    await again.say("sessionResume", ticket=first.ticket["ticket"], fresh=False)
    await state(again, "resumed")
    await until(lambda: states(stage), {"ada": "running"})
    assert (await sessions(stage))["ada"]["id"] == its["id"]
    assert (await stage.api("POST", f"{API}/sessions/{its['id']}/end", {"seconds": 0}))[0] == 202
    assert (await state(again, "ended"))["reason"] == "terminated"
    await eventually(lambda: set(told(receiver, "session.ended")) == {"ada"}, "its end told")
    late = await stage.opted(query, ask=False)
    await late.say("sessionResume", ticket=first.ticket["ticket"], fresh=True)
    await unreal.expect("playerDisconnected")
    await late.say("listStreamers")
    await stream(late, unreal)
    # The same instance has room, but the session that was counted is not begun again.
    assert (await sessions(stage))["ada"]["id"] != its["id"]
    assert {who: number for who, (number, _) in (await used(stage)).items()} == {"ada": 1}


async def test_sessions_whose_instance_fails_are_told_as_failed(stage, receiver):
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    players = [await joins(stage, who) for who in ("ada", "bob")]
    await unreal.socket.close()
    await eventually(lambda: set(told(receiver, "session.failed")) == {"ada", "bob"}, "both told")
    assert [(await player.closed())[0] for player in players] == [1012, 1012]
    assert {each["reason"] for each in told(receiver, "session.failed").values()} == {"interrupted"}
    assert await counted(stage, ENDED.format("interrupted")) == 2
    assert {who: number for who, (number, _) in (await used(stage)).items()} == {"ada": 1, "bob": 1}


async def test_sessions_of_an_instance_that_is_gone_are_counted(stage, receiver):
    await stage.matchmaker()
    await stage.instance("demo-1")
    player = await joins(stage, "ada")
    stage.cluster.remove("demo-1")
    await eventually(lambda: set(told(receiver, "session.failed")) == {"ada"}, "told")
    assert set(await used(stage)) == {"ada"}
    await player.gone()


@pytest.mark.parametrize("dies", [False, True])
async def test_with_two_replicas_each_tells_of_all_and_a_session_is_counted_once(
    stage, receiver, tmp_path, monkeypatch, dies
):
    monkeypatch.setattr(ledger, "GONE_SECONDS", 3600.0)
    with redis_server(tmp_path) as server:
        stage.store = RedisStore(server.url)
        for _ in range(2):
            await stage.matchmaker()
        await stage.instance("demo-1")
        ada = await joins(stage, "ada", replica=0)
        bob = await joins(stage, "bob", replica=1)
        for replica in range(2):
            await until(partial(states, stage, replica), {"ada": "running", "bob": "running"})
        its = await sessions(stage, replica=1)
        if dies:
            first, _ = stage.matchmakers.pop(0), stage.fronts.pop(0)
            await first.stop()
            # Its player is away, and then the session is over: the sidecar says so to the replica that is left.
            await until(lambda: states(stage), {"bob": "running"})
        else:
            ended = f"{API}/sessions/{its['ada']['id']}/end"
            assert (await stage.api("POST", ended, {"seconds": 0}, replica=1))[0] == 202
        await eventually(lambda: set(told(receiver, "session.ended")) == {"ada"}, "its end told")
        await ada.socket.close()
        bobs_end = f"{API}/sessions/{its['bob']['id']}/end"
        assert (await stage.api("POST", bobs_end, {"seconds": 0}))[0] == 202
        assert (await bob.closed())[0] == 1001
        await eventually(lambda: set(told(receiver, "session.ended")) == {"ada", "bob"}, "both ends told")

        async def numbers() -> dict[str, int]:
            return {who: number for who, (number, _) in (await used(stage)).items()}

        await until(numbers, {"ada": 1, "bob": 1})
        assert await counted(stage, LENGTHS) == 2
        assert set(told(receiver, "session.started")) == {"ada", "bob"}
        await stage.close()
        await stage.store.close()


async def test_a_session_that_has_its_instance_to_itself_says_where_its_owner_is(stage):
    stage.says(applications=STACK.applications, login=stage.stack.login)
    await stage.matchmaker(stranded_seconds=60.0)
    await stage.instance("demo-1")
    player = await joins(stage, "ada")
    await until(lambda: states(stage), {"ada": "running"})
    # Another one is claimed, by a matchmaker that has not brought its player yet.
    await stage.instance("demo-2")
    claimed = Claim("bobs", "bobs", datetime.now(UTC).isoformat(), "bob")
    idle = instance_of(as_pod(stage.cluster.pods["demo-2"]))
    assert idle is not None
    await stage.cluster.patch_pod("demo-2", claim_patch(idle, claimed))
    await until(lambda: states(stage), {"ada": "running", "bob": "starting"})
    cut(player.socket)
    await until(lambda: states(stage), {"ada": "away", "bob": "starting"})
    for wanted, who in {"away": {"ada"}, "starting": {"bob"}, "running": set(), "ending": set()}.items():
        found = await sessions(stage, f"?state={wanted}")
        assert set(found) == who
        assert all(each["players"] is None for each in found.values()), "nobody asked for them"
