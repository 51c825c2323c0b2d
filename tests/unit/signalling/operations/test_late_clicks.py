"""What an operator asks for, having seen a state that has changed since."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from signalling.kubernetes.instances import DRAINING_ANNOTATION, Claim, claim_patch, instance_of
from signalling.matchmaker.settings import ApplicationSettings, Sessions
from signalling.protocol.session_messages import Reason
from tests.unit.signalling.clients import eventually
from tests.unit.signalling.memory_cluster import as_pod, patched
from tests.unit.signalling.operations.front_stage import FrontStage, furnished, state
from tests.unit.signalling.stage import STACK, stream

API = "/api/v1"
MINE = Claim("mine", "mine", datetime(2027, 1, 15, 8, 30, tzinfo=UTC).isoformat(), "ada")


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[FrontStage]:
    async with ClientSession() as http:
        it = furnished(http, tmp_path)
        yield it
        await it.close()


def claims(stage: FrontStage, name: str) -> None:
    """Another replica claims an idle instance, whatever the others know of it."""
    instance = instance_of(as_pod(stage.cluster.pods[name]))
    assert instance is not None
    stage.cluster.put(patched(stage.cluster.pods[name], claim_patch(instance, MINE)))


def draining(stage: FrontStage, name: str) -> bool:
    annotations: dict[str, str] = stage.cluster.pods[name]["metadata"].get("annotations", {})
    return annotations.get(DRAINING_ANNOTATION) == "true"


async def the_session(stage: FrontStage, kind: str) -> str:
    """The id of the one session in this state."""
    _, found = await stage.api("GET", f"{API}/sessions?state={kind}")
    (session,) = found["items"]
    return str(session["id"])


# Draining an instance


async def test_a_session_that_begins_while_its_instance_is_drained_ends_after_the_warning(stage, monkeypatch):
    await stage.matchmaker()
    await stage.instance("demo-1")
    told: list[tuple[Any, ...]] = []

    async def end(_: object, session: str, reason: Reason, seconds: float) -> bool:
        told.append((session, reason, seconds))
        return True

    async def before(_: str, name: str) -> None:
        # Between the mark that it is drained and its end.
        if draining(stage, name) and "app.pixel/session" not in stage.labels(name):
            claims(stage, name)

    stage.cluster.before = before
    monkeypatch.setattr(stage.matchmakers[0].replica.control._sidecars, "end", end)
    done = await stage.api("POST", f"{API}/instances/demo-1/drain", {"seconds": 30})
    assert done == (202, {"target": "demo-1", "seconds": 30})
    assert told == [("mine", Reason.MAINTENANCE, 30)]
    assert stage.labels("demo-1")["app.pixel/session"] == "mine"


async def test_a_drained_instance_whose_session_cannot_be_warned_is_no_success(stage):
    await stage.matchmaker(stranded_seconds=60.0)
    await stage.instance("demo-1")
    # Its player has not been brought to it: the sidecar knows of no session yet.
    claims(stage, "demo-1")
    status, problem = await stage.api("POST", f"{API}/instances/demo-1/drain", {"seconds": 30})
    assert (status, problem["remedy"]) == (503, "Try again in some seconds")
    assert draining(stage, "demo-1")
    _, audit = await stage.api("GET", f"{API}/audit")
    assert [(each["action"], each["status"]) for each in audit["items"]] == [("drainInstance", 503)]


# What is over by now


@pytest.fixture
async def over(stage: FrontStage) -> AsyncIterator[str]:
    """A session that has just ended on ``demo-1``, which no sweep has found yet."""
    await stage.matchmaker(stranded_seconds=60.0)
    unreal = await stage.instance("demo-1")
    assert unreal is not None
    player = await stage.player()
    await stream(player, unreal)
    session = await the_session(stage, "running")

    looked_at = asyncio.Event()

    async def before(*_: str) -> None:
        await looked_at.wait()

    stage.cluster.before = before
    assert (await stage.api("POST", f"{API}/sessions/{session}/end", {"seconds": 0}))[0] == 202
    assert (await player.closed())[0] == 1001
    yield session
    looked_at.set()


async def test_a_session_that_is_over_is_no_more_though_its_instance_is_there(stage, over):
    status, problem = await stage.api("POST", f"{API}/sessions/{over}/end", {"seconds": 0})
    assert (status, problem["detail"]) == (404, "There is no such session.")
    assert stage.labels("demo-1")["app.pixel/session"] == over


async def test_an_instance_whose_session_is_over_has_none_that_would_be_warned(stage, over):
    stage.cluster.before = None
    done = await stage.api("POST", f"{API}/instances/demo-1/drain", {"seconds": 30})
    assert done == (202, {"target": "demo-1", "seconds": 0})


# Taking somebody out of the queue


async def test_who_waits_is_taken_out_of_the_queue_and_who_plays_by_now_is_left_alone(stage):
    await stage.matchmaker()
    player = await stage.opted_in()
    for kind in ("config", "sessionTicket"):
        await player.expect(kind)
    await player.say("listStreamers")
    await state(player, "queued")
    session = await the_session(stage, "queued")
    end = f"{API}/sessions/{session}/end"
    unreal = await stage.instance("demo-1")
    await stream(player, unreal)
    status, problem = await stage.api("POST", end, {"queued_only": True, "seconds": 0})
    assert (status, problem["value"]) == (409, session)
    assert await the_session(stage, "running") == session
    await player.say("iceCandidate", candidate={"candidate": "still here", "sdpMid": "0", "sdpMLineIndex": 0})
    assert (await unreal.expect("iceCandidate"))["candidate"]["candidate"] == "still here"
    waiting = await stage.player()
    await eventually(lambda: stage.matchmakers[0].replica.waiting("demo") == 1, "one waits")
    second = await the_session(stage, "queued")
    assert (await stage.api("POST", f"{API}/sessions/{second}/end", {"queued_only": True}))[0] == 202
    assert (await waiting.closed())[0] == 1008
    assert (await stage.api("POST", f"{API}/sessions/nobody/end", {"queued_only": True}))[0] == 404
    _, audit = await stage.api("GET", f"{API}/audit")
    assert [each["status"] for each in audit["items"]] == [404, 202, 409]


async def test_who_shares_an_instance_by_now_is_left_alone_too(stage):
    shared = ApplicationSettings(name="demo", sessions=Sessions.SHARED)
    stage.says(applications=(shared, STACK.applications[1]))
    await stage.matchmaker()
    unreal = await stage.instance("demo-1")
    player = await stage.player()
    await stream(player, unreal)
    replica = stage.matchmakers[0].replica
    await eventually(lambda: len(replica.seats.of("demo-1")) == 1, "it has a seat")
    (session,) = replica.seats.of("demo-1")
    status, _ = await stage.api("POST", f"{API}/sessions/{session}/end", {"queued_only": True})
    assert status == 409
    await player.say("iceCandidate", candidate={"candidate": "still here", "sdpMid": "0", "sdpMLineIndex": 0})
    assert (await unreal.expect("iceCandidate"))["candidate"]["candidate"] == "still here"
