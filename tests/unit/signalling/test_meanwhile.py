"""What happens while an answer of the store's or the API server's is on its way."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from signalling.kubernetes.instances import Claim, claim_patch, instance_of
from signalling.matchmaker.neighbours import Neighbours, Rhythm
from signalling.matchmaker.queues import Keeping, Queues
from signalling.store.in_memory import MemoryStore
from signalling.store.interface import Place
from tests.unit.signalling.clients import Client, cut, eventually
from tests.unit.signalling.memory_cluster import as_pod
from tests.unit.signalling.stage import Stage, stream
from tests.unit.signalling.test_sessions import session_of, state
from tests.unit.signalling.without_front import Silence


class Gate:
    """One question that is held back on its way."""

    def __init__(self) -> None:
        self.reached, self.open = asyncio.Event(), asyncio.Event()


class SlowStore(MemoryStore):
    """The next question of a kind can be held back; those that come after it pass it."""

    def __init__(self) -> None:
        super().__init__()
        self._gates: dict[str, Gate] = {}

    def gate(self, kind: str) -> Gate:
        """For the next question of this kind."""
        self._gates[kind] = found = Gate()
        return found

    async def renewed(self) -> None:
        """Wait for a renewal that has begun from now on, and for what has come of the one before."""
        for _ in range(2):
            gate = self.gate("hold")
            await gate.reached.wait()
            gate.open.set()

    async def _come(self, kind: str) -> None:
        if (gate := self._gates.pop(kind, None)) is not None:
            gate.reached.set()
            await gate.open.wait()

    async def wait(self, *said: Any) -> frozenset[str]:
        await self._come("wait")
        return await super().wait(*said)

    async def hold(self, *said: Any) -> frozenset[str]:
        await self._come("hold")
        return await super().hold(*said)

    async def lease(self, *said: Any) -> Any:
        await self._come("lease")
        return await super().lease(*said)


class Claiming:
    """A claim of this instance, which the API server carries out when it is let."""

    def __init__(self, stage: Stage, name: str) -> None:
        self._stage, self._name = stage, name
        self._asked, self._let = asyncio.Event(), asyncio.Event()
        stage.cluster.before = self._before

    async def _before(self, operation: str, name: str) -> None:
        if (operation, name) == ("patch", self._name):
            self._asked.set()
            await self._let.wait()

    async def asked(self) -> None:
        await self._asked.wait()

    async def carried_out(self) -> None:
        self._stage.cluster.before = None
        self._let.set()
        await eventually(lambda: self._stage.labels(self._name)["app.pixel/pool"] == "session", "claimed")


# A player comes again while an instance is being claimed for it


async def lost_while_claimed(stage: Stage) -> tuple[Client, Client, Claiming]:
    """A player that the first matchmaker loses while it claims ``demo-1`` for it; with the streamer there."""
    player = await stage.opted()
    await state(player, "queued")
    claim = Claiming(stage, "demo-1")
    unreal = await stage.instance("demo-1")
    assert unreal is not None
    await claim.asked()
    cut(player.socket)
    await eventually(lambda: not stage.matchmakers[0].replica.connections, "lost")
    return player, unreal, claim


async def test_it_is_brought_to_the_instance_once(stage):
    """One connection takes over the other at the sidecar: of two of one player the page would be told to go."""
    stage.store = store = SlowStore()
    await stage.matchmaker(stranded_seconds=10.0)
    replica = stage.matchmakers[0].replica
    player, unreal, claim = await lost_while_claimed(stage)
    lease = store.gate("lease")
    again = await stage.resumed(player, fresh=True)
    await lease.reached.wait()
    await claim.carried_out()
    await eventually(lambda: replica.inventory.of_session(session_of(player)), "the claim is answered")
    lease.open.set()
    await again.expect("sessionTicket")
    await again.say("listStreamers")
    await stream(again, unreal)
    assert await again.silent()
    assert [session for _, session in stage.cluster.claims] == [session_of(player)]


async def test_it_gets_no_second_instance_where_the_claim_is_seen_before_it_waits(stage):
    for _ in range(2):
        await stage.matchmaker(stranded_seconds=10.0)
    second = stage.matchmakers[1].replica
    player, unreal, claim = await lost_while_claimed(stage)
    entering, let = asyncio.Event(), asyncio.Event()
    enter = second.sessions._its.admission.enter

    async def slowly(*who: Any, **more: Any) -> Any:
        entering.set()
        await let.wait()
        return await enter(*who, **more)

    second.sessions._its.admission.enter = slowly
    again = await stage.resumed(player, at=1, fresh=True)
    await entering.wait()
    await claim.carried_out()
    await eventually(lambda: second.inventory.of_session(session_of(player)), "the claim is seen")
    await stage.instance("demo-2")
    let.set()
    await again.expect("sessionTicket")
    await again.say("listStreamers")
    await stream(again, unreal)
    assert stage.labels("demo-2")["app.pixel/pool"] == "idle"


# Replicas tell the store again and again who is here


@pytest.mark.parametrize("kind", ["hold", "wait"])
async def test_a_renewal_that_is_late_ends_no_connection_that_came_after_it(stage, kind):
    stage.store = store = SlowStore()
    await stage.matchmaker()
    replica = stage.matchmakers[0].replica
    player = await stage.opted()
    await state(player, "queued")
    renewal = store.gate(kind)
    await renewal.reached.wait()
    cut(player.socket)
    await eventually(lambda: not replica.connections, "lost")
    again = await stage.resumed(player, fresh=True)
    await again.expect("sessionTicket")
    await again.say("listStreamers")
    await state(again, "queued")
    renewal.open.set()
    await store.renewed()
    await stream(again, await stage.instance("demo-1"))


async def test_a_connection_that_ends_before_it_has_its_lease_leaves_none_behind(stage):
    stage.store = store = SlowStore()
    await stage.matchmaker()
    replica = stage.matchmakers[0].replica
    lease = store.gate("lease")
    player = await stage.opted()
    await lease.reached.wait()
    cut(player.socket)
    await eventually(lambda: not replica.connections, "lost")
    lease.open.set()
    await eventually(lambda: not replica.sessions._tasks, "all is done")
    assert await store.leased(session_of(player)) is None
    await store.renewed()
    assert await store.leased(session_of(player)) is None


async def test_who_leaves_while_the_store_is_told_that_it_waits_stands_there_before_nobody():
    """Other replicas would leave the next instance to this one, where nobody wants it."""
    store = SlowStore()
    rhythm = Rhythm(presence=100.0, patience=60.0, settling=0.0)
    first, second = (Neighbours(store, name, rhythm) for name in ("r1", "r2"))
    second._live = frozenset({"r1", "r2"})
    mine, theirs = (Queues(["demo"], store, each, Keeping(30.0, 10.0, 600.0)) for each in (first, second))
    await mine.join("demo", Place("leaves", 1), 1)
    await theirs.join("demo", Place("waits", 2), 1)
    gate = store.gate("wait")
    renewal = asyncio.create_task(mine.renew())
    await gate.reached.wait()
    claimant = mine.leave("demo", "leaves", 1)
    assert claimant is not None
    leaving = asyncio.create_task(mine.forget("demo", claimant, keep=False))
    await asyncio.sleep(0)
    await eventually(lambda: not mine._leaving, "the store is told")
    gate.open.set()
    await asyncio.gather(renewal, leaving)
    assert await theirs.head("demo", 1, 1) == ["waits"]


async def test_an_instance_whose_claim_was_not_heard_of_ends_no_session_that_goes_on_elsewhere(stage, monkeypatch):
    """The answer to a claim was lost, and another instance was claimed for the same session."""
    ended: list[str] = []
    monkeypatch.setattr(Silence, "ended", lambda _, instance, *rest: ended.append(instance.name))
    await stage.matchmaker()
    unreal = await stage.instance("demo-2")
    player = await stage.opted()
    await stream(player, unreal)
    await stage.instance("demo-1")
    idle = instance_of(as_pod(stage.cluster.pods["demo-1"]))
    assert idle is not None
    before = Claim(session_of(player), session_of(player), "2026-01-01T00:00:00.000Z")
    await stage.cluster.patch_pod("demo-1", claim_patch(idle, before))
    await stage.gone("demo-1")
    assert ended == []
    await player.say("sessionEnd")
    await stage.gone("demo-2")
    assert ended == ["demo-2"]


# A client that swallows a cancellation, as Redis' does when it is cancelled while it closes a connection


class Swallowing(MemoryStore):
    """Its next sign of life is long on its way, and survives a first cancellation."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: asyncio.Event | None = None

    async def register(self, *said: Any) -> None:
        await super().register(*said)
        if self.asked is not None and not self.asked.is_set():
            self.asked.set()
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(60)


async def test_a_matchmaker_stops_all_the_same(stage):
    stage.store = store = Swallowing()
    await stage.matchmaker(presence_seconds=0.02)
    store.asked = asyncio.Event()
    await store.asked.wait()
    async with asyncio.timeout(10):
        await stage.matchmakers.pop().stop()
