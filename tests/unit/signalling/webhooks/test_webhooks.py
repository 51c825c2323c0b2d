"""Webhooks reach a real server on loopback: signed, at least once, and never in a session's way."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession, web
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from redis.asyncio import Redis

from signalling.outgoing.fetching import session
from signalling.records.interface import Records
from signalling.records.memory import MemoryRecords
from signalling.records.redis import RedisRecords
from signalling.shell import listening
from signalling.shell.cancelling import cancel
from signalling.webhooks import delivery
from signalling.webhooks.delivery import Surroundings, Webhooks
from signalling.webhooks.events import Event, EventType, SessionFacts, event
from signalling.webhooks.retries import LONGEST, TRIES, Outcome, after_try
from signalling.webhooks.settings import Endpoint, WebhookSettings
from tests.unit.signalling.clients import eventually
from tests.unit.signalling.redis_server import RedisServer

AT = datetime(2027, 1, 15, 8, tzinfo=UTC)
SECRET = "0123456789abcdef" * 4


def ended(id: str, application: str = "demo") -> Event:
    return event(EventType.ENDED, "fra", SessionFacts(id, application, subject="ada", seconds=61.5), AT)


class Receiver:
    """A server that hears of events, and answers as it is told to."""

    def __init__(self) -> None:
        self.status: Callable[[], int] = lambda: 204
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.answer = asyncio.Event()
        self.answer.set()
        self.runner: web.AppRunner | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?key=private"

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.heard]

    async def start(self) -> None:
        app = web.Application()
        app.router.add_post("/hook", self._hear)
        self.runner = await listening.listen(app, "127.0.0.1", self.port)
        self.port = listening.port_of(self.runner)

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()
            self.runner = None

    async def _hear(self, request: web.Request) -> web.Response:
        self.heard.append(({name.lower(): value for name, value in request.headers.items()}, await request.read()))
        await self.answer.wait()
        return web.Response(status=self.status(), headers={"Location": "http://127.0.0.1:1/"})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    it = Receiver()
    await it.start()
    yield it
    await it.stop()


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with session(private=True) as it:
        yield it


@asynccontextmanager
async def running(
    http: ClientSession,
    *endpoints: Endpoint,
    shared: Records | None = None,
    secrets: tuple[str, ...] = (SECRET,),
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[tuple[Webhooks, CollectorRegistry]]:
    registry = CollectorRegistry()
    its = Surroundings(lambda: secrets, http, shared, poll_seconds=0.02, clock=clock)
    webhooks = Webhooks(WebhookSettings(endpoints, private=True), its, registry)
    task = asyncio.create_task(webhooks.run())
    yield webhooks, registry
    await cancel([task])


def outcomes(registry: CollectorRegistry) -> dict[str, float]:
    return {
        each.value: registry.get_sample_value("pixel_webhooks_total", {"outcome": each.value}) or 0 for each in Outcome
    }


async def test_an_event_arrives_signed(receiver, http):
    async with running(http, Endpoint(receiver.url), secrets=(SECRET, "the one before")) as (webhooks, registry):
        webhooks.tell(ended("s1"))
        await eventually(lambda: outcomes(registry)["delivered"], "delivered")
    ((headers, body),) = receiver.heard
    said = json.loads(body)
    assert said == {
        "id": headers["webhook-id"],
        "type": "session.ended",
        "timestamp": "2027-01-15T08:00:00Z",
        "region": "fra",
        "data": {"id": "s1", "application": "demo", "subject": "ada", "seconds": 61.5},
    }
    assert headers["content-type"] == "application/json"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = [
        "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        for key in (SECRET.encode(), b"the one before")
    ]
    assert headers["webhook-signature"].split(" ") == expected


async def test_an_endpoint_hears_what_it_wants_to(receiver, http):
    of_other = Endpoint(receiver.url, (EventType.STARTED,), ("other",))
    async with running(http, of_other) as (webhooks, registry):
        webhooks.tell(ended("s1", "other"))
        webhooks.tell(event(EventType.STARTED, "fra", SessionFacts("s2", "demo"), AT))
        webhooks.tell(event(EventType.STARTED, "fra", SessionFacts("s3", "other"), AT))
        await eventually(lambda: outcomes(registry)["delivered"], "delivered")
    assert [json.loads(body)["data"]["id"] for _, body in receiver.heard] == ["s3"]


async def test_it_is_tried_again_until_it_is_taken(receiver, http):
    answers = iter([500, 302, 404])
    receiver.status = lambda: next(answers, 200)
    now = [time.time()]
    async with running(http, Endpoint(receiver.url), clock=lambda: now[0]) as (webhooks, registry):
        webhooks.tell(ended("s1"))
        for tries in (1, 2, 3):
            await eventually(lambda n=tries: outcomes(registry)["failed"] == n, f"failed {tries}")
            now[0] += LONGEST * 2
        await eventually(lambda: outcomes(registry)["delivered"], "delivered")
    assert len(set(receiver.ids)) == 1
    assert len(receiver.ids) == 4


@pytest.mark.parametrize("status", [410, 500])
async def test_it_is_given_up_in_the_end(receiver, http, status, monkeypatch):
    receiver.status = lambda: status
    monkeypatch.setattr("signalling.webhooks.retries.SHORTEST", 0.0)
    async with running(http, Endpoint(receiver.url)) as (webhooks, registry):
        webhooks.tell(ended("s1"))
        await eventually(lambda: outcomes(registry)["given up"], "given up")
        await eventually(lambda: registry.get_sample_value("pixel_webhooks_pending") == 0, "nothing to be delivered")
    assert len(receiver.heard) == (1 if status == 410 else TRIES)


async def test_telling_never_waits_whatever_the_endpoint_does(receiver, http):
    receiver.answer.clear()
    async with running(http, Endpoint(receiver.url)) as (webhooks, registry):
        for number in range(1000):
            webhooks.tell(ended(f"s{number}"))
        await eventually(lambda: len(receiver.heard) == delivery.AT_ONCE, "asked as often as allowed at once")
        receiver.answer.set()
        await eventually(lambda: outcomes(registry)["delivered"] == 1000, "all delivered")
    assert len(set(receiver.ids)) == 1000


async def test_an_endpoint_that_does_not_answer_holds_up_no_other(receiver, http):
    silent = Receiver()
    await silent.start()
    silent.answer.clear()
    async with running(http, Endpoint(silent.url), Endpoint(receiver.url)) as (webhooks, _):
        for number in range(100):
            webhooks.tell(ended(f"s{number}"))
        await eventually(lambda: len(set(receiver.ids)) == 100, "all told to the other")
    silent.answer.set()
    await silent.stop()


async def test_only_so_much_is_kept(http, monkeypatch):
    monkeypatch.setattr(delivery, "MOST", 5)
    async with running(http, Endpoint("http://127.0.0.1:1/")) as (webhooks, registry):
        for number in range(12):
            webhooks.tell(ended(f"s{number}"))
        await eventually(lambda: outcomes(registry)["failed"] == 5, "the newest tried")
        assert outcomes(registry)["dropped"] == 7
        webhooks.tell(ended("one more"))
        await eventually(lambda: outcomes(registry)["dropped"] == 8, "no room for more")


async def test_what_a_replica_took_and_died_with_another_delivers(receiver, http):
    shared, now = MemoryRecords(), [time.time()]
    receiver.answer.clear()
    async with running(http, Endpoint(receiver.url), shared=shared, clock=lambda: now[0]) as (webhooks, _):
        webhooks.tell(ended("s1"))
        await eventually(lambda: receiver.heard, "asked")
    receiver.answer.set()
    async with running(http, Endpoint(receiver.url), shared=shared, clock=lambda: now[0]) as (_, registry):
        await asyncio.sleep(0.1)
        assert outcomes(registry)["delivered"] == 0
        now[0] += delivery.LEASE_SECONDS
        await eventually(lambda: outcomes(registry)["delivered"], "delivered by the other")
    assert len(set(receiver.ids)) == 1


async def test_what_was_told_last_is_written_down_at_the_end(receiver, http):
    shared = MemoryRecords()
    webhooks = Webhooks(
        WebhookSettings((Endpoint(receiver.url),), private=True),
        Surroundings(lambda: (SECRET,), http, shared),
        CollectorRegistry(),
    )
    webhooks.tell(ended("s1"))
    await webhooks.flush()
    async with running(http, Endpoint(receiver.url), shared=shared) as (_, registry):
        await eventually(lambda: outcomes(registry)["delivered"], "delivered by the next")


async def test_without_redis_for_a_while_nothing_is_lost(receiver, http, tmp_path):
    server = RedisServer(tmp_path)
    server.start()
    client = Redis.from_url(server.url, socket_connect_timeout=1)
    async with running(http, Endpoint(receiver.url), shared=RedisRecords(client)) as (webhooks, registry):
        webhooks.tell(ended("s1"))
        await eventually(lambda: outcomes(registry)["delivered"] == 1, "delivered through Redis")
        server.stop()
        webhooks.tell(ended("s2"))
        await eventually(lambda: outcomes(registry)["delivered"] == 2, "delivered without it")
        server.start()
        webhooks.tell(ended("s3"))
        await eventually(lambda: outcomes(registry)["delivered"] == 3, "delivered through it again")
    await client.aclose()
    server.stop()


async def test_an_inner_address_is_not_told_anything(receiver):
    settings = WebhookSettings((Endpoint("https://hooks.example.com/"),))
    inside = msgspec.structs.replace(settings.endpoints[0], url=receiver.url)
    registry = CollectorRegistry()
    async with session(private=False) as http:
        for endpoint in (inside, msgspec.structs.replace(inside, url=f"https://localhost:{receiver.port}/hook")):
            # Settings refuse it; and if they had not, it would be refused when it is sent.
            with pytest.raises(ValueError, match="not an address of the internet"):
                WebhookSettings((endpoint,))
        msgspec.structs.force_setattr(settings, "endpoints", (inside,))
        webhooks = Webhooks(settings, Surroundings(lambda: (SECRET,), http, poll_seconds=0.02), registry)
        task = asyncio.create_task(webhooks.run())
        webhooks.tell(ended("s1"))
        await eventually(lambda: outcomes(registry)["failed"], "refused")
        await cancel([task])
    assert receiver.heard == []


async def test_neither_secrets_nor_queries_are_logged(receiver, http, caplog):
    receiver.status = lambda: 500
    async with running(http, Endpoint(receiver.url)) as (webhooks, registry):
        webhooks.tell(ended("s1"))
        await eventually(lambda: outcomes(registry)["failed"], "failed")
    written = json.dumps([vars(record) for record in caplog.records], default=str)
    assert "webhook not delivered" in written
    assert SECRET not in written
    assert "private" not in written


@given(st.integers(0, 600), st.integers(1, TRIES + 5), st.floats(0, 1, exclude_max=True))
def test_what_becomes_of_a_try(status, tries, jitter):
    outcome, again = after_try(status, tries, jitter)
    assert (again is None) == (outcome is not Outcome.FAILED)
    if 200 <= status < 300:
        assert outcome is Outcome.DELIVERED
    elif status == 410 or tries >= TRIES:
        assert outcome is Outcome.GIVEN_UP
    else:
        assert again is not None
        assert 3.75 <= again <= LONGEST * 1.25


def test_replicas_that_tell_the_same_tell_it_under_one_id():
    later = datetime(2027, 1, 15, 9, tzinfo=UTC)
    facts = SessionFacts("s1", "demo", instance="demo-1")
    for kind in EventType:
        assert event(kind, "fra", facts, AT).id == event(kind, "fra", facts, later).id
    ids: set[Any] = {event(kind, "fra", facts, AT).id for kind in EventType}
    assert len(ids) == len(EventType)
    second = msgspec.structs.replace(facts, instance="demo-2")
    assert event(EventType.STARTED, "fra", second, AT).id not in ids
