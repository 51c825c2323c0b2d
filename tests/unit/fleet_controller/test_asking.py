"""What several matchmakers tell: the queue is their sum, also while one of them is silent; each session ends once."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientSession, web
from prometheus_client import generate_latest

from capacity.controller import asking
from capacity.controller.asking import BAD, ENDED, Matchmakers, Relays, samples, tallies
from capacity.controller.cluster import Tally
from capacity.controller.memory import kept, newly_ended
from signalling.kubernetes.instances import instance_of
from signalling.matchmaker.metrics import MatchmakerMetrics
from signalling.matchmaker.outcomes import Outcome
from signalling.shell import listening
from tests.unit.signalling.memory_cluster import as_pod, pod
from tests.unit.signalling.test_matchmaker_metrics import Nothing

FIRST, SECOND = "127.0.0.1", "127.0.0.2"


def test_what_a_matchmaker_counts_is_what_versions_are_compared_by() -> None:
    metrics = MatchmakerMetrics(["demo"], Nothing())
    instance = instance_of(as_pod(pod("demo-1", version="v2")))
    assert instance is not None
    for outcome, bad in ((Outcome.COMPLETED, True), (Outcome.INTERRUPTED, False), (Outcome.ABANDONED, False)):
        metrics.ended(instance, outcome, bad=bad)
    told = samples(generate_latest(metrics.registry).decode(), (ENDED, BAD))
    assert tallies(told)[1] == {"demo/v2": Tally(ended=2, failed=1, bad=1)}


@dataclass
class Desk:
    """Matchmakers on one port of several loopback addresses."""

    port: int = 0
    waiting: dict[str, dict[str, int]] = field(default_factory=dict)
    """By address; one that is not here does not answer."""
    ended: dict[str, int] = field(default_factory=dict)
    garbage: bytes = b""
    """In place of metrics."""
    started: int = 1
    known: list[str] = field(default_factory=lambda: [FIRST, SECOND])
    """The addresses that the Service names."""

    async def status(self, request: web.Request) -> web.Response:
        its = self.waiting.get(request.url.host or "")
        return web.json_response({"waiting": its}) if its is not None else web.Response(status=503)

    async def metrics(self, request: web.Request) -> web.Response:
        if self.garbage:
            return web.Response(body=self.garbage)
        labels = 'application="demo",version="1",outcome="completed"'
        count = self.ended.get(request.url.host or "")
        text = f"process_start_time_seconds {self.started}\npixel_sessions_ended_total{{{labels}}} {count}\n"
        return web.Response(text=text, status=503 if count is None else 200)


@pytest.fixture
async def desk(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    its = Desk()
    app = web.Application()
    app.router.add_get("/status", its.status)
    app.router.add_get("/metrics", its.metrics)
    runner = await listening.listen(app, FIRST, 0)
    its.port = listening.port_of(runner)
    await web.TCPSite(runner, SECOND, its.port).start()

    async def addresses(_host: str, port: int, **_more: Any) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        if not its.known:
            raise OSError("no such name")
        return [(2, 1, 6, "", (address, port)) for address in its.known]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", addresses)
    yield its
    await runner.cleanup()


@pytest.fixture
async def matchmakers(desk: Desk) -> AsyncIterator[Matchmakers]:
    async with ClientSession() as http:
        yield Matchmakers(http, f"http://matchmakers:{desk.port}")


async def test_the_queue_is_the_sum_of_what_each_tells(desk: Desk, matchmakers: Matchmakers) -> None:
    desk.waiting = {FIRST: {"demo": 2}, SECOND: {"demo": 1, "other": 3}}
    await matchmakers.ask_who_waits()
    assert (matchmakers.waiting, matchmakers.answered) == ({"demo": 3, "other": 3}, 2)


async def test_a_silent_matchmaker_hides_nobody_who_waits_at_another(
    desk: Desk, matchmakers: Matchmakers, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.waiting = {FIRST: {"demo": 2}, SECOND: {"demo": 1}}
    await matchmakers.ask_who_waits()
    desk.waiting = {FIRST: {"demo": 5}}
    await matchmakers.ask_who_waits()
    # Its own player stands as it was, for a while.
    assert (matchmakers.waiting, matchmakers.answered) == ({"demo": 6}, 1)
    monkeypatch.setattr(asking, "STALE_SECONDS", 0.05)
    await asyncio.sleep(0.06)
    await matchmakers.ask_who_waits()
    assert matchmakers.waiting == {"demo": 5}


async def test_players_of_a_matchmaker_that_is_gone_are_not_counted_twice(desk: Desk, matchmakers: Matchmakers) -> None:
    desk.waiting = {FIRST: {"demo": 2}, SECOND: {"demo": 1}}
    await matchmakers.ask_who_waits()
    desk.waiting, desk.known = {FIRST: {"demo": 3}}, [FIRST]
    await matchmakers.ask_who_waits()
    assert matchmakers.waiting == {"demo": 3}
    # But that no name can be looked up says nothing of players.
    desk.known = []
    await matchmakers.ask_who_waits()
    assert (matchmakers.waiting, matchmakers.answered) == ({"demo": 3}, 0)


async def test_matchmakers_that_come_and_go_for_months_are_not_counted_again(
    desk: Desk, matchmakers: Matchmakers
) -> None:
    """Each start of one is another that has counted; the session of each ends once, whatever is remembered."""
    before: dict[str, Any] = {}
    total = 0
    desk.ended = {FIRST: 1, SECOND: 1}
    for desk.started in range(50):
        await matchmakers.ask_what_ended()
        for _ in range(2):
            found = newly_ended(before, matchmakers.ended)
            total += found.get("demo", {}).get("1", Tally()).ended
            before = dict(kept(before, matchmakers.ended))
    assert total == 100
    assert len(before) < 50


@pytest.mark.parametrize(
    "garbage",
    [
        b"\xff\xfe",
        b"pixel_turn_allocations{\npixel_sessions_ended_total{",
        b"pixel_turn_allocations NaN\npixel_sessions_ended_total NaN\n",
        b"pixel_turn_allocations +Inf\npixel_sessions_ended_total +Inf\n",
    ],
)
async def test_who_tells_no_metrics_does_not_answer(desk: Desk, garbage: bytes) -> None:
    """Whatever it is, it does not end the asking, which nothing would begin again."""
    desk.garbage = garbage
    async with ClientSession() as http:
        matchmakers, relays = Matchmakers(http, f"http://matchmakers:{desk.port}"), Relays(http, desk.port)
        await matchmakers.ask_what_ended()
        await relays.ask({"turn-1": FIRST})
    assert sum(len(counts) for counts in matchmakers.ended.values()) == 0
    assert relays.relays == {}
